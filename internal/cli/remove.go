package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/recipe"
)

func (a *app) removeCmd() *cobra.Command {
	var f intentFlags
	var destroy []string
	c := &cobra.Command{
		Use:   "remove",
		Short: "Take a cluster off its machines",
		Long: `Goes through the recipe from its end to its beginning: the cluster's resources are stopped in
their order, then its software, and what the steps own is removed: files, units, the cluster's
configuration, passwords on the hosts. All hosts must answer.

The data stays, and a later up takes it up again. --destroy-data NAME destroys what the step NAME
keeps, on all hosts. Packages, users and what a package brought stay, and what is left is listed.
The secrets of this machine's store stay, too: the data needs them.`,
		Example: "  haprov remove --plan\n  haprov remove\n  haprov remove --destroy-data mysql",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.remove(c.Context(), f, destroy) },
	}
	c.Flags().StringSliceVar(&destroy, "destroy-data", nil, "destroy the data of the step `NAME`, too")
	return f.on(c)
}

func (a *app) remove(ctx context.Context, f intentFlags, destroy []string) error {
	v := a.view(f.look)
	if !f.look {
		a.begins("the same command")
	}
	j, err := a.load()
	if err == nil {
		err = j.given()
	}
	if err == nil {
		_, _, err = removed(j.program.Clusters, f.cluster, destroy)
	}
	if err != nil {
		return a.ended(v, err)
	}
	if err := j.reach(ctx, false, func(lab.Event) {}); err != nil {
		return a.ended(v, err)
	}
	c, left, err := removed(j.program.Clusters, f.cluster, destroy) // the way to the hosts may have read the program again
	if err != nil {
		return a.ended(v, err)
	}
	if !f.look {
		if err := j.undrilled(ctx); err != nil {
			return a.ended(v, err)
		}
		log, err := a.openJournal("haprov remove, cluster " + c.Name)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		defer log.f.Close()
		v = both{v, log}
	}
	o := j.options(ctx, c)
	o.Events, o.PlanOnly, o.Checks, o.Active = v.Event, f.look, nil, nil
	if len(destroy) > 0 {
		o.Allow = c.Addresses() // only the named steps destroy anything
	}
	if !f.yes && j.lab == nil {
		o.Approve = a.ask
	}
	s, err := engine.Run(ctx, o)
	a.came(s)
	if err == nil {
		for _, l := range left {
			v.Event(engine.Noted{Address: l.Host, Text: told(l)})
		}
	}
	v.Summary(s, err)
	return err
}

// told is what stays on a host, in words.
func told(l recipe.Left) string {
	var out []string
	for _, x := range []struct {
		what  string
		names []string
	}{{"data", l.Data}, {"packages", l.Packages}, {"other", l.Other}} {
		if len(x.names) > 0 {
			out = append(out, x.what+": "+strings.Join(x.names, ", "))
		}
	}
	if len(out) == 0 {
		return "nothing is left"
	}
	return "left here: " + strings.Join(out, "; ")
}

// removed is the cluster that is meant, turned round.
func removed(all []recipe.Cluster, name string, destroy []string) (recipe.Cluster, []recipe.Left, error) {
	var names []string
	var found []recipe.Cluster
	for _, c := range all {
		names = append(names, c.Name)
		if name == "" || c.Name == name {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 0:
		return recipe.Cluster{}, nil, errInput{fmt.Sprintf("no cluster %q in the inventory; there is %s", name, strings.Join(names, ", "))}
	case len(found) > 1:
		return recipe.Cluster{}, nil, errInput{"which cluster? use --cluster " + strings.Join(names, " or --cluster ")}
	}
	c, left, err := found[0].Remove(destroy)
	if err != nil {
		return c, nil, errInput{err.Error()}
	}
	return c, left, nil
}
