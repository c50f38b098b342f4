package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Commands that write text refuse --json; those that have it are written down for programs.
func TestOnlyCommandsThatGiveJSONTakeTheFlag(t *testing.T) {
	found := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, x := range c.Commands() {
			walk(x)
		}
		_, listed := withJSON[short(c)]
		if has := c.Flag("json") != nil; has != listed {
			t.Errorf("%s: has --json: %t", c.CommandPath(), has)
		}
		if listed {
			found++
		}
	}
	walk((&app{}).root())
	if found != len(withJSON) {
		t.Errorf("%d commands found, withJSON names %d", found, len(withJSON))
	}
	var errs strings.Builder
	if got := Main([]string{"graph", "--json"}, nil, io.Discard, &errs); got != exitInput || !strings.Contains(errs.String(), "--json") {
		t.Errorf("exit %d: %s", got, &errs)
	}
}
