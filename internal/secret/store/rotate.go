package store

import (
	"errors"
	"fmt"
	"io/fs"

	"haprov/internal/secret"
)

// A secret that is rotated has two values: the new one under its name, and the former one beside it
// until the rotation is ended. Hosts accept both meanwhile, so nobody who uses the former one is
// refused, and a run that is killed at any point goes on with the same two.
//
//	app --Rotate, Commit--> app, app.former --EndRotation, Commit--> app
const former = ".former"

// Former is the value that a secret had before the rotation in progress, and whether there is one.
func (s *Store) Former(cluster, name string) (secret.Text, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return secret.Text{}, false
	}
	t, ok, err := s.former(cluster, name)
	s.err = err
	return t, ok && err == nil
}

// formerValue is a former value that a source gave, or that it has none.
type formerValue struct {
	t  secret.Text
	ok bool
}

// former is Former without the lock.
func (s *Store) former(cluster, name string) (secret.Text, bool, error) {
	key := cluster + "/" + name
	if s.ended[key] {
		return secret.Text{}, false, nil
	}
	if t, ok := s.rotated[key]; ok {
		return t, true, nil
	}
	if f, ok := s.formers[key]; ok {
		return f.t, f.ok, nil
	}
	f, err := s.readFormer(cluster, name)
	if err == nil {
		s.formers[key] = f
	}
	return f.t, f.ok, err
}

// readFormer asks the source. A kill between the two writes of Commit leaves a former value that is
// the one in use: no rotation has begun then.
func (s *Store) readFormer(cluster, name string) (formerValue, error) {
	t, err := s.read(cluster, name+former)
	if errors.Is(err, fs.ErrNotExist) {
		return formerValue{}, nil
	}
	if err != nil {
		return formerValue{}, err
	}
	now, err := s.read(cluster, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && now.Reveal() == t.Reveal() {
		return formerValue{}, nil
	}
	return formerValue{t, err == nil}, err
}

// Renew gives what make makes of a secret that exists, kept by Commit in its place; what it gives must
// do wherever the one before does, since both are in use for a while. make gives "" for one that need
// not be renewed, and is asked once while Commit has not kept it. A secret that is not there, or only
// drawn, is left alone.
func (s *Store) Renew(cluster, name string, make func(old string) (string, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := cluster + "/" + name
	old, read := s.has[key]
	if _, done := s.renewed[key]; done || !read || s.new[key] {
		return nil
	}
	text, err := make(old.Reveal())
	if err != nil || text == "" {
		return err
	}
	s.renewed[key], s.has[key] = old, secret.Sensitive(text)
	return nil
}

// Rotate draws a new value for a secret that exists, kept by Commit with the former one beside it.
// One whose rotation is in progress keeps its two values, and begun is false.
func (s *Store) Rotate(cluster, name string) (begun bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.read(cluster, name)
	if err != nil {
		return false, err
	}
	if _, ok, err := s.former(cluster, name); ok || err != nil {
		return false, err
	}
	key := cluster + "/" + name
	s.rotated[key] = now
	s.has[key] = secret.Sensitive(draw(max(DefaultLength, len(now.Reveal()))))
	return true, nil
}

// EndRotation forgets the former value of a secret; Commit removes it. An error when no rotation is in
// progress.
func (s *Store) EndRotation(cluster, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok, err := s.former(cluster, name); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("secret %s of %s is not being rotated", name, cluster)
	}
	s.ended[cluster+"/"+name] = true
	return nil
}

// renew writes what Renew has prepared.
func (s *Store) renew(cluster, name string) error {
	key := cluster + "/" + name
	if err := s.replace(cluster, name, s.renewed[key], s.has[key]); err != nil {
		return err
	}
	delete(s.renewed, key)
	return nil
}

// rotate writes what Rotate and EndRotation have prepared. The former value is safe in the source
// before the new one takes its place.
func (s *Store) rotate(cluster, name string) error {
	key := cluster + "/" + name
	if old, ok := s.rotated[key]; ok {
		if now, err := s.read(cluster, name); err == nil && now.Reveal() != old.Reveal() {
			return fmt.Errorf("secret %s of %s was changed by another run meanwhile: run again", name, cluster)
		}
		if err := s.from.Replace(cluster, name+former, nil, old); err != nil {
			return err
		}
		if err := s.replace(cluster, name, old, s.has[key]); err != nil {
			return err
		}
		delete(s.rotated, key)
		delete(s.formers, key)
	}
	if s.ended[key] {
		if err := s.forgetFormer(cluster, name); err != nil {
			return err
		}
		delete(s.ended, key)
	}
	return nil
}

// forgetFormer removes the former value, if there is one.
func (s *Store) forgetFormer(cluster, name string) error {
	delete(s.formers, cluster+"/"+name)
	return s.from.Remove(cluster, name+former)
}
