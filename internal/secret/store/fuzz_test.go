package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"haprov/internal/secret/store"
)

// The file of a secret is a text, encrypted or not; whatever it holds, it is given back whole or refused.
func FuzzSecretFile(f *testing.F) {
	home := f.TempDir()
	dir, key := filepath.Join(home, "secrets"), filepath.Join(home, "key")
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(key, []byte(id.String()), 0o600); err != nil {
		f.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "shop"), 0o700); err != nil {
		f.Fatal(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, id.Recipient())
	if err != nil {
		f.Fatal(err)
	}
	w.Write([]byte("secret"))
	w.Close()
	f.Add(sealed.Bytes())
	f.Add([]byte("secret"))
	f.Add([]byte("age-encryption.org/v1\n-> X25519 a\nb\n--- c\n"))
	s, err := store.Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Unlock(key); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, "shop", "app"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := s.Show("shop", "app")
		if err == nil && !bytes.HasPrefix(text, []byte("age-encryption.org/v1\n")) && got.Reveal() != string(text) {
			t.Errorf("%q became %q", text, got.Reveal())
		}
	})
}
