package config_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/recipe"
	"haprov/internal/shell/shelltest"
)

// Every shipped fault is used by a drill or can be: it loads, its commands are sound scripts, and it says
// how it is seen and how it is gone. Where it never was it is not seen, can be healed, and is gone.
func TestShippedFaults(t *testing.T) {
	files, err := fs.Glob(haprov.Shipped, "faults/*.hcl")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	var b strings.Builder
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(f, "faults/"), ".hcl")
		b.WriteString("  drill \"" + name + "\" {\n    about = \"x\"\n    fault \"" + name + "\" { on = \"active\" }\n    expect {\n      active = \"stays\"\n      outage = \"9s\"\n    }\n  }\n")
	}
	p, problems := config.Load("haprov.hcl", config.Options{Shipped: haprov.Shipped, Secrets: secrets{}, Text: []byte(`host "db1" { address = "10.0.0.1" }
cluster "shop" { recipe = "here" }
recipe "here" {
  active = "true"
  endpoint "database" {
    address  = "10.0.0.1"
    port     = 3306
    protocol = "mysql"
  }
  on "all" {
    package "socat" {}
  }
  load "mysql" {
    user     = "drill"
    database = "drill"
  }
` + b.String() + "}\n")})
	if p == nil {
		t.Fatal(problems.Render(100, false))
	}
	// what a host answers on which no fault was ever brought about: no unit is there, and no process; this
	// machine may run servers of other tests
	path := t.TempDir()
	for name, exit := range map[string]string{"systemctl": "3", "pgrep": "1"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("#!/bin/sh\nexit "+exit+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	calm := func(script string) bool {
		c := exec.Command("sh", "-c", "( "+script+"\n) >/dev/null 2>&1")
		c.Env = []string{"PATH=" + path + ":/usr/sbin:/usr/bin:/sbin:/bin"}
		return c.Run() == nil
	}
	scripts := map[string]string{}
	for _, d := range p.Clusters[0].Drills.Drills {
		f := d.Faults[0].Fault
		if f.About == "" || f.Risk == "" {
			t.Errorf("%s: %+v", d.Name, f)
		}
		if s := f.Shell; s != nil {
			for part, text := range map[string]string{"inject": s.Inject, "seen": s.Seen, "heal": s.Heal, "gone": s.Gone} {
				if text == "" {
					t.Errorf("%s has no %s", d.Name, part)
				}
				scripts[d.Name+" "+part] = "#!/bin/sh\n" + text
			}
			if calm(s.Seen) || !calm(s.Heal) || !calm(s.Gone) {
				t.Errorf("%s where it never was: seen %v, healed %v, gone %v", d.Name, calm(s.Seen), calm(s.Heal), calm(s.Gone))
			}
		}
	}
	found, err := shelltest.Lint(scripts)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// The shipped recipes' drills follow the lab's speed and the inputs.
func TestTheShippedRecipesHaveDrills(t *testing.T) {
	for name, want := range map[string]int{"inventory/mysql-drbd.hcl": 8, "inventory/galera.hcl": 6} {
		text, err := haprov.Shipped.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		load := func(driver string, speed float64) recipe.Drills {
			p, problems := config.Load(name, config.Options{Text: text, Shipped: haprov.Shipped, Secrets: secrets{}, Machines: runs(driver, speed)})
			if p == nil {
				t.Fatal(problems.Render(100, false))
			}
			return p.Clusters[0].Drills
		}
		fast, slow := load("kvm", 1), load("tcg", 10)
		if len(fast.Drills) < want || fast.Load == nil || len(fast.Promises) < 4 {
			t.Errorf("%s: %+v", name, fast)
		}
		quick := 0
		for i, d := range fast.Drills {
			if len(d.Suites) == 2 {
				quick++
			}
			if slow.Drills[i].Expect.Outage < d.Expect.Outage {
				t.Errorf("%s: %s is expected sooner on slow machines", name, d.Name)
			}
		}
		if quick < 3 {
			t.Errorf("%s: %d drills are quick", name, quick)
		}
	}
}

// A fault is one thing, brought about by something, in the file of its name.
func TestAFaultIsOneThing(t *testing.T) {
	for text, want := range map[string]string{
		"lab {\n    power = \"off\"\n    pause = true\n  }":   "A fault is one thing",
		"links {\n    carries = \"ring\"\n  }":                "A fault is one thing",
		"links {\n    cut = true\n    loss = 5\n  }":          "A fault is one thing",
		"links {\n    rate = \"fast\"\n  }":                   "Wrong form of \"rate\"",
		"links {\n    corrupt = 1\n    to = \"gateway\"\n  }": "Wrong combination of \"to\"",
		"":                               "A fault that nothing brings about",
		"lab {\n    power = \"of\"\n  }": `"power" has an unknown value`,
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "faults"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"faults/odd.hcl": "fault \"odd\" {\n  about = \"x\"\n  risk  = \"host\"\n  " + text + "\n}\n", "haprov.hcl": `host "db1" { address = "10.0.0.1" }
cluster "shop" { recipe = "here" }
recipe "here" {
  active = "true"
  endpoint "db" {
    address  = "10.0.0.1"
    port     = 3306
    protocol = "mysql"
  }
  on "all" {
    package "socat" {}
  }
  load "mysql" {
    user     = "drill"
    database = "drill"
  }
  drill "odd" {
    about = "x"
    fault "odd" { on = "active" }
    expect { outage = "9s" }
  }
}
`} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, problems := config.Load(filepath.Join(dir, "haprov.hcl"), config.Options{Secrets: secrets{}})
		if len(problems) != 1 || problems[0].Summary != want || !strings.HasSuffix(problems[0].File, "faults/odd.hcl") {
			t.Errorf("%q: %s\nexpected %s", text, problems.Render(100, false), want)
		}
	}
}
