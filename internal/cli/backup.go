package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/engine"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/view"
)

func (a *app) backupCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "backup",
		Short: "Make, list and check copies of the data",
		Long: `For clusters whose inventory has a backup block. Copies are made by a timer on the hosts;
these commands start the same unit on the active host and wait for its end. haprov restore restores
one.`,
	}
	c.AddCommand(a.backupListCmd())
	for _, x := range []struct{ what, short, long string }{
		{"now", "Back up the data now", "Makes a full copy, and saves all logs of changes. A copy that is not whole does not count."},
		{"logs", "Save the logs of changes now", "Saves what was written since the last copy, so that the data can be restored as of any second\nup to now. A timer does it every few minutes."},
		{"prove", "Restore the last copy and compare it", "Restores the last copy beside the running server, replays the logs, compares the checksums of all\ntables with those of the running server at the same position, and removes it. Nobody waits for it.\nA timer does it weekly. The copy that was proved last is never removed."},
		{"verify", "Read the whole repository and compare it with its checksums", "Finds what is damaged in the repository. It reads all of it, and restores nothing."},
		{"prune", "Remove the copies that need not be kept", "Keeps what the backup block says, and the copy that was proved last, and frees the space of the\nrest. Each backup does it, too."},
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

func (a *app) backupListCmd() *cobra.Command {
	var cluster string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the copies, and the times that the data can be had as of",
		Long: `Each copy can be restored to any second from FROM to TO: the copy is as of FROM, and the logs that
follow it reach to TO. KEPT says why it is not removed yet, PROVED up to when its restored data was
compared with the server's. What is between two spans of time cannot be restored. Times are UTC, and
as restore --at takes them.`,
		Example: "  haprov backup list\n  haprov backup list --json | jq -r .windows[-1].to",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.backupList(c.Context(), cluster) },
	}
	c.Flags().StringVar(&cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	return c
}

// stocked is what backup list --json writes.
type stocked struct {
	Version int    `json:"version"`
	Cluster string `json:"cluster"`
	Host    string `json:"host"` // that was asked
	kind.Stock
}

func (a *app) backupList(ctx context.Context, name string) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	// the same choice as for what changes something
	c, err := chosen(j.program.Clusters, plan.Intent{Verb: plan.Backup, What: "now"}, name)
	if err != nil {
		return err
	}
	keeper, hosts := c.Keeper()
	if keeper == nil {
		return errInput{fmt.Sprintf("cluster %s makes no copies that could be listed", c.Name)}
	}
	if err := j.reach(ctx, false, nil); err != nil {
		return err
	}
	host, stock, err := j.stock(ctx, c, keeper, hosts)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(stocked{1, c.Name, host, stock})
	}
	return drawStock(a.out, stock)
}

// stock asks all hosts at once what there is, and takes the active one's answer, or that of the first
// that can read the repository.
func (j *job) stock(ctx context.Context, c recipe.Cluster, keeper kind.Keeper, hosts []string) (string, kind.Stock, error) {
	active := map[string]probe.Query{}
	for _, x := range c.Active {
		active[x.Host] = probe.Cmd("active", "( "+x.Shell.Reveal()+"\n) >/dev/null 2>&1")
	}
	o := j.options(ctx, c)
	o.Hosts, o.Checks, o.PlanOnly, o.Events = nil, nil, true, func(engine.Event) {}
	for _, h := range hosts {
		o.Hosts = append(o.Hosts, recipe.Chain{Host: h})
	}
	o.Also = func(host string) []probe.Query {
		qs := []probe.Query{keeper.Stock()}
		if q, ok := active[host]; ok {
			qs = append(qs, q)
		}
		return qs
	}
	s, err := engine.Run(ctx, o)
	if ctx.Err() != nil {
		return "", kind.Stock{}, ctx.Err()
	}
	if len(s.Also) == 0 {
		return "", kind.Stock{}, err
	}
	slices.SortStableFunc(hosts, func(x, y string) int { // the active one first
		serves := func(h string) int {
			if a := s.Also[h].Get(active[h]); a.State == probe.Answered && a.Exit == 0 {
				return 0
			}
			return 1
		}
		return serves(x) - serves(y)
	})
	var bad []string
	for _, h := range hosts {
		seen, ok := s.Also[h]
		if !ok {
			bad = append(bad, fmt.Sprintf("%s: %v", h, s.Outcomes[h]))
			continue
		}
		stock, err := keeper.Read(seen)
		if err == nil {
			return h, stock, nil
		}
		bad = append(bad, h+": "+view.Clean(err.Error()))
	}
	return "", kind.Stock{}, fmt.Errorf("%w: %s", errStock, strings.Join(bad, "; "))
}

// errStock: no host could say which copies there are.
var errStock = errors.New("the copies cannot be listed")

// drawStock draws the copies, and then which times can be had.
func drawStock(w io.Writer, s kind.Stock) error {
	if len(s.Copies) == 0 {
		fmt.Fprintln(w, "no copy yet (haprov backup now)")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FROM\tTO\tSIZE\tPOSITION\tGTID\tKEPT\tPROVED")
	for _, c := range s.Copies {
		proved, gtid, kept := "-", "-", "-"
		if c.Proved != nil {
			proved = second(*c.Proved)
		}
		if c.GTID != "" {
			gtid = c.GTID
		}
		if len(c.Kept) > 0 {
			kept = strings.Join(c.Kept, ", ")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s:%d\t%s\t%s\t%s\n", second(c.From), second(c.To), size(c.Bytes), c.Log, c.Position, view.Clean(gtid), view.Clean(kept), proved)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "recoverable to %s\n", second(s.Latest()))
	for i, x := range s.Windows[1:] {
		fmt.Fprintf(w, "gap: nothing can be had between %s and %s\n", second(s.Windows[i].To), second(x.From))
	}
	return nil
}

// second writes a time as restore --at takes it.
func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// size writes bytes for people.
func size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
