package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"haprov/internal/config"
	"haprov/internal/recipe"
)

func TestTheStepsOfASerialBlockShareTheirTurn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "haprov.hcl")
	text := `
host "web1" { address = "10.0.0.1" }
host "web2" { address = "10.0.0.2" }
cluster "site" { recipe = "web" }
recipe "web" {
  on "all" {
    package "less" {}
  }
  on "all" {
    serial = 1
    package "nginx" {}
    service "nginx" {}
  }
}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, problems := config.Load(file, config.Options{Secrets: secrets{}, Machines: runs("", 2)})
	if len(problems) > 0 {
		t.Fatal(problems.Render(100, false))
	}
	turns := map[*recipe.Serial]int{}
	for _, chain := range p.Clusters[0].Chains {
		for i, it := range chain.Items {
			if (i == 0) != (it.Serial == nil) {
				t.Errorf("%s: %+v", it.Address, it.Serial)
			}
			turns[it.Serial]++
		}
	}
	if len(turns) != 2 || turns[nil] != 2 {
		t.Errorf("turns: %v", turns)
	}
}
