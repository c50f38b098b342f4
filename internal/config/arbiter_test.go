package config_test

import (
	"slices"
	"strings"
	"testing"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/kind/pacemaker"
)

// TestAnArbiterTakesTheDelay: with a third vote the delay goes, and the ring knows the device before it is
// asked; without one nothing of it is there.
func TestAnArbiterTakesTheDelay(t *testing.T) {
	arbiter := strings.Replace(realMachines, "cluster \"shop\" {", "host \"arb1\" {\n  network \"a\" { address = \"10.0.0.13\" }\n}\ncluster \"shop\" {\n  role \"arbiter\" { hosts = [host.arb1] }", 1)
	for text, want := range map[string]struct {
		delay string
		steps []string
	}{
		realMachines: {"15s", []string{"db:corosync.ring", "db:pacemaker.cib"}},
		arbiter:      {"0s", []string{"db1:package.corosync-qdevice", "shop:quorum_device.arbiter", "db1:file./etc/corosync/corosync.conf", "db:corosync.ring", "db1:service.corosync-qdevice", "db:pacemaker.cib"}},
	} {
		p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
		if len(problems) > 0 {
			t.Fatal(problems.Render(100, false))
		}
		var steps []string
		for _, ch := range p.Clusters[0].Chains {
			for _, it := range ch.Items {
				if c, ok := it.Cluster.(*pacemaker.Pacemaker); ok && c.Properties["priority-fencing-delay"] != want.delay {
					t.Errorf("%s: the delay is %s, want %s", ch.Host, c.Properties["priority-fencing-delay"], want.delay)
				}
				if ch.Host == "db1" && (slices.Contains(want.steps, it.Address) || strings.Contains(it.Address, "qdevice") || strings.Contains(it.Address, "quorum_device")) {
					steps = append(steps, it.Address)
				}
			}
		}
		if !slices.Equal(steps, want.steps) {
			t.Errorf("steps %v, want %v", steps, want.steps)
		}
	}
}
