package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"haprov/internal/plan"
	"haprov/internal/recipe"
)

// returns is how long a host that was taken down may need until it answers again.
const returns = 5 * time.Minute

// strays is how long a host that goes away by itself may need until it answers again: a cluster that
// takes a member of a busy machine for lost fences it, and it starts again. One that is still away then
// is evidence for the step.
const strays = 3 * time.Minute

// strayed counts that a host went away by itself, and tells whether it is worth waiting for: one that
// comes and goes is not.
func (g *gate) strayed(host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.away == nil {
		g.away = map[string]int{}
	}
	g.away[host]++
	return g.away[host] <= 3
}

// back drops the connections of hosts that a phase took down, and logs in again when they answer.
func (g *gate) back(ctx context.Context, away []string) error {
	return g.each(func(h *host) error {
		if !slices.Contains(away, h.name) {
			return nil
		}
		return g.reopen(ctx, h, h.name+" is up again", returns)
	})
}

// reopen logs in again, with a new lock, when the host answers. The old connection may still look
// alive: it leads to a machine that is gone. What was seen of the host is forgotten.
func (g *gate) reopen(ctx context.Context, h *host, reason string, most time.Duration) error {
	h.session.Close()
	h.forgetAll()
	first := waits{}
	for {
		c, cancel := context.WithTimeout(ctx, h.scaled(20*time.Second))
		err := h.open(c)
		cancel()
		if err == nil {
			return h.lock(ctx)
		}
		if late := g.run.wait(ctx, first, []string{h.name}, g.item.Address, &plan.Wait{Reason: reason, Deadline: most}); late != nil {
			return fmt.Errorf("%w: %w", late, err)
		}
	}
}

// note tells what a cluster step has to say beside its changes.
func (r *run) note(it *recipe.Item, ph plan.Phase) {
	if ph.Note != "" {
		r.event(Noted{it.Address, ph.Note})
	}
}
