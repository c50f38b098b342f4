// Package drill carries out experiments: an expectation first, a load, a fault, the proof that it was
// in force, its end, the proof that it is over, a last look at every host, and a verdict from evidence.
//
// It must not know any stack: what is done is the recipe's, how a host is reached is the Site's.
package drill

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/drill/fault"
	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/drill/load"
	"haprov/internal/inventory"
	"haprov/internal/lab"
	"haprov/internal/protocol"
	"haprov/internal/recipe"
	"haprov/internal/status"
)

// Site is where a drill takes place.
type Site interface {
	// Look is the cluster's state, as status tells it.
	Look(ctx context.Context) status.Page
	// Shell runs a script as root of a host. The exit status is data; an error says that the host did
	// not answer.
	Shell(ctx context.Context, host, script string) (out string, exit int, err error)
	// Dial connects to ADDRESS:PORT as clients do: never by way of a host of the cluster.
	Dial(ctx context.Context, at string) (net.Conn, error)
}

// Options is one drill.
type Options struct {
	Site      Site
	Cluster   recipe.Cluster
	Inventory *inventory.Inventory
	Lab       *lab.Client // nil: the machines are no lab's
	Drill     recipe.Drill
	ID        string // of this run: letters, digits and dashes
	Seed      uint64
	Password  string // of the load's account
	Rate      load.Rate
	Log       *history.Writer
	// Pace says by how much the machines are slower just now than they usually are, 1 or more, and why
	// when a person should know. nil: they are as they are.
	Pace func() (float64, string)
	// Events sees all that happens, one call at a time.
	Events func(Event)
}

// Event is something that happened.
type Event struct {
	Text string
	Live bool // it is true only until the next event
}

// Result is what a drill came to.
type Result struct {
	Drill    recipe.Drill     `json:"-"`
	Name     string           `json:"drill"`
	Folder   string           `json:"folder"` // of its history, in that of the run
	About    string           `json:"about"`
	Schedule string           `json:"schedule,omitempty"` // of a campaign's drill: as --faults takes it
	Word     string           `json:"verdict"`            // pass, fail, unknown
	Why      string           `json:"why,omitempty"`
	Targets  []string         `json:"targets"`
	Before   string           `json:"active_before"`
	After    string           `json:"active_after"`
	Fenced   []string         `json:"fenced"`
	Outage   float64          `json:"outage_seconds"` // of new clients
	Stall    float64          `json:"stall_seconds"`  // of writes
	Limit    float64          `json:"outage_limit_seconds"`
	Healed   float64          `json:"healed_seconds"` // from the fault's end until status was healthy
	Parts    []Part           `json:"parts,omitempty"`
	Factor   float64          `json:"slower"` // the machine's pace, by which limits were stretched
	Verdicts []judge.Verdict  `json:"promises"`
	History  *history.History `json:"-"`
	Began    time.Time        `json:"began"`
	Took     float64          `json:"took_seconds"`
	Stop     bool             `json:"-"` // the next drill makes no sense
}

// Part is one part of an outage.
type Part struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// Errors that a caller may branch on.
var (
	// ErrNotReady: the cluster is not in a state to be tried. Nothing was done to it.
	ErrNotReady = errors.New("the cluster is not ready for a drill")
	// ErrNotHealed: a fault may still be in force.
	ErrNotHealed = errors.New("a fault was not taken back")
)

type run struct {
	Options
	load   *load.Load
	faults []bound
	before status.Page
	fences func() []history.Mark // of hosts that were fenced since the drill began
	factor float64
	why    string
	tried  bool   // a fault was brought about, whether or not it was seen in force
	began  string // the server that acknowledged last before the first fault
}

// bound is a fault on its hosts.
type bound struct {
	recipe.Bound
	targets []string
	fault   fault.Fault
}

// Times of a drill, for machines of usual pace.
const (
	warmUp    = 8 * time.Second  // before the fault
	calm      = 4 * time.Second  // served for so long, the service is back
	coolDown  = 3 * time.Second  // after the fault's end
	healTime  = 10 * time.Minute // until status is healthy again
	seenTime  = 30 * time.Second
	bootTime  = 5 * time.Minute // until a host that a fault has killed answers again
	stepTime  = 2 * time.Minute // for one command to a host or the lab
	guardTime = 2               // so many times the expected outage ends the fault
)

// Run carries out one drill. It ends with no fault in force, or with ErrNotHealed. When ctx ends, the
// fault is healed and the drill is judged as unknown.
func Run(ctx context.Context, o Options) (Result, error) {
	r := &run{Options: o, factor: 1}
	res := Result{Drill: o.Drill, Name: o.Drill.Name, About: o.Drill.About, Began: time.Now(), Word: judge.Unknown}
	if err := r.ready(ctx); err != nil {
		return res, err
	}
	res.Before = r.before.Active
	for _, b := range r.faults {
		for _, t := range b.targets {
			if !slices.Contains(res.Targets, t) {
				res.Targets = append(res.Targets, t)
			}
		}
	}
	target := r.target()
	if err := r.prepare(ctx, target); err != nil {
		return res, err
	}
	r.fences = r.fencedSince(time.Now())
	r.load = load.Start(target, r.Log, r.rate(), r.Seed)
	err := r.experiment(ctx)
	healed, healErr := r.heal(ctx)
	res.Healed = healed.Seconds()
	r.load.Stop()
	page := r.Site.Look(context.WithoutCancel(ctx))
	res.After = page.Active
	r.scan(context.WithoutCancel(ctx), target, page)
	for _, m := range r.fences() {
		if !slices.Contains(res.Fenced, m.Host) {
			res.Fenced = append(res.Fenced, m.Host)
		}
		r.Log.Edge(m)
	}
	r.mark(history.Mark{Event: "end"})
	h, logErr := r.Log.End()
	res.History, res.Factor = &h, r.factor
	r.judge(&res, h, page, errors.Join(err, logErr))
	res.Took = time.Since(res.Began).Seconds()
	if healErr != nil {
		res.Word, res.Why = judge.Fail, healErr.Error()
	}
	return res, healErr
}

func (r *run) rate() load.Rate {
	if r.Rate == (load.Rate{}) {
		return load.Usual
	}
	return r.Rate
}

func (r *run) say(format string, args ...any) { r.tell(Event{Text: fmt.Sprintf(format, args...)}) }

func (r *run) tell(e Event) {
	if r.Events != nil {
		r.Events(e)
	}
}

func (r *run) now() time.Duration { return time.Since(r.Log.Began()) }

func (r *run) mark(m history.Mark) {
	m.Time = int64(r.now())
	r.Log.Edge(m)
}

// pace is asked again and again: the slowest moment counts.
func (r *run) pace() {
	if r.Pace == nil {
		return
	}
	if f, why := r.Pace(); f > r.factor {
		r.factor, r.why = f, why
	}
}

func (r *run) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * r.factor) }

// ready looks at the cluster, and finds the targets.
func (r *run) ready(ctx context.Context) error {
	if r.Cluster.Drills.Load == nil {
		return fmt.Errorf("%w: its recipe has no load block", ErrNotReady)
	}
	r.pace()
	r.before = r.Site.Look(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	if !r.before.Healthy {
		return fmt.Errorf("%w: %s", ErrNotReady, strings.Join(r.before.Reasons, "; "))
	}
	world := fault.World{Lab: r.Lab, Inventory: r.Inventory, Shell: r.Site.Shell}
	for i, b := range r.Drill.Faults {
		hosts, err := Targets(r.before, r.Cluster, b.On)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotReady, err)
		}
		f, err := world.New(b.Fault, fmt.Sprintf("%s-%d", r.ID, i+1), hosts)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotReady, err)
		}
		r.faults = append(r.faults, bound{b, hosts, f})
	}
	return nil
}

// Targets are the hosts that a selector names in a cluster that is as the page says.
func Targets(p status.Page, c recipe.Cluster, selector string) ([]string, error) {
	switch selector {
	case "active":
		return []string{p.Active}, nil
	case "all":
		return c.Hosts, nil
	case "holder":
		if len(p.Holders) != 1 {
			return nil, fmt.Errorf("%d hosts hold the endpoint's address", len(p.Holders))
		}
		return p.Holders, nil
	}
	var hosts []string
	for _, r := range c.Roles {
		if r.Name == selector {
			hosts = r.Hosts
		}
		// standby: of the role that the active one is in
		if selector == "standby" && slices.Contains(r.Hosts, p.Active) && hosts == nil {
			hosts = r.Hosts
		}
	}
	// One that carries nothing else: what is tried is its loss in this role.
	best := ""
	for _, h := range hosts {
		if h == p.Active {
			continue
		}
		if best == "" || slices.Contains(p.Holders, best) && !slices.Contains(p.Holders, h) {
			best = h
		}
	}
	if best == "" {
		return nil, fmt.Errorf("no host is %s", selector)
	}
	return []string{best}, nil
}

func (r *run) target() load.Target {
	l := r.Cluster.Drills.Load
	to := func(at string) load.Dial {
		return func(ctx context.Context) (net.Conn, error) { return r.Site.Dial(ctx, at) }
	}
	e, _ := r.Cluster.Endpoint(l.Protocol) // there: config has looked
	t := load.Target{Protocol: l.Protocol, Dial: to(e.At()), User: l.User, Password: r.Password, Database: l.Database, Trust: protocol.Trust{CA: e.CA, Name: e.Address}, Run: r.Log.Began().Unix()}
	if readers, ok := r.Cluster.Named(l.Readers); ok {
		t.Readers = to(readers.At())
	}
	for _, at := range members(r.Inventory, r.Cluster, e.Port) {
		t.Members = append(t.Members, to(at))
	}
	return t
}

// members are the own addresses of the servers that a load writes to besides: those in the network that
// carries the service.
func members(inv *inventory.Inventory, c recipe.Cluster, port int) (out []string) {
	for _, role := range c.Roles {
		if role.Name != c.Drills.Load.Members {
			continue
		}
		for _, name := range role.Hosts {
			if h, ok := inv.Host(name); ok {
				out = append(out, net.JoinHostPort(inv.Address(h, "service"), strconv.Itoa(port)))
			}
		}
	}
	return out
}

// prepare makes the tables; a service that just moved may refuse for a moment.
func (r *run) prepare(ctx context.Context, t load.Target) error {
	until := time.Now().Add(r.scaled(time.Minute))
	for {
		c, cancel := context.WithTimeout(ctx, r.scaled(30*time.Second))
		err := load.Prepare(c, t)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(until) {
			return fmt.Errorf("%w: the load's tables could not be made: %w", ErrNotReady, err)
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// pause is time that passes on purpose.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func first(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return reasons[0]
}

func lower(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
