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
	"strings"
	"time"

	"haprov/internal/drill/fault"
	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/drill/load"
	"haprov/internal/inventory"
	"haprov/internal/lab"
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
	// Dial connects to the endpoint as clients do: never by way of a host of the cluster.
	Dial(ctx context.Context) (net.Conn, error)
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
	Word     string           `json:"verdict"` // pass, fail, unknown
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
	seen   bool
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
	return load.Target{Dial: r.Site.Dial, User: l.User, Password: r.Password, Database: l.Database, Run: r.Log.Began().Unix()}
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

// experiment loads the service, brings the faults about one after the other, and waits until they have
// shown what they do. The error says why nothing is known.
func (r *run) experiment(ctx context.Context) error {
	r.mark(history.Mark{Event: "begin", Host: r.before.Active})
	r.say("%s is active; %g rows a second are written, %g new clients a second served", r.before.Active, r.rate().Add, r.rate().Probe)
	if err := r.watch(ctx, "", func() bool { return r.now() > r.scaled(warmUp) }); err != nil {
		return err
	}
	lease := r.scaled(guardTime*r.Drill.Expect.Outage) + healTime
	for _, b := range r.faults {
		lease += b.Hold + b.After
	}
	for _, b := range r.faults {
		if err := r.step(ctx, func(ctx context.Context) error { return b.fault.Arm(ctx, lease) }); err != nil {
			return fmt.Errorf("%s on %s: %w", b.Fault.Name, strings.Join(b.targets, ", "), err)
		}
	}
	r.began = r.load.Seen().Server
	first := r.now()
	for _, b := range r.faults {
		if err := r.watch(ctx, "", func() bool { return r.now()-first >= b.After }); err != nil {
			return err
		}
		if err := r.inject(ctx, b); err != nil {
			return fmt.Errorf("%s on %s: %w", b.Fault.Name, strings.Join(b.targets, ", "), err)
		}
	}
	return r.hold(ctx, first)
}

// step gives one command to a host or to the lab its time.
func (r *run) step(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.scaled(stepTime))
	defer cancel()
	return do(ctx)
}

// inject brings a fault about and sees it in force.
func (r *run) inject(ctx context.Context, b bound) error {
	hosts := strings.Join(b.targets, ", ")
	r.mark(history.Mark{Event: "inject", Fault: b.Fault.Name, Host: hosts})
	begun := r.now()
	r.say("%s on %s: %s", b.Fault.Name, hosts, lower(b.Fault.About))
	// A host may die of it before it answers: what was seen decides.
	injected := r.step(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, r.scaled(seenTime))
		defer cancel()
		return b.fault.Inject(ctx)
	})
	var last error
	for until := r.now() + r.scaled(seenTime); ; {
		err := r.step(ctx, func(ctx context.Context) error {
			seen, err := b.fault.Seen(ctx)
			if err == nil && !seen {
				err = errors.New("it is not in force")
			}
			return err
		})
		if err == nil {
			r.mark(history.Mark{Event: "seen", Fault: b.Fault.Name, Host: hosts})
			r.tell(Event{Text: fmt.Sprintf("in force after %.1f s", (r.now() - begun).Seconds())})
			r.seen = true
			return nil
		}
		last = err
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if r.now() > until {
			return fmt.Errorf("it was not seen in force: %w", errors.Join(injected, last))
		}
		r.look()
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
}

// hold waits while the fault does what it does: for its time, and until the service is back, or twice
// the expected outage is over.
func (r *run) hold(ctx context.Context, first time.Duration) error {
	last := first
	for _, b := range r.faults {
		last = max(last, first+b.After+b.Hold)
	}
	patience := guardTime * r.Drill.Expect.Outage
	served := time.Duration(0)
	return r.watch(ctx, fmt.Sprintf("of %.0f s", r.scaled(r.Drill.Expect.Outage).Seconds()), func() bool {
		s := r.load.Seen()
		now := r.now()
		// back: rows and newcomers are served, and were for a while without a break
		if quiet := r.scaled(2 * time.Second); s.NoRow < quiet && s.NoNewcomer < quiet && s.Last > first && s.New > first {
			if served == 0 {
				served = now
			}
		} else {
			served = 0
		}
		// A fault shows its effect only when its victim is missed: not before the calm is over.
		if served > 0 && now-served > r.scaled(calm) && now > last && now-first > r.scaled(r.settle()) && r.came(s.Server) {
			return true
		}
		if now-first > r.scaled(patience)+last-first {
			return true // the judge says that it is not back
		}
		return false
	})
}

// came tells whether what is expected of the active side and of fencing has come about. It may take
// longer than the service shows.
func (r *run) came(server string) bool {
	if r.Drill.Expect.Active == "moves" && server == r.began {
		return false
	}
	if r.Lab == nil {
		return true
	}
	have := r.fences()
	return !slices.ContainsFunc(r.expectFenced(), func(h string) bool {
		return !slices.ContainsFunc(have, func(m history.Mark) bool { return m.Host == h })
	})
}

// settle is how long a fault is left alone when nobody seems to notice it: an outage may begin late.
func (r *run) settle() time.Duration {
	if r.Drill.Expect.Active == "stays" {
		return min(r.Drill.Expect.Outage, 20*time.Second)
	}
	return 10 * time.Second
}

// watch waits for a condition, and shows meanwhile how the service looks.
func (r *run) watch(ctx context.Context, limit string, done func() bool) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for n := 0; !done(); n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if n%4 == 0 {
			r.pace()
		}
		r.show(limit)
	}
	return nil
}

func (r *run) look() { r.pace(); r.show("") }

func (r *run) show(limit string) {
	s := r.load.Seen()
	text := fmt.Sprintf("acknowledged %d", s.Acked)
	if s.NoRow > time.Second {
		text += strings.TrimRight(fmt.Sprintf("   no row for %.1f s %s", s.NoRow.Seconds(), limit), " ")
	}
	if s.NoNewcomer > 1500*time.Millisecond {
		text += fmt.Sprintf("   no new client for %.1f s", s.NoNewcomer.Seconds())
	}
	r.tell(Event{Text: text, Live: true})
}

// heal takes every fault back, also after an interrupt, and waits until the cluster is healthy by
// itself. It says how long that took.
func (r *run) heal(ctx context.Context) (time.Duration, error) {
	work := context.WithoutCancel(ctx)
	begun := r.now()
	var all []error
	for _, b := range slices.Backward(r.faults) {
		hosts := strings.Join(b.targets, ", ")
		r.mark(history.Mark{Event: "heal", Fault: b.Fault.Name, Host: hosts})
		if err := r.healed(work, b); err != nil {
			all = append(all, fmt.Errorf("%w: %s on %s: %w", ErrNotHealed, b.Fault.Name, hosts, err))
			continue
		}
		r.mark(history.Mark{Event: "gone", Fault: b.Fault.Name, Host: hosts})
	}
	if err := errors.Join(all...); err != nil {
		return r.now() - begun, err
	}
	if !r.seen { // nothing happened
		return 0, nil
	}
	r.say("the fault is taken back")
	var page status.Page
	for until := r.now() + r.scaled(healTime); r.now() < until; {
		if page = r.Site.Look(work); page.Healthy {
			took := r.now() - begun
			r.mark(history.Mark{Event: "healthy"})
			r.say("healthy again %.0f s later", took.Seconds())
			return took, pause(work, coolDown)
		}
		r.pace()
		r.tell(Event{Text: "not healthy yet: " + first(page.Reasons), Live: true})
		select {
		case <-ctx.Done():
			if pause(work, time.Second) != nil {
				return 0, nil
			}
			return r.now() - begun, nil // interrupted: the fault is gone, the rest is the cluster's
		default:
		}
	}
	r.mark(history.Mark{Event: "sick", Text: first(page.Reasons)})
	return r.now() - begun, nil
}

// healed takes one fault back, as long as it takes a host to boot.
func (r *run) healed(ctx context.Context, b bound) error {
	var last error
	for until := r.now() + r.scaled(5*time.Minute); r.now() < until; {
		last = r.step(ctx, func(ctx context.Context) error {
			if err := b.fault.Heal(ctx); err != nil {
				return err
			}
			gone, err := b.fault.Gone(ctx)
			if err == nil && !gone {
				err = errors.New("it is still in force")
			}
			return err
		})
		if last == nil {
			return nil
		}
		r.show("")
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return last
}

// scan reads what the hosts hold at the end.
func (r *run) scan(ctx context.Context, t load.Target, page status.Page) {
	l := r.Cluster.Drills.Load
	for _, h := range r.Cluster.Hosts {
		if l.Scan == "" || l.ScanOn == "active" && h != page.Active || l.ScanOn == "each" && !r.serves(h) {
			continue
		}
		s := history.Scan{Host: h, Of: "add"}
		c, cancel := context.WithTimeout(ctx, r.scaled(stepTime))
		out, exit, err := r.Site.Shell(c, h, l.Scan)
		cancel()
		switch {
		case err != nil:
			s.Error = err.Error()
		case exit != 0:
			s.Error = fmt.Sprintf("exit %d", exit)
		default:
			s.Values = strings.Fields(out)
		}
		r.Log.Scanned(s)
	}
	s := history.Scan{Of: "balance"}
	c, cancel := context.WithTimeout(ctx, r.scaled(30*time.Second))
	defer cancel()
	var err error
	if s.Values, err = load.Balances(c, t); err != nil {
		s.Error = err.Error()
	}
	r.Log.Scanned(s)
}

// serves tells whether a host is of the role that the active one is in.
func (r *run) serves(host string) bool {
	for _, role := range r.Cluster.Roles {
		if slices.Contains(role.Hosts, host) && slices.Contains(role.Hosts, r.before.Active) {
			return true
		}
	}
	return false
}

// fencedSince tells later, by the lab's diary, which hosts were fenced since now, and when that was done.
func (r *run) fencedSince(begun time.Time) func() []history.Mark {
	if r.Lab == nil {
		return func() []history.Mark { return nil }
	}
	return func() (out []history.Mark) {
		events, err := r.Lab.Logs()
		if err != nil {
			return nil
		}
		for _, e := range events {
			if e.Kind == "fence" && e.OK && (e.Action == "off" || e.Action == "reboot") && e.Time.After(begun) {
				out = append(out, history.Mark{Time: int64(e.Time.Sub(r.Log.Began())), Event: "fenced", Host: e.Host})
			}
		}
		return out
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
