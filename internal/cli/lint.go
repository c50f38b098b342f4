package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/config/source"
	"haprov/internal/engine"
	"haprov/internal/lint"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/transport"
	"haprov/internal/view"
)

// errFound: lint found something, or could not read what it needs. The report has said so.
var errFound = errors.New("lint found something")

type lintFlags struct {
	from, cluster, sarif  string
	except                []string
	collector, short, all bool
}

func (a *app) lintCmd() *cobra.Command {
	var f lintFlags
	c := &cobra.Command{
		Use:   "lint",
		Short: "Judge the configuration of any cluster: what is wrong, why, and the remedy",
		Long: `Looks at Corosync, Pacemaker, DRBD, MariaDB, Galera, HAProxy and keepalived, and changes nothing.

Without --from it asks the hosts of the inventory's cluster, one login and one exchange each. With
--from it reads a folder, of a cluster that anybody made: a folder for each host, or one host's files
directly. Files are known by their names, wherever they lie below the host's folder; those that are
not there leave their checks unknown. To collect a folder (the script only reads, writes nothing on
the host, and takes passwords out):

  haprov lint --collector > collect.sh
  mkdir found; for h in db1 db2; do ssh root@$h sh < collect.sh > found/$h.facts; done
  haprov lint --from found

Or put into found/HOST/ what you have of:

` + sourcesHelp() + `
Beside the hosts' folders may lie what tells of the whole cluster: cib.xml, crm_mon.xml,
fence-history.xml, crm_verify.txt.

Each check comes to the first of these that applies: unreadable (a file that it needs is there and
cannot be read), bad, unknown (what it needs is not there), ok, not applicable. A check is ok only when
something was looked at. Its severity is critical (data or the service are lost in a failure that the
cluster is there for), warning, or advice, which is no fault. Of what it found it says where, the rule,
why, the remedy on a cluster of any making, and that on one that haprov keeps. docs/lint.md has all checks.

Ends with 0 when nothing is wrong, with 18 when a check of severity critical or warning found
something, or something is unreadable. With --json one object a cluster (docs/json.md).`,
		Example: "  haprov lint\n  haprov lint --from found --short\n  haprov lint --from found --except drbd-verify-alg --sarif lint.sarif",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.lint(c.Context(), f) },
	}
	c.Flags().StringVar(&f.from, "from", "", "judge the files in `DIR`; no host is asked")
	c.Flags().StringVar(&f.cluster, "cluster", "", "only the cluster `NAME`, when the inventory has several")
	c.Flags().StringSliceVar(&f.except, "except", nil, "leave out the check `ID`; may be repeated")
	c.Flags().StringVar(&f.sarif, "sarif", "", "write the result to `FILE` as SARIF 2.1.0 too")
	c.Flags().BoolVar(&f.short, "short", false, "a line for each finding, without reasons and remedies")
	c.Flags().BoolVar(&f.all, "all", false, "list the checks that are ok or do not apply, too")
	c.Flags().BoolVar(&f.collector, "collector", false, "print the script that collects what lint reads, and end")
	c.MarkFlagsMutuallyExclusive("from", "cluster")
	_ = c.RegisterFlagCompletionFunc("from", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}) // the flag is there: made above
	_ = c.RegisterFlagCompletionFunc("sarif", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	})
	_ = c.RegisterFlagCompletionFunc("except", func(*cobra.Command, []string, string) (out []string, _ cobra.ShellCompDirective) {
		for _, x := range lint.Table {
			out = append(out, x.ID+"\t"+x.Title)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// sourcesHelp lists the files that lint reads.
func sourcesHelp() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, s := range lint.Sources {
		fmt.Fprintf(w, "  %s\t%s\n", s.Name, s.About)
	}
	_ = w.Flush() // a Builder takes everything
	return b.String()
}

func (a *app) lint(ctx context.Context, f lintFlags) error {
	if f.collector {
		_, err := fmt.Fprint(a.out, lint.Collector())
		return err
	}
	var ids []string
	for _, x := range lint.Table {
		ids = append(ids, x.ID)
	}
	for _, id := range f.except {
		if _, ok := lint.Known(id); !ok {
			text := fmt.Sprintf("no check %.60q; haprov lint --from DIR --all lists them", id)
			if n := source.Near(id, ids); n != "" {
				text = fmt.Sprintf("no check %.60q; did you mean %s?", id, n)
			}
			return errInput{text}
		}
	}
	facts, err := a.lintFacts(ctx, f)
	if err != nil {
		return err
	}
	failed := false
	var all []lint.Report
	for i, x := range facts {
		r := lint.Judge(x, f.except)
		all, failed = append(all, r), failed || r.Failed()
		if a.json {
			if err := a.printJSON(r); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		view.Lint{Out: a.out, Color: terminal(a.out) && a.color(), Short: f.short, All: f.all}.Report(r)
	}
	if f.sarif != "" {
		text, err := lint.SARIF(all)
		if err := errors.Join(err, writeNew(f.sarif, text)); err != nil {
			return err
		}
	}
	if failed {
		return errFound
	}
	return nil
}

// lintFacts reads a folder, or asks the hosts of each cluster.
func (a *app) lintFacts(ctx context.Context, f lintFlags) (out []*lint.Facts, err error) {
	if f.from != "" {
		x, err := lint.FromFolder(f.from, time.Now())
		if errors.Is(err, lint.ErrFolder) || errors.Is(err, fs.ErrNotExist) {
			return nil, errInput{err.Error()}
		}
		return []*lint.Facts{x}, err
	}
	j, err := a.load()
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(slices.Clone(j.program.Clusters), func(c recipe.Cluster) bool { return f.cluster != "" && c.Name != f.cluster })
	switch {
	case len(j.program.Clusters) == 0:
		return nil, errInput{"the inventory has no cluster; haprov lint --from DIR reads files"}
	case len(chosen) == 0:
		return nil, errInput{fmt.Sprintf("no cluster %.60q in the inventory; there is %s", f.cluster, strings.Join(clusterNames(j), ", "))}
	}
	if err := j.reach(ctx, false, nil); err != nil {
		return nil, err
	}
	for _, c := range chosen {
		x, err := j.ask(ctx, c)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// ask asks all hosts of a cluster for what lint reads. A host that does not answer is a fact.
func (j *job) ask(ctx context.Context, c recipe.Cluster) (*lint.Facts, error) {
	said, lost, err := j.asks(ctx, c, []probe.Query{lint.Query()})
	if err != nil {
		return nil, err
	}
	answers := map[string]string{}
	for _, h := range c.Hosts {
		switch answer := said[h].Get(lint.Query()); {
		case lost[h] != "":
		case answer.State != probe.Answered:
			lost[h] = "it did not answer in time"
		default:
			answers[h] = answer.Out
		}
	}
	return lint.FromAnswers(c.Name, c.Hosts, answers, lost, time.Now()), nil
}

// asks asks all hosts of a cluster at once, each in one exchange; lost says why a host did not answer.
func (j *job) asks(ctx context.Context, c recipe.Cluster, queries []probe.Query) (said map[string]probe.Seen, lost map[string]string, err error) {
	o := j.options(ctx, c)
	o.Hosts, o.Checks, o.Active, o.Prepare, o.PlanOnly = nil, nil, nil, nil, true
	for _, h := range c.Hosts {
		o.Hosts = append(o.Hosts, recipe.Chain{Host: h})
	}
	o.Open = func(ctx context.Context, host string) (transport.Session, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*oneTry)
		defer cancel()
		return j.open(ctx, host)
	}
	o.Also = func(string) []probe.Query { return queries }
	lost = map[string]string{}
	o.Events = func(e engine.Event) {
		if x, ok := e.(engine.Failed); ok {
			lost[x.Host] = oneReason(x.Err.Error())
		}
	}
	s, _ := engine.Run(ctx, o) // what went wrong is told by host
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	for _, h := range c.Hosts {
		if _, ok := s.Also[h]; !ok && lost[h] == "" {
			lost[h] = "it did not answer in time"
		}
	}
	return s.Also, lost, nil
}
