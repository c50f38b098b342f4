package inventory

import "time"

// SecretSource is where a team keeps the secrets of an inventory. One of its fields is set.
type SecretSource struct {
	Age     *AgeFile
	Command *SecretCommand
	Vault   *Vault
}

// AgeFile is an encrypted file, which may not exist yet.
type AgeFile struct {
	Path       string
	Recipients []string // public keys, which were checked
}

// SecretCommand is a program that keeps secrets.
type SecretCommand struct {
	Run     []string // by its path from Dir, or to be found in PATH, and its first arguments
	Dir     string   // the inventory's folder
	Timeout time.Duration
}

// Vault is a server of HashiCorp Vault or OpenBao.
type Vault struct {
	Address, Mount, Path, Namespace string

	CA        string // a file in PEM; empty: the system's authorities
	TokenFile string // empty: the environment's token, or the one of its command-line client
}
