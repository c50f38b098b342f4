package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/lab"
	"haprov/internal/secret"
	"haprov/internal/view"
)

func (a *app) labSnapshotCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "snapshot", Short: "Keep the disks of all machines at once, and bring them back",
		Long:    "A snapshot holds the disks of all machines as they were at one moment. Machines that run stand still\nwhile their disks are copied, all at once, so that no cluster notices. When it is restored they start as\nafter a power cut of all of them at that moment. Snapshots belong to the lab: haprov down\nremoves them.",
		Example: "  haprov lab snapshot save ready\n  haprov lab snapshot restore ready",
	}
	save := &cobra.Command{
		Use: "save NAME", Short: "Keep the disks of all machines as they are", Example: "  haprov lab snapshot save ready", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := a.labOpen()
			if err != nil {
				return err
			}
			if err := flush(c.Context(), l); err != nil {
				return err
			}
			s, err := l.SaveSnapshot(c.Context(), args[0])
			if err != nil {
				return err
			}
			stood := "nothing was running"
			if s.Live {
				stood = fmt.Sprintf("the machines stood still for %.1f s", s.Frozen)
			}
			fmt.Fprintf(a.out, "snapshot %s: %d MiB, %s\n", s.Name, s.Bytes>>20, stood)
			return nil
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "List the lab's snapshots", Example: "  haprov lab snapshot list", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := a.labOpen()
			if err != nil {
				return err
			}
			all, err := l.Snapshots()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(all)
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, s := range all {
				state := "halted"
				if s.Live {
					state = "running"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d MiB\n", s.Name, s.Taken.Local().Format(time.DateTime), state, s.Bytes>>20)
			}
			return w.Flush()
		},
	}
	restore := &cobra.Command{
		Use: "restore NAME", Short: "Give the disks of all machines what they held, and start the machines",
		Long:    "What was written to the disks since the snapshot was taken is lost. Secrets that were made since are not\nknown to the machines any more. The machines that run lose power, and are started when the disks are in place.",
		Example: "  haprov lab snapshot restore ready", Args: cobra.ExactArgs(1), ValidArgsFunction: a.snapshotNames,
		RunE: func(c *cobra.Command, args []string) error {
			j, err := a.load()
			if err != nil {
				return err
			}
			l, err := a.labOpen()
			if err != nil {
				return err
			}
			begun := time.Now()
			s, err := l.RestoreSnapshot(c.Context(), args[0])
			if err != nil {
				return err
			}
			report := func(e lab.Event) {
				if e.Host != "" {
					e.Text = e.Host + ": " + e.Text
				}
				fmt.Fprintln(a.err, view.Clean(e.Text))
			}
			if err := j.reach(c.Context(), true, report); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "snapshot %s of %s: its machines answer after %.0f s\n", s.Name, s.Taken.Local().Format(time.DateTime), time.Since(begun).Seconds())
			return nil
		},
	}
	remove := &cobra.Command{
		Use: "remove NAME", Short: "Remove a snapshot", Example: "  haprov lab snapshot remove ready", Args: cobra.ExactArgs(1), ValidArgsFunction: a.snapshotNames,
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := a.labOpen()
			if err != nil {
				return err
			}
			return l.RemoveSnapshot(args[0])
		},
	}
	c.AddCommand(save, list, restore, remove)
	return chapter(c)
}

func (a *app) snapshotNames(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	b := *a
	b.err = secret.NewWriter(io.Discard)
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	l, err := b.labOpen()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, _ := l.Snapshots()
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) labRebuildCmd() *cobra.Command {
	only := ""
	c := &cobra.Command{
		Use: "rebuild HOST", Short: "Make a machine anew: fresh from the image, with empty disks",
		Long:    "Cuts the machine's power and removes its disks: what they hold is lost. The machine that starts in its\nplace has the same name and addresses, another host key and nothing installed. Its cluster takes it back\nby haprov replace HOST.",
		Example: "  haprov lab rebuild db2\n  haprov lab rebuild db2 --only disks", Args: cobra.ExactArgs(1), ValidArgsFunction: a.hostNames,
		RunE: func(c *cobra.Command, args []string) error {
			if only != "" && only != lab.OnlyRoot && only != lab.OnlyDisks {
				return errInput{fmt.Sprintf("--only %.20q: expected %s or %s", only, lab.OnlyRoot, lab.OnlyDisks)}
			}
			l, err := a.labOpen()
			if err == nil {
				err = machines(l, args)
			}
			if err != nil {
				return err
			}
			if err := l.Rebuild(c.Context(), args[0], only); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), 10*time.Minute)
			defer cancel()
			return l.WaitSSH(ctx, args[0])
		},
	}
	c.Flags().StringVar(&only, "only", "", "one `PART`: root, with the host key, or disks, those of disk blocks")
	_ = c.RegisterFlagCompletionFunc("only", cobra.FixedCompletions([]string{lab.OnlyRoot, lab.OnlyDisks}, cobra.ShellCompDirectiveNoFileComp))
	return c
}
