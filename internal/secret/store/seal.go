package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"haprov/internal/file"
)

// header begins every file that age encrypted. No secret is mistaken for one: those that are drawn
// hold no such line.
const header = "age-encryption.org/v1\n"

// Unlock makes the store one of encrypted secrets: what is written is encrypted to the identities
// of an age key file (age-keygen), what is read may be either. Commit encrypts what is still in the
// clear. The file must belong to the caller alone. A passphrase on the key file is not supported.
func (s *Store) Unlock(keyFile string) error {
	text, err := file.ReadPrivate(keyFile, maxSecret)
	if err != nil {
		return fmt.Errorf("age identity: %w", err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("age identity: %s holds no key made by age-keygen: %w", keyFile, err)
	}
	var to []age.Recipient
	for _, id := range ids {
		switch id := id.(type) {
		case *age.X25519Identity:
			to = append(to, id.Recipient())
		case *age.HybridIdentity:
			to = append(to, id.Recipient())
		default:
			return fmt.Errorf("age identity: %s: nothing can be encrypted to a %T", keyFile, id)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identities, s.recipients = ids, to
	return nil
}

// seal encrypts when there is an identity.
func (s *Store) seal(text string) ([]byte, error) {
	if len(s.recipients) == 0 {
		return []byte(text), nil
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, s.recipients...)
	if err == nil {
		_, err = io.WriteString(w, text)
		err = errors.Join(err, w.Close())
	}
	return out.Bytes(), err
}

// unseal gives a secret's text; clear says that its file was not encrypted. Errors hold nothing of
// the text.
func (s *Store) unseal(file string, b []byte) (text string, clear bool, err error) {
	if !bytes.HasPrefix(b, []byte(header)) {
		return string(b), true, nil
	}
	if len(s.identities) == 0 {
		return "", false, fmt.Errorf("%s is encrypted: say with HAPROV_IDENTITY where the age identity is", file)
	}
	r, err := age.Decrypt(bytes.NewReader(b), s.identities...)
	var other *age.NoIdentityMatchError
	switch {
	case errors.As(err, &other):
		return "", false, fmt.Errorf("%s is encrypted to another age identity", file)
	case err != nil:
		return "", false, fmt.Errorf("%s is damaged: %w", file, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	switch {
	case err != nil:
		return "", false, fmt.Errorf("%s is damaged: %w", file, err)
	case len(plain) == 0 || len(plain) > maxSecret:
		return "", false, fmt.Errorf("%s has %d bytes: a secret has at least one and at most %d", file, len(plain), maxSecret)
	}
	return string(plain), false, nil
}
