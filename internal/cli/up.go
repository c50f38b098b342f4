package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"haprov/internal/engine"
	"haprov/internal/kind"
	"haprov/internal/lab"
	"haprov/internal/plan"
	"haprov/internal/preflight"
	"haprov/internal/recipe"
	"haprov/internal/shell"
	"haprov/internal/view"
)

type upFlags struct {
	yes, plan, detailed, verify, prove, mixed, untried bool
	allow                                              []string

	replaced string    // a host whose machine or disks are new
	rotation *rotation // of secrets
}

func (a *app) upCmd() *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use:     "up",
		Short:   "Bring the hosts to the state that inventory and recipes describe",
		Long:    "Makes and starts the lab's machines when the inventory has a lab, observes all hosts, shows\nwhat differs, changes it, and proves the recipe's checks. A second run changes nothing.\n\nIn a lab each host is fenced once, too, so that every fence device has been fired. On other machines\n\"ready, fencing not proved\" names the hosts where that has not happened; --prove-fencing does it.",
		Example: "  haprov up\n  haprov up -i shop.hcl --yes --json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.up(c.Context(), f) },
	}
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().StringSliceVar(&f.allow, "allow", nil, "allow the step at `ADDRESS` to destroy data")
	c.Flags().BoolVar(&f.prove, "prove-fencing", false, "fence each host once whose fence device is not proved, also outside of a lab")
	c.Flags().BoolVar(&f.mixed, "mixed-releases", false, "go on although hosts run other releases of their system, while they are upgraded one after the other")
	c.Flags().BoolVar(&f.untried, "untried", false, "go on although hosts run a system of Debian's kin that was never tried, such as Ubuntu")
	return c
}

func (a *app) replaceCmd() *cobra.Command {
	var f upFlags
	look := false
	c := &cobra.Command{
		Use:   "replace HOST",
		Short: "Take a new machine, or one with new disks, into its cluster under the old name",
		Long: `Does what up does, with one permission more: an empty disk of HOST is filled from the other
hosts of its cluster. A disk that holds anything is not used, and a host that may lack
acknowledged writes itself fills nobody. What was proved of the old machine's fence device
counts no more: in a lab it is fired again, elsewhere with --prove-fencing.

The new machine has the name and the addresses that the inventory has. Its host key is another
one: pin it first (a lab's is known). Galera's members need no permission: up does the same.`,
		Example: "  haprov replace db2 --plan\n  haprov replace db2 --prove-fencing",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.hostNames,
		RunE: func(c *cobra.Command, args []string) error {
			f.replaced, f.plan = args[0], look
			return a.up(c.Context(), f)
		},
	}
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&look, "plan", false, "show what would be done and end")
	c.Flags().BoolVar(&f.prove, "prove-fencing", false, "fence each host once whose fence device is not proved, also outside of a lab")
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
	c.Flags().BoolVar(&f.mixed, "mixed-releases", false, "go on although hosts run other releases of their system, while they are upgraded one after the other")
	c.Flags().BoolVar(&f.untried, "untried", false, "go on although hosts run a system of Debian's kin that was never tried, such as Ubuntu")
	return c
}

func (a *app) verifyCmd() *cobra.Command {
	f := upFlags{plan: true, verify: true}
	volumes, cluster := false, ""
	c := &cobra.Command{
		Use:   "verify",
		Short: "Run all checks of the recipe and prove fencing",
		Long: `Proves that no change is pending and that the recipe's checks succeed. In a lab, then, each
host is really fenced once: the standby first, and when it is back and in sync, the active side
moves to it and the other host is fenced. On other machines only with --prove-fencing. Writes
stop for some seconds at each step; the active side stays where it moved to.

With --volumes it compares both sides of the replicated volumes instead, block by block, while
they are in use. It reads both disks whole, at the rate of a resynchronisation. A timer of the
recipe does the same; status tells what came of the last one. Nothing is repaired.`,
		Example: "  haprov verify\n  haprov verify --prove-fencing\n  haprov verify --volumes",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case volumes && f.prove:
				return errInput{"verify takes --volumes or --prove-fencing, not both"}
			case cluster != "" && !volumes:
				return errInput{"verify --cluster is for --volumes"}
			case volumes:
				return a.intend(c.Context(), plan.Intent{Verb: plan.Compare}, intentFlags{yes: true, cluster: cluster})
			}
			return a.up(c.Context(), f)
		},
	}
	c.Flags().BoolVar(&volumes, "volumes", false, "compare both sides of the replicated volumes")
	c.Flags().StringVar(&cluster, "cluster", "", "with --volumes: the `NAME` of the cluster, when the inventory has several")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask before hosts are fenced")
	c.Flags().BoolVar(&f.prove, "prove-fencing", false, "fence each host once, also outside of a lab")
	return c
}

func (a *app) up(ctx context.Context, f upFlags) error {
	v := a.view(f.plan && !f.verify)
	verb := map[bool]string{false: "up", true: "verify"}[f.verify]
	if f.replaced != "" {
		verb = "replace " + f.replaced
	}
	if f.rotation != nil {
		verb = f.rotation.String()
	}
	if !f.plan || f.verify { // verify fences
		a.begins("haprov " + verb + a.flags())
	}
	var clusters []recipe.Cluster
	j, err := a.load()
	if err == nil {
		err = j.given()
	}
	if err == nil && f.rotation != nil {
		err = f.rotation.find(j)
	}
	if err == nil {
		clusters, err = f.clusters(j.program.Clusters)
	}
	if err != nil {
		return a.ended(v, err)
	}
	if a.run.Load() != nil {
		log, err := a.openJournal("haprov " + verb + ", " + j.program.Inventory.Path)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		defer log.f.Close()
		v = both{v, log}
	}
	var one sync.Mutex
	report := func(e lab.Event) {
		one.Lock()
		defer one.Unlock()
		v.Lab(e)
	}
	err = j.reach(ctx, !f.plan && f.rotation == nil, report)
	if err == nil && j.outdated() {
		if j, err = a.load(); err == nil {
			err = j.reach(ctx, false, report)
		}
		if err == nil {
			clusters, err = f.clusters(j.program.Clusters)
		}
	}
	if err != nil {
		return a.ended(v, err)
	}
	if !f.plan || f.verify {
		if err := j.undrilled(ctx); err != nil {
			return a.ended(v, err)
		}
	}
	if f.rotation != nil {
		err := j.rotate(ctx, f.rotation)
		if err == nil {
			clusters, err = f.clusters(j.program.Clusters)
		}
		if err != nil {
			return a.ended(v, err)
		}
	}
	if a.human != nil {
		a.human.Brief = !f.plan && (f.yes || j.lab != nil)
	}
	for _, c := range clusters {
		o := j.options(ctx, c)
		o.Events, o.Allow = v.Event, f.allow
		o.Preflight = preflight.Of(j.program.Inventory, c.Hosts, c.Needs())
		for i := range o.Preflight {
			o.Preflight[i].Mixed, o.Preflight[i].Untried = f.mixed, f.untried
		}
		o.PlanOnly, o.Verify = f.plan && !f.verify, f.verify
		switch {
		case f.verify:
			o.Approve = func(plan.Plan) bool { return false } // what differs is shown, not mended
		case !f.yes && j.lab == nil:
			o.Approve = a.ask
		}
		s, err := engine.Run(ctx, o)
		a.came(s)
		v.Summary(s, err)
		if f.verify && errors.Is(err, engine.ErrNotApproved) {
			return fmt.Errorf("%w: changes are pending; haprov up%s makes those shown above", err, a.flags())
		}
		if err != nil {
			return err
		}
		if f.rotation != nil && !f.plan { // when no host had to be changed, nothing is stored yet
			if err := j.commit(); err != nil {
				return err
			}
		}
		unproved := s.Unproved()
		if f.prove || f.verify && j.lab != nil {
			if unproved, err = a.proveFencing(ctx, j, c, f, v); err != nil {
				return err
			}
		}
		if f.plan && f.detailed && s.Changes > 0 {
			return errPending
		}
		if !a.json && !f.plan && f.rotation == nil {
			view.Ready(a.out, c.Endpoints, a.flags(), unproved, j.lab != nil, s.Changes > 0)
		}
	}
	if f.rotation != nil && !f.plan {
		a.rotated(f.rotation)
	}
	return nil
}

// clusters are those that the run is for: all, those whose secrets are rotated, or the one that has
// the replaced host.
func (f upFlags) clusters(all []recipe.Cluster) ([]recipe.Cluster, error) {
	if f.rotation != nil {
		return slices.DeleteFunc(slices.Clone(all), func(c recipe.Cluster) bool { return !f.rotation.concerns(c) }), nil
	}
	if f.replaced == "" {
		return all, nil
	}
	var found []recipe.Cluster
	var why []error
	for _, c := range all {
		x, err := c.Replace(f.replaced)
		if err != nil {
			why = append(why, err)
			continue
		}
		found = append(found, x)
	}
	if len(found) == 0 {
		return nil, errInput{errors.Join(why...).Error()}
	}
	return found, nil
}

// proveFencing fires a cluster's fence devices, with verify those that are proved, too, and gives the
// hosts that are not proved after it. A cluster that knows no fencing is passed over, unless the user
// asked for it.
func (a *app) proveFencing(ctx context.Context, j *job, c recipe.Cluster, f upFlags, v view.View) ([]string, error) {
	c, err := c.Intend(plan.Intent{Verb: plan.ProveFencing, Anew: f.verify})
	switch {
	case errors.Is(err, kind.ErrNoIntent) && !f.prove:
		return nil, nil
	case err != nil:
		return nil, err
	}
	o := j.options(ctx, c)
	o.Events = v.Event
	if !f.yes && j.lab == nil {
		o.Approve = a.ask
	}
	s, err := engine.Run(ctx, o)
	a.came(s)
	v.Summary(s, err)
	return s.Unproved(), err
}

// ended closes a run that did not come to its hosts: whoever reads JSON gets a summary all the same.
func (a *app) ended(v view.View, err error) error {
	if !a.json {
		return err
	}
	told := err
	if err == (errInput{}) {
		told = errors.New("bad input: see the problems on the error stream")
	}
	v.Summary(engine.Summary{}, told)
	return err
}

// ask wants a yes from the terminal; without one there is none.
func (a *app) ask(plan.Plan) bool { return a.agreed("change this? [y/N] ") }

// flags are those that a next command needs to mean the same machines.
func (a *app) flags() string {
	s := ""
	if a.inventory != "" {
		s = " -i " + shell.Quote(a.inventory)
	}
	if a.useVagrant {
		s += " --vagrant"
	}
	return s
}

// places says where each step of a program is written.
func places(p *recipe.Program) map[string]string {
	at := map[string]string{}
	for _, c := range p.Clusters {
		for _, ch := range c.Chains {
			for _, it := range ch.Items {
				if it.File != "" {
					at[it.Address] = fmt.Sprintf("%s:%d", it.File, it.Line)
				}
			}
		}
	}
	return at
}
