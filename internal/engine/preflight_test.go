package engine

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haprov/internal/inventory"
	"haprov/internal/kind"
	"haprov/internal/preflight"
	"haprov/internal/recipe"
	"haprov/internal/transport"
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

// released is a session with a host that says it runs another release than this machine.
type released struct {
	rooted
	file string // what is read in place of /etc/os-release
}

func (r released) Exchange(ctx context.Context, script string, got func([]byte)) (transport.Result, error) {
	return r.rooted.Exchange(ctx, strings.ReplaceAll(script, "/etc/os-release", r.file), got)
}

// TestAClusterOfTwoReleasesIsRefusedBeforeAnyChange: on neither host, and --mixed-releases takes it.
func TestAClusterOfTwoReleasesIsRefusedBeforeAnyChange(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	hosts := map[string]string{"db1": "12", "db2": "13"}
	o := Options{Holder: "test", Open: func(ctx context.Context, host string) (transport.Session, error) {
		s, err := l.open(ctx, host)
		if err != nil {
			return nil, err
		}
		return released{s.(rooted), dir + "/" + host}, nil
	}}
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		l.state(host)
		if err := os.WriteFile(dir+"/"+host, []byte("ID=debian\nVERSION_ID=\""+hosts[host]+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Hosts = append(o.Hosts, recipe.Chain{Host: host, Items: []*recipe.Item{{Address: host + ":content.x", Step: content{path: dir + "/x-" + host, text: "x"}}}})
		o.Preflight = append(o.Preflight, preflight.Host{Name: host})
	}
	var said []string
	o.Events = func(e Event) {
		if n, ok := e.(Noted); ok && strings.Contains(n.Text, "release") {
			said = append(said, n.Text)
		}
	}
	s, err := Run(t.Context(), o)
	if !errors.Is(err, kind.ErrRequirement) || s.Changes != 0 || len(said) != 1 || !strings.Contains(said[0], `it runs "debian 13", db1 "debian 12"`) {
		t.Errorf("%v, %+v, %q", err, s, said)
	}
	if changed, _ := filepath.Glob(dir + "/x-*"); len(changed) > 0 {
		t.Errorf("changed: %v", changed)
	}
	for i := range o.Preflight {
		o.Preflight[i].Mixed = true
	}
	if s, err := Run(t.Context(), o); err != nil || s.Changes != 2 || len(said) != 2 {
		t.Errorf("with --mixed-releases: %v, %+v, %q", err, s, said)
	}
}
