package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/plan"
	"haprov/internal/recipe"
)

// intentFlags are what all intents share.
type intentFlags struct {
	yes, look bool
	cluster   string
}

func (f *intentFlags) on(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.look, "plan", false, "show what would be done and end")
	c.Flags().StringVar(&f.cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	return c
}

func (a *app) recoverCmd() *cobra.Command {
	var f intentFlags
	in := plan.Intent{Verb: plan.Recover}
	c := &cobra.Command{
		Use:   "recover",
		Short: "Recover a cluster that has no primary component, or whose volume has a split brain",
		Long: `Asks every node what it holds, shows the table, waits first whether the cluster heals by
itself, then starts the most advanced node and joins the others one by one. Anything
doubtful is refused, with the evidence; --accept-missing names nodes to continue without.

On the two-node stack: a host that was restarted while the other one is gone waits for both.
Shows what is known; --accept-missing has the missing one fenced and lets this one go on.

A split brain of its volume: both sides have written since they lost each other. Shows what each has
that the other lacks. --discard HOST takes HOST out of service, keeps a copy of all that it holds,
discards its changes, and has it filled from the other side. Without room for the copy, or when it is
no split brain, nothing is done.`,
		Example: "  haprov recover --plan\n  haprov recover -i galera.hcl --yes\n  haprov recover --accept-missing db3\n  haprov recover --discard db2 --plan",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case in.Discard != "" && len(in.AcceptMissing) > 0:
				return errInput{"recover takes --accept-missing or --discard, not both: a host whose changes are discarded must answer"}
			case in.Folder != "" && in.Discard == "":
				return errInput{"recover --in is for --discard"}
			}
			return a.intend(c.Context(), in, f)
		},
	}
	c.Flags().StringSliceVar(&in.AcceptMissing, "accept-missing", nil, "proceed without `HOST`, though it may hold newer rows")
	c.Flags().StringVar(&in.Discard, "discard", "", "end a split brain: discard what `HOST` alone has, after a copy was kept there")
	c.Flags().StringVar(&in.Folder, "in", "", "a `FOLDER` of that host for the copy (default: /var/lib/haprov-discarded)")
	return f.on(c)
}

func (a *app) restartCmd() *cobra.Command {
	var f intentFlags
	var rolling bool
	c := &cobra.Command{
		Use:     "restart --rolling",
		Short:   "Restart the database servers, one after the other",
		Long:    "Takes each server out of service, restarts it and waits until the cluster calls it healthy\nbefore the next. The one that serves comes last. The two-node stack has one server: it is away\nfor as long as its restart takes.",
		Example: "  haprov restart --rolling\n  haprov restart --rolling --plan -i galera.hcl",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !rolling {
				return errInput{"restart needs --rolling"}
			}
			return a.intend(c.Context(), plan.Intent{Verb: plan.Restart}, f)
		},
	}
	c.Flags().BoolVar(&rolling, "rolling", false, "one server at a time")
	return f.on(c)
}

func (a *app) upgradeCmd() *cobra.Command {
	var f intentFlags
	in := plan.Intent{Verb: plan.Upgrade}
	c := &cobra.Command{
		Use:   "upgrade",
		Short: "Upgrade the packages of a cluster's hosts, one host after the other",
		Long: `Brings the recipe's packages, and what they need, to the newest version that the hosts' package
sources have. One host at a time is out of service, and the next one follows when the cluster
calls everything healthy and in sync. The host that serves comes last, after the active side has
moved; the two-node stack's stays where it moved to.

Refused, before anything is changed: a cluster that is not healthy, a host in maintenance, an
upgrade that would remove a package, and another series of a package (10.11 to 11.8). A host whose
upgrade fails is taken back into service, and the run ends; run again, it continues.

Package lists older than an hour are read first; --plan shows what follows by those that are there.
--reboot also reboots hosts with a new kernel, or with a package that asks for it.`,
		Example: "  haprov upgrade --plan\n  haprov upgrade\n  haprov upgrade --all --reboot",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.intend(c.Context(), in, f) },
	}
	c.Flags().BoolVar(&in.All, "all", false, "upgrade all packages of the hosts")
	c.Flags().BoolVar(&in.Reboot, "reboot", false, "reboot the hosts that want it, one after the other")
	return f.on(c)
}

func (a *app) maintenanceCmd() *cobra.Command {
	var f intentFlags
	c := &cobra.Command{
		Use:     "maintenance HOST on|off",
		Short:   "Take a host out of service, or back in",
		Long:    "Drains the host first: what it serves moves to another one, and sessions end there before\nanything is stopped.",
		Example: "  haprov maintenance db2 on\n  haprov maintenance db2 off",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if args[1] != "on" && args[1] != "off" {
				return errInput{fmt.Sprintf("maintenance %s %q: expected on or off", args[0], args[1])}
			}
			return a.intend(c.Context(), plan.Intent{Verb: plan.Maintenance, Host: args[0], On: args[1] == "on"}, f)
		},
	}
	return f.on(c)
}

func (a *app) switchoverCmd() *cobra.Command {
	var f intentFlags
	c := &cobra.Command{
		Use:     "switchover [HOST]",
		Short:   "Move the active side to another host, gracefully",
		Long:    "Moves the active side (the writer of a Galera cluster) to HOST, or to the host that is\nready for it. No constraint is left behind.",
		Example: "  haprov switchover\n  haprov switchover db2 --plan",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.intend(c.Context(), plan.Intent{Verb: plan.Switchover, Host: strings.Join(args, "")}, f)
		},
	}
	return f.on(c)
}

// intend runs an intent on the one cluster that knows it.
func (a *app) intend(ctx context.Context, in plan.Intent, f intentFlags) error {
	v := a.view(f.look)
	if !f.look {
		a.begins("the same command")
	}
	j, err := a.load()
	if err == nil {
		err = j.given()
	}
	if err != nil {
		return a.ended(v, err)
	}
	c, err := chosen(j.program.Clusters, in, f.cluster)
	if err == nil {
		err = j.reach(ctx, false, func(lab.Event) {})
	}
	if err != nil {
		return a.ended(v, err)
	}
	if !f.look {
		if err := j.undrilled(ctx); err != nil {
			return a.ended(v, err)
		}
		log, err := a.openJournal(fmt.Sprintf("haprov %s, cluster %s", strings.Join(strings.Fields(in.Verb+" "+in.What+" "+in.Host), " "), c.Name))
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		defer log.f.Close()
		v = both{v, log}
	}
	o := j.options(ctx, c)
	o.Events, o.PlanOnly, o.Without = v.Event, f.look, in.AcceptMissing
	if in.Discard != "" {
		o.Allow = c.Addresses() // that is what was asked for
	}
	if !f.yes && j.lab == nil {
		o.Approve = a.ask
	}
	s, err := engine.Run(ctx, o)
	a.came(s)
	v.Summary(s, err)
	return err
}

// chosen is the cluster that an intent is for, its chains cut down to it.
func chosen(all []recipe.Cluster, in plan.Intent, name string) (recipe.Cluster, error) {
	var found []recipe.Cluster
	var names []string
	var why []error
	for _, c := range all {
		names = append(names, c.Name)
		if name != "" && c.Name != name {
			continue
		}
		cut, err := c.Intend(in)
		if err != nil {
			why = append(why, err)
			continue
		}
		found = append(found, cut)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return recipe.Cluster{}, errInput{"several clusters match: use --cluster " + strings.Join(names, " or --cluster ")}
	case len(why) == 0:
		return recipe.Cluster{}, errInput{fmt.Sprintf("no cluster %q in the inventory; there is %s", name, strings.Join(names, ", "))}
	}
	return recipe.Cluster{}, errInput{errors.Join(why...).Error()}
}
