package cli

import (
	"strings"
	"testing"
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
		"reference/kinds.md":      "| `names` | a list of texts |",
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
}
