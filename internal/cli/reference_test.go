package cli

import (
	"strings"
	"testing"

	"haprov/internal/config"
	"haprov/internal/facts"
	"haprov/internal/template"
)

func TestEveryCommandHasAnExampleThatNamesIt(t *testing.T) {
	for _, c := range shown((&app{}).root()) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: no short description without a full stop: %q", c.CommandPath(), c.Short)
		}
		if c.Runnable() && !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: no example names it: %q", c.CommandPath(), c.Example)
		}
	}
}

func TestTheReferenceNamesAllThereIs(t *testing.T) {
	files, err := reference((&app{}).root())
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"reference/commands.md":   "## haprov lab cut",
		"reference/kinds.md":      "| `names` | a list of strings |",
		"reference/inventory.md":  "### `host disk \"NAME\"`",
		"reference/functions.md":  "| `cidrhost(cidr, n)` |",
		"reference/exit-codes.md": "13  another run holds the lock",
		"man/haprov-lab-cut.1":    ".TH HAPROV-LAB-CUT 1",
		"completions/haprov.bash": "complete -o default",
	} {
		if !strings.Contains(files[file], want) {
			t.Errorf("%s does not hold %q:\n%.600s", file, want, files[file])
		}
	}
	named := func(file, name string) {
		if !strings.Contains(files["reference/"+file], "| `"+name) {
			t.Errorf("%s does not name %s", file, name)
		}
	}
	for _, f := range facts.Table {
		named("functions.md", f.Name)
	}
	for _, f := range template.Described {
		named("functions.md", f.Usage)
	}
	for _, a := range append(config.Metas(), config.Use()...) {
		named("kinds.md", a.Name)
	}
	var all func(prefix string, as []config.Attribute)
	all = func(prefix string, as []config.Attribute) {
		for _, a := range as {
			named("kinds.md", prefix+a.Name+"`")
			all(prefix+a.Name+".", a.Inner)
		}
	}
	for _, k := range config.Kinds() {
		all("", k.Attributes)
	}
}
