package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"haprov/internal/secret/store"
)

func key(t *testing.T, dir, name string) string {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte("# made by age-keygen\n"+id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func unlocked(t *testing.T, dir, keyFile string) *store.Store {
	t.Helper()
	s := open(t, dir)
	if err := s.Unlock(keyFile); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSecretsAreEncryptedOnceThereIsAnIdentity(t *testing.T) {
	home := t.TempDir()
	dir, mine, other := filepath.Join(home, "secrets"), key(t, home, "mine"), key(t, home, "other")
	plain := open(t, dir)
	old, _ := plain.Get("shop", "old", 0)
	if err := plain.Commit(); err != nil {
		t.Fatal(err)
	}
	s := unlocked(t, dir, mine)
	if got, exists := s.Get("shop", "old", 0); !exists || got.Reveal() != old.Reveal() {
		t.Fatal("a secret in the clear was not read")
	}
	fresh, _ := s.Get("shop", "new", 0)
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"old": old.Reveal(), "new": fresh.Reveal()} {
		p := filepath.Join(dir, "shop", name)
		b, err := os.ReadFile(p)
		info, _ := os.Stat(p)
		if err != nil || strings.Contains(string(b), text) || !strings.HasPrefix(string(b), "age-encryption.org/v1\n") || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is not encrypted: %v", name, err)
		}
		if got, err := unlocked(t, dir, mine).Show("shop", name); err != nil || got.Reveal() != text {
			t.Errorf("%s: read something else: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "shop", ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := open(t, dir).Show("shop", "old"); err == nil || !strings.Contains(err.Error(), "HAPROV_IDENTITY") {
		t.Errorf("without an identity: %v", err)
	}
	if _, err := unlocked(t, dir, other).Show("shop", "old"); err == nil || !strings.Contains(err.Error(), "another age identity") {
		t.Errorf("with another identity: %v", err)
	}
	// A store that cannot be read is never written over.
	w := unlocked(t, dir, other)
	w.Get("shop", "old", 0)
	if w.Err() == nil {
		t.Error("nothing is said of a secret that could not be read")
	}
	if err := w.Commit(); err == nil {
		t.Error("committed over a secret that could not be read")
	}
	if got, err := unlocked(t, dir, mine).Show("shop", "old"); err != nil || got.Reveal() != old.Reveal() {
		t.Errorf("the secret was lost: %v", err)
	}
	p := filepath.Join(dir, "shop", "old")
	b, _ := os.ReadFile(p)
	for _, cut := range []int{30, len(b) / 2, len(b) - 1} {
		if err := os.WriteFile(p, b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := unlocked(t, dir, mine).Show("shop", "old"); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("cut at %d: %v, %v", cut, got, err)
		}
	}
}

func TestAnIdentityThatOthersReadIsRefused(t *testing.T) {
	home := t.TempDir()
	k := key(t, home, "key")
	for want, change := range map[string]func() error{
		"chmod 600":    func() error { return os.Chmod(k, 0o644) },
		"holds no key": func() error { return os.WriteFile(k, []byte("rubbish\n"), 0o600) },
		"no such file": func() error { return os.Remove(k) },
	} {
		os.Remove(k)
		k = key(t, home, "key")
		if err := change(); err != nil {
			t.Fatal(err)
		}
		os.Chmod(k, map[bool]os.FileMode{true: 0o644, false: 0o600}[want == "chmod 600"])
		if err := open(t, filepath.Join(home, "secrets")).Unlock(k); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
