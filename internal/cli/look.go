package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"haprov/internal/config"
)

func (a *app) validateCmd() *cobra.Command {
	return &cobra.Command{Use: "validate", Short: "Check inventory and recipes; no host is asked", Example: "  haprov validate -i shop.hcl", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		j, err := a.loadFiles()
		if err != nil {
			if a.json && len(a.problems) > 0 {
				_ = a.printJSON(validation{Version: 1, Problems: a.problems})
			}
			return err
		}
		for _, n := range j.missing() {
			fmt.Fprintf(a.err, "note: the password %q cannot be generated; add the existing one: haprov secret adopt %s%s\n", n.name, n.name, a.flags())
		}
		steps := 0
		for _, c := range j.program.Clusters {
			for _, ch := range c.Chains {
				steps += len(ch.Items)
			}
		}
		if a.json {
			return a.printJSON(validation{1, true, len(j.program.Inventory.Hosts), len(j.program.Clusters), steps, append(config.Problems{}, a.problems...)})
		}
		fmt.Fprintf(a.out, "valid: %d hosts, %d clusters, %d steps\n", len(j.program.Inventory.Hosts), len(j.program.Clusters), steps)
		return nil
	}}
}
