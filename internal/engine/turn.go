package engine

import (
	"context"
	"fmt"
	"slices"

	"haprov/internal/recipe"
)

// turn lets the hosts of a serial block come in batches, in the order of the run's hosts. A nil turn
// holds nobody up.
type turn struct {
	size  int
	hosts []*host
	over  map[*host]chan struct{} // closed when the host has done its part, or will not come
}

// takes notes that a host has steps of a serial block.
func (r *run) takes(h *host, s *recipe.Serial) {
	if s == nil {
		return
	}
	t := r.turns[s]
	if t == nil {
		t = &turn{size: s.Hosts, over: map[*host]chan struct{}{}}
		r.turns[s] = t
	}
	if t.over[h] == nil {
		t.hosts = append(t.hosts, h)
		t.over[h] = make(chan struct{})
	}
}

// begin waits until the batches before the host's are done. The error says that one of their hosts
// failed: what would go wrong here, too, is not done.
func (t *turn) begin(ctx context.Context, h *host) error {
	if t == nil {
		return nil
	}
	at := slices.Index(t.hosts, h)
	for _, before := range t.hosts[:at/t.size*t.size] {
		select {
		case <-t.over[before]:
		case <-ctx.Done():
			return ctx.Err()
		}
		if before.failed() != nil && !before.without() {
			return fmt.Errorf("left alone: %s failed, and the recipe has %s at once", before.name, count(t.size))
		}
	}
	return nil
}

func count(hosts int) string {
	if hosts == 1 {
		return "one host"
	}
	return fmt.Sprintf("%d hosts", hosts)
}

// end lets the next batch go on, once all of this one have ended. It may be repeated by the host's own
// goroutine.
func (t *turn) end(h *host) {
	if t == nil {
		return
	}
	select {
	case <-t.over[h]:
	default:
		close(t.over[h])
	}
}
