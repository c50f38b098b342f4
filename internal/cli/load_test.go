package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/secret"
)

const timed = `
lab "small" {}
network "n" { cidr = "10.9.0.0/24" }
host "h1" { address = "10.9.0.11" }
cluster "c" { recipe = "timed" }
recipe "timed" {
  on "all" {}
  endpoint "e" {
    address = "10.9.0.11"
    port    = 1000 * lab.speed + length(lab.driver)
  }
}
`

// What a recipe sees of the machines is known before it is read: it is read once, and the way to the
// hosts leaves it as it is. Only a first start, whose trial chooses the driver, makes it outdated.
func TestTheProgramIsReadForTheDriverOfItsLab(t *testing.T) {
	for _, c := range []struct {
		name, lab, chosen string
		port              int
	}{
		{"a lab that was never started", `lab "small" {}`, "", 1000 + len("auto")},
		{"a driver that the inventory names", `lab "small" { driver = "uml" }`, "", 2000 + len("uml")},
		{"a lab that runs", `lab "small" {}`, "tcg", 10000 + len("tcg")},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := t.TempDir()
			t.Setenv("HAPROV_STATE", state)
			path := filepath.Join(t.TempDir(), "haprov.hcl")
			write := func(path, text string) {
				t.Helper()
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(path, strings.Replace(timed, `lab "small" {}`, c.lab, 1))
			chosen := filepath.Join(state, "labs", "small", "machine.json")
			if c.chosen != "" {
				write(filepath.Join(filepath.Dir(chosen), "spec.json"), `{"name":"small","driver":"auto"}`)
				write(chosen, `{"driver":"`+c.chosen+`"}`)
			}
			var out, errs strings.Builder
			a := &app{in: strings.NewReader(""), gate: gate{secret.NewWriter(&out), secret.NewWriter(&errs)}, inventory: path}
			j, err := a.load()
			if err != nil {
				t.Fatal(err, errs.String())
			}
			if got := j.program.Clusters[0].Endpoints[0].Port; got != c.port {
				t.Errorf("port %d, want %d", got, c.port)
			}
			if spec := labSpec(j.program); c.chosen != "" && spec.Driver != "auto" {
				t.Errorf("the lab is asked for with driver %s: it was made with auto", spec.Driver)
			}
			if c.chosen == "" {
				return
			}
			if j.lab, err = a.labOpen(); err != nil {
				t.Fatal(err)
			}
			if j.outdated() {
				t.Error("outdated, and the driver is as it was")
			}
			write(chosen, `{"driver":"uml"}`)
			if !j.outdated() {
				t.Error("another driver, and not outdated")
			}
		})
	}
}
