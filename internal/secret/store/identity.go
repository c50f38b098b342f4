package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"haprov/internal/file"
	"haprov/internal/secret"
)

// Identity is what an operator decrypts with, and the recipients that belong to it.
type Identity struct {
	Keys       []age.Identity
	Recipients []age.Recipient
}

// ReadIdentity reads an identity: the file of age-keygen, or an SSH private key (Ed25519 or RSA) without
// passphrase, which belongs to the caller alone; or, in place of a path, the text of age keys itself.
// Errors hold nothing of a key.
func ReadIdentity(from string) (Identity, error) {
	if isKey(from) {
		secret.Learn(from)
		id, err := parseIdentity([]byte(from))
		if err != nil {
			return Identity{}, errors.New("age identity: the text given is no key made by age-keygen")
		}
		return id, nil
	}
	text, err := file.ReadPrivate(from, MaxSecret)
	if err != nil {
		return Identity{}, fmt.Errorf("age identity: %w", err)
	}
	id, err := parseIdentity(text)
	if err != nil {
		return Identity{}, fmt.Errorf("age identity: %s %w", from, err)
	}
	return id, nil
}

// isKey tells a key from the path of one.
func isKey(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "AGE-SECRET-KEY-") || strings.HasPrefix(s, "# created: ")
}

func parseIdentity(text []byte) (Identity, error) {
	if bytes.Contains(text, []byte("PRIVATE KEY-----")) {
		return parseSSH(text)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return Identity{}, errors.New("holds no key made by age-keygen, and no SSH private key")
	}
	out := Identity{Keys: ids}
	for _, id := range ids {
		switch id := id.(type) {
		case *age.X25519Identity:
			out.Recipients = append(out.Recipients, id.Recipient())
		case *age.HybridIdentity:
			out.Recipients = append(out.Recipients, id.Recipient())
		default:
			return Identity{}, fmt.Errorf("has a key of a kind that nothing can be encrypted to: %T", id)
		}
	}
	return out, nil
}

func parseSSH(text []byte) (Identity, error) {
	id, err := agessh.ParseIdentity(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return Identity{}, errors.New("has a passphrase, which is not asked for: make a key with age-keygen")
	}
	switch id := id.(type) {
	case *agessh.Ed25519Identity:
		return Identity{[]age.Identity{id}, []age.Recipient{id.Recipient()}}, nil
	case *agessh.RSAIdentity:
		return Identity{[]age.Identity{id}, []age.Recipient{id.Recipient()}}, nil
	}
	return Identity{}, errors.New("is an SSH key that age cannot use: expected Ed25519 or RSA")
}

// ParseRecipient reads what age-keygen prints as the public key, or the line of an SSH public key.
func ParseRecipient(text string) (age.Recipient, error) {
	var r age.Recipient
	var err error
	switch {
	case strings.HasPrefix(text, "ssh-"):
		r, err = agessh.ParseRecipient(text)
	case strings.HasPrefix(text, "age1pq1"):
		r, err = age.ParseHybridRecipient(text)
	case isKey(text):
		return nil, errors.New("a private key: expected the public one, which age-keygen -y prints")
	default:
		r, err = age.ParseX25519Recipient(text)
	}
	if err != nil {
		return nil, errors.New("neither a public key of age-keygen (age1...) nor one of SSH (ssh-ed25519 or ssh-rsa)")
	}
	return r, nil
}

// Seal encrypts to recipients.
func Seal(text []byte, to []age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err == nil {
		_, err = w.Write(text)
		err = errors.Join(err, w.Close())
	}
	return out.Bytes(), err
}

// Unseal decrypts what Seal made of at most limit bytes. The file is for errors, which hold nothing of
// the text.
func Unseal(file string, from io.Reader, keys []age.Identity, limit int64) ([]byte, error) {
	r, err := age.Decrypt(from, keys...)
	var other *age.NoIdentityMatchError
	switch {
	case errors.As(err, &other):
		return nil, fmt.Errorf("%s is encrypted to another age identity", file)
	case err != nil:
		return nil, fmt.Errorf("%s is damaged: %w", file, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is damaged: %w", file, err)
	case int64(len(plain)) > limit:
		return nil, fmt.Errorf("%s holds more than %d bytes", file, limit)
	}
	return plain, nil
}
