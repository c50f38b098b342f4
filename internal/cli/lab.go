package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haprov/internal/file"
	"haprov/internal/lab"
	"haprov/internal/secret"
	"haprov/internal/view"
)

func (a *app) labCmd() *cobra.Command {
	c := &cobra.Command{Use: "lab", Short: "Control the lab's machines and network links", Example: "  haprov lab status\n  haprov lab power-off db1\n  haprov lab cut db1 db2 --network replication"}
	on := func(use, short string, n int, f func(ctx context.Context, l *lab.Client, args []string) error) *cobra.Command {
		example := "  haprov lab " + strings.Replace(strings.Replace(use, "HOST", "db1", 1), "HOST", "db2", 1)
		x := &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.ExactArgs(n), RunE: func(c *cobra.Command, args []string) error {
			l, err := a.labOpen()
			if err != nil {
				return err
			}
			if err := machines(l, args); err != nil {
				return err
			}
			return f(c.Context(), l, args)
		}}
		if n > 0 {
			x.ValidArgsFunction = a.hostNames
		}
		c.AddCommand(x)
		return x
	}
	on("status", "Show machines and faults", 0, a.labStatus)
	on("halt", "Write everything to the disks and stop all machines", 0, func(ctx context.Context, l *lab.Client, _ []string) error { return halt(ctx, l) })
	on("destroy", "Stop all machines and remove their disks", 0, func(ctx context.Context, l *lab.Client, _ []string) error { return l.Destroy(ctx) })
	on("power-off HOST", "Cut the power; the machine stays off until power-on", 1, func(ctx context.Context, l *lab.Client, args []string) error { return l.PowerOff(ctx, args[0]) })
	on("power-on HOST", "Start a machine", 1, func(ctx context.Context, l *lab.Client, args []string) error { return l.PowerOn(ctx, args[0]) })
	on("pause HOST", "Pause a machine", 1, func(ctx context.Context, l *lab.Client, args []string) error { return l.Pause(ctx, args[0]) })
	on("resume HOST", "Resume a paused machine", 1, func(ctx context.Context, l *lab.Client, args []string) error { return l.Resume(ctx, args[0]) })
	on("heal", "Repair all network links", 0, func(ctx context.Context, l *lab.Client, _ []string) error { return l.Heal(ctx) })
	on("console HOST", "Print a machine's console output", 1, func(_ context.Context, l *lab.Client, args []string) error {
		p, err := l.Console(args[0])
		if err != nil {
			return err
		}
		f, _, err := file.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		r := bufio.NewReaderSize(f, 64<<10) // a longer line is printed as several
		for {
			line, _, err := r.ReadLine()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(a.out, view.Clean(strings.TrimSuffix(string(line), "\r")))
		}
	})
	on("logs", "Print the lab's event log: power, fencing, faults", 0, func(_ context.Context, l *lab.Client, _ []string) error {
		es, err := l.Logs()
		for _, e := range es {
			fmt.Fprintf(a.out, "%s %-10s %-8s %-8s %s\n", e.Time.Format("15:04:05.000"), e.Kind, e.Host, e.Action, view.Clean(e.Text))
		}
		return err
	})
	for _, f := range faults {
		c.AddCommand(a.faultCmd(f))
	}
	c.AddCommand(a.labNeedsCmd(), a.labImageCmd(), a.labSnapshotCmd(), a.labRebuildCmd())
	c.AddCommand(&cobra.Command{Use: "supervise DIR", Hidden: true, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error { return lab.Supervise(c.Context(), args[0]) }})
	c.AddCommand(&cobra.Command{Use: "dial NAME IP PORT", Hidden: true, Args: cobra.ExactArgs(3), RunE: func(c *cobra.Command, args []string) error {
		return lab.DialStdio(c.Context(), args[0], args[1]+":"+args[2], a.in, a.own())
	}})
	return chapter(c)
}

// labOpen finds the inventory's lab; with no inventory that loads, the only lab there is.
func (a *app) labOpen() (*lab.Client, error) {
	j, err := a.load()
	if err != nil {
		return nil, err
	}
	if j.program.Inventory.Lab == nil {
		return nil, errInput{"the inventory has no lab: lab, ssh, ssh-config and down are for machines that haprov made"}
	}
	return lab.Open(j.program.Inventory.Lab.Name)
}

// machines checks that a lab has these.
func machines(l *lab.Client, names []string) error {
	var there []string
	for _, h := range l.Spec().Hosts {
		there = append(there, h.Name)
	}
	for _, n := range names {
		if !slices.Contains(there, n) {
			return errInput{fmt.Sprintf("no machine %.60q in lab %s; there is %s", n, l.Spec().Name, strings.Join(there, ", "))}
		}
	}
	return nil
}

func (a *app) hostNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	b := *a
	b.err = secret.NewWriter(io.Discard)
	j, err := b.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, h := range j.program.Inventory.Hosts {
		out = append(out, h.Name)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) labStatus(ctx context.Context, l *lab.Client, _ []string) error {
	st, err := l.Status(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(st)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "machine\tstate\taddresses\t(%s)\n", st.Driver)
	for _, m := range st.Machines {
		fmt.Fprintf(w, "%s\t%s\t%s\n", m.Host, m.State, strings.Join(m.Addresses, " "))
	}
	for _, f := range st.Faults {
		fmt.Fprintf(w, "fault\t%s\n", faultText(f))
	}
	return w.Flush()
}

func (a *app) downCmd() *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "down", Short: "Destroy the lab: its machines and their disks", Example: "  haprov down --yes", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		l, err := a.labOpen()
		if errors.Is(err, lab.ErrNoLab) {
			fmt.Fprintln(a.err, "no such lab: nothing to do")
			return nil
		}
		if err != nil && !errors.Is(err, lab.ErrHalted) {
			return err
		}
		if !yes {
			if !terminal(a.in) {
				return errInput{"down destroys the lab's disks; use --yes"}
			}
			a.prompt("destroy all machines of the lab and their disks? [y/N] ")
			if line, _ := bufio.NewReader(a.in).ReadString('\n'); strings.TrimSpace(strings.ToLower(line)) != "y" {
				return errInput{"nothing destroyed"}
			}
		}
		return l.Destroy(c.Context())
	}}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) sshConfigCmd() *cobra.Command {
	return &cobra.Command{Use: "ssh-config", Short: "Print an ssh_config for the lab's machines", Example: "  haprov ssh-config >lab.conf && ssh -F lab.conf db1", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		l, err := a.labOpen()
		if err != nil {
			return err
		}
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		fmt.Fprint(a.out, l.SSHConfig(exe))
		return nil
	}}
}

func (a *app) sshCmd() *cobra.Command {
	return &cobra.Command{Use: "ssh HOST [-- COMMAND...]", Short: "Log in to one of the lab's machines", Example: "  haprov ssh db1\n  haprov ssh db1 -- uname -a", Args: cobra.MinimumNArgs(1), ValidArgsFunction: a.hostNames, RunE: func(_ *cobra.Command, args []string) error {
		l, err := a.labOpen()
		if err == nil {
			_, host, ok := strings.Cut(args[0], "@")
			if !ok {
				host = args[0]
			}
			err = machines(l, []string{host})
		}
		if err != nil {
			return err
		}
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		ssh, err := exec.LookPath("ssh")
		if err != nil {
			return fmt.Errorf("%w; install it: apt-get install openssh-client", err)
		}
		conf, err := l.WriteSSHConfig(exe)
		if err != nil {
			return err
		}
		return syscall.Exec(ssh, append([]string{"ssh", "-F", conf}, args...), os.Environ())
	}}
}
