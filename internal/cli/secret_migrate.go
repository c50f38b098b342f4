package cli

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haprov/internal/secret/store"
)

type migrateFlags struct {
	plan, yes, remove bool
}

func (a *app) secretMigrateCmd() *cobra.Command {
	var f migrateFlags
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Copy the secrets of this machine to where the inventory has its secrets",
		Long: `For an inventory that was given a block secrets: copies what this machine has of its clusters, and
of the inventory itself, to the place that the block names. Rotations in progress go along. It shows
first what it would do, and asks. Nothing there is replaced: when a secret has another value there,
nothing is copied. Each is read back and compared. The ones of this machine stay, unless --remove is
given; they are not used any more. It may be repeated, also after an interrupt.`,
		Example: "  haprov secret migrate --plan\n  haprov secret migrate\n  haprov secret migrate --remove",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.migrate(f) },
	}
	c.Flags().BoolVar(&f.plan, "plan", false, "show what would be done and end")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.remove, "remove", false, "remove from this machine what is there with the same value")
	return c
}

func (a *app) migrate(f migrateFlags) error {
	j, to, err := a.source("migrate")
	if err != nil {
		return err
	}
	var all []store.Move
	asked := j.secretsAsked(ofInventory)
	for _, owner := range append(clusterNames(j), ofInventory) {
		// Other inventories have theirs under the same owner; of a cluster all is brought, also what the
		// recipe does not ask for at the moment.
		moves, err := store.Moves(j.local, to, owner, func(name string) bool {
			return owner != ofInventory || slices.Contains(asked, named{owner, name})
		})
		if err != nil {
			return errInput{fmt.Sprintf("secrets of %s: %v", owner, err)}
		}
		all = append(all, moves...)
	}
	if len(all) == 0 {
		return errInput{"this machine has no secrets of this inventory"}
	}
	var differ []string
	todo := 0
	w := tabwriter.NewWriter(a.err, 0, 0, 2, ' ', 0)
	for _, m := range all {
		what := map[store.State]string{store.Missing: "is copied", store.Same: "is there with the same value", store.Differs: "is there with another value"}[m.Is]
		if m.Is == store.Missing {
			todo++
		}
		if m.Is == store.Differs {
			differ = append(differ, named{m.Owner, m.Name}.String())
		}
		if f.remove && m.Is != store.Differs {
			what += "; removed from this machine"
			todo++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", m.Name, m.Owner, what)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	switch {
	case len(differ) > 0:
		return errInput{fmt.Sprintf("nothing was copied: %s; find out which value the hosts have, and store it there: haprov secret adopt NAME --replace", strings.Join(differ, ", ")+map[bool]string{true: " has another value there", false: " have other values there"}[len(differ) == 1])}
	case todo == 0:
		fmt.Fprintln(a.err, "nothing is to be done")
		return nil
	case f.plan:
		return nil
	case !f.yes && !a.agreed("do this? [y/N] "):
		return errInput{"nothing was done"}
	}
	for _, m := range all {
		if err := m.Copy(j.local, to); err != nil {
			return fmt.Errorf("%s: %w; this machine's secrets are as they were, run it again", named{m.Owner, m.Name}, err)
		}
	}
	if f.remove {
		for _, m := range slices.Backward(all) { // an authority last
			if err := m.Forget(j.local, to); err != nil {
				return fmt.Errorf("%s: %w; all are copied, run it again", named{m.Owner, m.Name}, err)
			}
		}
	}
	fmt.Fprintf(a.err, "%d secrets are where the inventory has them, read back and compared\n", len(all))
	return nil
}

// agreed asks, on a terminal.
func (a *app) agreed(question string) bool {
	if !terminal(a.in) {
		fmt.Fprintln(a.err, "no terminal to ask for approval; use --yes")
		return false
	}
	a.prompt(question)
	line, _ := bufio.NewReader(a.in).ReadString('\n')
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(line)))
}

// source is the store of an inventory that has its secrets elsewhere than on this machine. The program is
// read without its secrets.
func (a *app) source(verb string) (*job, *store.Store, error) {
	j, err := a.loadFiles()
	if err != nil {
		return nil, nil, err
	}
	s := j.program.Inventory.Secrets
	if s == nil {
		return nil, nil, errInput{"secret " + verb + " is for an inventory with a block secrets; this one has its secrets on this machine (docs/secrets.md)"}
	}
	from, err := openSource(*s)
	if err != nil {
		return nil, nil, errInput{fmt.Sprintf("secrets: %v", err)}
	}
	return j, store.New(from), nil
}

func (a *app) secretReencryptCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "reencrypt",
		Short: "Encrypt the file of secrets to the recipients that the inventory lists now",
		Long: `For an inventory whose secrets are in an age file: after somebody was added to the recipients, or
taken out. Any command that writes the file does so, too. Who was taken out still has what they
could read before, also in the history of the repository: rotate it.`,
		Example: "  haprov secret reencrypt",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			j, to, err := a.source("reencrypt")
			if err != nil {
				return err
			}
			s := j.program.Inventory.Secrets.Age
			if s == nil {
				return errInput{"secret reencrypt is for secrets in an age file"}
			}
			if _, err := to.List(ofInventory); err != nil {
				return errInput{fmt.Sprintf("secrets: %v", err)}
			}
			if err := to.Commit(); err != nil {
				return errInput{fmt.Sprintf("secrets: %v", err)}
			}
			fmt.Fprintf(a.err, "%s is encrypted to the %d recipients of the inventory\n", s.Path, len(s.Recipients))
			return nil
		},
	}
}
