package store

import (
	"bytes"
	"errors"
	"fmt"
)

// header begins every file that age encrypted. No secret is mistaken for one: those that are drawn
// hold no such line.
const header = "age-encryption.org/v1\n"

// Unlock makes the store of a folder one of encrypted secrets: what is written is encrypted to the keys
// of an identity (ReadIdentity), what is read may be either. Commit encrypts what is still in the
// clear. It is called before the store is used; other sources have no use for it.
func (s *Store) Unlock(identity string) error {
	f, ok := s.from.(*folder)
	if !ok {
		return errors.ErrUnsupported
	}
	id, err := ReadIdentity(identity)
	if err == nil {
		f.identities, f.recipients = id.Keys, id.Recipients
	}
	return err
}

// seal encrypts when there is an identity.
func (f *folder) seal(text string) ([]byte, error) {
	if len(f.recipients) == 0 {
		return []byte(text), nil
	}
	return Seal([]byte(text), f.recipients)
}

// unseal gives a secret's text; clear says that its file was not encrypted. Errors hold nothing of
// the text.
func (f *folder) unseal(file string, b []byte) (text string, clear bool, err error) {
	if !bytes.HasPrefix(b, []byte(header)) {
		return string(b), true, nil
	}
	if len(f.identities) == 0 {
		return "", false, fmt.Errorf("%s is encrypted: say with HAPROV_IDENTITY where the age identity is", file)
	}
	plain, err := Unseal(file, bytes.NewReader(b), f.identities, MaxSecret)
	if err == nil && len(plain) == 0 {
		err = fmt.Errorf("%s has 0 bytes: a secret has at least one", file)
	}
	return string(plain), false, err
}
