package galera

import (
	"fmt"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/mysql"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// galeraLeave takes hosts out of a cluster: drained, stopped in order, not started at boot. Their
// data stays where it is.
type galeraLeave struct {
	*Galera
	leaving map[string]bool
}

// Leave gives the step that takes hosts out of the cluster.
func (g *Galera) Leave(hosts []kind.Node) kind.Cluster {
	l := galeraLeave{g, map[string]bool{}}
	for _, n := range hosts {
		l.leaving[n.Name] = true
	}
	return l
}

// Intend gives the step that keeps a recovery from overlooking hosts that were about to leave.
func (l galeraLeave) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb != plan.Recover {
		return nil, kind.ErrNoIntent
	}
	return galeraLeft{l}, nil
}

// galeraLeft refuses a recovery while a host that leaves has not left: it may hold the newest rows,
// and the recovery weighs the members alone.
type galeraLeft struct{ galeraLeave }

// Decide changes nothing.
func (l galeraLeft) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	ms, err := l.members(seen)
	if err != nil {
		return plan.Phase{}, err
	}
	if len(primaries(ms)) > 0 {
		return plan.Phase{}, nil
	}
	for _, m := range ms {
		if l.leaving[m.Name] && !m.Fresh() && !(m.Stopped() && m.drain == leftMark) {
			return plan.Phase{}, doubt(ms, fmt.Sprintf("%[1]s was about to leave and may hold the newest rows: write %[1]s among its hosts again for the recovery, and let it leave afterwards; when it has left for good, take it out of leaving", m.Name))
		}
	}
	return plan.Phase{}, nil
}

// Decide takes one after the other out, while all that stay are healthy. A host that cannot be
// asked, or never had a server, has left already.
func (l galeraLeave) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	stay, leave := probe.Hosts{}, probe.Hosts{}
	for n, s := range seen {
		switch u, ok := s.Unit(l.Unit); {
		case !l.leaving[n]:
			stay[n] = s
		case s.Lost == "" && ok && u.Load != "not-found" && (u.Active != "inactive" && u.Active != "failed" || u.File == "enabled"):
			leave[n] = s
		}
	}
	if len(leave) == 0 {
		return plan.Phase{}, nil
	}
	staying, err := l.members(stay)
	if err != nil {
		return plan.Phase{}, err
	}
	going, err := l.members(leave)
	if err != nil {
		return plan.Phase{}, err
	}
	for _, m := range staying {
		if m.Status == nil || !m.Status.Healthy() {
			return plan.Phase{}, doubt(append(staying, going...), m.Name+" is not healthy: no member leaves while one that stays is not")
		}
	}
	m := going[0]
	var then []string
	for _, o := range going[1:] {
		then = append(then, o.Name+" leaves the cluster")
	}
	unit, file := shell.Quote(l.Unit), shell.Quote(l.Maintenance)
	return plan.Phase{Name: m.Name + " leaves the cluster", Then: then, Changes: map[string]plan.Change{m.Name: {
		Diffs: []plan.Diff{{Attribute: "server", Have: "member", Want: fmt.Sprintf("stopped, and not started at boot; its data stays in %s", l.Data)}},
		Actions: []act.Action{{Title: "drain and stop the server on " + m.Name, Timeout: 30 * time.Minute,
			Shell:   "printf '%s\\n' " + shell.Quote(leftMark) + " >" + file + "\n" + l.drained(30) + "\nsystemctl disable --now " + unit,
			Touches: []probe.Subject{mysql.SQL, provider, probe.Of(probe.Unit, l.Unit), probe.Of(probe.File, l.Maintenance)}, Pays: []string{l.Unit}}},
	}}}, nil
}
