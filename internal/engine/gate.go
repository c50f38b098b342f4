package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/transport"
)

// gate joins the chains of a cluster step's hosts: the last one to arrive (or to be known as gone)
// lets the step run, once for all.
type gate struct {
	run     *run
	item    *recipe.Item
	mu      sync.Mutex
	missing int
	arrived []*host
	open    chan struct{} // closed when all have arrived or gone
	once    sync.Once
	done    chan struct{}  // closed when the step has run
	away    map[string]int // how often a host went away by itself
	err     error
}

func newGate(r *run, it *recipe.Item) *gate {
	g := &gate{run: r, item: it, open: make(chan struct{}), done: make(chan struct{})}
	for _, n := range it.Hosts {
		if r.byName[n] != nil {
			g.missing++
		}
	}
	return g
}

func (g *gate) less() {
	g.missing--
	if g.missing == 0 {
		close(g.open)
	}
}

func (g *gate) gone() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.less()
}

// pass waits for the other hosts, and for the step.
func (g *gate) pass(ctx, work context.Context, h *host) error {
	g.mu.Lock()
	g.arrived = append(g.arrived, h)
	g.less()
	g.mu.Unlock()
	<-g.open
	g.once.Do(func() {
		g.err = g.perform(ctx, work)
		close(g.done)
	})
	<-g.done
	return g.err
}

// seen is what is known of a cluster step's hosts.
func (r *run) seen(it *recipe.Item) probe.Hosts {
	out := probe.Hosts{}
	for _, n := range it.Hosts {
		h := r.byName[n]
		if h == nil {
			continue
		}
		s := probe.HostSeen{Seen: h.seen}
		if err := h.failed(); err != nil {
			s.Lost = err.Error()
		}
		out[n] = s
	}
	return out
}

// refusals is how often running a phase may be refused because its hosts moved on since it was
// decided: Pacemaker, for one, writes to its configuration while it starts.
const refusals = 5

// perform does phase after phase until the step wants nothing more.
func (g *gate) perform(ctx, work context.Context) error {
	first := waits{}
	done := map[string]int{}
	last := ""
	refused := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := g.observe(ctx); err != nil {
			return err
		}
		ph, err := g.run.phase(g.item)
		if err != nil {
			return err
		}
		if ph.Empty() {
			g.run.note(g.item, ph)
			return nil
		}
		if ph.Tries > 0 && done[ph.Name] >= ph.Tries {
			ph = plan.Phase{Wait: ph.Wait}
		}
		if len(ph.Changes) > 0 {
			if ph.Name == last && ph.Tries == 0 {
				return fmt.Errorf("%s was done and is needed again: stopped to avoid a loop", ph.Name)
			}
			last = ph.Name
			g.run.event(Phase{g.item.Address, ph.Name})
			err := g.act(work, ph)
			var moved *actionError
			switch {
			case errors.As(err, &moved) && moved.state == act.Refused && refused < refusals:
				refused++
				last = ""
			case err != nil:
				return err
			default:
				refused = 0
				done[ph.Name]++
				if err := g.back(ctx, ph.Away); err != nil {
					return err
				}
			}
		}
		g.each(func(h *host) error { h.forgetAll(); return nil })
		if ph.Wait != nil && (len(ph.Changes) == 0 || ph.Tries == 0) {
			if len(ph.Changes) == 0 {
				last = "" // time passed: the same phase may be right again
			}
			if err := g.run.wait(ctx, first, g.item.Hosts, g.item.Address, ph.Wait); err != nil {
				return err
			}
		}
	}
}

func (g *gate) each(f func(*host) error) error {
	var wg sync.WaitGroup
	errs := make([]error, len(g.arrived))
	for i, h := range g.arrived {
		if h.failed() != nil {
			continue
		}
		wg.Go(func() { errs[i] = f(h) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// observe asks all hosts, round by round, so that each round sees all hosts' answers of the last. When
// one was away meanwhile all are asked anew: what the others said is from before.
func (g *gate) observe(ctx context.Context) error {
	for round := 0; round < rounds; round++ {
		all := g.run.seen(g.item)
		asked, away := false, false
		var mu sync.Mutex
		err := g.each(func(h *host) error {
			qs := g.item.Cluster.Probe(h.name, all)
			h.remember(g.item, qs)
			var ask []probe.Query
			for _, q := range qs {
				if h.seen.Get(q).State == probe.Unasked {
					ask = append(ask, q)
				}
			}
			if len(ask) == 0 {
				return nil
			}
			mu.Lock()
			asked = true
			mu.Unlock()
			err := h.ask(ctx, ask)
			if errors.Is(err, transport.ErrLost) && ctx.Err() == nil && g.strayed(h.name) {
				if late := g.reopen(ctx, h, h.name+" answers again", strays); late == nil {
					mu.Lock()
					away = true
					mu.Unlock()
					return nil
				}
			}
			if err != nil {
				// A host lost here is evidence for the step, not the step's end.
				h.fail(g.item.Address, err)
			}
			return nil
		})
		if err != nil || !asked {
			return err
		}
		if away {
			g.each(func(h *host) error { h.forgetAll(); return nil })
			round = -1
		}
	}
	return nil
}

func (g *gate) act(work context.Context, ph plan.Phase) error {
	for n, ch := range ph.Changes {
		p := plan.Plan{Items: []plan.Item{{Host: n, Address: g.item.Address, Change: ch}}}
		if d := p.NotAllowed(g.run.Allow); len(d) > 0 {
			return fmt.Errorf("%w: %s", ErrDanger, d[0])
		}
	}
	return g.each(func(h *host) error {
		ch, ok := ph.Changes[h.name]
		if !ok || len(ch.Actions) == 0 {
			return nil
		}
		var batch []batchItem
		for k, a := range ch.Actions {
			b := batchItem{address: g.item.Address, action: a}
			if k == 0 {
				b.diffs = ch.Diffs
			}
			batch = append(batch, b)
		}
		return h.perform(work, batch)
	})
}
