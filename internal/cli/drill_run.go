package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/drill"
	"haprov/internal/drill/fault"
	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/recipe"
	"haprov/internal/status"
	"haprov/internal/view"
)

type drillFlags struct {
	cluster, suite string
	seed           uint64
	look           bool
	yes            string
	junit          string
	repeat         int
	faults         string // a schedule instead of drills
	random         bool
	until, budget  time.Duration
}

func (a *app) drillRunCmd() *cobra.Command {
	var f drillFlags
	c := &cobra.Command{
		Use: "run [DRILL...]", Short: "Carry out drills, one after the other",
		Long: `Runs the drills that are named, or those of a suite. Before each the cluster must be healthy. Ctrl-C takes
the fault back, looks, judges what there is, and ends; a second one leaves the fault to its lease.

With --random it draws schedules of two faults until the time is over, of the faults that the recipe's drills
have: one host at most is lost at a time, and those pairs come first that were tried least, also in
earlier runs whose evidence is in the state folder. What such a drill may take is the sum of what its
faults' own drills may. A schedule that fails is shrunk: a fault or a time is left out as long as two of
three runs still fail. What is left is printed as the command to run it alone.

The evidence is a folder: each operation of the clients, the fault's times, the final reads, verdicts,
report.html, junit.xml. Ends with 0 when all passed, 16 when one failed, 17 when one could not be judged.`,
		Example: "  haprov drill run\n  haprov drill run --suite full --junit drills.xml\n  haprov drill run active-power-cut links-cut\n  haprov drill run --random --seed 7 --until 2h\n  haprov drill run --faults replication-cut@active,server-killed@active+3s/10s",
		RunE:    func(c *cobra.Command, args []string) error { return a.drillRun(c.Context(), args, f) },
	}
	c.Flags().StringVar(&f.cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	c.Flags().StringVar(&f.suite, "suite", "quick", "the drills of `SUITE`, when none is named")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "the seed of what clients do (default: drawn, and told)")
	c.Flags().IntVar(&f.repeat, "repeat", 1, "run each drill `N` times, and show the spread of its times")
	c.Flags().StringVar(&f.faults, "faults", "", "run one drill of the faults of `SCHEDULE`: FAULT@TARGET[+AFTER][/HOLD],...")
	c.Flags().BoolVar(&f.random, "random", false, "run drills of two faults each, drawn by the seed")
	c.Flags().DurationVar(&f.until, "until", time.Hour, "with --random: begin no drill after so much `TIME`")
	c.Flags().DurationVar(&f.budget, "budget", 30*time.Minute, "with --random: the most `TIME` to shrink one schedule that fails; 0s: do not")
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
func (s site) Dial(ctx context.Context, at string) (net.Conn, error) {
	if s.lab != nil {
		return s.lab.Dial(ctx, "tcp", at)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", at)
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
	if _, err := f.choose(c, args); err != nil {
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
	drills, err := f.choose(c, args)
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
	switch {
	case f.look && f.random:
		return a.campaignPlan(ctx, s, f)
	case f.look:
		return a.drillPlan(ctx, s, drills)
	}
	if j.lab == nil && !a.consents(c.Name, f.yes) {
		return fmt.Errorf("%w: the cluster's name was not given", errForbidden)
	}
	return a.drillAll(ctx, s, drills, f)
}

// choose finds the drills that are to run; a campaign draws its own.
func (f drillFlags) choose(c recipe.Cluster, args []string) ([]recipe.Drill, error) {
	switch {
	case f.random && (len(args) > 0 || f.faults != "" || f.repeat != 1):
		return nil, errInput{"--random draws its own drills: it goes neither with names nor with --faults or --repeat"}
	case f.random && (f.until <= 0 || f.budget < 0):
		return nil, errInput{"--until and --budget: expected a time such as 2h"}
	case f.random:
		return nil, nil
	case f.faults != "" && len(args) > 0:
		return nil, errInput{"--faults is a drill of its own: it does not go with names"}
	case f.faults != "":
		s, err := drill.ParseSchedule(f.faults, c)
		if err != nil {
			return nil, errInput{"--faults: " + err.Error()}
		}
		return []recipe.Drill{s.Drill("faults", c)}, nil
	}
	return choose(c, args, f.suite)
}

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
			heals := map[string]string{"lab": "the lab's supervisor", "hosts": "a timer on each host"}[way]
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
	r := &drillRunner{app: a, site: s, flags: f, folder: folder, id: id, sum: sum, password: password.Reveal(), pace: s.options(ctx, s.cluster).Pace}
	if f.random {
		err = r.campaign(ctx)
	}
	for i := 0; i < len(drills)*f.repeat && err == nil; i++ {
		var res drill.Result
		if res, err = r.one(ctx, drills[i%len(drills)], i/len(drills)); ctx.Err() != nil || res.Stop {
			break
		}
	}
	if err != nil {
		return err
	}
	sum = r.sum
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

// drillRunner carries out the drills of one run and keeps their evidence.
type drillRunner struct {
	*app
	site     site
	flags    drillFlags
	folder   drill.Folder
	id       string
	sum      drill.Summary
	password string
	pace     func() (float64, string)
}

// one carries out a drill. An error says that its evidence could not be kept.
func (r *drillRunner) one(ctx context.Context, d recipe.Drill, round int) (drill.Result, error) {
	n := len(r.sum.Results)
	if n > 0 {
		fmt.Fprintln(r.out)
	}
	res := r.drillOne(ctx, r.site, r.folder, d, round, fmt.Sprintf("%s-%d", r.id, n+1), r.flags.seed+uint64(round), r.password, r.pace)
	if d.Expect.Open {
		res.Schedule = drill.Schedule(d.Faults).String()
	}
	r.sum.Add(res)
	page, err := drill.Report(r.sum)
	return res, errors.Join(err, r.folder.Write(r.sum, page))
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
