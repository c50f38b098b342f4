package haproxy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/haproxy"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// proxyLeave takes proxies out of service before the others forget them: the virtual address is given
// up first, so that no two of them ever hold it.
type proxyLeave struct {
	services []string
	leaving  map[string]bool
}

// Leave gives the step that takes hosts out of the role.
func (h *HAProxy) Leave(hosts []kind.Node) kind.Cluster {
	l := proxyLeave{h.Services, map[string]bool{}}
	for _, n := range hosts {
		l.leaving[n.Name] = true
	}
	return l
}

// Probe asks every host for its units.
func (l proxyLeave) Probe(host string, seen probe.Hosts) []probe.Query {
	var qs []probe.Query
	for _, u := range l.services {
		qs = append(qs, kind.UnitQuery(u))
	}
	return kind.Unread(seen[host].Seen, qs...)
}

// serving lists the units that run, or would at the next boot; ok is false when one was not answered.
func (l proxyLeave) serving(s probe.Seen) (on []string, running int, ok bool) {
	for _, name := range l.services {
		u, answered := s.Unit(name)
		if !answered {
			return nil, 0, false
		}
		up := u.Active != "inactive" && u.Active != "failed" && u.Active != ""
		if up {
			running++
		}
		if u.Load != "not-found" && (up || u.File == "enabled") {
			on = append(on, name)
		}
	}
	return on, running, true
}

// Decide stops what serves on the hosts that leave, once another one serves. One that cannot be asked
// may still hold the address, and then nothing is changed.
func (l proxyLeave) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	ph := plan.Phase{Name: "proxies leave", Changes: map[string]plan.Change{}}
	others := false
	for _, n := range slices.Sorted(maps.Keys(seen)) {
		s := seen[n]
		switch on, running, ok := l.serving(s.Seen); {
		case !l.leaving[n]:
			others = others || s.Lost == "" && ok && running == len(l.services)
		case s.Lost != "" || !ok:
			return plan.Phase{}, fmt.Errorf("%s leaves and cannot be asked whether it still holds the virtual address: start it, or when it is gone for good, take it out of leaving", n)
		case len(on) > 0:
			ph.Changes[n] = l.stop(n, on)
		}
	}
	if len(ph.Changes) > 0 && !others {
		return plan.Phase{}, errors.New("no proxy that stays serves yet: let the new ones be set up first, without leaving")
	}
	if len(ph.Changes) == 0 {
		return plan.Phase{}, nil
	}
	return ph, nil
}

func (l proxyLeave) stop(host string, on []string) plan.Change {
	var lines []string
	a := act.Action{Title: "take the proxy " + host + " out of service", Timeout: 5 * time.Minute, Touches: []probe.Subject{haproxy.Proxy}, Pays: on}
	for _, u := range on {
		lines = append(lines, "systemctl disable --now "+shell.Quote(u))
		a.Touches = append(a.Touches, probe.Of(probe.Unit, u))
	}
	a.Shell = strings.Join(lines, "\n")
	return plan.Change{Diffs: []plan.Diff{{Attribute: "services", Have: strings.Join(on, ", "), Want: "stopped, and not started at boot"}}, Actions: []act.Action{a}}
}
