package galera

import (
	"strings"
	"time"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// upgradeMark is the maintenance of a member that is being upgraded.
const upgradeMark = ownMark + "the host is being upgraded"

func (g *Galera) upgrades() kind.Upgrade {
	return kind.Upgrade{Intent: g.in, Units: []string{g.Unit}}
}

// upgrade takes one member at a time, while all are Synced: out of the proxies, stopped, upgraded, started,
// back. The writer comes last. What a host is still due is told by apt there, and by its server's program.
func (g *Galera) upgrade(begin, ms []member, was, now probe.Hosts) (plan.Phase, error) {
	for _, m := range begin {
		switch {
		case m.Lost != "":
			return plan.Phase{}, doubt(begin, m.Name+" cannot be asked: no member is upgraded while one is missing")
		case m.drain != "" && !strings.HasPrefix(m.drain, ownMark):
			return plan.Phase{}, doubt(begin, m.Name+" is in maintenance: no member is upgraded meanwhile (haprov maintenance "+m.Name+" off)")
		}
	}
	u := g.upgrades()
	var names []string
	for _, m := range ms {
		if m.Lost != "" {
			return plan.Phase{}, doubt(ms, m.Name+" cannot be asked: no member is upgraded while one is missing")
		}
		names = append(names, m.Name)
	}
	pending, err := u.Hosts(names, was, now)
	if err != nil {
		return plan.Phase{}, err
	}
	for _, m := range ms {
		if pending[m.Name].Leaving {
			return kind.Wait(m.Name+" reboots", 5*time.Minute), nil
		}
	}
	if len(primaries(ms)) == 0 {
		return plan.Phase{}, doubt(ms, "no node is in a primary component: haprov recover shows what can be done")
	}
	if ph, err := g.whole(ms); err != nil || !ph.Empty() {
		return ph, err
	}
	for _, m := range ms {
		if strings.HasPrefix(m.drain, ownMark) {
			return g.mark(m, "end the maintenance of "+m.Name, m.drain, "in service", "rm -f "+shell.Quote(g.Maintenance)), nil
		}
	}
	var due []member
	for _, m := range ms {
		if pending[m.Name].Due() {
			due = append(due, m)
		}
	}
	busiestLast(due, ms)
	var then []string
	for _, m := range due {
		then = append(then, "upgrade "+pending[m.Name].Says(m.Name), "wait until it is Synced")
	}
	if ph := u.Lists(pending, then); !ph.Empty() {
		return ph, nil
	}
	if len(due) == 0 {
		return kind.Left(pending), nil
	}
	unit := shell.Quote(g.Unit)
	return u.Phase(due[0].Name, pending[due[0].Name], kind.Job{
		Out:   g.drain(upgradeMark) + "\nsystemctl stop " + unit,
		Back:  kind.Loud(g.Unit, "systemctl start "+unit) + "\n" + g.undrain(),
		Guard: g.all(ms), Limit: 2 * time.Hour,
	}, then[1:]), nil
}
