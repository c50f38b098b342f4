package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/drill/history"
	"haprov/internal/drill/load"
	"haprov/internal/status"
)

// heal takes every fault back, also after an interrupt, and waits until the cluster is healthy by
// itself. It says how long that took.
func (r *run) heal(ctx context.Context) (time.Duration, error) {
	work := context.WithoutCancel(ctx)
	begun := r.now()
	var all []error
	for _, b := range slices.Backward(r.faults) {
		hosts := strings.Join(b.targets, ", ")
		r.mark(history.Mark{Event: "heal", Fault: b.Fault.Name, Host: hosts})
		if err := r.healed(work, b); err != nil {
			all = append(all, fmt.Errorf("%w: %s on %s: %w", ErrNotHealed, b.Fault.Name, hosts, err))
			continue
		}
		r.mark(history.Mark{Event: "gone", Fault: b.Fault.Name, Host: hosts})
	}
	if err := errors.Join(all...); err != nil {
		return r.now() - begun, err
	}
	if !r.tried { // nothing happened
		return 0, nil
	}
	r.say("the fault is taken back")
	var page status.Page
	for until := r.now() + r.scaled(healTime); r.now() < until; {
		if page = r.Site.Look(work); page.Healthy {
			took := r.now() - begun
			r.mark(history.Mark{Event: "healthy"})
			r.say("healthy again %.0f s later", took.Seconds())
			return took, pause(work, coolDown)
		}
		r.pace()
		r.tell(Event{Text: "not healthy yet: " + first(page.Reasons), Live: true})
		select {
		case <-ctx.Done():
			if pause(work, time.Second) != nil {
				return 0, nil
			}
			return r.now() - begun, nil // interrupted: the fault is gone, the rest is the cluster's
		default:
		}
	}
	r.mark(history.Mark{Event: "sick", Text: first(page.Reasons)})
	return r.now() - begun, nil
}

// healed takes one fault back, as long as it takes a host to boot.
func (r *run) healed(ctx context.Context, b bound) error {
	var last error
	for until := r.now() + r.scaled(5*time.Minute); r.now() < until; {
		last = r.step(ctx, func(ctx context.Context) error {
			if err := b.fault.Heal(ctx); err != nil {
				return err
			}
			gone, err := b.fault.Gone(ctx)
			if err == nil && !gone {
				err = errors.New("it is still in force")
			}
			return err
		})
		if last == nil {
			return nil
		}
		r.show("")
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return last
}

// scan reads what the hosts hold at the end.
func (r *run) scan(ctx context.Context, t load.Target, page status.Page) {
	l := r.Cluster.Drills.Load
	for _, h := range r.Cluster.Hosts {
		if l.Scan == "" || l.ScanOn == "active" && h != page.Active || l.ScanOn == "each" && !r.serves(h) {
			continue
		}
		s := history.Scan{Host: h, Of: "add"}
		c, cancel := context.WithTimeout(ctx, r.scaled(stepTime))
		out, exit, err := r.Site.Shell(c, h, l.Scan)
		cancel()
		switch {
		case err != nil:
			s.Error = err.Error()
		case exit != 0:
			s.Error = fmt.Sprintf("exit %d", exit)
		default:
			s.Values = strings.Fields(out)
		}
		r.Log.Scanned(s)
	}
	for of, read := range map[string]func(context.Context, load.Target) ([]string, error){"balance": load.Balances, "append": load.Lists} {
		s := history.Scan{Of: of}
		c, cancel := context.WithTimeout(ctx, r.scaled(30*time.Second))
		var err error
		if s.Values, err = read(c, t); err != nil {
			s.Error = err.Error()
		}
		cancel()
		r.Log.Scanned(s)
	}
}

// serves tells whether a host is of the role that the active one is in.
func (r *run) serves(host string) bool {
	for _, role := range r.Cluster.Roles {
		if slices.Contains(role.Hosts, host) && slices.Contains(role.Hosts, r.before.Active) {
			return true
		}
	}
	return false
}

// fencedSince tells later, by the lab's diary, which hosts were fenced since now, and when that was done.
func (r *run) fencedSince(begun time.Time) func() []history.Mark {
	if r.Lab == nil {
		return func() []history.Mark { return nil }
	}
	return func() (out []history.Mark) {
		events, err := r.Lab.Logs()
		if err != nil {
			return nil
		}
		for _, e := range events {
			if e.Kind == "fence" && e.OK && (e.Action == "off" || e.Action == "reboot") && e.Time.After(begun) {
				out = append(out, history.Mark{Time: int64(e.Time.Sub(r.Log.Began())), Event: "fenced", Host: e.Host})
			}
		}
		return out
	}
}
