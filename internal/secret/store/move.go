package store

import (
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
)

// State is how a secret of one store is in another.
type State string

// States of a Move.
const (
	Missing State = "missing" // the other store has none of this name
	Same    State = "same"    // it has the same value
	Differs State = "differs" // it has another value
)

// Move is a secret that is brought from one store into another. A former value of a rotation in progress
// is one, too.
type Move struct {
	Owner, Name string
	Is          State
}

// Moves looks at what an owner has in one store, and how it is in another; only says which names count,
// a former value by that of its secret. Nothing is written. The order is the one to Copy in: interrupted in
// between, what is there is good by itself.
func Moves(from, to *Store, owner string, only func(name string) bool) (out []Move, err error) {
	if err := named(owner, owner); err != nil {
		return nil, err
	}
	names, err := from.from.List(owner)
	if err != nil {
		return nil, err
	}
	// A certificate without the authority that signed it is an error, and so is none without the other: the
	// authority goes first. A former value without its secret is nothing.
	first := func(name string) int {
		switch {
		case name == "tls-ca":
			return 0
		case strings.HasSuffix(name, former):
			return 1
		}
		return 2
	}
	sort.Slice(names, func(i, j int) bool {
		if a, b := first(names[i]), first(names[j]); a != b {
			return a < b
		}
		return names[i] < names[j]
	})
	for _, name := range names {
		if !only(strings.TrimSuffix(name, former)) {
			continue
		}
		m := Move{Owner: owner, Name: name}
		if m.Is, err = m.look(from, to); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (m Move) look(from, to *Store) (State, error) {
	mine, err := from.read(m.Owner, m.Name)
	if err != nil {
		return "", err
	}
	theirs, err := to.read(m.Owner, m.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing, nil
	case err != nil:
		return "", err
	case mine.Reveal() == theirs.Reveal():
		return Same, nil
	}
	return Differs, nil
}

// Copy stores a secret in the other store, and reads it back. The one copied stays. One that is there with the same
// value is left; with another value it is an error.
func (m Move) Copy(from, to *Store) error {
	t, err := from.read(m.Owner, m.Name)
	if err != nil {
		return err
	}
	if err := to.from.Create(m.Owner, m.Name, t); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return m.same(from, to)
}

// Forget removes a secret from the first store, when the other has the same value.
func (m Move) Forget(from, to *Store) error {
	if err := m.same(from, to); err != nil {
		return err
	}
	return from.from.Remove(m.Owner, m.Name)
}

func (m Move) same(from, to *Store) error {
	is, err := m.look(from, to)
	if err == nil && is != Same {
		err = fmt.Errorf("secret %s of %s is there with another value", m.Name, m.Owner)
	}
	return err
}
