// Package sshkey makes keys for SSH logins that are kept as secrets.
package sshkey

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"
)

// New draws an Ed25519 key and gives it in OpenSSH's own format, without a passphrase. Each call gives
// another one.
func New(comment string) (string, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(key, comment)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(block)), nil
}

// Public is the public half of a key, as authorized_keys writes it, without a comment. The error
// says nothing of the key.
func Public(private string) (string, error) {
	signer, err := ssh.ParsePrivateKey([]byte(private))
	if err != nil {
		return "", errors.New("it is not a private key in OpenSSH's format without a passphrase")
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), nil
}
