package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haprov/internal/file"
	"haprov/internal/secret"
)

const maxSecret = 1 << 20

func (s *Store) path(cluster, name string) (string, error) {
	if !goodName.MatchString(cluster) || !goodName.MatchString(strings.TrimSuffix(name, former)) {
		return "", fmt.Errorf("%q of %q is not a name of a secret", name, cluster)
	}
	return filepath.Join(s.dir, cluster, name), nil
}

// sealed is how long the file of a secret may be.
const sealed = maxSecret + maxSecret/1024 + 64<<10

// read gives a secret byte for byte; clear says that its file is not encrypted.
func (s *Store) read(cluster, name string) (t secret.Text, clear bool, err error) {
	p, err := s.path(cluster, name)
	if err != nil {
		return secret.Text{}, false, err
	}
	if err := file.Folder(filepath.Dir(p)); err != nil {
		return secret.Text{}, false, err
	}
	b, err := file.ReadPrivate(p, sealed)
	switch {
	case errors.Is(err, file.ErrTooLarge):
		return secret.Text{}, false, fmt.Errorf("%w (a secret has at most %d)", err, maxSecret)
	case err != nil:
		return secret.Text{}, false, err
	case len(b) == 0:
		return secret.Text{}, false, fmt.Errorf("%s has 0 bytes: a secret has at least one", p)
	}
	text, clear, err := s.unseal(p, b)
	return secret.Sensitive(text), clear, err
}

// write makes a secret's file as a whole, and refuses when there is one.
func (s *Store) write(cluster, name string, t secret.Text) error {
	err := s.place(cluster, name, t, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("secret %s of %s was made by another run meanwhile: run again", name, cluster)
	}
	return err
}

// replace writes a secret, in place of the file that there may be.
func (s *Store) replace(cluster, name string, t secret.Text) error {
	return s.place(cluster, name, t, os.Rename)
}

// place writes a secret beside its place and lets put bring it there.
func (s *Store) place(cluster, name string, t secret.Text, put func(from, to string) error) error {
	p, err := s.path(cluster, name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return err
	}
	if err := file.Folder(filepath.Dir(p)); err != nil {
		return err
	}
	beside, err := s.beside(p, t)
	if err != nil {
		return err
	}
	defer os.Remove(beside)
	if err := put(beside, p); err != nil {
		return err
	}
	return syncDir(p)
}

// beside writes a secret into a file of its own in the same folder.
func (s *Store) beside(p string, t secret.Text) (string, error) {
	b, err := s.seal(t.Reveal())
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(p), ".new-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func syncDir(p string) error {
	d, err := os.Open(filepath.Dir(p))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
