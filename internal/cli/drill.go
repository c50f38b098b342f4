package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/drill"
	"haprov/internal/drill/fault"
	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/drill/load"
	"haprov/internal/recipe"
	"haprov/internal/status"
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

type drillFlags struct {
	cluster, suite string
	seed           uint64
	look           bool
	yes            string
	junit          string
	repeat         int
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

func (a *app) drillRunCmd() *cobra.Command {
	var f drillFlags
	c := &cobra.Command{
		Use: "run [DRILL...]", Short: "Carry out drills, one after the other",
		Long: `Runs the drills that are named, or those of a suite. Before each the cluster must be healthy. Ctrl-C takes
the fault back, looks, judges what there is, and ends; a second one leaves the fault to its lease.

The evidence is a folder: each operation of the clients, the fault's times, the final reads, verdicts,
report.html, junit.xml. Ends with 0 when all passed, 16 when one failed, 17 when one could not be judged.`,
		Example: "  haprov drill run\n  haprov drill run --suite full --junit drills.xml\n  haprov drill run active-power-cut links-cut",
		RunE:    func(c *cobra.Command, args []string) error { return a.drillRun(c.Context(), args, f) },
	}
	c.Flags().StringVar(&f.cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	c.Flags().StringVar(&f.suite, "suite", "quick", "the drills of `SUITE`, when none is named")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "the seed of what clients do (default: drawn, and told)")
	c.Flags().IntVar(&f.repeat, "repeat", 1, "run each drill `N` times")
	c.Flags().BoolVar(&f.look, "plan", false, "show expectation, targets and what heals, and end")
	c.Flags().StringVar(&f.yes, "yes", "", "machines that are no lab's: do not ask; `CLUSTER` is the cluster's name, as it would be typed")
	c.Flags().StringVar(&f.junit, "junit", "", "write the result to `FILE` as JUnit XML too")
	c.ValidArgsFunction = a.names(func(j *job) (out []string) {
		for _, x := range j.program.Clusters {
			for _, d := range x.Drills.Drills {
				out = append(out, d.Name)
			}
		}
		return out
	})
	return c
}

func (a *app) drillReportCmd() *cobra.Command {
	return &cobra.Command{
		Use: "report [FOLDER]", Short: "Show a run's verdicts, and write its report anew",
		Long:    "FOLDER is a run's evidence; without it the last run's. Prints the verdicts and the path of report.html.",
		Example: "  haprov drill report", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.drillReport(args) },
	}
}

func (a *app) drillVerifyCmd() *cobra.Command {
	return &cobra.Command{
		Use: "verify [FOLDER]", Short: "Judge a run again from its histories alone",
		Long:    "Compares the files with SHA256SUMS, reads every operation again and judges it anew: whoever was handed\nthe folder need not believe its verdicts. No host is asked.",
		Example: "  haprov drill verify", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.drillVerify(args) },
	}
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
	if !slices.Contains(load.Protocols, c.Drills.Load.Protocol) {
		return fmt.Sprintf("its load speaks %.40q, which is not known; there is %s", c.Drills.Load.Protocol, strings.Join(load.Protocols, ", "))
	}
	for _, b := range d.Faults {
		if b.Fault.Shell == nil && !inLab {
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

// site is the cluster as a drill sees it.
type site struct {
	*job
	cluster recipe.Cluster
}

func (s site) Look(ctx context.Context) status.Page { return s.health(ctx, s.cluster) }

func (s site) Shell(ctx context.Context, host, script string) (string, int, error) {
	x, err := s.open(ctx, host)
	if err != nil {
		return "", 0, err
	}
	defer x.Close()
	res, err := x.Exchange(ctx, script, nil)
	return string(res.Out), res.Exit, err
}

// Dial goes as a client would, from the lab's gateway or from this machine, never through a host.
func (s site) Dial(ctx context.Context) (net.Conn, error) {
	e, _ := s.cluster.Endpoint(s.cluster.Drills.Load.Protocol) // there: config has looked
	if s.lab != nil {
		return s.lab.Dial(ctx, "tcp", e.At())
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", e.At())
}

func (a *app) drillRun(ctx context.Context, args []string, f drillFlags) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	c, err := j.drilled(f.cluster)
	if err != nil {
		return err
	}
	if _, err := choose(c, args, f.suite); err != nil {
		return err
	}
	if f.repeat < 1 || f.repeat > 1000 {
		return errInput{fmt.Sprintf("--repeat %d: expected 1 to 1000", f.repeat)}
	}
	if err := j.reach(ctx, false, nil); err != nil {
		return err
	}
	// The way to the hosts may have read the program again, with the machines' real speed.
	if c, err = j.drilled(f.cluster); err != nil {
		return err
	}
	drills, err := choose(c, args, f.suite)
	if err != nil {
		return err
	}
	for _, d := range drills {
		if why := j.refusal(c, d, time.Now()); why != "" {
			return fmt.Errorf("%w: %s: %s", errForbidden, d.Name, why)
		}
	}
	if f.seed == 0 {
		f.seed = rand.Uint64() >> 12 // whole in every reader of JSON
	}
	s := site{j, c}
	if f.look {
		return a.drillPlan(ctx, s, drills)
	}
	if j.lab == nil && !a.consents(c.Name, f.yes) {
		return fmt.Errorf("%w: the cluster's name was not given", errForbidden)
	}
	return a.drillAll(ctx, s, drills, f)
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

// consents asks for the name of a cluster that is no lab's.
func (a *app) consents(name, given string) bool {
	if given == "" && terminal(a.in) {
		a.prompt(fmt.Sprintf("%s serves, and will be broken on purpose. Its name, to go on: ", name))
		fmt.Fscanln(a.in, &given)
	}
	return given == name
}

func (a *app) drillPlan(ctx context.Context, s site, drills []recipe.Drill) error {
	page := s.Look(ctx)
	for _, d := range drills {
		fmt.Fprintf(a.out, "%s: %s\n  expected: %s\n", d.Name, d.About, expectation(d))
		for _, b := range d.Faults {
			hosts, err := drill.Targets(page, s.cluster, b.On)
			where := strings.Join(hosts, ", ")
			if err != nil {
				where = err.Error()
			}
			way := fault.World{Lab: s.lab, Inventory: s.program.Inventory}.Way(b.Fault)
			heals := map[string]string{"lab": "the lab's supervisor", "shell": "a timer on the host"}[way]
			fmt.Fprintf(a.out, "  %s on %s: %s (risk: %s; taken back by %s if this program dies)\n", b.Fault.Name, where, b.Fault.About, b.Fault.Risk, heals)
		}
	}
	if !page.Healthy {
		fmt.Fprintf(a.out, "not now: the cluster is not healthy: %s\n", strings.Join(page.Reasons, "; "))
	}
	return nil
}

// drillAll runs drills one after the other and keeps their evidence.
func (a *app) drillAll(ctx context.Context, s site, drills []recipe.Drill, f drillFlags) error {
	password, err := s.secrets.Show(s.cluster.Name, s.cluster.Drills.Load.User)
	if err != nil {
		return errInput{fmt.Sprintf("the password of account %s does not exist yet: haprov up%s makes it", s.cluster.Drills.Load.User, a.flags())}
	}
	root, err := stateFolder()
	if err != nil {
		return err
	}
	begun := time.Now()
	id := fmt.Sprintf("%s-%s-%04x", begun.UTC().Format("20060102-150405"), s.cluster.Name, f.seed&0xffff)
	folder, err := drill.NewFolder(filepath.Join(root, "drills", id))
	if err != nil {
		return err
	}
	sum := drill.Summary{Version: 1, Cluster: s.cluster.Name, Recipe: s.cluster.Recipe, Began: begun, Seed: f.seed, Program: buildVersion(),
		Machines: "real", Inventory: s.digest(), Power: "as the machines' own fence devices do it", Results: []drill.Result{}}
	if s.lab != nil {
		st, _ := s.lab.Status(ctx)
		sum.Machines = fmt.Sprintf("lab %s, driver %s", s.lab.Spec().Name, st.Driver)
		sum.Power = "takes the memory; what was written to the disk stays, flushed or not"
	}
	o := s.options(ctx, s.cluster) // for the machine's pace
	for i := range len(drills) * f.repeat {
		d, round := drills[i%len(drills)], i/len(drills)
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		res := a.drillOne(ctx, s, folder, d, round, fmt.Sprintf("%s-%d", id, i+1), f.seed+uint64(round), password.Reveal(), o.Pace)
		sum.Add(res)
		page, err := drill.Report(sum)
		if err := errors.Join(err, folder.Write(sum, page)); err != nil {
			return err
		}
		if ctx.Err() != nil || res.Stop {
			break
		}
	}
	if f.junit != "" {
		text, err := os.ReadFile(filepath.Join(folder.Path, "junit.xml"))
		if err := errors.Join(err, writeNew(f.junit, text)); err != nil {
			return err
		}
	}
	fmt.Fprintln(a.out)
	a.drillSum(sum, folder)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case sum.Word == judge.Fail:
		return errDrill
	case sum.Word == judge.Unknown:
		return errUnjudged
	}
	return nil
}

func writeNew(path string, text []byte) error { return os.WriteFile(path, text, 0o666) }

// digest is of the inventory's text.
func (j *job) digest() string {
	text, err := os.ReadFile(j.path)
	if j.path == "" || err != nil {
		return "shipped"
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

func (a *app) drillOne(ctx context.Context, s site, folder drill.Folder, d recipe.Drill, round int, id string, seed uint64, password string, pace func() (float64, string)) drill.Result {
	where := d.Name
	if round > 0 {
		where += fmt.Sprintf("-%d", round+1)
	}
	fmt.Fprintf(a.out, "%s: %s\n  expected: %s\n", d.Name, view.Clean(d.About), expectation(d))
	log, end, err := folder.History(where, history.Header{Drill: d.Name, Cluster: s.cluster.Name, Seed: seed, Began: time.Now()})
	if err != nil {
		return drill.Result{Name: d.Name, About: d.About, Word: judge.Unknown, Why: err.Error(), Stop: true}
	}
	defer end()
	o := drill.Options{Site: s, Cluster: s.cluster, Inventory: s.program.Inventory, Lab: s.lab, Drill: d, ID: id, Seed: seed, Password: password, Log: log, Pace: pace, Events: a.drillEvent}
	if err := folder.Expect(where, &o); err != nil {
		return drill.Result{Name: d.Name, About: d.About, Word: judge.Unknown, Why: err.Error(), Stop: true}
	}
	res, err := drill.Run(ctx, o)
	res.Folder = where
	a.screen.Foot(nil)
	switch {
	case ctx.Err() != nil:
		res.Why = "interrupted"
	case err != nil:
		res.Why, res.Stop = err.Error(), true
	}
	if err := end(); err != nil && res.Word == judge.Pass {
		res.Word, res.Why = judge.Unknown, "the evidence could not be written: "+err.Error()
	}
	a.drillResult(res)
	return res
}

// drillEvent shows what happens: on a terminal also what is true only for a moment.
func (a *app) drillEvent(e drill.Event) {
	live := terminal(a.err) && os.Getenv("TERM") != "dumb"
	switch {
	case e.Live && live:
		a.screen.Foot([]string{"  " + view.Clean(e.Text)})
	case !e.Live && live && terminal(a.out):
		fmt.Fprintln(a.screen, "  "+view.Clean(e.Text))
	case !e.Live:
		fmt.Fprintln(a.out, "  "+view.Clean(e.Text))
	}
}

func (a *app) drillResult(r drill.Result) {
	if len(r.Parts) > 0 {
		var parts []string
		for _, p := range r.Parts {
			parts = append(parts, fmt.Sprintf("%s %.1f s", p.Name, p.Seconds))
		}
		fmt.Fprintf(a.out, "  the outage: %s\n", strings.Join(parts, ", "))
	}
	for _, v := range r.Verdicts {
		note := ""
		if v.Informs {
			note = " (informs only)"
		}
		fmt.Fprintf(a.out, "  %-7s  %s%s: %s\n", v.Word, view.Clean(v.Promise), note, view.Clean(v.Why))
	}
	if r.Factor > 1.2 {
		fmt.Fprintf(a.out, "  this machine was %.1f times slower than usual: limits were stretched by that\n", r.Factor)
	}
	fmt.Fprintf(a.out, "  %s  %s", strings.ToUpper(r.Word), r.Name)
	if r.Word != judge.Pass {
		fmt.Fprintf(a.out, ": %s", view.Clean(r.Why))
	}
	fmt.Fprintln(a.out)
}

func (a *app) drillSum(s drill.Summary, folder drill.Folder) {
	n := map[string]int{}
	for _, r := range s.Results {
		n[r.Word]++
	}
	fmt.Fprintf(a.out, "%s (%s): %s: %d pass, %d fail, %d unknown; %.0f rows acknowledged, %.0f lost; longest outage %.1f s; seed %d\n",
		s.Cluster, s.Recipe, drill.Drills(len(s.Results)), n[judge.Pass], n[judge.Fail], n[judge.Unknown], s.Acked, s.Lost, s.LongOutage, s.Seed)
	fmt.Fprintf(a.out, "report: %s\n", filepath.Join(folder.Path, "report.html"))
}

// evidence finds a run's folder: the named one, or the last.
func (a *app) evidence(args []string) (drill.Folder, drill.Summary, error) {
	path := strings.Join(args, "")
	if path == "" {
		root, err := stateFolder()
		if err != nil {
			return drill.Folder{}, drill.Summary{}, err
		}
		all, err := os.ReadDir(filepath.Join(root, "drills"))
		if len(all) == 0 {
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				return drill.Folder{}, drill.Summary{}, errInput{"no drill has run yet: haprov drill run"}
			}
			return drill.Folder{}, drill.Summary{}, err
		}
		path = filepath.Join(root, "drills", all[len(all)-1].Name()) // their names begin with the time
	}
	f := drill.Folder{Path: path}
	s, err := f.Read()
	if err != nil {
		return f, s, errInput{fmt.Sprintf("%.200s is no drill's evidence: %v", path, err)}
	}
	return f, s, nil
}

func (a *app) drillReport(args []string) error {
	f, s, err := a.evidence(args)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(s)
	}
	for i, r := range s.Results {
		if h, err := f.ReadHistory(r.Folder); err == nil {
			s.Results[i].History = &h
		}
		fmt.Fprintf(a.out, "%s: %s\n", view.Clean(r.Name), view.Clean(r.About))
		a.drillResult(r)
	}
	page, err := drill.Report(s)
	if err != nil {
		return err
	}
	if err := f.Write(s, page); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	a.drillSum(s, f)
	return nil
}

// slower is how much longer an outage is called slower: by a fifth, and by two seconds.
const slowerBy, slowerSeconds = 1.2, 2.0

func (a *app) drillCompareCmd() *cobra.Command {
	fail := false
	c := &cobra.Command{
		Use: "compare FOLDER FOLDER", Short: "Compare the outages of two runs, part by part",
		Long: `Shows for each drill that both runs have the median of its outage, with the range over its repetitions,
and of the outage's parts, before and after. An outage whose median is longer by a fifth and by two
seconds is called slower.`,
		Example: "  haprov drill compare before after --fail-slower", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return a.drillCompare(args, fail) },
	}
	c.Flags().BoolVar(&fail, "fail-slower", false, "end with 16 when a drill is slower")
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return c
}

func (a *app) drillCompare(args []string, fail bool) error {
	var runs [2]drill.Summary
	for i, path := range args {
		_, s, err := a.evidence([]string{path})
		if err != nil {
			return err
		}
		runs[i] = s
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "DRILL\tPART\tBEFORE\tAFTER\tDIFFERENCE")
	slow := false
	for _, d := range drill.Compare(runs[0], runs[1]) {
		word := fmt.Sprintf("%+.1f s", d.After.Median-d.Before.Median)
		if d.Part == "outage" && d.After.Median > slowerBy*d.Before.Median && d.After.Median > d.Before.Median+slowerSeconds {
			word, slow = word+", slower", true
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", view.Clean(d.Drill), view.Clean(d.Part), d.Before, d.After, word)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if slow && fail {
		return fmt.Errorf("%w: an outage is longer than it was", errDrill)
	}
	return nil
}

func (a *app) drillVerify(args []string) error {
	f, s, err := a.evidence(args)
	if err != nil {
		return err
	}
	changed, err := f.Changed()
	if err != nil {
		return err
	}
	other, err := f.Verify(s)
	if err != nil {
		return err
	}
	for _, name := range changed {
		fmt.Fprintf(a.out, "changed since it was written: %s\n", view.Clean(name))
	}
	for _, text := range other {
		fmt.Fprintln(a.out, view.Clean(text))
	}
	if len(changed)+len(other) > 0 {
		return fmt.Errorf("%w: the evidence does not hold", errDrill)
	}
	fmt.Fprintf(a.out, "verified: %s, judged again from the histories with the same verdicts\n", drill.Drills(len(s.Results)))
	return nil
}

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
