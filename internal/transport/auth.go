package transport

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"haprov/internal/file"
	"haprov/internal/secret"
)

// credentials are the keys offered in one login.
type credentials struct {
	files   []ssh.Signer
	agent   net.Conn // nil: none
	tried   []string // for the error
	skipped []string
}

// maxKey is how many bytes of a key file or a certificate are read; they have a few thousand.
const maxKey = 256 << 10

// usualKeys are tried when nobody names any.
var usualKeys = []string{"id_ed25519", "id_ecdsa", "id_rsa"}

func (t Target) credentials() (*credentials, error) {
	c := &credentials{}
	files, named := t.KeyFiles, true
	if len(files) == 0 {
		named = false
		home, _ := os.UserHomeDir()
		for _, k := range usualKeys {
			files = append(files, filepath.Join(home, ".ssh", k))
		}
	}
	for _, f := range files {
		text, err := file.Read(f, maxKey)
		if errors.Is(err, os.ErrNotExist) && !named {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("key file: %w", err)
		}
		if err := c.add(f, text, t.Passphrase); err != nil {
			return nil, err
		}
	}
	if sock := os.Getenv("SSH_AUTH_SOCK"); t.UseAgent && sock != "" {
		conn, err := net.Dial("unix", sock)
		if err != nil {
			c.skipped = append(c.skipped, "agent: "+err.Error())
		} else {
			c.agent = conn
		}
	}
	return c, nil
}

func (c *credentials) add(name string, text []byte, ask func(string) (secret.Text, error)) error {
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked) && locked.PublicKey == nil:
		return fmt.Errorf("key file %s: old encrypted format (rewrite it with ssh-keygen -p -f %s)", name, name)
	case errors.As(err, &locked) && ask == nil:
		c.skipped = append(c.skipped, name+" has a passphrase: load it into the agent with ssh-add")
		return nil
	case errors.As(err, &locked):
		signer = &lockedKey{pub: locked.PublicKey, open: func() (ssh.Signer, error) {
			pass, err := ask(name)
			if err != nil {
				return nil, err
			}
			secret.Learn(pass.Reveal())
			return ssh.ParsePrivateKeyWithPassphrase(text, []byte(pass.Reveal()))
		}}
	case err != nil:
		return fmt.Errorf("key file %s: %w", name, err)
	}
	c.tried = append(c.tried, name)
	if cert := certificate(name, signer); cert != nil {
		c.files = append(c.files, cert)
	}
	c.files = append(c.files, signer)
	return nil
}

// certificate is FILE-cert.pub's, when it is there and belongs to the key.
func certificate(name string, key ssh.Signer) ssh.Signer {
	text, err := file.Read(name+"-cert.pub", maxKey)
	if err != nil {
		return nil
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(text)
	cert, ok := pub.(*ssh.Certificate)
	if err != nil || !ok || !bytes.Equal(cert.Key.Marshal(), key.PublicKey().Marshal()) {
		return nil
	}
	s, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		return nil
	}
	return s
}

// signers are the files' keys, then the agent's others: servers count refused keys.
func (c *credentials) signers() ([]ssh.Signer, error) {
	all := append([]ssh.Signer(nil), c.files...)
	if c.agent == nil {
		return all, nil
	}
	more, err := agent.NewClient(c.agent).Signers()
	if err != nil {
		c.skipped = append(c.skipped, "agent: "+err.Error())
		return all, nil
	}
	c.tried = append(c.tried, fmt.Sprintf("%d of the agent", len(more)))
	return append(all, more...), nil
}

// until bounds what the agent may take: it may ask a person, or hang.
func (c *credentials) until(end time.Time) {
	if c.agent != nil {
		c.agent.SetDeadline(end)
	}
}

func (c *credentials) close() {
	if c.agent != nil {
		c.agent.Close()
	}
}

func (c *credentials) hint(user string) string {
	s := "tried as user " + user + " with "
	if len(c.tried) == 0 {
		s += "no key at all"
	} else {
		s += strings.Join(c.tried, ", ")
	}
	for _, k := range c.skipped {
		s += "; " + k
	}
	return s + "; is the public key in that user's authorized_keys?"
}

// lockedKey asks for its passphrase only once the host has said that it would take the key.
type lockedKey struct {
	pub  ssh.PublicKey
	open func() (ssh.Signer, error)
}

func (k *lockedKey) PublicKey() ssh.PublicKey { return k.pub }

func (k *lockedKey) Sign(r io.Reader, data []byte) (*ssh.Signature, error) {
	return k.SignWithAlgorithm(r, data, k.Algorithms()[0])
}

func (k *lockedKey) SignWithAlgorithm(_ io.Reader, data []byte, alg string) (*ssh.Signature, error) {
	s, err := k.open()
	if err != nil {
		return nil, err
	}
	as, ok := s.(ssh.AlgorithmSigner)
	if !ok {
		return s.Sign(rand.Reader, data)
	}
	return as.SignWithAlgorithm(rand.Reader, data, alg)
}

// Algorithms keeps SHA-1 signatures out.
func (k *lockedKey) Algorithms() []string {
	if k.pub.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{k.pub.Type()}
}
