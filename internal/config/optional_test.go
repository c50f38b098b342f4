package config_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"haprov/internal/config"
)

// TestARoleMayBeLeftOut: one with min = 0 is there without hosts, its checks are left out, and what the
// recipe needs of machines is not asked of hosts that stand apart.
func TestARoleMayBeLeftOut(t *testing.T) {
	shipped := fstest.MapFS{"recipes/r.hcl": {Data: []byte(`recipe "r" {
  about = "a recipe"
  needs = ["fencing"]
  role "witness" {
    min   = 0
    max   = 1
    apart = true
  }
  on "db" {
    file "/etc/x" { content = "${length(role.witness.hosts)}" }
  }
  check "the witness is there" {
    role = "witness"
    on   = "each"
    run  = "true"
  }
}
`)}}
	load := func(witness, roles string) (string, int) {
		text := "host \"db1\" {\n  address = \"192.0.2.1\"\n  fence \"fence_virsh\" { options = { ip = \"192.0.2.99\", plug = \"db1\", identity_file = \"/root/.ssh/id\" } }\n}\nhost \"w\" { address = \"192.0.2.9\" }\nhost \"v\" { address = \"192.0.2.8\" }\ncluster \"c\" {\n  recipe = \"r\"\n" + roles + witness + "}\n"
		p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Shipped: shipped, Secrets: secrets{}})
		if problems.Failed() {
			return problems.Render(100, false), 0
		}
		return "", len(p.Clusters[0].Checks)
	}
	db := "  role \"db\" { hosts = [host.db1] }\n"
	for _, x := range []struct {
		name, witness, roles, refused string
		checks                        int
	}{
		{"left out", "", db, "", 0},
		{"with its host, which has no fencing", "  role \"witness\" { hosts = [host.w] }\n", db, "", 1},
		{"too many", "  role \"witness\" { hosts = [host.w, host.v] }\n", db, "wrong size", 0},
		{"a member that is the witness, too, needs fencing", "  role \"witness\" { hosts = [host.w] }\n", "  role \"db\" { hosts = [host.db1, host.w] }\n", "no fencing", 0},
		{"another role is missing", "", "  role \"witness\" { hosts = [host.w] }\n", "Missing role \"db\"", 0},
	} {
		said, checks := load(x.witness, x.roles)
		if x.refused == "" && said != "" || !strings.Contains(said, x.refused) || checks != x.checks {
			t.Errorf("%s: %d checks, %s", x.name, checks, said)
		}
	}
}
