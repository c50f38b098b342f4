package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) validateCmd() *cobra.Command {
	return &cobra.Command{Use: "validate", Short: "Check inventory and recipes; no host is asked", Example: "  haprov validate -i shop.hcl", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		j, err := a.load()
		if err != nil {
			return err
		}
		steps := 0
		for _, c := range j.program.Clusters {
			for _, ch := range c.Chains {
				steps += len(ch.Items)
			}
		}
		fmt.Fprintf(a.out, "valid: %d hosts, %d clusters, %d steps\n", len(j.program.Inventory.Hosts), len(j.program.Clusters), steps)
		return nil
	}}
}

func (a *app) secretCmd() *cobra.Command {
	c := &cobra.Command{Use: "secret", Short: "Look at generated secrets"}
	c.AddCommand(&cobra.Command{Use: "show NAME", Short: "Print one secret of the cluster", Example: "  haprov secret show app", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		j, err := a.load()
		if err != nil {
			return err
		}
		for _, cl := range j.program.Clusters {
			if t, err := j.secrets.Show(cl.Name, args[0]); err == nil {
				fmt.Fprintln(a.out, t.Reveal())
				return nil
			}
		}
		return errInput{fmt.Sprintf("no secret %q: it is made by the first `haprov up`", args[0])}
	}})
	return c
}
