// Package store gives the secrets of clusters, and generates those that do not exist.
//
// A secret that is asked for and does not exist is drawn at once and kept in memory; Commit writes
// what was drawn, before the first action of a run, and replaces nothing but what Rotate and Renew were
// asked for. So planning leaves nothing behind. Where the values are is a Source: Open takes the folder of
// this machine, whose files are in the clear unless there is an age identity (Unlock); packages below
// have those that operators share. It must not know recipes.
package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"haprov/internal/secret"
)

// DefaultLength is how many characters a secret has when the recipe does not say; each is one of
// 62, so that it needs no quoting anywhere.
const DefaultLength = 32

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Store is the secrets of a source, with what this process has drawn. It may be used from several
// goroutines.
type Store struct {
	from  Source
	mu    sync.Mutex
	has   map[string]secret.Text // by "cluster/name"
	new   map[string]bool        // drawn here, not written yet
	drawn []string               // keys in the order in which they were drawn
	err   error

	rotated map[string]secret.Text // by "cluster/name": the former value of what Commit replaces
	renewed map[string]secret.Text // the same for Renew
	ended   map[string]bool        // by "cluster/name": whose former value Commit removes
	formers map[string]formerValue // what the source said
}

// Open is the store of a folder. The folder need not exist; one that others can read, or that belongs to
// somebody else, is an error.
func Open(dir string) (*Store, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	return New(f), nil
}

// New is the store of a source.
func New(from Source) *Store {
	return &Store{from: from, has: map[string]secret.Text{}, new: map[string]bool{}, rotated: map[string]secret.Text{}, renewed: map[string]secret.Text{}, ended: map[string]bool{}, formers: map[string]formerValue{}}
}

// read asks the source for a value.
func (s *Store) read(cluster, name string) (secret.Text, error) {
	if err := named(cluster, name); err != nil {
		return secret.Text{}, err
	}
	return s.from.Read(cluster, name)
}

// Get gives a cluster's secret, and whether it exists already. One that does not is drawn with
// length characters (0: DefaultLength), the same at every call, and kept by Commit. A store that
// cannot be read gives a drawn value too; Commit then fails with the reason.
func (s *Store) Get(cluster, name string, length int) (secret.Text, bool) {
	t, exists, _ := s.Make(cluster, name, func() (string, error) { return draw(length), nil })
	return t, exists
}

// Make is Get for a secret that is made otherwise than by chance. An error is make's own.
func (s *Store) Make(cluster, name string, make func() (string, error)) (secret.Text, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := cluster + "/" + name
	if t, ok := s.has[key]; ok {
		return t, !s.new[key], nil
	}
	if s.err == nil { // else nothing is written any more, and a source that hangs is asked once
		t, err := s.read(cluster, name)
		if err == nil {
			s.has[key] = t
			return t, true, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			s.err = err
		}
	}
	text, err := make()
	if err != nil {
		return secret.Text{}, false, err
	}
	t := secret.Sensitive(text)
	s.has[key], s.new[key] = t, true
	s.drawn = append(s.drawn, key)
	return t, false, nil
}

// Err is why a secret that is there could not be read. What was drawn in its place must not be used.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Show reads a secret that exists; fs.ErrNotExist when it does not.
func (s *Store) Show(cluster, name string) (secret.Text, error) {
	return s.read(cluster, name)
}

// Drawn names the secrets that Commit would write: "cluster/name", sorted.
func (s *Store) Drawn() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.new {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Commit writes what was drawn, and has the source refresh what is stored in an outdated form, as in
// the clear when there is an identity by now. It may be called again. A secret that somebody else wrote in the
// meantime is an error: run again, and theirs is used.
func (s *Store) Commit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	// In the order of drawing: a certificate is drawn after the authority that signed it. When the disk
	// is full in between, what is there is good, and the next run makes the rest by it.
	for _, key := range s.drawn {
		if !s.new[key] {
			continue
		}
		cluster, name, _ := strings.Cut(key, "/")
		if err := s.create(cluster, name, s.has[key]); err != nil {
			return err
		}
		delete(s.new, key)
	}
	for _, keys := range []iter.Seq[string]{maps.Keys(s.rotated), maps.Keys(s.ended)} {
		for key := range keys {
			cluster, name, _ := strings.Cut(key, "/")
			if err := s.rotate(cluster, name); err != nil {
				return err
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.renewed)) {
		cluster, name, _ := strings.Cut(key, "/")
		if err := s.renew(cluster, name); err != nil {
			return err
		}
	}
	if r, ok := s.from.(Refresher); ok {
		return r.Refresh()
	}
	return nil
}

// create stores a secret, and refuses when there is one.
func (s *Store) create(cluster, name string, t secret.Text) error {
	err := named(cluster, name)
	if err == nil {
		err = s.from.Create(cluster, name, t)
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("secret %s of %s was made by another run meanwhile: run again", name, cluster)
	}
	return err
}

// replace stores a secret in place of the one that was read.
func (s *Store) replace(cluster, name string, old, t secret.Text) error {
	err := s.from.Replace(cluster, name, &old, t)
	if errors.Is(err, ErrChanged) {
		return fmt.Errorf("secret %s of %s was changed by another run meanwhile: run again", name, cluster)
	}
	return err
}

// Put writes a secret that was made elsewhere; one that exists already is an error.
func (s *Store) Put(cluster, name string, t secret.Text) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.create(cluster, name, t); err != nil {
		return err
	}
	s.has[cluster+"/"+name] = t
	delete(s.new, cluster+"/"+name)
	return nil
}

// Replace is Put for one that may exist already: it takes its place as a whole.
func (s *Store) Replace(cluster, name string, t secret.Text) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A former value would go on to be accepted, or count as one: whoever replaces a secret may do so
	// because it is known to others.
	if err := named(cluster, name); err != nil {
		return err
	}
	if err := s.forgetFormer(cluster, name); err != nil {
		return err
	}
	if err := s.from.Replace(cluster, name, nil, t); err != nil {
		return err
	}
	key := cluster + "/" + name
	s.has[key] = t
	delete(s.ended, key)
	delete(s.new, key)
	delete(s.rotated, key)
	delete(s.renewed, key)
	return nil
}

// List names a cluster's secrets, sorted.
func (s *Store) List(cluster string) (out []string, err error) {
	if err := named(cluster, cluster); err != nil {
		return nil, err
	}
	all, err := s.from.List(cluster)
	for _, name := range all {
		if goodName.MatchString(name) {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out, err
}

func draw(length int) string {
	if length <= 0 {
		length = DefaultLength
	}
	out := make([]byte, 0, length)
	buf := make([]byte, length)
	for len(out) < length {
		if _, err := rand.Read(buf); err != nil {
			panic(err)
		}
		for _, b := range buf {
			// 248 is the largest multiple of 62: what lies above would favour some letters.
			if b < 248 && len(out) < length {
				out = append(out, alphabet[b%62])
			}
		}
	}
	return string(out)
}
