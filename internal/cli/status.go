package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/secret"
	"haprov/internal/secret/ca"
	"haprov/internal/status"
	"haprov/internal/transport"
	"haprov/internal/view"
)

// look is what status was asked to do.
type look struct {
	cluster    string
	watch      time.Duration
	prometheus string // a file, or - for the output
}

func (a *app) statusCmd() *cobra.Command {
	var l look
	c := &cobra.Command{
		Use:   "status",
		Short: "Show the state of the cluster, one verdict and its reasons",
		Long: `One screen: machines, what the steps of the recipe show of themselves (links and quorum, volumes,
resources, servers, proxies; of a recipe that has none of these, its services), the virtual IP, the
proof of fencing, and one verdict with its reasons. It asks all hosts at once, one login and one
exchange each, and changes nothing. Nothing that no step is about is asked for or judged. Hosts that
do not answer are named. A dead or frozen host delays it by seconds, a hanging server by a minute or
more.

  STATE     active serves; up answers; in a lab, how the machine is
  LINKS     links to the other hosts that are up, of all
  QUORUM    votes there, of those expected
  DISK      state of a replicated volume, with the progress of a resynchronisation
  PAUSED    share of the time that flow control held writes back
  SERVERS   the state of each server, as the proxy sees it
  READY     whether the member serves, by the command of its rolling step

Reasons make the verdict "not healthy"; notes, such as failed actions that were recovered from, do
not. Several clusters are shown one after the other. With --json one object each, version 2: healthy,
reasons, notes, endpoint (IP:PORT), endpoints, active (the host), virtual_ip_on, fencing, and of each host what
its steps show, under parts.KIND.NAME. Ends with 0 when healthy, with 2 when not.

With --watch it looks again and again until it is interrupted; with --prometheus it writes metrics for
the textfile collector of Prometheus' node exporter, the file as a whole or not at all.`,
		Example: "  haprov status\n  haprov status --json | jq -r .active\n  haprov status --watch 5s\n  haprov status --prometheus /var/lib/prometheus/node-exporter/haprov.prom",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case c.Flags().Changed("watch") && l.watch < time.Second:
				return errInput{"--watch " + l.watch.String() + ": expected 1s or more"}
			case a.json && (l.prometheus != "" || l.watch > 0), l.prometheus != "" && l.watch > 0:
				return errInput{"one of --json, --watch and --prometheus at a time"}
			}
			return a.status(c.Context(), l)
		},
	}
	c.Flags().StringVar(&l.cluster, "cluster", "", "only the cluster `NAME`, when the inventory has several")
	c.Flags().DurationVar(&l.watch, "watch", 0, "look again every `INTERVAL`, such as 5s")
	c.Flags().StringVar(&l.prometheus, "prometheus", "", "write metrics to `FILE`, - for the output")
	return c
}

func (a *app) status(ctx context.Context, l look) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	if len(j.program.Clusters) == 0 {
		return errInput{"the inventory has no cluster"}
	}
	if l.cluster != "" && !slices.Contains(clusterNames(j), l.cluster) {
		return errInput{fmt.Sprintf("no cluster %.60q in the inventory; there is %s", l.cluster, strings.Join(clusterNames(j), ", "))}
	}
	if err := j.reach(ctx, false, nil); err != nil {
		return err
	}
	for {
		healthy, err := a.lookOnce(ctx, j, l)
		switch {
		case l.watch > 0 && ctx.Err() != nil:
			return nil // that is how it ends
		case err != nil:
			return err
		case l.watch == 0 && !healthy:
			return errPending
		case l.watch == 0:
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(l.watch):
		}
	}
}

// lookOnce looks at the clusters and shows what it saw.
func (a *app) lookOnce(ctx context.Context, j *job, l look) (healthy bool, err error) {
	var pages []status.Page
	healthy = true
	for _, c := range j.program.Clusters {
		if l.cluster != "" && c.Name != l.cluster {
			continue
		}
		h := j.health(ctx, c)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		healthy = healthy && h.Healthy
		if pages = append(pages, h); a.json {
			if err := json.NewEncoder(a.documents()).Encode(h); err != nil {
				return false, err
			}
		}
	}
	switch {
	case a.json:
		return healthy, nil
	case l.prometheus != "":
		return healthy, a.metrics(l.prometheus, pages)
	case l.watch > 0 && terminal(a.out):
		fmt.Fprint(a.out, "\x1b[H\x1b[2J")
	}
	if l.watch > 0 {
		fmt.Fprintln(a.out, time.Now().Format(time.DateTime))
	}
	for i, h := range pages {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		if err := h.Draw(a.out, terminal(a.out) && a.color()); err != nil {
			return false, err
		}
	}
	if l.watch > 0 {
		fmt.Fprintln(a.out)
	}
	return healthy, nil
}

// metrics writes the pages for Prometheus. The collector may read the file at any time: it finds the old
// one or the new one, readable to all.
func (a *app) metrics(path string, pages []status.Page) error {
	if path == "-" {
		return status.Metrics(a.out, pages, time.Now())
	}
	next, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name())
	masked := secret.NewWriter(next)
	err = errors.Join(status.Metrics(masked, pages, time.Now()), masked.Flush(), next.Chmod(0o644), next.Close())
	if err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}

// health looks at a cluster with one login and one batch of questions a host: what differs from what
// is wanted, whether the checks that only read succeed, which host is active, what each one says of
// itself. It changes nothing.
func (j *job) health(ctx context.Context, c recipe.Cluster) status.Page {
	p := status.Page{Reasons: []string{}, Notes: []string{}, Cluster: c.Name, Recipe: c.Recipe, Parts: c.Parts(), Elects: len(c.Active) > 0}
	bad := func(format string, args ...any) {
		p.Reasons = append(p.Reasons, oneReason(fmt.Sprintf(format, args...)))
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
				bad("lab: %d network links are cut, slow or lossy (haprov lab heal)", len(st.Faults))
			}
		}
	}
	for _, n := range j.ending(c, time.Now()) {
		bad("%s", n)
	}
	o := j.options(ctx, c)
	o.Open = func(ctx context.Context, host string) (transport.Session, error) {
		if m := machines[host]; m != "" && m != string(lab.Running) {
			return nil, fmt.Errorf("the machine is %s", m)
		}
		ctx, cancel := context.WithTimeout(ctx, 2*oneTry)
		defer cancel()
		return j.open(ctx, host)
	}
	active := map[string]probe.Query{}
	for _, x := range c.Active {
		q := probe.Cmd("active", "( "+x.Shell.Reveal()+"\n) >/dev/null 2>&1")
		q.Timeout = oneTry
		active[x.Host] = q
	}
	o.Also = func(host string) []probe.Query {
		qs := status.Queries(p.Parts, host)
		if q, ok := active[host]; ok {
			qs = append(qs, q)
		}
		return qs
	}
	knock := make(chan []error, 1)
	go func() { knock <- j.knock(ctx, c) }()
	said, proofs := j.drift(ctx, o, bad)
	for _, name := range c.Hosts {
		r := status.Row{Name: name, Machine: machines[name]}
		h, _ := j.program.Inventory.Host(name)
		for _, a := range h.Addresses {
			r.Known = append(r.Known, a.IP)
		}
		if seen, ok := said[name]; ok {
			r.Answers = true
			r.Read(p.Parts, seen)
			a := seen.Get(active[name])
			r.Active = a.State == probe.Answered && a.Exit == 0
		}
		if r.Active {
			if p.Active != "" {
				bad("%s and %s both say that they are active", p.Active, name)
			}
			p.Active = name
		}
		p.Hosts = append(p.Hosts, r)
	}
	if len(c.Active) > 0 && p.Active == "" {
		bad("no host is active")
	}
	for i, err := range <-knock {
		e := c.Endpoints[i]
		p.Endpoints = append(p.Endpoints, status.Endpoint{Name: e.Name, About: e.About, Address: e.Address, Port: e.Port, Protocol: e.Protocol, Answers: err == nil})
		if err != nil && len(said) > 0 { // from no host on it can be asked either
			bad("%v", err)
		}
	}
	if e, ok := c.Endpoint(""); ok {
		p.Endpoint = e.At()
	}
	p.Proofs(proofs)
	p.Judge()
	return p
}

// ending are the stored certificates of a cluster whose last 30 days have begun. Any up in the year
// before renews them: none has acted since.
func (j *job) ending(c recipe.Cluster, now time.Time) (out []string) {
	for _, name := range c.Secrets {
		if !strings.HasPrefix(name, "tls-") {
			continue
		}
		t, err := j.secrets.Show(c.Name, name)
		if ends, due := ca.Due(t.Reveal(), now); err == nil && due && ends.Sub(now) < 30*24*time.Hour {
			out = append(out, fmt.Sprintf("certificate %s ends on %s; haprov up%s renews it", name, ends.UTC().Format(time.DateOnly), j.flags()))
		}
	}
	return out
}

// oneReason puts what has several lines, as evidence has, on one.
func oneReason(text string) string {
	text = secret.Mask(text)
	var parts []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			parts = append(parts, view.Clean(l))
		}
	}
	return strings.Join(parts, "; ")
}

// knock connects to the cluster's endpoints, all at once, and gives what came of it in their order.
func (j *job) knock(ctx context.Context, c recipe.Cluster) []error {
	out := make([]error, len(c.Endpoints))
	var all sync.WaitGroup
	for i, e := range c.Endpoints {
		all.Go(func() {
			w := &way{job: j, to: c, at: e}
			defer w.Close()
			conn, err := w.Dial(ctx)
			if out[i] = err; err == nil {
				conn.Close()
			}
		})
	}
	all.Wait()
	return out
}

// fewSteps is how many steps that differ are named one by one.
const fewSteps = 5

// drift compares with what is wanted, tries the checks that only read, and gives what the hosts
// said and what is known of their fence devices.
func (j *job) drift(ctx context.Context, o engine.Options, bad func(string, ...any)) (map[string]probe.Seen, []plan.Proof) {
	checks := o.Checks
	o.Checks = nil
	o.Speed, o.Pace = 0.5, nil // a check that hangs is given up after ten seconds, on slow machines too
	for _, x := range checks {
		x.Deadline = 0 // now, not later
		o.Checks = append(o.Checks, x)
	}
	o.Approve = func(plan.Plan) bool { return false }
	told := false
	var differ, failed, failedOn []string
	o.Events = func(e engine.Event) {
		switch e := e.(type) {
		case engine.Planned:
			told = len(e.Plan.Items) > 0
			items := slices.DeleteFunc(slices.Clone(e.Plan.Items), func(it plan.Item) bool { return it.Record })
			for i, it := range items {
				if i == fewSteps && len(items) > fewSteps+1 {
					differ = append(differ, fmt.Sprintf("and %d more steps have changes pending (haprov plan)", len(items)-fewSteps))
					break
				}
				differ = append(differ, strings.TrimSpace(it.Address+" "+it.Phase)+": changes pending (haprov plan)")
			}
		case engine.Failed:
			told = true
			failed, failedOn = append(failed, fmt.Sprintf("%s: %v", e.Host, e.Err)), append(failedOn, e.Host)
		case engine.Checked:
			if e.Err != nil {
				told = true
				why := oneReason(e.Output) // what it printed says more than that it was tried once
				if why == "" {
					why = e.Err.Error()
				}
				bad("check: %s: %s", e.Text, why)
			}
		}
	}
	s, err := engine.Run(ctx, o)
	// While a host is away the steps that need it can tell nothing, and what differs is its absence.
	away := len(s.Also) < len(o.Hosts)
	for i, text := range failed {
		if _, answers := s.Also[failedOn[i]]; !away || !answers {
			bad("%s", text)
		}
	}
	if !away {
		for _, text := range differ {
			bad("%s", text)
		}
	}
	if err != nil && !told {
		bad("%v", err)
	}
	return s.Also, s.Proofs
}
