package config_test

import (
	"strings"
	"testing"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/kind/host"
)

// TestAProxyLeavesItsRoleAlone: a host that is a member of the database, too, stays one.
func TestAProxyLeavesItsRoleAlone(t *testing.T) {
	text := `
network "n" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.11" }
host "db2" { address = "10.0.0.12" }
host "db3" { address = "10.0.0.13" }
cluster "shop" {
  recipe = "galera"
  role "db" { hosts = [host.db1, host.db2, host.db3] }
  role "proxy" {
    hosts   = [host.db1, host.db3]
    leaving = [host.db2]
  }
  inputs = { vip = "10.0.0.100/24" }
}
`
	p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
	if problems.Failed() {
		t.Fatal(problems.Render(100, false))
	}
	for _, ch := range p.Clusters[0].Chains {
		var left []string
		for _, it := range ch.Items {
			if strings.HasSuffix(it.Address, ".leaving") {
				left = append(left, it.Address)
			}
		}
		if got := strings.Join(left, " "); got != "proxy:haproxy.writer.leaving" || ch.Items[0].Address != got {
			t.Errorf("%s: %s leave, first %s", ch.Host, got, ch.Items[0].Address)
		}
	}
	// It may hold the virtual IP until it has left: its answer is no stranger's.
	asked := 0
	for _, ch := range p.Clusters[0].Chains {
		for _, it := range ch.Items {
			if r, ok := it.Step.(*host.Requirement); ok && strings.Contains(r.Name, "virtual IP") {
				asked++
				if !strings.Contains(r.Test, "10.0.0.12") {
					t.Errorf("%s: %s", it.Address, r.Test)
				}
			}
		}
	}
	if asked != 2 {
		t.Errorf("%d proxies look whose the virtual IP is", asked)
	}
}
