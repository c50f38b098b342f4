package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
)

// apply works off the host's chain: runs of host steps in batches, cluster steps together with
// their other hosts. ctx ends the start of anything new; work carries what is in hand.
func (h *host) apply(ctx, work context.Context) error {
	for i := 0; i < len(h.items); {
		if err := ctx.Err(); err != nil {
			h.leave(i, err)
			return err
		}
		if it := h.items[i]; it.Cluster != nil {
			if err := h.gates[it].pass(ctx, work, h); err != nil {
				h.fail(it.Address, err)
				h.leave(i+1, err)
				return h.failed()
			}
			h.end(it)
			i++
			continue
		}
		j := i
		for j < len(h.items) && h.items[j].Cluster == nil && h.items[j].Serial == h.items[i].Serial {
			j++
		}
		turn := h.turns[h.items[i].Serial]
		err := turn.begin(ctx, h)
		if err == nil {
			err = h.stretch(ctx, work, h.items[i:j])
		}
		if err != nil {
			h.leave(i, err)
			return err
		}
		turn.end(h)
		i = j
	}
	return nil
}

func (h *host) end(items ...*recipe.Item) {
	if h.ended == nil {
		h.ended = map[string]bool{}
	}
	for _, it := range items {
		h.ended[it.Address] = true
	}
}

// leave tells the cluster steps and the hosts ahead that this host will not come.
func (h *host) leave(i int, err error) {
	h.fail("", err)
	for _, it := range h.items[min(i, len(h.items)):] {
		if it.Cluster != nil {
			h.gates[it].gone()
		}
		h.turns[it.Serial].end(h)
	}
}

// stretch works off host steps up to the next cluster step.
func (h *host) stretch(ctx, work context.Context, items []*recipe.Item) error {
	first := waits{}
	for len(items) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := h.observe(ctx, items, false); err != nil {
			return err
		}
		batch, n, wait, err := h.collect(items)
		if err != nil {
			return err
		}
		if len(batch) > 0 {
			if err := h.perform(work, batch); err != nil {
				return err
			}
			h.end(items[:n]...)
			items = items[n:]
			continue
		}
		h.end(items[:n]...)
		items = items[n:]
		if wait != nil && len(items) > 0 {
			h.forget(h.reads(items[0]))
			if err := h.wait(ctx, first, []string{h.name}, items[0].Address, wait); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect takes the longest run of steps whose decisions rest on fresh answers. A step whose
// answers an action of the batch makes stale ends it, unless each of its actions looks again
// itself. Packages are one transaction: those of the steps ahead join the last one of the batch;
// apt itself leaves alone what is there by then.
func (h *host) collect(items []*recipe.Item) (batch []batchItem, n int, wait *plan.Wait, err error) {
	var touched, other []subject // by all actions of the batch, and by those that install nothing
	for n < len(items) {
		it := items[n]
		stale := overlap(h.reads(it), touched)
		ch, err := it.Step.Decide(h.seen)
		joins := err == nil && installs(ch.Actions) && endsInstalling(batch) && !overlap(h.reads(it), other)
		if stale && !joins && (err != nil || !selfGuarded(ch.Actions)) {
			if endsInstalling(batch) {
				batch = append(batch, h.ahead(items[n:], other)...)
			}
			return batch, n, nil, nil
		}
		switch {
		case err != nil:
			h.fail(it.Address, err)
			return nil, n, nil, h.failed()
		case ch.Later != "":
			h.fail(it.Address, errors.New(ch.Later))
			return nil, n, nil, h.failed()
		case ch.Wait != nil:
			return batch, n, ch.Wait, nil
		}
		if d := ch.Dangers(); len(d) > 0 && len((plan.Plan{Items: []plan.Item{{Address: it.Address, Change: ch}}}).NotAllowed(h.Allow)) > 0 {
			h.fail(it.Address, fmt.Errorf("%w: %s", ErrDanger, d[0]))
			return nil, n, nil, h.failed()
		}
		for k, a := range ch.Actions {
			b := batchItem{address: it.Address, action: a}
			if k == 0 {
				b.diffs = ch.Diffs
			}
			batch = append(batch, b)
		}
		touched = append(touched, touches(ch.Actions)...)
		if !installs(ch.Actions) {
			other = append(other, touches(ch.Actions)...)
		}
		n++
	}
	return batch, n, nil, nil
}

// ahead are the packages that later steps want, up to one that may change what apt knows, or who the
// package's files will belong to.
func (h *host) ahead(items []*recipe.Item, other []subject) (out []batchItem) {
	for _, it := range items {
		ch, err := it.Step.Decide(h.seen)
		switch {
		case err != nil:
			continue
		case !installs(ch.Actions) && bearsOnPackages(touches(ch.Actions)):
			return out
		case !installs(ch.Actions) || len(ch.Dangers()) > 0 || overlap(h.reads(it), other):
			continue
		}
		for _, a := range ch.Actions {
			out = append(out, batchItem{address: it.Address, action: a, diffs: ch.Diffs})
		}
	}
	return out
}

// aptFiles begin the paths of what says where packages come from.
var aptFiles = []string{"/etc/apt/sources.list", "/etc/apt/preferences", "/etc/apt/keyrings", "/etc/apt/trusted.gpg", "/etc/apt/auth.conf", "/usr/share/keyrings"}

// bearsOnPackages: a command may do anything, as bring a package source; so do apt's own files, but
// those of its behaviour (apt.conf.d). Users that are there before a package are not made by it.
func bearsOnPackages(touched []subject) bool {
	return slices.ContainsFunc(touched, func(s subject) bool {
		switch s.Kind {
		case probe.User, probe.Group:
			return true
		case probe.File:
			return slices.ContainsFunc(aptFiles, func(p string) bool { return strings.HasPrefix(s.Name, p) })
		}
		return s == probe.All
	})
}

func installs(as []act.Action) bool {
	for _, a := range as {
		if len(a.Install) == 0 || a.Guard != "" {
			return false
		}
	}
	return len(as) > 0
}

// endsInstalling: another installation would be one transaction with the batch's last action.
func endsInstalling(batch []batchItem) bool {
	return len(batch) > 0 && len(batch[len(batch)-1].action.Install) > 0
}

func selfGuarded(as []act.Action) bool {
	for _, a := range as {
		if a.Unless == "" {
			return false
		}
	}
	return len(as) > 0
}

// slow is by how much the hosts are slower just now than they usually are. When it is much, the run
// says so, once.
func (r *run) slow() float64 {
	if r.Pace == nil {
		return 1
	}
	factor, why := r.Pace()
	if why != "" {
		r.told.Do(func() {
			r.event(Noted{"lab", "this machine is overloaded: " + why + "; time-outs are longer meanwhile"})
		})
	}
	return max(factor, 1)
}

// clock is how long something has been waited for, and how slow the hosts were meanwhile.
type clock struct {
	since time.Time
	slow  float64
}

// waits are the clocks of what a step or a host waits for, by reason.
type waits map[string]clock

// wait sleeps until it is time to look again, or ends with the reason when its deadline is over.
func (r *run) wait(ctx context.Context, first waits, hosts []string, address string, w *plan.Wait) error {
	c, ok := first[w.Reason]
	if !ok {
		c.since = time.Now()
	}
	c.slow = max(c.slow, r.slow())
	first[w.Reason] = c
	t := c.since
	left := time.Duration(float64(w.Deadline)*r.Speed*c.slow) - time.Since(t)
	if left <= 0 {
		err := fmt.Errorf("%w after %s waiting for \"%s\"", ErrTimedOut, time.Since(t).Round(time.Second), w.Text())
		if w.Evidence != "" {
			err = fmt.Errorf("%w\n%s", err, w.Evidence)
		}
		return err
	}
	r.event(Waiting{hosts, address, w.Text(), left})
	tick := time.NewTimer(min(time.Second, left))
	defer tick.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-tick.C:
		return nil
	}
}
