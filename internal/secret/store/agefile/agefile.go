// Package agefile keeps secrets in one age-encrypted file, which a team has in its repository.
//
// The file is ASCII-armored and holds all secrets of all owners, and to whom it is encrypted. Each write
// reads it again under a lock, checks, encrypts it as a whole to the recipients of now, and renames it into
// its place. It knows one checkout: what others pushed is there after a pull. It must not know git,
// inventories or recipes.
package agefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/armor"

	"haprov/internal/file"
	"haprov/internal/secret"
	"haprov/internal/secret/store"
)

// maxFile is how many bytes the file may have, encrypted or not.
const maxFile = 16 << 20

// Options of a file.
type Options struct {
	Path       string
	Recipients []string // public keys of age or SSH: who is to read the file
	// Identity is what this operator decrypts with. Without one an existing file cannot be read; NoIdentity
	// says then what to do.
	Identity   store.Identity
	NoIdentity string
}

// File is a store.Source. It may be used from several goroutines and by several processes of a machine.
type File struct {
	path  string
	names []string // the recipients as written, sorted, without comments
	to    []age.Recipient
	keys  []age.Identity
	none  string

	mu       sync.Mutex
	outdated bool // read with other recipients
}

// Open checks the recipients. Nothing is read.
func Open(o Options) (*File, error) {
	f := &File{path: o.Path, keys: o.Identity.Keys, none: o.NoIdentity}
	for _, text := range o.Recipients {
		r, err := store.ParseRecipient(text)
		if err != nil {
			return nil, err
		}
		f.to = append(f.to, r)
		// The comment of an SSH key tells nothing.
		if words := strings.Fields(text); len(words) > 2 {
			text = strings.Join(words[:2], " ")
		}
		f.names = append(f.names, strings.TrimSpace(text))
	}
	slices.Sort(f.names)
	f.names = slices.Compact(f.names)
	if _, err := store.Seal(nil, f.to); err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	return f, nil
}

// content is what the file holds, as JSON.
type content struct {
	Version    int                          `json:"version"`
	Recipients []string                     `json:"recipients"` // to whom it is encrypted
	Secrets    map[string]map[string]string `json:"secrets"`    // by owner and name
}

const version = 1

// read gives what the file holds; nothing when there is no file.
func (f *File) read() (content, error) {
	c := content{Version: version, Secrets: map[string]map[string]string{}}
	b, err := file.Read(f.path, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case err != nil:
		return c, fmt.Errorf("%w: %w", err, store.ErrUnavailable)
	}
	if c, err = f.parse(b); err != nil {
		return c, fmt.Errorf("%w: %w", err, store.ErrUnavailable)
	}
	f.mu.Lock()
	f.outdated = !slices.Equal(c.Recipients, f.names)
	f.mu.Unlock()
	return c, nil
}

func (f *File) parse(b []byte) (c content, err error) {
	switch {
	case bytes.Contains(b, []byte("\n<<<<<<< ")) || bytes.HasPrefix(b, []byte("<<<<<<< ")):
		return c, fmt.Errorf("%s holds a merge conflict: take one side as a whole (git checkout --ours or --theirs), then add what the other one has by haprov secret adopt", f.path)
	case len(f.keys) == 0:
		return c, fmt.Errorf("%s is encrypted, and there is no age identity: %s", f.path, f.none)
	}
	var from io.Reader = bytes.NewReader(b)
	if bytes.HasPrefix(b, []byte(armor.Header)) {
		from = armor.NewReader(from)
	}
	plain, err := store.Unseal(f.path, from, f.keys, maxFile)
	if err != nil {
		return c, err
	}
	// What encoding/json says of a text may hold a piece of it.
	if json.Unmarshal(plain, &c) != nil {
		return c, fmt.Errorf("%s does not hold secrets of haprov", f.path)
	}
	if c.Version != version {
		return c, fmt.Errorf("%s has version %d, expected %d: a newer haprov wrote it", f.path, c.Version, version)
	}
	for owner, names := range c.Secrets {
		for name, value := range names {
			if !store.GoodName(owner) || !store.GoodName(name) || value == "" || len(value) > store.MaxSecret {
				return c, fmt.Errorf("%s: %q of %q is not a secret: expected a name of letters, digits, - and _, and 1 to %d bytes", f.path, name, owner, store.MaxSecret)
			}
		}
	}
	if c.Secrets == nil {
		c.Secrets = map[string]map[string]string{}
	}
	return c, nil
}

// write puts a file with other content in the place of the one there.
func (f *File) write(c content) error {
	c.Recipients = f.names
	plain, err := json.MarshalIndent(c, "", "  ") // in the order of names
	if err != nil {
		return err
	}
	if len(plain) > maxFile {
		return fmt.Errorf("%s would hold %d bytes, at most %d", f.path, len(plain), maxFile)
	}
	sealed, err := store.Seal(append(plain, '\n'), f.to)
	if err != nil {
		return err
	}
	if len(f.keys) == 0 {
		return fmt.Errorf("%s could not be read again, since there is no age identity: %s", f.path, f.none)
	}
	if _, err := store.Unseal(f.path, bytes.NewReader(sealed), f.keys, maxFile); err != nil {
		return fmt.Errorf("%s would be encrypted to others only: the recipients lack your own public key, which age-keygen -y prints", f.path)
	}
	var text bytes.Buffer
	w := armor.NewWriter(&text)
	_, err = w.Write(sealed)
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	if err := place(f.path, append(text.Bytes(), '\n')); err != nil {
		return err
	}
	f.mu.Lock()
	f.outdated = false
	f.mu.Unlock()
	return nil
}

// place writes a file beside its place and renames it. What a link leads to is replaced, not the link. A
// new file may be read by others: it is encrypted, and a checkout may be shared.
func place(path string, b []byte) error {
	mode := fs.FileMode(0o644)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	to, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name())
	_, err = to.Write(b)
	if err = errors.Join(err, to.Chmod(mode), to.Sync(), to.Close()); err != nil {
		return err
	}
	if err := os.Rename(to.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// change reads the file, lets with change what it holds, and writes it, with no other process of this
// machine in between.
func (f *File) change(with func(content) (write bool, err error)) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	unlock, err := store.Lock(filepath.Dir(f.path), store.FileWait)
	if err != nil {
		return err
	}
	defer unlock()
	c, err := f.read()
	if err != nil {
		return err
	}
	write, err := with(c)
	if err != nil || !write {
		return err
	}
	return f.write(c)
}

// Read gives one secret.
func (f *File) Read(owner, name string) (secret.Text, error) {
	c, err := f.read()
	if err != nil {
		return secret.Text{}, err
	}
	value, ok := c.Secrets[owner][name]
	if !ok {
		return secret.Text{}, fmt.Errorf("%s: secret %s of %s: %w", f.path, name, owner, fs.ErrNotExist)
	}
	return secret.Sensitive(value), nil
}

func (c content) set(owner, name string, t secret.Text) error {
	if !utf8.ValidString(t.Reveal()) {
		return fmt.Errorf("secret %s of %s is not text in UTF-8, which the file cannot hold", name, owner)
	}
	if c.Secrets[owner] == nil {
		c.Secrets[owner] = map[string]string{}
	}
	c.Secrets[owner][name] = t.Reveal()
	return nil
}

// Create adds a secret.
func (f *File) Create(owner, name string, t secret.Text) error {
	return f.change(func(c content) (bool, error) {
		if _, ok := c.Secrets[owner][name]; ok {
			return false, fs.ErrExist
		}
		return true, c.set(owner, name, t)
	})
}

// Replace stores another value.
func (f *File) Replace(owner, name string, old *secret.Text, t secret.Text) error {
	return f.change(func(c content) (bool, error) {
		now, ok := c.Secrets[owner][name]
		switch {
		case old != nil && !ok:
			return false, fs.ErrNotExist
		case old != nil && now != old.Reveal():
			return false, store.ErrChanged
		}
		return true, c.set(owner, name, t)
	})
}

// Remove takes a secret out.
func (f *File) Remove(owner, name string) error {
	return f.change(func(c content) (bool, error) {
		if _, ok := c.Secrets[owner][name]; !ok {
			return false, nil
		}
		delete(c.Secrets[owner], name)
		if len(c.Secrets[owner]) == 0 {
			delete(c.Secrets, owner)
		}
		return true, nil
	})
}

// List names an owner's secrets.
func (f *File) List(owner string) ([]string, error) {
	c, err := f.read()
	return slices.Sorted(maps.Keys(c.Secrets[owner])), err
}

// Refresh encrypts the file to the recipients of now, when those it was read with were others.
func (f *File) Refresh() error {
	f.mu.Lock()
	outdated := f.outdated
	f.mu.Unlock()
	if !outdated {
		return nil
	}
	return f.change(func(c content) (bool, error) { return !slices.Equal(c.Recipients, f.names), nil })
}
