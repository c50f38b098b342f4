package engine

import (
	"errors"
	"os"
	"strings"
	"testing"

	"haprov/internal/inventory"
	"haprov/internal/kind"
	"haprov/internal/preflight"
	"haprov/internal/recipe"
)

func TestWhatPreflightFindsKeepsHostsFromChanging(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	l.state("db1")
	h := recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db1:content.x", Step: content{path: dir + "/x", text: "x"}}}}
	look := preflight.Host{Name: "db1", Disks: []inventory.Disk{{Name: "data", Device: "/dev/no-such-disk"}}}
	notes := 0
	o := Options{Hosts: []recipe.Chain{h}, Open: l.open, Holder: "test", Preflight: []preflight.Host{look}, Events: func(e Event) {
		if n, ok := e.(Noted); ok && strings.Contains(n.Text, "/dev/no-such-disk") {
			notes++
		}
	}}
	s, err := Run(t.Context(), o)
	if !errors.Is(err, kind.ErrRequirement) || s.Changes != 0 || notes != 1 || s.Counts["db1"].Exchanges != 1 {
		t.Fatalf("%v, %+v, %d notes", err, s, notes)
	}
	if _, err := os.Stat(dir + "/x"); err == nil {
		t.Error("a host was changed")
	}
	o.PlanOnly = true
	if s, err := Run(t.Context(), o); err != nil || s.Changes != 1 || notes != 2 {
		t.Errorf("a plan shows both: %v, %+v, %d notes", err, s, notes)
	}
	if err := os.WriteFile(dir+"/x", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.PlanOnly = false
	if s, err := Run(t.Context(), o); err != nil || !s.Converged {
		t.Errorf("with nothing to do there is nothing to refuse: %v, %+v", err, s)
	}
}
