package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"haprov/internal/secret"
	"haprov/internal/secret/store"
)

// made is a store with one secret, and its folder.
func made(t *testing.T) (dir, value string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "secrets")
	s := open(t, dir)
	v, _ := s.Get("shop", "app", 0)
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	return dir, v.Reveal()
}

// values are what a new process reads: the value, and the former one or "".
func values(t *testing.T, dir string) (now, former string) {
	t.Helper()
	s := open(t, dir)
	n, exists := s.Get("shop", "app", 0)
	f, ok := s.Former("shop", "app")
	if err := s.Err(); err != nil || !exists || ok == f.Empty() {
		t.Fatalf("exists %v, rotated %v, %v", exists, ok, err)
	}
	return n.Reveal(), f.Reveal()
}

func rotate(t *testing.T, s *store.Store, begins bool) {
	t.Helper()
	if begun, err := s.Rotate("shop", "app"); err != nil || begun != begins {
		t.Fatalf("begun %v, %v", begun, err)
	}
}

func TestARotatedSecretHasTwoValuesUntilItsEnd(t *testing.T) {
	dir, first := made(t)
	s := open(t, dir)
	s.Get("shop", "app", 0) // as a recipe read before does
	rotate(t, s, true)
	drawn, _ := s.Get("shop", "app", 0)
	if f, ok := s.Former("shop", "app"); !ok || f.Reveal() != first || drawn.Reveal() == first || len(drawn.Reveal()) != store.DefaultLength || !f.IsSensitive() {
		t.Error("the two values are not the former and a new one")
	}
	if now, former := values(t, dir); now != first || former != "" {
		t.Error("something was written before Commit")
	}
	for range 2 {
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // never a third value
		again := open(t, dir)
		rotate(t, again, false)
		if err := again.Commit(); err != nil {
			t.Fatal(err)
		}
		if now, former := values(t, dir); now != drawn.Reveal() || former != first {
			t.Error("a rotation that is in progress has other values")
		}
	}
	if info, err := os.Stat(dir + "/shop/app.former"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if l, err := s.List("shop"); err != nil || len(l) != 1 {
		t.Errorf("list %v, %v", l, err)
	}
	end := open(t, dir)
	if err := end.EndRotation("shop", "app"); err != nil {
		t.Fatal(err)
	}
	if _, ok := end.Former("shop", "app"); ok {
		t.Error("the former value is still given")
	}
	if _, former := values(t, dir); former != first {
		t.Error("something was removed before Commit")
	}
	if err := end.Commit(); err != nil {
		t.Fatal(err)
	}
	if now, former := values(t, dir); now != drawn.Reveal() || former != "" {
		t.Error("the rotation has not ended")
	}
	if err := open(t, dir).EndRotation("shop", "app"); err == nil {
		t.Error("a rotation ended twice")
	}
	if _, err := s.Rotate("shop", "none"); err == nil {
		t.Error("a secret that does not exist was rotated")
	}
}

// Killed between the two writes, the value in use stands in both files: no host has seen another.
func TestARotationThatWasKilledBetweenItsWritesHasNotBegun(t *testing.T) {
	dir, first := made(t)
	if err := os.WriteFile(dir+"/shop/app.former", []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	if now, former := values(t, dir); now != first || former != "" {
		t.Error("a rotation was taken for begun")
	}
	s := open(t, dir)
	rotate(t, s, true)
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if now, former := values(t, dir); now == first || former != first {
		t.Error("it did not begin again")
	}
}

func TestTwoRotationsAtOnceMakeOneNewValue(t *testing.T) {
	dir, first := made(t)
	one, other := open(t, dir), open(t, dir)
	rotate(t, one, true)
	rotate(t, other, true)
	if err := one.Commit(); err != nil {
		t.Fatal(err)
	}
	now, _ := values(t, dir)
	if err := other.Commit(); err == nil {
		t.Error("the second one replaced the first one's value")
	}
	if again, former := values(t, dir); again != now || former != first {
		t.Error("the values have changed")
	}
}

func TestBothValuesAreEncrypted(t *testing.T) {
	dir, first := made(t)
	key := key(t, t.TempDir(), "identity")
	s := open(t, dir)
	if err := s.Unlock(key); err != nil {
		t.Fatal(err)
	}
	rotate(t, s, true)
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"app", "app.former"} {
		if b, err := os.ReadFile(dir + "/shop/" + name); err != nil || len(b) < 100 {
			t.Errorf("%s is not encrypted: %d bytes, %v", name, len(b), err)
		}
	}
	s = open(t, dir)
	if err := s.Unlock(key); err != nil {
		t.Fatal(err)
	}
	if f, ok := s.Former("shop", "app"); !ok || f.Reveal() != first {
		t.Error("the former value cannot be read")
	}
	if err := s.Put("shop", "app.former", secret.Sensitive("x")); err == nil {
		t.Error("a former value was written over")
	}
}

func TestARenewedSecretIsKeptByCommit(t *testing.T) {
	dir, first := made(t)
	s := open(t, dir)
	asked := 0
	next := func(old string) (string, error) {
		if asked++; old != first {
			t.Errorf("the old one is %q", old)
		}
		return "renewed" + old, nil
	}
	s.Get("shop", "drawn", 0)
	for _, name := range []string{"none", "drawn", "app"} { // app was not read yet
		if err := s.Renew("shop", name, next); err != nil || asked > 0 {
			t.Errorf("%s: asked %d times, %v", name, asked, err)
		}
	}
	s.Get("shop", "app", 0)
	for range 2 {
		if err := s.Renew("shop", "app", next); err != nil || asked != 1 {
			t.Errorf("asked %d times, %v", asked, err)
		}
	}
	if now, _ := values(t, dir); now != first {
		t.Error("something was written before Commit")
	}
	for range 2 {
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if now, former := values(t, dir); now != "renewed"+first || former != "" {
		t.Errorf("kept %q and %q", now, former)
	}
	other := open(t, dir)
	other.Get("shop", "app", 0)
	if err := other.Renew("shop", "app", func(string) (string, error) { return "", nil }); err != nil {
		t.Fatal(err)
	}
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	if now, _ := values(t, dir); now != "renewed"+first {
		t.Error("one that need not be renewed was")
	}
}

// Whoever replaces a secret may do so because others know it: no value of before may be accepted.
func TestAReplacedSecretHasNoFormerValue(t *testing.T) {
	dir, _ := made(t)
	s := open(t, dir)
	rotate(t, s, true)
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Replace("shop", "app", secret.Sensitive("given")); err != nil {
		t.Fatal(err)
	}
	if now, former := values(t, dir); now != "given" || former != "" {
		t.Errorf("in a rotation: %q, former %q", now, former)
	}

	// as a kill between the two writes of Commit leaves it
	dir, first := made(t)
	if err := os.WriteFile(filepath.Join(dir, "shop", "app.former"), []byte(first+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Replace("shop", "app", secret.Sensitive("given")); err != nil {
		t.Fatal(err)
	}
	if now, former := values(t, dir); now != "given" || former != "" {
		t.Errorf("after a kill: %q, former %q", now, former)
	}
}
