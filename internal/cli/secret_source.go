package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haprov/internal/config"
	"haprov/internal/file"
	"haprov/internal/inventory"
	"haprov/internal/secret"
	"haprov/internal/secret/store"
	"haprov/internal/secret/store/agefile"
	"haprov/internal/secret/store/command"
	"haprov/internal/secret/store/vault"
)

// identity says where the age identity is: HAPROV_IDENTITY, or a file in the state folder; "" is none.
func identity(root string) string {
	if from := os.Getenv("HAPROV_IDENTITY"); from != "" {
		return from
	}
	path := filepath.Join(root, "identity")
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// shared opens where the inventory says that its secrets are, once: what a rotation has prepared stays when
// the program is read again.
func (j *job) shared(s inventory.SecretSource) (config.Secrets, error) {
	if j.secrets != j.local {
		return j.secrets, nil
	}
	from, err := openSource(s)
	if err != nil {
		return nil, err
	}
	j.secrets = store.New(from)
	return j.secrets, nil
}

func openSource(s inventory.SecretSource) (store.Source, error) {
	switch {
	case s.Age != nil:
		return openAge(*s.Age)
	case s.Command != nil:
		dir, err := filepath.Abs(s.Command.Dir)
		if err != nil {
			return nil, err
		}
		return command.Open(command.Options{Run: s.Command.Run, Dir: dir, Timeout: s.Command.Timeout})
	}
	return openVault(*s.Vault)
}

func openAge(s inventory.AgeFile) (store.Source, error) {
	root, err := stateFolder()
	if err != nil {
		return nil, err
	}
	o := agefile.Options{Path: s.Path, Recipients: s.Recipients}
	if o.Path, err = filepath.Abs(o.Path); err != nil {
		return nil, err
	}
	from := identity(root)
	if from == "" {
		path := filepath.Join(root, "identity")
		o.NoIdentity = fmt.Sprintf("make one (age-keygen -o %s) and have its public key added to recipients by somebody who can read the file (haprov secret reencrypt), or name one you have with HAPROV_IDENTITY", path)
	} else if o.Identity, err = store.ReadIdentity(from); err != nil {
		return nil, err
	}
	return agefile.Open(o)
}

// maxToken and maxCA bound what is read for Vault, in bytes.
const (
	maxToken = 16 << 10
	maxCA    = 1 << 20
)

func openVault(s inventory.Vault) (store.Source, error) {
	o := vault.Options{Address: s.Address, Mount: s.Mount, Path: s.Path, Namespace: s.Namespace}
	if s.CA != "" {
		ca, err := file.Read(s.CA, maxCA)
		if err != nil {
			return nil, fmt.Errorf("ca of vault: %w", err)
		}
		o.CA = string(ca)
	}
	token, err := vaultToken(s)
	if err != nil {
		return nil, err
	}
	o.Token = token
	return vault.Open(o)
}

// vaultToken is the operator's: of the file that the inventory names, else as the command-line clients of
// Vault and OpenBao have it.
func vaultToken(s inventory.Vault) (secret.Text, error) {
	path := s.TokenFile
	if path == "" {
		for _, name := range []string{"VAULT_TOKEN", "BAO_TOKEN"} {
			if t := os.Getenv(name); t != "" {
				return secret.Sensitive(t), nil
			}
		}
		home, err := os.UserHomeDir()
		if err != nil {
			return secret.Text{}, err
		}
		path = filepath.Join(home, ".vault-token")
	}
	text, err := file.ReadPrivate(path, maxToken)
	if errors.Is(err, fs.ErrNotExist) {
		return secret.Text{}, fmt.Errorf("there is no token for %s: log in (vault login, or bao login), which writes ~/.vault-token, or set VAULT_TOKEN", s.Address)
	}
	if err != nil {
		return secret.Text{}, fmt.Errorf("token of vault: %w", err)
	}
	return secret.Sensitive(strings.TrimSpace(string(text))), nil
}

// commit keeps what was generated, before the first change of a host.
func (j *job) commit() error {
	if err := j.unmigrated(); err != nil {
		return err
	}
	return j.secrets.Commit()
}

// here tells whether this machine has a secret that is to be elsewhere.
func (j *job) here(n named) bool {
	if j.secrets == j.local {
		return false
	}
	_, err := j.local.Show(n.owner, n.name)
	return !errors.Is(err, fs.ErrNotExist)
}

// unmigrated refuses to generate what is stored on this machine, when the inventory has come to say that
// its secrets are elsewhere: hosts have those of this machine.
func (j *job) unmigrated() error {
	var left []string
	for _, drawn := range j.secrets.Drawn() {
		owner, name, _ := strings.Cut(drawn, "/")
		if n := (named{owner, name}); j.here(n) {
			left = append(left, n.String())
		}
	}
	if len(left) == 0 {
		return nil
	}
	return errInput{fmt.Sprintf("stored on this machine, and not where the inventory has its secrets: %s; bring them there: haprov secret migrate%s", strings.Join(left, ", "), j.flags())}
}
