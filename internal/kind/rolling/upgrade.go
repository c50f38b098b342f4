package rolling

import (
	"fmt"
	"time"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

func (r *Rolling) upgrades() kind.Upgrade {
	return kind.Upgrade{Intent: *r.in, Units: []string{r.Unit}}
}

// upgrade takes one member at a time, while all serve: drained, stopped, upgraded, started, ready, put back.
func (r *Rolling) upgrade(begin, now probe.Hosts) (plan.Phase, error) {
	var names, late []string
	for _, m := range r.members(begin, now) {
		if m.away {
			return plan.Phase{}, fmt.Errorf("%s cannot be reached: no member is upgraded while another one is away", m.name)
		}
		if !m.ready {
			late = append(late, m.name)
		}
		names = append(names, m.name)
	}
	u := r.upgrades()
	pending, err := u.Hosts(names, begin, now)
	if err != nil {
		return plan.Phase{}, err
	}
	for _, n := range names {
		if pending[n].Leaving {
			return kind.Wait(n+" reboots", 5*time.Minute), nil
		}
	}
	if len(late) > 0 {
		ph := kind.Wait("all members serve", r.Deadline, fmt.Sprint(late)+" not yet")
		ph.Wait.Evidence = r.evidence(late, now)
		return ph, nil
	}
	var due, then []string
	for _, n := range names {
		if pending[n].Due() {
			due = append(due, n)
		}
	}
	due = r.order(due, now)
	for _, n := range due {
		then = append(then, "upgrade "+pending[n].Says(n))
	}
	if ph := u.Lists(pending, then); !ph.Empty() {
		return ph, nil
	}
	if len(due) == 0 {
		return kind.Left(pending), nil
	}
	drain, back, limit := r.texts("start")
	return u.Phase(due[0], pending[due[0]], kind.Job{Out: drain + "\nsystemctl stop " + shell.Quote(r.Unit), Back: back, Guard: "( " + r.Ready + "\n)", Limit: limit + 2*time.Hour}, then[1:]), nil
}
