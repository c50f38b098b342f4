package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"haprov/internal/engine"
	"haprov/internal/recipe"
)

func (a *app) secretRotateCmd() *cobra.Command {
	var f upFlags
	r := &rotation{}
	look := false
	c := &cobra.Command{
		Use:   "rotate [NAME]",
		Short: "Give a password a new value, the former one valid until --finish",
		Long: `Draws a new value and does what up does: each host accepts the new value and the former one.
Nobody who uses the former one is refused. When all who use it have the new one, --finish takes
the former one away; it changes nothing while a host still lacks the new one. Sessions that are open
stay open.

Interrupted at any point, the same command, or up, goes on with the same new value. A secret that
hosts know one value of at a time, such as Corosync's key, is refused; --all leaves it out and
names it.`,
		Example: "  haprov secret rotate app --plan\n  haprov secret rotate app\n  haprov secret show app\n  haprov secret rotate app --finish\n  haprov secret rotate --all",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if r.all == (len(args) == 1) {
				return errInput{"secret rotate takes the name of a secret, or --all"}
			}
			r.name, f.rotation, f.plan = strings.Join(args, ""), r, look
			return a.up(c.Context(), f)
		},
	}
	c.Flags().BoolVar(&r.all, "all", false, "rotate each secret that can be")
	c.Flags().BoolVar(&r.finish, "finish", false, "end the rotation: the former value is not valid any more")
	c.Flags().StringVar(&r.cluster, "cluster", "", "the `NAME` of the cluster that asks for it")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&look, "plan", false, "show what would be done and end")
	return c
}

// rotation is which secrets are rotated, and which of the two steps of it.
type rotation struct {
	name, cluster string
	all, finish   bool

	of []named // found in the inventory
}

func (r *rotation) String() string {
	s := "secret rotate"
	if r.all {
		s += " --all"
	} else {
		s += " " + r.name
	}
	if r.finish {
		s += " --finish"
	}
	if r.cluster != "" {
		s += " --cluster " + r.cluster
	}
	return s
}

// concerns tells whether a cluster's hosts are changed by it.
func (r *rotation) concerns(c recipe.Cluster) bool {
	return slices.ContainsFunc(r.of, func(n named) bool { return n.owner == c.Name })
}

// find looks up what is meant, and refuses what cannot be rotated, before any host is asked.
func (r *rotation) find(j *job) error {
	if !r.all {
		n, err := j.secretNamed(r.name, r.cluster)
		if err != nil {
			return err
		}
		_, rotated := j.secrets.Former(n.owner, n.name)
		_, err = j.secrets.Show(n.owner, n.name)
		switch {
		case n.owner == ofInventory:
			return errInput{fmt.Sprintf("%s is not haprov's to change: give its device the new one, then haprov secret adopt %s --replace and haprov up", n, n.name)}
		case !j.rotates(n):
			return errInput{fmt.Sprintf("%s cannot be rotated: its hosts know one value of it at a time (the recipe does not ask for former(%q))", n, n.name)}
		case errors.Is(err, fs.ErrNotExist):
			return errInput{fmt.Sprintf("%s does not exist yet: the first haprov up%s generates it", n, j.flags())}
		case err == nil && r.finish && !rotated:
			return errInput{n.String() + " is not being rotated"}
		}
		r.of = []named{n}
		return err
	}
	var left []string
	for _, n := range j.secretsAsked(r.cluster) {
		_, rotated := j.secrets.Former(n.owner, n.name)
		_, err := j.secrets.Show(n.owner, n.name)
		switch {
		case !j.rotates(n):
			left = append(left, n.String())
		case err == nil && (rotated || !r.finish):
			r.of = append(r.of, n)
		}
	}
	if len(r.of) == 0 {
		return errInput{fmt.Sprintf("there is no secret to be rotated%s; haprov secret list%s shows them", map[bool]string{true: " to its end"}[r.finish], j.flags())}
	}
	if len(left) > 0 && !r.finish {
		fmt.Fprintf(j.err, "not rotated, since hosts know one value of it at a time: %s\n", strings.Join(left, ", "))
	}
	return nil
}

// rotates tells whether a cluster's hosts accept two values of a secret.
func (j *job) rotates(n named) bool {
	for _, c := range j.program.Clusters {
		if c.Name == n.owner {
			return slices.Contains(c.Rotated, n.name)
		}
	}
	return false
}

// rotate prepares the store, and reads the program again with what is valid then. The store is
// written before the first action, as for secrets that are generated.
func (j *job) rotate(ctx context.Context, r *rotation) error {
	if r.finish {
		if err := j.bothValid(ctx, r); err != nil {
			return err
		}
	}
	for _, n := range r.of {
		var err error
		if r.finish {
			err = j.secrets.EndRotation(n.owner, n.name)
		} else {
			_, err = j.secrets.Rotate(n.owner, n.name)
		}
		if err != nil {
			return err
		}
	}
	return j.read()
}

// bothValid looks whether the hosts are in the state that the rotation has brought them to. Where they
// are not, one may lack the new value, and the former one must stay.
func (j *job) bothValid(ctx context.Context, r *rotation) error {
	for _, c := range j.program.Clusters {
		if !r.concerns(c) {
			continue
		}
		o := j.options(ctx, c)
		o.PlanOnly = true
		s, err := engine.Run(ctx, o)
		if err != nil {
			return err
		}
		if s.Changes > 0 {
			return errInput{fmt.Sprintf("cluster %s: changes are pending (%s), and a host may lack the new value: nothing was done; haprov up%s makes them, then try again", c.Name, s.Seen.Items[0].Address, j.flags())}
		}
	}
	return nil
}

// rotated says what is valid now, and what is left to do.
func (a *app) rotated(r *rotation) {
	for _, n := range r.of {
		if r.finish {
			fmt.Fprintf(a.err, "%s: the former value is not valid any more\n", n)
			continue
		}
		fmt.Fprintf(a.err, "%[1]s: both values are valid; give the new one to all who use it (haprov secret show %[2]s%[3]s), then: haprov secret rotate %[2]s --finish%[3]s\n", n, n.name, a.flags())
	}
}
