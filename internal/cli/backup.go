package cli

import (
	"github.com/spf13/cobra"

	"haprov/internal/plan"
)

func (a *app) backupCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "backup",
		Short: "Make and check copies of the data",
		Long: `For clusters whose inventory has a backup block. Copies are made by a timer on the hosts;
these commands start the same unit on the active host and wait for its end.`,
	}
	for _, x := range []struct{ what, short, long string }{
		{"now", "Back up the data now", "Makes a full copy, and copies all binary logs. A copy that is not whole does not count."},
		{"verify", "Read the whole repository and compare it with its checksums", "Finds what is damaged in the repository. It reads all of it, and restores nothing."},
		{"prune", "Remove the copies that need not be kept", "Keeps what the backup block says, and frees the space of the rest. Each backup does it, too."},
	} {
		var f intentFlags
		sub := &cobra.Command{
			Use: x.what, Short: x.short, Long: x.long, Example: "  haprov backup " + x.what + "\n  haprov backup " + x.what + " --plan", Args: cobra.NoArgs,
		}
		sub.RunE = func(c *cobra.Command, _ []string) error {
			return a.intend(c.Context(), plan.Intent{Verb: plan.Backup, What: x.what}, f)
		}
		c.AddCommand(f.on(sub))
	}
	return c
}
