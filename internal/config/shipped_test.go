package config_test

import (
	"strings"
	"testing"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/kind"
)

// TestTheShippedInventoryLoads is the first thing a new user does: nothing named, an empty folder.
func TestTheShippedInventoryLoads(t *testing.T) {
	t.Chdir(t.TempDir())
	p, problems := config.Load("", config.Options{Shipped: haprov.Shipped, Secrets: secrets{}})
	if len(problems) > 0 {
		t.Fatal(problems.Render(100, false))
	}
	if p.Inventory.Lab == nil || len(p.Clusters) != 1 || len(p.Clusters[0].Chains) != 2 || p.Clusters[0].Endpoint == "" || len(p.Clusters[0].Active) != 2 {
		t.Errorf("%+v", p.Clusters)
	}
}

// TestEveryExampleDecodes reads the example of each kind as a user would copy it.
func TestEveryExampleDecodes(t *testing.T) {
	for _, s := range kind.Table {
		t.Run(s.Name, func(t *testing.T) {
			text := `
network "a" { cidr = "10.0.0.0/24" }
host "db1" {
  address = "10.0.0.1"
  disk "data" { device = "/dev/vdb" }
}
host "db2" {
  address = "10.0.0.2"
  disk "data" { device = "/dev/vdb" }
}
cluster "c" {
  recipe = "r"
  role "db" { hosts = [host.db1, host.db2] }
}
recipe "r" {
  on "db" {
` + s.Example + `
  }
}
`
			p, problems := config.Load("testdata/example.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
			if len(problems) > 0 {
				t.Fatal(problems.Render(100, false))
			}
			if it := p.Clusters[0].Chains[0].Items; len(it) == 0 || !strings.Contains(it[0].Address, ":"+s.Name+".") {
				t.Errorf("%v", it)
			}
		})
	}
}
