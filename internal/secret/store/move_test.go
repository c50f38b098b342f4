package store_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"haprov/internal/secret"
	"haprov/internal/secret/store"
)

func TestSecretsMoveWithTheirRotationAndStayUntilForgotten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	from, to := open(t, dir), open(t, filepath.Join(t.TempDir(), "other"))
	for _, name := range []string{"app", "tls-ca", "apple", "not-asked", "drbd"} {
		if err := from.Put("shop", name, secret.Sensitive("value of "+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(dir+"/shop/app.former", []byte("former value"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"drbd": "value of drbd", "apple": "another value"} {
		if err := to.Put("shop", name, secret.Sensitive(value)); err != nil {
			t.Fatal(err)
		}
	}
	moves := func() []store.Move {
		all, err := store.Moves(from, to, "shop", func(name string) bool { return name != "not-asked" })
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := moves()
	want := []store.Move{{"shop", "tls-ca", store.Missing}, {"shop", "app.former", store.Missing}, {"shop", "app", store.Missing}, {"shop", "apple", store.Differs}, {"shop", "drbd", store.Same}}
	if !slices.Equal(all, want) {
		t.Fatalf("moves %v", all)
	}
	for range 2 {
		for _, m := range all {
			if err := m.Copy(from, to); (err != nil) != (m.Is == store.Differs) {
				t.Errorf("%s: %v", m.Name, err)
			}
		}
	}
	if now, _ := to.Show("shop", "apple"); now.Reveal() != "another value" {
		t.Error("a secret was replaced")
	}
	if f, ok := to.Former("shop", "app"); !ok || f.Reveal() != "former value" {
		t.Error("the rotation in progress was lost")
	}
	for _, m := range moves() {
		if err := m.Forget(from, to); (err != nil) != (m.Is == store.Differs) {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	if left, err := from.List("shop"); err != nil || !slices.Equal(left, []string{"apple", "not-asked"}) {
		t.Errorf("left %v, %v", left, err)
	}
}
