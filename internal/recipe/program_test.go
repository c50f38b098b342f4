package recipe

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"haprov/internal/kind/drbd"
	"haprov/internal/kind/host"
	"haprov/internal/preflight"
)

// What is needed is told once a host, and not when a package of the recipe brings it.
func TestNeedsAreThoseThatNoStepBringsAbout(t *testing.T) {
	volume := &Item{Cluster: &drbd.DRBDVolume{Name: "a"}, Hosts: []string{"db1"}}
	second := &Item{Cluster: &drbd.DRBDVolume{Name: "b", Minor: 1}, Hosts: []string{"db1"}}
	module := func() *Item { return &Item{Step: &host.KernelModule{Name: "drbd"}} }
	c := Cluster{Chains: []Chain{{Host: "db1", Items: []*Item{volume, second, module()}}, {Host: "db2", Items: []*Item{{Step: &host.Package{Name: "kmod"}}, module()}}, {Host: "db3"}}}
	want := map[string][]preflight.Need{
		"db1": {{Module: "drbd", Version: "8.4"}, {Called: "DRBD looks itself up by that name"}, {Tool: "modprobe", Package: "kmod"}},
		"db2": {{Room: "/var/cache/apt"}, {Room: "/usr"}},
	}
	if diff := cmp.Diff(want, c.Needs()); diff != "" {
		t.Error(diff)
	}
}
