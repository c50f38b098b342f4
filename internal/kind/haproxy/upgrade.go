package haproxy

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

func (h *HAProxy) upgrades() kind.Upgrade {
	return kind.Upgrade{Intent: *h.asked, Units: h.Services}
}

// upgrade takes one proxy at a time, while all serve: what holds the virtual address is stopped first, so
// that another proxy has it, then the proxy; they are started the other way round. With one proxy alone
// there is no service meanwhile.
func (h *HAProxy) upgrade(begin, seen probe.Hosts) (plan.Phase, error) {
	names := slices.Sorted(maps.Keys(seen))
	for _, n := range names {
		if seen[n].Lost != "" {
			return plan.Phase{}, fmt.Errorf("%s cannot be asked (%s): no proxy is upgraded while one is missing", n, seen[n].Lost)
		}
	}
	u := h.upgrades()
	pending, err := u.Hosts(names, begin, seen)
	if err != nil {
		return plan.Phase{}, err
	}
	for _, n := range names {
		if pending[n].Leaving {
			return kind.Wait(n+" reboots", 5*time.Minute), nil
		}
	}
	for _, n := range names {
		if on, running, ok := (proxyLeave{services: h.Services}).serving(seen[n].Seen); !ok || running < len(h.Services) {
			return kind.Wait("all proxies serve", 2*time.Minute, fmt.Sprintf("%s: %d of %d services run", n, running, max(len(on), len(h.Services)))), nil
		}
	}
	if ph, err := h.decide(begin, seen); err != nil || !ph.Empty() {
		return ph, err
	}
	var due, then []string
	for _, n := range names {
		if pending[n].Due() {
			due, then = append(due, n), append(then, "upgrade "+pending[n].Says(n))
		}
	}
	if ph := u.Lists(pending, then); !ph.Empty() {
		return ph, nil
	}
	if len(due) == 0 {
		return kind.Left(pending), nil
	}
	n := due[0]
	job := kind.Job{Limit: time.Hour}
	for i, s := range h.Services {
		job.Out += "systemctl stop " + shell.Quote(s) + "\n"
		job.Back += kind.Loud(h.Services[len(h.Services)-1-i], "systemctl start "+shell.Quote(h.Services[len(h.Services)-1-i])) + "\n"
	}
	return u.Phase(n, pending[n], job, then[1:]), nil
}
