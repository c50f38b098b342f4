package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/secret"
	"haprov/internal/secret/store"
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPlanningLeavesNothingAndCommitKeepsWhatWasDrawn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	s := open(t, dir)
	a, exists := s.Get("shop", "app", 0)
	again, _ := s.Get("shop", "app", 0)
	long, _ := s.Get("shop", "corosync", 128)
	if exists || a.Reveal() != again.Reveal() || len(a.Reveal()) != store.DefaultLength || len(long.Reveal()) != 128 || !a.IsSensitive() {
		t.Errorf("drawn %d and %d characters, exists %v", len(a.Reveal()), len(long.Reveal()), exists)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("something was written before Commit")
	}
	if got := strings.Join(s.Drawn(), " "); got != "shop/app shop/corosync" {
		t.Errorf("drawn %s", got)
	}
	for range 2 {
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	for p, want := range map[string]fs.FileMode{dir: 0o700, dir + "/shop": 0o700, dir + "/shop/app": 0o600} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", p, info.Mode(), err)
		}
	}
	if got, exists := open(t, dir).Get("shop", "app", 0); !exists || got.Reveal() != a.Reveal() {
		t.Error("another store gives another secret")
	}
	if l, err := s.List("shop"); err != nil || strings.Join(l, " ") != "app corosync" {
		t.Errorf("list %v, %v", l, err)
	}
}

func TestTheFirstOfTwoRunsWins(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	a, b := open(t, dir), open(t, dir)
	first, _ := a.Get("shop", "app", 0)
	b.Get("shop", "app", 0)
	if err := a.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("the second commit said %v", err)
	}
	if err := b.Put("shop", "app", secret.Sensitive("x")); err == nil {
		t.Error("a secret was replaced")
	}
	if got, err := open(t, dir).Show("shop", "app"); err != nil || got.Reveal() != first.Reveal() {
		t.Errorf("kept another one, %v", err)
	}
}

func TestWhatOthersCouldReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir); err == nil {
		t.Error("a folder that others read was taken")
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(string) error{
		"open":  func(p string) error { return os.WriteFile(p, []byte("x"), 0o644) },
		"empty": func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"link":  func(p string) error { return os.Symlink("/etc/hostname", p) },
	} {
		if err := os.MkdirAll(dir+"/shop", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := make(dir + "/shop/" + name); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		if _, exists := s.Get("shop", name, 0); exists {
			t.Errorf("%s was taken", name)
		}
		if err := s.Commit(); err == nil {
			t.Errorf("%s: committed over it", name)
		}
	}
	if _, err := open(t, dir).Show("shop", "../../etc/passwd"); err == nil {
		t.Error("a path was taken for a name")
	}
}

func TestAClustersFolderThatOthersChangeIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	s := open(t, dir)
	s.Get("shop", "app", 0)
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir+"/shop", 0o777); err != nil {
		t.Fatal(err)
	}
	want := "chmod go-w " + dir + "/shop"
	for name, use := range map[string]func(*store.Store) error{
		"show": func(s *store.Store) error { _, err := s.Show("shop", "app"); return err },
		"list": func(s *store.Store) error { _, err := s.List("shop"); return err },
		"put":  func(s *store.Store) error { return s.Put("shop", "other", secret.Sensitive("x")) },
		"get":  func(s *store.Store) error { s.Get("shop", "app", 0); return s.Err() },
	} {
		if err := use(open(t, dir)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", name, err, want)
		}
	}
}
