// Package engine puts everything together: it observes hosts in bulk, lets steps decide, and acts
// in batches.
//
// Each host has a chain of items in the order written; hosts go in parallel; a cluster step is one
// item that stands in several chains and joins them. The engine alone does I/O, through sessions.
// It prints nothing: all that happens goes to Options.Events.
package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/preflight"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/transport"
)

// Options is one run.
type Options struct {
	// Hosts are the chains to work off, one a host.
	Hosts []recipe.Chain
	// Open logs in to a host.
	Open func(ctx context.Context, host string) (transport.Session, error)
	// PlanOnly ends the run before anything is changed.
	PlanOnly bool
	// Approve is asked once, when something is to be done; nil approves.
	Approve func(plan.Plan) bool
	// Allow names the addresses of steps that may destroy data.
	Allow []string
	// Prepare runs once, after the approval and before the first action: secrets are made there.
	Prepare func(context.Context) error
	// Events sees all that happens, one call at a time. It must not block for long.
	Events func(Event)
	// Holder is who holds the lock, as another run will read it.
	Holder string
	// Checks are proved at the end; Active finds the active host for those that want it.
	Checks []recipe.Check
	Active []recipe.Run
	// Also gives questions of the caller's own to a host, asked with the first ones; the answers
	// are in Summary.Also. A host that was not reached has none there.
	Also func(host string) []probe.Query
	// Preflight are hosts that are looked at with the first questions: what fails there refuses any
	// change (kind.ErrRequirement), what only warns is told.
	Preflight []preflight.Host
	// Without names hosts that the user does without: that they cannot be reached is no failure.
	Without []string
	// Verify runs the checks that write even when nothing changed.
	Verify bool
	// Speed scales deadlines: 1 for a real machine, 10 for software emulation.
	Speed float64
	// Pace, when it is given, says by how much the hosts are slower just now than they usually are, and
	// why when that is so much that a person should know. Time-outs grow with it while it lasts.
	Pace func() (factor float64, why string)
}

// Summary is what a run came to.
type Summary struct {
	Changes   int // actions done, or pending when only planned
	Hosts     int
	Failed    int // hosts that failed
	Took      time.Duration
	Outcomes  map[string]error // of failed hosts
	Counts    map[string]transport.Counts
	Seen      plan.Plan // what was decided first
	Left      []string  // steps of it, by address, that a run which acted has not brought to their end
	Converged bool      // nothing differed when the run began
	Also      map[string]probe.Seen
	Proofs    []plan.Proof // of fence devices, as known at the end
}

// Errors that a caller may branch on.
var (
	ErrLocked      = errors.New("another run is in progress")
	ErrNotApproved = errors.New("not approved")
	ErrDanger      = errors.New("would destroy data, and that was not allowed")
	ErrHosts       = errors.New("some hosts failed")
	ErrCheck       = errors.New("a check did not succeed")
	ErrTimedOut    = errors.New("timed out")
	ErrOverran     = errors.New("an action ran longer than its timeout")
)

type run struct {
	Options
	hosts   []*host
	byName  map[string]*host
	gates   map[*recipe.Item]*gate
	turns   map[*recipe.Serial]*turn
	proofs  map[*recipe.Item][]plan.Proof
	began   map[*recipe.Item]probe.Hosts // what a cluster step saw at the first look
	told    sync.Once                    // that the hosts are slow
	emit    sync.Mutex
	started time.Time
}

// Run brings all hosts to what their chains want. One host's failure does not stop its neighbours,
// except where a cluster step needs it. The first error of the context ends the run after the
// batches in hand. Run may be repeated at any time: it looks first.
func Run(ctx context.Context, o Options) (Summary, error) {
	if o.Speed == 0 {
		o.Speed = 1
	}
	r := &run{Options: o, byName: map[string]*host{}, gates: map[*recipe.Item]*gate{}, turns: map[*recipe.Serial]*turn{}, proofs: map[*recipe.Item][]plan.Proof{}, began: map[*recipe.Item]probe.Hosts{}, started: time.Now()}
	for _, h := range o.Hosts {
		x := &host{run: r, name: h.Host, items: h.Items}
		r.hosts = append(r.hosts, x)
		r.byName[h.Host] = x
	}
	for _, h := range r.hosts {
		for _, it := range h.items {
			if it.Cluster != nil && r.gates[it] == nil {
				r.gates[it] = newGate(r, it)
			}
			r.takes(h, it.Serial)
		}
	}
	defer r.close()
	// Batches in hand are finished even when the user interrupts: they have deadlines of their own.
	work := context.WithoutCancel(ctx)

	r.each(func(h *host) error { return h.open(ctx) })
	r.each(func(h *host) error { return h.observe(ctx, h.items, true, r.riding(h.name)...) })
	s := Summary{Hosts: len(r.hosts), Also: r.also()}
	if !slices.ContainsFunc(r.hosts, func(h *host) bool { return h.failed() == nil }) {
		return r.end(s, nil) // nobody said anything: what is wanted cannot be compared with what is
	}
	refused := r.preflight()
	p := r.decide()
	s.Seen = p
	for _, h := range r.hosts {
		if errors.Is(h.err, kind.ErrRequirement) {
			return r.end(s, fmt.Errorf("%s: %w", h.name, h.err))
		}
	}
	if p.Changes() == 0 || o.PlanOnly {
		s.Converged = p.Changes() == 0
		if o.PlanOnly {
			r.event(Planned{p})
			s.Changes = p.Changes()
			return r.end(s, ctx.Err())
		}
		return r.end(s, r.verified(ctx, false))
	}
	r.event(Planned{p})
	if refused != nil {
		return r.end(s, refused)
	}
	if d := p.NotAllowed(o.Allow); len(d) > 0 {
		return r.end(s, fmt.Errorf("%w: %s", ErrDanger, d[0]))
	}
	if o.Approve != nil && !o.Approve(p) {
		return r.end(s, ErrNotApproved)
	}
	if o.Prepare != nil {
		if err := o.Prepare(ctx); err != nil {
			return r.end(s, err)
		}
	}
	// Lock, then look again, unless nobody was at work meanwhile: what was seen before the lock may be
	// another run's half-way state.
	r.each(func(h *host) error { return h.lock(ctx) })
	for _, h := range r.hosts {
		if errors.Is(h.err, ErrLocked) {
			return r.end(s, h.err)
		}
	}
	for _, h := range r.hosts {
		if h.err != nil {
			h.leave(0, h.err) // its neighbours do not wait for it
		}
	}
	undisturbed := r.undisturbed()
	r.each(func(h *host) error {
		if !undisturbed {
			h.forgetAll()
		}
		// Checks are for what will have been done, and what other hosts do changes a cluster's answers.
		h.seen = h.seen.Without(r.riding(h.name))
		for _, it := range h.items {
			if it.Cluster != nil {
				h.seen = h.seen.Without(h.asked[it])
			}
		}
		return nil
	})
	r.each(func(h *host) error { return h.apply(ctx, work) })
	for _, h := range r.hosts {
		s.Changes += h.changes
	}
	s.Left = r.left(p)
	return r.end(s, r.verified(ctx, s.Changes > 0))
}

// left are the steps of a plan that some host has not brought to their end.
func (r *run) left(p plan.Plan) (out []string) {
	for _, it := range p.Items {
		for _, h := range r.hosts {
			concerns := it.Host == h.name || it.Host == "" && slices.ContainsFunc(h.items, func(x *recipe.Item) bool { return x.Address == it.Address })
			if concerns && !h.ended[it.Address] && !slices.Contains(out, it.Address) {
				out = append(out, it.Address)
			}
		}
	}
	return out
}

// verified proves the checks when no host failed: they would only tell of the failure again.
func (r *run) verified(ctx context.Context, changed bool) error {
	for _, h := range r.hosts {
		if h.failed() != nil && !h.without() {
			return ctx.Err()
		}
	}
	return r.verify(ctx, changed)
}

// each calls f for all hosts that have not failed, at once, and keeps their errors.
func (r *run) each(f func(*host) error) {
	var wg sync.WaitGroup
	for _, h := range r.hosts {
		if h.err != nil {
			continue
		}
		wg.Go(func() {
			if err := f(h); err != nil {
				h.fail("", err)
			}
		})
	}
	wg.Wait()
}

func (r *run) end(s Summary, err error) (Summary, error) {
	s.Took = time.Since(r.started)
	s.Outcomes = map[string]error{}
	s.Counts = map[string]transport.Counts{}
	s.Proofs = r.proven()
	for _, h := range r.hosts {
		if h.err != nil && !h.without() {
			s.Failed++
			s.Outcomes[h.name] = h.err
		}
		if h.session != nil {
			s.Counts[h.name] = h.session.Counts()
		}
	}
	if err == nil && s.Failed > 0 {
		err = ErrHosts
		for _, h := range r.hosts { // one cause for all is that cause
			if h.err != nil && !h.without() {
				return s, fmt.Errorf("%w: %s: %w", ErrHosts, h.name, h.err)
			}
		}
	}
	return s, err
}

func (r *run) close() {
	for _, h := range r.hosts {
		if h.session != nil {
			h.session.Close()
		}
	}
}

func (r *run) event(e Event) {
	if r.Events == nil {
		return
	}
	r.emit.Lock()
	defer r.emit.Unlock()
	r.Events(e)
}

// decide lets every item decide on what was seen and marks what cannot be known yet.
func (r *run) decide() plan.Plan {
	var p plan.Plan
	touched := map[string][]subject{}
	done := map[*recipe.Item]bool{}
	for _, h := range r.hosts {
		if h.err != nil {
			continue
		}
		for _, it := range h.items {
			if it.Cluster != nil {
				continue
			}
			ch, err := it.Step.Decide(h.seen)
			stale := overlap(h.reads(it), touched[h.name])
			switch {
			case err != nil && !stale:
				h.fail(it.Address, err)
			case (err != nil || ch.Later != "") && stale:
				p.Items = append(p.Items, plan.Item{Host: h.name, Address: it.Address, Change: plan.Change{Later: why(ch, err)}, Provisional: true})
			case ch.Later != "":
				h.fail(it.Address, errors.New(ch.Later))
			case !ch.Empty():
				p.Items = append(p.Items, plan.Item{Host: h.name, Address: it.Address, Change: ch, Provisional: stale})
			}
			if h.err != nil {
				break
			}
			touched[h.name] = append(touched[h.name], touches(ch.Actions)...)
		}
	}
	for _, h := range r.hosts {
		for _, it := range h.items {
			if it.Cluster == nil || done[it] {
				continue
			}
			done[it] = true
			p.Items = append(p.Items, r.decideCluster(it, touched)...)
		}
	}
	return p
}

func (r *run) decideCluster(it *recipe.Item, touched map[string][]subject) []plan.Item {
	stale := false
	for _, name := range it.Hosts {
		if h := r.byName[name]; h != nil && h.err == nil && overlap(h.reads(it), touched[name]) {
			stale = true
		}
	}
	r.began[it] = r.seen(it)
	ph, err := r.phase(it)
	if err != nil {
		if !stale {
			for _, name := range it.Hosts {
				r.byName[name].fail(it.Address, err)
			}
			return nil
		}
		ph = plan.Phase{Name: "decided when the hosts are ready"}
	}
	if ph.Empty() {
		r.note(it, ph)
		return nil
	}
	out := []plan.Item{}
	for _, name := range it.Hosts {
		if ch, ok := ph.Changes[name]; ok && !ch.Empty() {
			out = append(out, plan.Item{Host: name, Address: it.Address, Phase: ph.Name, Change: ch, Then: ph.Then, Provisional: stale, Record: ph.Record})
		}
		touched[name] = append(touched[name], probe.All)
	}
	if len(out) == 0 {
		out = append(out, plan.Item{Address: it.Address, Phase: ph.Name, Change: plan.Change{Later: why(plan.Change{}, err), Wait: ph.Wait}, Then: ph.Then, Provisional: stale})
	}
	return out
}

func why(ch plan.Change, err error) string {
	if err != nil {
		return err.Error()
	}
	return ch.Later
}
