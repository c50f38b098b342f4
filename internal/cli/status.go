package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/recipe"
	"haprov/internal/view"
)

// health is what status says. Its JSON is a promise to scripts; fields may be added.
type health struct {
	Healthy  bool         `json:"healthy"`
	Reasons  []string     `json:"reasons"`
	Cluster  string       `json:"cluster"`
	Endpoint string       `json:"endpoint"`
	Active   string       `json:"active"`
	Hosts    []hostHealth `json:"hosts"`
}

type hostHealth struct {
	Name    string `json:"name"`
	Machine string `json:"machine,omitempty"` // in a lab: running, off, ...
	Answers bool   `json:"answers"`
	Active  bool   `json:"active"`
	Cluster string `json:"cluster,omitempty"` // what the cluster's own tools say there
}

func (a *app) statusCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show how the cluster is, with one verdict and its reasons",
		Long:    "Asks all hosts and changes nothing. Ends with 0 when healthy, with 2 when not.",
		Example: "  haprov status\n  haprov status --json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.status(c.Context()) },
	}
}

func (a *app) status(ctx context.Context) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	if len(j.program.Clusters) == 0 {
		return errInput{"the inventory has no cluster"}
	}
	if err := j.reach(ctx, false, nil); err != nil {
		return err
	}
	c := j.program.Clusters[0]
	for _, x := range j.program.Clusters {
		if x.Endpoint != "" {
			c = x
			break
		}
	}
	h := j.health(ctx, c)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if a.json {
		err = json.NewEncoder(a.out).Encode(h)
	} else {
		err = a.drawHealth(h)
	}
	if err == nil && !h.Healthy {
		err = errPending
	}
	return err
}

// health looks at a cluster: which hosts answer, which is active, whether anything differs from
// what is wanted, whether the reading checks succeed and the endpoint answers.
func (j *job) health(ctx context.Context, c recipe.Cluster) health {
	h := health{Reasons: []string{}, Cluster: c.Name, Endpoint: c.Endpoint}
	bad := func(format string, args ...any) {
		h.Reasons = append(h.Reasons, view.Clean(fmt.Sprintf(format, args...)))
	}
	machines := map[string]string{}
	if j.lab != nil {
		if st, err := j.lab.Status(ctx); err != nil {
			bad("lab: %v", err)
		} else {
			for _, m := range st.Machines {
				machines[m.Host] = string(m.State)
			}
			if len(st.Faults) > 0 {
				bad("lab: %d wires are cut, slow or lossy (haprov lab heal)", len(st.Faults))
			}
		}
	}
	h.Hosts = make([]hostHealth, len(c.Hosts))
	errs := make([]error, len(c.Hosts))
	var all sync.WaitGroup
	for i, name := range c.Hosts {
		h.Hosts[i] = hostHealth{Name: name, Machine: machines[name]}
		all.Go(func() { errs[i] = j.look(ctx, c, &h.Hosts[i]) })
	}
	all.Wait()
	for i, x := range h.Hosts {
		if errs[i] != nil {
			bad("%s: %v", x.Name, errs[i])
		}
		if x.Active {
			if h.Active != "" {
				bad("%s and %s both say that they are active", h.Active, x.Name)
			}
			h.Active = x.Name
		}
	}
	if len(c.Active) > 0 && h.Active == "" {
		bad("no host is active")
	}
	if len(h.Reasons) == 0 {
		j.drift(ctx, c, bad)
	}
	if c.Endpoint != "" {
		w := &way{job: j, to: c}
		defer w.Close()
		if conn, err := w.Dial(ctx); err != nil {
			bad("%v", err)
		} else {
			conn.Close()
		}
	}
	h.Healthy = len(h.Reasons) == 0
	return h
}

// drift compares with what is wanted and tries the checks that only read.
func (j *job) drift(ctx context.Context, c recipe.Cluster, bad func(string, ...any)) {
	o := j.options(ctx, c)
	o.Checks = nil
	for _, x := range c.Checks {
		x.Deadline = min(x.Deadline, oneTry) // now, not later
		o.Checks = append(o.Checks, x)
	}
	o.Approve = func(engine.Plan) bool { return false }
	failed := false
	o.Events = func(e engine.Event) {
		switch e := e.(type) {
		case engine.Planned:
			for _, it := range e.Plan.Items {
				bad("%s: not as wanted (haprov plan)", strings.TrimSpace(it.Address+" "+it.Phase))
			}
		case engine.Failed:
			failed = true
			bad("%s: %s: %v", e.Host, e.Address, e.Err)
		case engine.Checked:
			if e.Err != nil {
				failed = true
				bad("check: %s: %v", e.Text, e.Err)
			}
		}
	}
	if s, err := engine.Run(ctx, o); err != nil && !failed && s.Seen.Changes() == 0 {
		bad("%v", err)
	}
}

// lookFor is what the cluster's own tools say, where they are. It only reads.
const lookFor = `for c in "drbdadm status" "corosync-cfgtool -s" "corosync-quorumtool -s" "crm_mon -1 -n"; do
command -v "${c%% *}" >/dev/null 2>&1 || continue
printf '%s\n' "# $c"; timeout 10 $c </dev/null 2>&1 | head -c 16384
done
`

// look asks one host. An error means that it does not answer as a member of the cluster should.
func (j *job) look(ctx context.Context, c recipe.Cluster, h *hostHealth) error {
	if h.Machine != "" && h.Machine != string(lab.Running) {
		return fmt.Errorf("the machine is %s", h.Machine)
	}
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	login, stop := context.WithTimeout(ctx, 2*oneTry)
	defer stop()
	s, err := j.open(login, h.Name)
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := s.Exchange(ctx, lookFor, nil)
	if err != nil {
		return err
	}
	h.Answers, h.Cluster = true, string(r.Out)
	for _, x := range c.Active {
		if x.Host != h.Name {
			continue
		}
		// A frozen server must not hold the answer up.
		r, err := s.Exchange(ctx, "( ( "+x.Shell.Reveal()+"\n) >/dev/null 2>&1 & p=$!; ( sleep 20; kill $p ) >/dev/null 2>&1 & w=$!; wait $p; e=$?; kill $w 2>/dev/null; exit $e )", nil)
		if err != nil {
			return err
		}
		h.Active = r.Exit == 0
	}
	return nil
}

func (a *app) drawHealth(h health) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "host\tmachine\tanswers\tactive\n")
	said := ""
	for _, x := range h.Hosts {
		yes := map[bool]string{true: "yes", false: "no"}
		machine := x.Machine
		if machine == "" {
			machine = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.Name, machine, yes[x.Answers], yes[x.Active])
		if x.Cluster != "" && (said == "" || x.Active) {
			said = x.Name + " says:\n" + x.Cluster
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, l := range strings.Split(strings.TrimSpace(said), "\n") {
		if l != "" {
			fmt.Fprintln(a.out, "  "+view.Clean(l))
		}
	}
	if h.Endpoint != "" {
		fmt.Fprintf(a.out, "endpoint %s\n", h.Endpoint)
	}
	if h.Healthy {
		fmt.Fprintln(a.out, "healthy")
		return nil
	}
	fmt.Fprintln(a.out, "not healthy:")
	for _, r := range h.Reasons {
		fmt.Fprintln(a.out, "  "+r)
	}
	return nil
}
