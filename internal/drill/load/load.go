// Package load uses a service as its clients do, at a steady rate, and writes down what came of each
// operation. It must not know of faults, nor what the history proves.
//
// The rate does not follow the service (open loop): an operation that could not begin in time is in the
// history as one that was not served, so that a service that stands still cannot look fast.
package load

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"haprov/internal/drill/history"
	"haprov/internal/protocol"
)

// Dial connects, on the clients' own way.
type Dial func(ctx context.Context) (net.Conn, error)

// Target is the service.
type Target struct {
	Protocol string // one of Protocols
	Dial     Dial   // to the endpoint
	Readers  Dial   // to the endpoint for readers; nil: there is none
	Members  []Dial // to servers at their own addresses
	User     string
	Password string
	Database string
	Trust    protocol.Trust // of all these servers: each is good for the endpoint's address
	Run      int64          // this run's number: rows of others are not its business
}

// Rate is how much is asked for, in operations a second.
type Rate struct{ Add, Probe, Register, Bank, Append, Session, Member float64 }

// Usual fits small machines: it is seen at once when they stand still, and does not wear them out.
var Usual = Rate{Add: 50, Probe: 5, Register: 8, Bank: 4, Append: 4, Session: 2, Member: 1}

// Limits of one operation.
const (
	connectTime = 4 * time.Second
	answerTime  = 5 * time.Second
	// tooLate: an operation that is due for so long is not begun any more.
	tooLate = 2 * time.Second
)

// client is one user of the service: it does one thing at a time.
type client interface {
	// do carries out one operation; open tells the history that it begins.
	do(ctx context.Context, o *history.Op, random *rand.Rand, open func())
	close()
}

// hasty is a client whose next operation may be due at once.
type hasty interface{ atOnce() bool }

// Load is running clients.
type Load struct {
	log    *history.Writer
	began  time.Time
	stop   context.CancelFunc
	wait   sync.WaitGroup
	acked  atomic.Int64 // rows
	last   atomic.Int64 // when the last row was acknowledged, ns since began
	fresh  atomic.Int64 // when the last new connection was served
	by     atomic.Value // string: the server that acknowledged last
	seq    atomic.Int64 // of rows
	values atomic.Int64 // appended to lists
}

// Start begins to use the service until Stop. The tables must be there (Prepare).
func Start(t Target, log *history.Writer, r Rate, seed uint64) *Load {
	ctx, stop := context.WithCancel(context.Background())
	l := &Load{log: log, began: log.Began(), stop: stop}
	n := 0
	begin := func(clients int, rate float64, do string, make func() client) {
		if rate <= 0 {
			return
		}
		pace := time.Duration(float64(time.Second) * float64(clients) / rate)
		for i := range clients {
			n++
			id := n
			c := make()
			// one after the other, at even distances
			first := pace * time.Duration(i) / time.Duration(clients)
			l.wait.Go(func() { l.run(ctx, id, do, c, first, pace, rand.New(rand.NewPCG(seed, uint64(id)))) })
		}
	}
	to := func(d Dial) session { return session{target: t, dial: d} }
	begin(16, r.Add, "add", func() client { return &adder{session: to(t.Dial), l: l} })
	begin(20, r.Probe, "probe", func() client { return &prober{to(t.Dial)} })
	begin(8, r.Register, "register", func() client { return &registrar{session: to(t.Dial)} })
	begin(4, r.Bank, "bank", func() client { return &teller{to(t.Dial)} })
	begin(4, r.Append, "append", func() client {
		x := &lister{session: to(t.Dial), l: l}
		x.first = dialects[t.Protocol].serializable
		return x
	})
	if t.Readers != nil {
		begin(4, r.Session, "session", func() client { return &counter{session: to(t.Dial), reader: to(t.Readers)} })
	}
	for _, m := range t.Members {
		begin(1, r.Member, "member", func() client { return &adder{session: to(m), l: l} })
	}
	l.wait.Go(func() { l.clock(ctx) })
	return l
}

// run is one client's life. Its operations are due at fixed times, whatever became of those before.
func (l *Load) run(ctx context.Context, id int, do string, c client, first, pace time.Duration, random *rand.Rand) {
	defer c.close()
	due := l.now() + first
	at := due
	for seq := 1; ; seq++ {
		if wait := at - l.now(); wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
		}
		if ctx.Err() != nil {
			return
		}
		o := history.Op{Client: id, Seq: seq, Do: do, Due: int64(at), Call: int64(l.now())}
		if l.now()-at > tooLate {
			o.Outcome, o.Class, o.Return = history.Fail, "not begun", o.Call
			l.log.Returned(o)
		} else {
			c.do(ctx, &o, random, func() { o.Call = int64(l.now()); l.log.Called(o) })
			o.Return = int64(l.now())
			l.note(o)
			l.log.Returned(o)
		}
		if h, ok := c.(hasty); ok && h.atOnce() {
			at = l.now()
			continue
		}
		due += pace
		at = due
	}
}

func (l *Load) note(o history.Op) {
	if o.Outcome != history.OK {
		return
	}
	switch o.Do {
	case "add":
		l.acked.Add(1)
		l.last.Store(o.Return)
		l.by.Store(o.Server)
	case "probe":
		l.fresh.Store(o.Return)
	}
}

func (l *Load) now() time.Duration { return time.Since(l.began) }

// clock notes how late this machine itself is: what it says of others is worth as much.
func (l *Load) clock(ctx context.Context) {
	const pace = 100 * time.Millisecond
	for next := l.now() + pace; ; next += pace {
		timer := time.NewTimer(next - l.now())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			l.log.Late(int64(l.now() - next))
		}
	}
}

// Seen is how the service looks from here just now.
type Seen struct {
	Acked      int64         // rows, in all
	NoRow      time.Duration // since a row was acknowledged
	NoNewcomer time.Duration // since a new connection was served
	Last, New  time.Duration // when that was, since the run began
	Server     string        // that acknowledged last
}

// Seen may be asked at any time.
func (l *Load) Seen() Seen {
	now, last, fresh := l.now(), time.Duration(l.last.Load()), time.Duration(l.fresh.Load())
	by, _ := l.by.Load().(string)
	return Seen{l.acked.Load(), now - last, now - fresh, last, fresh, by}
}

// Stop ends the load. Operations in hand are given their time.
func (l *Load) Stop() {
	l.stop()
	l.wait.Wait()
}
