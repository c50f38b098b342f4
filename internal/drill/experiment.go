package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/drill/history"
)

// experiment loads the service, brings the faults about one after the other, and waits until they have
// shown what they do. The error says why nothing is known.
func (r *run) experiment(ctx context.Context) error {
	r.mark(history.Mark{Event: "begin", Host: r.before.Active})
	r.say("%s is active; %g rows a second are written, %g new clients a second served", r.before.Active, r.rate().Add, r.rate().Probe)
	begin := r.now()
	if err := r.watch(ctx, "", func() bool { return r.now()-begin > r.scaled(warmUp) }); err != nil {
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
	r.tried = true // its host may die of it before anybody sees it in force
	r.say("%s on %s: %s", b.Fault.Name, hosts, lower(b.Fault.About))
	// A host may die of it before it answers: what was seen decides.
	injected := r.step(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, r.scaled(seenTime))
		defer cancel()
		return b.fault.Inject(ctx)
	})
	var last error
	for {
		silent := false // a host that died of it tells it when it is back
		err := r.step(ctx, func(ctx context.Context) error {
			seen, err := b.fault.Seen(ctx)
			silent = err != nil && b.Fault.Risk == "host"
			if err == nil && !seen {
				err = errors.New("it is not in force")
			}
			return err
		})
		if err == nil {
			r.mark(history.Mark{Event: "seen", Fault: b.Fault.Name, Host: hosts})
			r.tell(Event{Text: fmt.Sprintf("in force after %.1f s", (r.now() - begun).Seconds())})
			return nil
		}
		last = err
		if ctx.Err() != nil {
			return ctx.Err()
		}
		limit := r.scaled(seenTime)
		if silent {
			limit = r.scaled(bootTime)
		}
		if r.now() > begun+limit {
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
