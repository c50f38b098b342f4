package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/lab/image"
	"haprov/internal/transport"
	"haprov/internal/view"
)

type upFlags struct {
	yes, plan, detailed, verify bool
	vagrant                     bool
	allow                       []string
}

func (a *app) upCmd() *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use:     "up",
		Short:   "Make everything as the inventory wants it",
		Long:    "Makes and starts the lab's machines when the inventory has a lab, observes all hosts, shows\nwhat differs, changes it, and proves the recipe's checks. A second run changes nothing.",
		Example: "  haprov up\n  haprov up -i shop.hcl --yes --json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.up(c.Context(), f) },
	}
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().StringSliceVar(&f.allow, "allow", nil, "let the step at `ADDRESS` destroy data")
	c.Flags().BoolVar(&f.vagrant, "vagrant", false, "take addresses, ports and keys from `vagrant ssh-config`")
	return c
}

func (a *app) planCmd() *cobra.Command {
	f := upFlags{plan: true}
	c := &cobra.Command{
		Use:     "plan",
		Short:   "Show what up would change",
		Example: "  haprov plan\n  haprov plan --detailed-exitcode",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.up(c.Context(), f) },
	}
	c.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 2 when changes are pending")
	c.Flags().BoolVar(&f.vagrant, "vagrant", false, "take addresses, ports and keys from `vagrant ssh-config`")
	return c
}

func (a *app) verifyCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "verify",
		Short:   "Prove the recipe's checks, those that write too",
		Example: "  haprov verify",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.up(c.Context(), upFlags{plan: true, verify: true})
		},
	}
}

func (a *app) up(ctx context.Context, f upFlags) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	v := a.view(f.plan)
	if f.vagrant {
		out, err := exec.CommandContext(ctx, "vagrant", "ssh-config").Output()
		if err != nil {
			return fmt.Errorf("vagrant ssh-config: %w (are the machines up?)", err)
		}
		if j.vagrant, err = transport.ParseSSHConfig(out); err != nil {
			return err
		}
	}
	var one sync.Mutex
	report := func(e lab.Event) {
		one.Lock()
		defer one.Unlock()
		v.Lab(e)
	}
	if err := j.reach(ctx, !f.plan, report); err != nil {
		return err
	}
	for _, c := range j.program.Clusters {
		o := j.options(ctx, c)
		o.Events, o.Allow = v.Event, f.allow
		o.PlanOnly, o.Verify = f.plan && !f.verify, f.verify
		switch {
		case f.verify:
			o.Approve = func(engine.Plan) bool { return false } // what differs is shown, not mended
		case !f.yes && j.lab == nil:
			o.Approve = a.ask
		}
		s, err := engine.Run(ctx, o)
		v.Summary(s, err)
		if err != nil {
			return err
		}
		if f.plan && f.detailed && s.Changes > 0 {
			return errPending
		}
		if h, ok := v.(*view.Human); ok && !f.plan {
			h.Ready(c.Endpoint, j.lab != nil)
		}
	}
	return nil
}

// ask wants a yes from the terminal; without one there is none.
func (a *app) ask(engine.Plan) bool {
	if !terminal(a.in) {
		fmt.Fprintln(a.err, "nobody to ask: say --yes to go on")
		return false
	}
	fmt.Fprint(a.err, "change this? [y/N] ")
	line, _ := bufio.NewReader(a.in).ReadString('\n')
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(line)))
}

// needs installs the Debian packages that the lab lacks here: as root, or through sudo without a
// password; otherwise it says what to install.
func (j *job) needs(report func(lab.Event)) error {
	driver := j.program.Inventory.Lab.Driver
	if driver == "" || driver == "auto" {
		driver = "uml"
	}
	missing := image.Needs(driver)
	if len(missing) == 0 {
		return nil
	}
	as := []string{}
	if os.Geteuid() != 0 {
		as = []string{"sudo", "-n"}
	}
	report(lab.Event{Kind: "image", Action: "needs", Text: "installing " + strings.Join(missing, " ")})
	for _, args := range [][]string{{"apt-get", "-q", "update"}, append([]string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q", "--no-install-recommends", "install"}, missing...)} {
		cmd := append(append([]string{}, as...), args...)
		if out, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("the lab needs packages; install them and run this again: apt-get install %s (%w: %s)", strings.Join(missing, " "), err, lastLine(out))
		}
	}
	return nil
}

func lastLine(b []byte) string {
	l := strings.Split(strings.TrimSpace(string(b)), "\n")
	return l[len(l)-1]
}
