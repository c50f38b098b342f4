package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"filippo.io/age"

	"haprov/internal/file"
	"haprov/internal/secret"
)

// folder is the source of one machine: a file each, 0600, in a folder an owner, 0700.
type folder struct {
	dir        string
	identities []age.Identity
	recipients []age.Recipient

	mu    sync.Mutex
	clear map[string]bool // by "owner/name": read in the clear, though there is an identity
}

func openFolder(dir string) (*folder, error) {
	if err := file.Folder(dir); err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others: chmod 700 %s", dir, dir)
	}
	return &folder{dir: dir, clear: map[string]bool{}}, nil
}

func (f *folder) path(owner, name string) (string, error) {
	if err := named(owner, name); err != nil {
		return "", err
	}
	return filepath.Join(f.dir, owner, name), nil
}

// sealed is how long the file of a secret may be.
const sealed = MaxSecret + MaxSecret/1024 + 64<<10

// Read also notes what is to be encrypted.
func (f *folder) Read(owner, name string) (secret.Text, error) {
	t, clear, err := f.read(owner, name)
	if err == nil && clear && len(f.recipients) > 0 {
		f.outdated(owner, name, true)
	}
	return t, err
}

// read gives a secret byte for byte; clear says that its file is not encrypted.
func (f *folder) read(owner, name string) (t secret.Text, clear bool, err error) {
	p, err := f.path(owner, name)
	if err != nil {
		return secret.Text{}, false, err
	}
	if err := file.Folder(filepath.Dir(p)); err != nil {
		return secret.Text{}, false, err
	}
	b, err := file.ReadPrivate(p, sealed)
	switch {
	case errors.Is(err, file.ErrTooLarge):
		return secret.Text{}, false, fmt.Errorf("%w (a secret has at most %d)", err, MaxSecret)
	case err != nil:
		return secret.Text{}, false, err
	case len(b) == 0:
		return secret.Text{}, false, fmt.Errorf("%s has 0 bytes: a secret has at least one", p)
	}
	text, clear, err := f.unseal(p, b)
	return secret.Sensitive(text), clear, err
}

func (f *folder) outdated(owner, name string, is bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if key := owner + "/" + name; is {
		f.clear[key] = true
	} else {
		delete(f.clear, key)
	}
}

func (f *folder) Create(owner, name string, t secret.Text) error {
	return f.place(owner, name, t, os.Link)
}

func (f *folder) Replace(owner, name string, old *secret.Text, t secret.Text) error {
	if old == nil {
		return f.place(owner, name, t, os.Rename)
	}
	unlock, err := Lock(filepath.Join(f.dir, owner), FileWait)
	if err != nil {
		return err
	}
	defer unlock()
	now, _, err := f.read(owner, name)
	if err == nil && now.Reveal() != old.Reveal() {
		err = ErrChanged
	}
	if err != nil {
		return err
	}
	return f.place(owner, name, t, os.Rename)
}

// Refresh encrypts what was read in the clear.
func (f *folder) Refresh() error {
	f.mu.Lock()
	var keys []string
	for key := range f.clear {
		keys = append(keys, key)
	}
	f.mu.Unlock()
	for _, key := range keys {
		owner, name, _ := strings.Cut(key, "/")
		t, _, err := f.read(owner, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = f.Replace(owner, name, &t, t)
		}
		if err != nil && !errors.Is(err, ErrChanged) { // whoever changed it has encrypted it
			return err
		}
	}
	return nil
}

func (f *folder) Remove(owner, name string) error {
	p, err := f.path(owner, name)
	if err != nil {
		return err
	}
	err = os.Remove(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.outdated(owner, name, false)
	return syncDir(p)
}

func (f *folder) List(owner string) (out []string, err error) {
	dir := filepath.Join(f.dir, owner)
	if err := file.Folder(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if GoodName(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out, err
}

// place writes a secret beside its place and lets put bring it there.
func (f *folder) place(owner, name string, t secret.Text, put func(from, to string) error) error {
	p, err := f.path(owner, name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return err
	}
	if err := file.Folder(filepath.Dir(p)); err != nil {
		return err
	}
	beside, err := f.beside(p, t)
	if err != nil {
		return err
	}
	defer os.Remove(beside)
	if err := put(beside, p); err != nil {
		return err
	}
	f.outdated(owner, name, false)
	return syncDir(p)
}

// beside writes a secret into a file of its own in the same folder.
func (f *folder) beside(p string, t secret.Text) (string, error) {
	b, err := f.seal(t.Reveal())
	if err != nil {
		return "", err
	}
	to, err := os.CreateTemp(filepath.Dir(p), ".new-*")
	if err != nil {
		return "", err
	}
	_, err = to.Write(b)
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		os.Remove(to.Name())
		return "", err
	}
	return to.Name(), nil
}

func syncDir(p string) error {
	d, err := os.Open(filepath.Dir(p))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
