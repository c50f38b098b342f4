package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/recipe"
	"haprov/internal/secret/store"
)

// Each mutant of a shipped recipe still finds what it makes worse, is itself a valid inventory, and has a
// lab of its own.
func TestMutantsOfTheShippedRecipesCanBeMade(t *testing.T) {
	n := 0
	for _, name := range []string{"inventory/mysql-drbd.hcl", "inventory/galera.hcl"} {
		kept, err := store.Open(filepath.Join(t.TempDir(), "secrets"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := haprov.Shipped.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		load := func(path string, text []byte) *recipe.Program {
			p, problems := config.Load(path, config.Options{Text: text, Shipped: haprov.Shipped, Secrets: kept})
			if p == nil {
				t.Fatal(problems.Render(100, false))
			}
			return p
		}
		p := load("(shipped)/"+name, text)
		j := &job{app: &app{}, program: p}
		for _, m := range p.Clusters[0].Drills.Mutants {
			dir := t.TempDir()
			if err := j.mutate(m, dir); err != nil {
				t.Error(err)
				continue
			}
			q := load(filepath.Join(dir, "haprov.hcl"), nil)
			if q.Inventory.Lab.Name != p.Inventory.Lab.Name+"-mutant" {
				t.Errorf("%s: lab %q", m.Name, q.Inventory.Lab.Name)
			}
			made, err := os.ReadFile(filepath.Join(dir, m.Replaces[0].In))
			if err != nil || !strings.Contains(string(made), m.Replaces[0].To) {
				t.Errorf("%s: %v\n%s", m.Name, err, made)
			}
			n++
		}
	}
	if n < 7 {
		t.Errorf("%d mutants", n)
	}
}
