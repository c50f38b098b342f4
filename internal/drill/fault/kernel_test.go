package fault

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"haprov/internal/inventory"
	"haprov/internal/lab"
	"haprov/internal/recipe"
	"haprov/internal/shell/shelltest"
)

// What happens on links is brought about by the kernels of both ends, each for the other's addresses alone;
// by one for what the target alone sends.
func TestFaultsOfLinksByTheHosts(t *testing.T) {
	inv := &inventory.Inventory{
		Networks: []inventory.Network{{Name: "service", Carries: []string{"ssh", "service", "ring"}}, {Name: "wire", Carries: []string{"replication"}}},
		Hosts: []inventory.Host{
			{Name: "db1", Addresses: []inventory.Address{{Network: "service", IP: "10.0.0.1"}, {Network: "wire", IP: "fd00::1"}}},
			{Name: "db2", Addresses: []inventory.Address{{Network: "service", IP: "10.0.0.2"}, {Network: "wire", IP: "fd00::2"}}},
			{Name: "db3", Addresses: []inventory.Address{{Network: "service", IP: "10.0.0.3"}}},
		},
	}
	for _, c := range []struct {
		links recipe.LinkFault
		want  map[string]string
		netem string
	}{
		{recipe.LinkFault{Loss: 5, To: "peers"}, map[string]string{"db1": "10.0.0.2 10.0.0.3 fd00::2", "db2": "10.0.0.1 fd00::1", "db3": "10.0.0.1"}, "netem loss 5%"},
		{recipe.LinkFault{Cut: true, To: "peers", OneWay: true}, map[string]string{"db1": "10.0.0.2 10.0.0.3 fd00::2"}, "netem loss 100%"},
		{recipe.LinkFault{Delay: 250 * time.Millisecond, To: "peers", Carry: "replication"}, map[string]string{"db1": "fd00::2", "db2": "fd00::1"}, "netem limit 50000 delay 250000us"},
		{recipe.LinkFault{Reorder: 25, To: "peers", Carry: "replication"}, map[string]string{"db1": "fd00::2", "db2": "fd00::1"}, "delay 20ms reorder 25%"},
		{recipe.LinkFault{Rate: "1mbit", To: "peers", Carry: "replication"}, map[string]string{"db1": "fd00::2", "db2": "fd00::1"}, "netem rate 1mbit"},
	} {
		ran := map[string][]string{}
		w := World{Inventory: inv, Shell: func(_ context.Context, host, script string) (string, int, error) {
			ran[host] = append(ran[host], script)
			return "", 0, nil
		}}
		f, err := w.New(recipe.Fault{Name: "x", Links: &c.links}, "run-1", []string{"db1"})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Inject(t.Context()); err != nil {
			t.Fatal(err)
		}
		for host, scripts := range ran {
			if !strings.Contains(scripts[0], "for a in "+c.want[host]+"; do") || !strings.Contains(scripts[0], c.netem) {
				t.Errorf("%+v: %s, expected to %s:\n%s", c.links, host, c.want[host], scripts[0])
			}
		}
		if len(ran) != len(c.want) {
			t.Errorf("%+v: on %d hosts, expected %v", c.links, len(ran), c.want)
		}
	}
	none := World{Inventory: inv}
	if _, err := none.New(recipe.Fault{Name: "x", Links: &recipe.LinkFault{Cut: true, To: "gateway"}}, "id", []string{"db1"}); err == nil {
		t.Error("a host cannot keep off all but its peers: nobody could log in to heal it")
	}
	inLab := World{Inventory: inv, Lab: &lab.Client{}}
	for way, links := range map[string]recipe.LinkFault{"lab": {Loss: 5, To: "peers"}, "hosts": {Corrupt: 1, To: "peers"}} {
		if got := inLab.Way(recipe.Fault{Links: &links}); got != way {
			t.Errorf("in a lab %+v is brought about by %q, expected %q", links, got, way)
		}
	}
}

// The commands are sound scripts, and heal only what this fault has done.
func TestCommandsOfLinksAreSound(t *testing.T) {
	s := onWire("run-1", "loss 5%", []string{"10.0.0.2", "fd00::2"})
	scripts := map[string]string{}
	for name, text := range map[string]string{"inject": s.Inject, "seen": s.Seen, "heal": s.Heal, "gone": s.Gone} {
		scripts[name] = "#!/bin/sh\n" + text
	}
	found, err := shelltest.Lint(scripts)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		t.Error(fmt.Sprint(found))
	}
}
