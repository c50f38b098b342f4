package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/drill/fault"
	"haprov/internal/drill/load"
	"haprov/internal/recipe"
	"haprov/internal/view"
)

// errDrill: a drill failed. errUnjudged: nothing is known of one, and none failed.
var (
	errDrill    = errors.New("a drill failed")
	errUnjudged = errors.New("a drill could not be judged")
)

func (a *app) drillCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "drill", Short: "Prove the cluster: break it on purpose and judge what its clients saw",
		Long: `A drill is an experiment: an expectation first, clients that write and read, a fault, the proof that it
was in force, its end, a last look at every host, and a verdict from what the clients saw. Drills and
what they must keep stand in the recipe, faults in the folder faults. A fault has its end before its
begin: it heals by itself when this program dies.

A drill passes when every promise was kept and what was expected came of it. What could not be
observed is unknown, never a pass.

In a lab every drill may run. Other machines are touched only as far as the inventory's cluster says:
drills { allow = ["stall", "failover"] }.`,
		Example: "  haprov drill list\n  haprov drill run\n  haprov drill run active-power-cut",
	}
	c.AddCommand(a.drillListCmd(), a.drillRunCmd(), a.drillReportCmd(), a.drillCompareCmd(), a.drillVerifyCmd(), a.drillCalibrateCmd(), a.drillHealCmd())
	return chapter(c)
}

func (a *app) drillListCmd() *cobra.Command {
	var f drillFlags
	c := &cobra.Command{
		Use: "list", Short: "List the drills of the cluster, and whether they can run here",
		Long:    "Lists what the recipe has: the drill, its faults and their risk (stall: writes wait; failover; host: a\nmachine is lost for a while; cluster; data), what is expected, and why one cannot run here. No host is asked.",
		Example: "  haprov drill list", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.drillList(f) },
	}
	c.Flags().StringVar(&f.cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	return c
}

func (a *app) drillHealCmd() *cobra.Command {
	return &cobra.Command{
		Use: "heal", Short: "Take back every fault that a drill left",
		Long:    "Asks the lab and every host for faults that are still armed or in force, and takes them back now instead\nof at their lease's end. It needs no memory of the drill, and may be repeated.",
		Example: "  haprov drill heal", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.drillHeal(c.Context()) },
	}
}

// drilled finds the cluster whose drills are meant.
func (j *job) drilled(name string) (recipe.Cluster, error) {
	var found []recipe.Cluster
	for _, c := range j.program.Clusters {
		if len(c.Drills.Drills) > 0 && (name == "" || c.Name == name) {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		var names []string
		for _, c := range found {
			names = append(names, c.Name)
		}
		return recipe.Cluster{}, errInput{"several clusters have drills: use --cluster " + strings.Join(names, " or --cluster ")}
	case name != "":
		return recipe.Cluster{}, errInput{fmt.Sprintf("no cluster %.60q with drills; there is %s", name, strings.Join(clusterNames(j), ", "))}
	}
	return recipe.Cluster{}, errInput{"no recipe of this inventory has a drill"}
}

// refusal says why a drill may not run on these machines; empty when it may.
func (j *job) refusal(c recipe.Cluster, d recipe.Drill, now time.Time) string {
	inLab := j.program.Inventory.Lab != nil && !j.useVagrant
	if known := load.Protocols(); !slices.Contains(known, c.Drills.Load.Protocol) {
		return fmt.Sprintf("its load speaks %.40q, which is not known; there is %s", c.Drills.Load.Protocol, strings.Join(known, ", "))
	}
	for _, b := range d.Faults {
		if b.Fault.NeedsLab() && !inLab {
			return fmt.Sprintf("fault %s needs a lab", b.Fault.Name)
		}
	}
	if inLab {
		return ""
	}
	if c.Drills.Consent == nil {
		return "the inventory does not allow it: write drills { allow = [...] } in its cluster block"
	}
	for _, b := range d.Faults {
		if !slices.Contains(c.Drills.Consent.Allow, b.Fault.Risk) {
			return fmt.Sprintf("fault %s risks %q, which the inventory does not allow", b.Fault.Name, b.Fault.Risk)
		}
	}
	if w, err := recipe.ReadWindow(c.Drills.Consent.Window); err == nil && !w.Open(now) {
		return "outside of the window " + c.Drills.Consent.Window
	}
	return ""
}

func (a *app) drillList(f drillFlags) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	c, err := j.drilled(f.cluster)
	if err != nil {
		return err
	}
	if a.json {
		list := drillJSON{Version: 1, Cluster: c.Name, Drills: []drillEntry{}}
		for _, d := range c.Drills.Drills {
			x := drillEntry{Drill: d.Name, About: d.About, Suites: d.Suites, Outage: d.Expect.Outage.Seconds(), Active: d.Expect.Active, Refused: j.refusal(c, d, time.Now())}
			for _, b := range d.Faults {
				x.Faults = append(x.Faults, drillFault{b.Fault.Name, b.On, b.Fault.Risk})
			}
			list.Drills = append(list.Drills, x)
		}
		return a.printJSON(list)
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "DRILL\tFAULT\tRISK\tEXPECTED\tSUITES\tHERE")
	for _, d := range c.Drills.Drills {
		var what, risk []string
		for _, b := range d.Faults {
			what = append(what, b.Fault.Name+" on "+b.On)
			if !slices.Contains(risk, b.Fault.Risk) {
				risk = append(risk, b.Fault.Risk)
			}
		}
		here := j.refusal(c, d, time.Now())
		if here == "" {
			here = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.Name, strings.Join(what, ", "), strings.Join(risk, ", "), expectation(d), strings.Join(d.Suites, ", "), here)
	}
	return w.Flush()
}

// drillJSON is what drill list --json writes.
type drillJSON struct {
	Version int          `json:"version"`
	Cluster string       `json:"cluster"`
	Drills  []drillEntry `json:"drills"`
}

type drillEntry struct {
	Drill   string       `json:"drill"`
	About   string       `json:"about"`
	Suites  []string     `json:"suites"`
	Faults  []drillFault `json:"faults"`
	Active  string       `json:"active,omitempty"`
	Outage  float64      `json:"outage_limit_seconds"`
	Refused string       `json:"refused,omitempty"`
}

type drillFault struct {
	Fault string `json:"fault"`
	On    string `json:"on"`
	Risk  string `json:"risk"`
}

// expectation is a drill's in a few words.
func expectation(d recipe.Drill) string {
	var parts []string
	if text := map[string]string{"moves": "the active side moves", "stays": "it stays", "none": "nobody serves"}[d.Expect.Active]; text != "" {
		parts = append(parts, text)
	}
	if len(d.Expect.Fenced) > 0 {
		parts = append(parts, strings.Join(d.Expect.Fenced, " and ")+" fenced")
	}
	return strings.Join(append(parts, fmt.Sprintf("back within %.0f s", d.Expect.Outage.Seconds())), ", ")
}

// choose finds the drills that are to run.
func choose(c recipe.Cluster, args []string, suite string) (out []recipe.Drill, err error) {
	var names []string
	for _, d := range c.Drills.Drills {
		names = append(names, d.Name)
		if len(args) == 0 && slices.Contains(d.Suites, suite) {
			out = append(out, d)
		}
	}
	for _, name := range args {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, errInput{fmt.Sprintf("cluster %s has no drill %.60q; there is %s", c.Name, name, strings.Join(names, ", "))}
		}
		out = append(out, c.Drills.Drills[i])
	}
	if len(out) == 0 {
		return nil, errInput{fmt.Sprintf("cluster %s has no suite %.60q of drills", c.Name, suite)}
	}
	return out, nil
}

// undrilled refuses to change what a drill is breaking. On hosts that are no lab's the preflight looks.
func (j *job) undrilled(ctx context.Context) error {
	if j.lab == nil {
		return nil
	}
	st, err := j.lab.Status(ctx)
	if err != nil || len(st.Leases) == 0 {
		return err
	}
	l := st.Leases[0]
	return fmt.Errorf("%w: drill %.80s is at work, until %s at the latest; haprov drill heal%s takes its fault back", errForbidden, l.ID, l.Until.Format("15:04:05"), j.flags())
}

// errForbidden: these machines may not be touched in this way.
var errForbidden = errors.New("refused")

func (a *app) drillHeal(ctx context.Context) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	if err := j.reach(ctx, false, nil); err != nil {
		return err
	}
	var bad []error
	var boots []string // hosts that are powered on by this: what heals a host does not outlive its power
	n := 0
	if j.lab != nil {
		st, err := j.lab.Status(ctx)
		if err != nil {
			return err
		}
		for _, l := range st.Leases {
			if err := j.lab.Release(ctx, l.ID); err != nil {
				bad = append(bad, err)
				continue
			}
			n++
			fmt.Fprintf(a.out, "lab: %s taken back\n", view.Clean(l.ID))
			for _, u := range l.Undo {
				if u.Action == "power-on" {
					boots = append(boots, u.Host)
				}
			}
		}
	}
	for _, h := range j.program.Inventory.Hosts {
		if slices.Contains(boots, h.Name) {
			continue
		}
		c, cancel := context.WithTimeout(ctx, 2*oneTry)
		out, _, err := site{job: j}.Shell(c, h.Name, fault.HealAll)
		cancel()
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", h.Name, err))
			continue
		}
		for _, id := range strings.Fields(out) {
			n++
			fmt.Fprintf(a.out, "%s: %s taken back\n", h.Name, view.Clean(id))
		}
	}
	if n == 0 && len(bad) == 0 {
		fmt.Fprintln(a.out, "no fault is in force")
	}
	return errors.Join(bad...)
}
