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
	parts map[*host]*part
}

// part is one host's of a serial block.
type part struct {
	over chan struct{} // closed when the host has done it, or will not come
	lost bool          // the host had failed by then
}

// takes notes that a host has steps of a serial block.
func (r *run) takes(h *host, s *recipe.Serial) {
	if s == nil {
		return
	}
	t := r.turns[s]
	if t == nil {
		t = &turn{size: s.Hosts, parts: map[*host]*part{}}
		r.turns[s] = t
	}
	if t.parts[h] == nil {
		t.hosts = append(t.hosts, h)
		t.parts[h] = &part{over: make(chan struct{})}
	}
}

// begin waits until the batches before the host's are done. The error says that one of their hosts
// failed, in its part or before it: what would go wrong here, too, is not done.
func (t *turn) begin(ctx context.Context, h *host) error {
	if t == nil {
		return nil
	}
	at := slices.Index(t.hosts, h)
	for _, before := range t.hosts[:at/t.size*t.size] {
		select {
		case <-t.parts[before].over:
		case <-ctx.Done():
			return ctx.Err()
		}
		if t.parts[before].lost {
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
	p := t.parts[h]
	select {
	case <-p.over:
	default:
		p.lost = h.failed() != nil && !h.without()
		close(p.over)
	}
}
