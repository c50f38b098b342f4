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

// back drops the connections of hosts that a phase took down, and logs in again, with a new lock,
// when they answer. The old connection may still look alive: it leads to a machine that is gone.
func (g *gate) back(ctx context.Context, away []string) error {
	return g.each(func(h *host) error {
		if !slices.Contains(away, h.name) {
			return nil
		}
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
			w := &plan.Wait{Reason: h.name + " is up again", Deadline: returns}
			if late := g.run.wait(ctx, first, []string{h.name}, g.item.Address, w); late != nil {
				return fmt.Errorf("%w: %w", late, err)
			}
		}
	})
}

// note tells what a cluster step has to say beside its changes.
func (r *run) note(it *recipe.Item, ph plan.Phase) {
	if ph.Note != "" {
		r.event(Noted{it.Address, ph.Note})
	}
}
