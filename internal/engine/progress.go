package engine

import (
	"context"
	"fmt"
	"time"

	"haprov/internal/act"
	"haprov/internal/transport"
)

// within bounds what is done on the host; the error says so, and that the host is taken as lost.
func (h *host) within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	d = h.scaled(d)
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("%w: the host did not finish its answer within %s", transport.ErrLost, d.Round(time.Millisecond)))
}

// sending is how long n bytes may take to the host.
func sending(n int) time.Duration { return time.Duration(n/slowest) * time.Second }

// progress turns a batch's marks into events while they come in. It ends the exchange with a host
// that is silent for longer than what is under way may take, or that says more than the batch can.
type progress struct {
	h      *host
	batch  []batchItem
	joined []act.Action
	covers [][]int
	read   *act.Reader
	bytes  int
	state  []act.State
	last   time.Time
	late   *time.Timer
	stop   context.CancelCauseFunc
}

// expect starts the time within which the next mark must come, and more of it.
func (p *progress) expect(more time.Duration) {
	if p.late != nil {
		p.late.Stop()
	}
	d := p.h.scaled(p.read.Patience(p.joined) + more)
	p.late = time.AfterFunc(d, func() {
		p.stop(fmt.Errorf("%w: the host said nothing of the batch for %s", transport.ErrLost, d.Round(time.Millisecond)))
	})
}

func (p *progress) got(b []byte) {
	p.bytes += len(b)
	if limit := act.MaxBytes(len(p.joined)); p.bytes > limit {
		p.stop(fmt.Errorf("%w: the host said more than %d bytes of a batch", transport.ErrTooLarge, limit))
		return
	}
	if !p.read.Feed(b) {
		return
	}
	p.expect(0)
	if p.state == nil {
		p.state = make([]act.State, len(p.covers))
	}
	for i, r := range p.read.Results() {
		if r.State == p.state[i] {
			continue
		}
		was := p.state[i]
		p.state[i] = r.State
		for n, k := range p.covers[i] {
			x := p.batch[k]
			if was == act.NotRun {
				p.h.event(Started{p.h.name, x.address, x.action.Title})
			}
			if r.State == act.Done || r.State == act.Same {
				d := Done{Host: p.h.name, Address: x.address, Title: x.action.Title, Took: time.Since(p.last), Unchanged: r.State == act.Same, Diffs: x.diffs}
				if len(x.action.Install) > 0 {
					d.Nth, d.Of = n+1, len(p.covers[i])
				}
				p.h.event(d)
			}
		}
		if r.State == act.Done || r.State == act.Same {
			p.last = time.Now()
		}
	}
}
