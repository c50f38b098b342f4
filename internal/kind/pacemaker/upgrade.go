package pacemaker

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Hosts are upgraded node by node, as Pacemaker's manual has it (Pacemaker Administration, "Upgrading a
// Pacemaker Cluster", "Rolling (node by node)"): the cluster's software is stopped in order on a host that
// does not serve, its packages are upgraded, and it joins again. The host that serves comes last, after
// the active side has moved. Which host is next is told by what apt would still do there.
//
//	a host that does not serve is due --stop, upgrade, start: one job--> wait until all runs and is in sync
//	only the active one is due --move the active side--> it does not serve
//	none is due: done; the active side stays where it is
func (p *Pacemaker) upgrades() kind.Upgrade {
	return kind.Upgrade{Intent: *p.intent, Units: []string{"corosync.service", "pacemaker.service"}}
}

// upgradeUnits are what is stopped, the last first, and what ran of it is started again.
const upgradeUnits = "corosync.service corosync-qdevice.service pacemaker.service"

// askApt asks what is newer once nothing has to be waited for: apt takes seconds to tell.
func (p *Pacemaker) askApt(host string, seen probe.Hosts) []probe.Query {
	c, unready, err := lookCRM(seen)
	if err != nil || unready != nil || len(c.moves()) > 0 {
		return nil
	}
	if reason, _ := c.unsettled(seen); reason != "" {
		return nil
	}
	return kind.Unread(seen[host].Seen, p.upgrades().Query(host))
}

func (p *Pacemaker) upgrade(begin, seen probe.Hosts) (plan.Phase, error) {
	first, err := p.ready(begin)
	if err != nil {
		return plan.Phase{}, err
	}
	for _, n := range first.names {
		if first.state.Standby(n) {
			return plan.Phase{}, fmt.Errorf("upgrade: %s is in maintenance, and nobody could take over: haprov maintenance %s off", n, n)
		}
	}
	if reason, progress := first.unsettled(begin); reason != "" && len(first.moves()) == 0 {
		return plan.Phase{}, fmt.Errorf("upgrade: refused until this holds: %s", plan.Wait{Reason: reason, Progress: progress}.Text())
	}
	c, unready, err := lookCRM(seen)
	switch {
	case err != nil:
		return plan.Phase{}, err
	case unready != nil:
		unready.Wait.Deadline = 10 * time.Minute // a host may be booting
		return *unready, nil
	}
	if held := heldFor(c); held != "" || len(c.moves()) > 0 {
		return c.move(seen, held)
	}
	if reason, progress := c.unsettled(seen); reason != "" {
		return kind.Wait(reason, 30*time.Minute, progress), nil
	}
	u := p.upgrades()
	pending, err := u.Hosts(c.names, begin, seen)
	if err != nil {
		return plan.Phase{}, err
	}
	for _, n := range c.names {
		if pending[n].Leaving {
			return kind.Wait(n+" reboots", 5*time.Minute), nil
		}
	}
	active := c.active()
	due := slices.DeleteFunc(slices.Clone(c.names), func(n string) bool { return !pending[n].Due() })
	slices.SortStableFunc(due, func(a, b string) int { return map[bool]int{true: 1}[a == active] - map[bool]int{true: 1}[b == active] })
	var then []string
	for _, n := range due {
		if n == active {
			then = append(then, "move the active side")
		}
		then = append(then, "upgrade "+pending[n].Says(n), "wait until everything runs and is in sync")
	}
	if ph := u.Lists(pending, then); !ph.Empty() {
		return ph, nil
	}
	switch {
	case len(due) == 0:
		return kind.Left(pending), nil
	case due[0] == active:
		ph, err := c.move(seen, c.next(active))
		ph.Then = append(ph.Then, then[1:]...)
		return ph, err
	}
	return u.Phase(due[0], pending[due[0]], c.upgradeJob(due[0], p.Speed), then[1:]), nil
}

// mountPoints are the folders of the cluster's file systems.
func (c crm) mountPoints() (out []string) {
	c.cib.Find("configuration", "resources").All(func(n *pacemaker.Node) {
		if n.Name != "primitive" || n.Attrs["type"] != "Filesystem" {
			return
		}
		n.All(func(x *pacemaker.Node) {
			if x.Name == "nvpair" && x.Attrs["name"] == "directory" {
				out = append(out, x.Attrs["value"])
			}
		})
	})
	return out
}

// upgradeJob stops the cluster's software on a host and starts what ran of it. Meanwhile the mount points
// of the cluster's file systems are covered: Debian's mariadb-server makes new data where the server's
// configuration says, which without the volume is the folder below it.
func (c crm) upgradeJob(host string, speed float64) kind.Job {
	by := c.active()
	if by == "" {
		by = c.another(host)
	}
	wait := fmt.Sprintf("n=0; until crm_node -l 2>/dev/null | grep -q %s; do n=$((n+1)); [ $n -lt %d ] || { echo %s >&2; exit 1; }; sleep 1; done",
		shell.Quote(" "+host+" member$"), int(300*max(speed, 1)), shell.Quote(host+" was started again and is no member of the cluster"))
	cover, uncover := "", ""
	for _, d := range c.mountPoints() {
		q := shell.Quote(d)
		cover += "\n! test -d " + q + " || mountpoint -q " + q + " || mount -t tmpfs -o mode=0755 haprov-upgrade " + q
		uncover += "test \"$(findmnt -n -o SOURCE " + q + ")\" != haprov-upgrade || umount " + q + " || umount -l " + q + "\n"
	}
	return kind.Job{
		Out:   "set --\nfor u in " + upgradeUnits + "; do ! systemctl -q is-active \"$u\" || set -- \"$u\" \"$@\"; done\nfor u in \"$@\"; do systemctl stop \"$u\"; done" + cover,
		Back:  uncover + "systemctl start \"$@\"\n" + wait,
		Guard: c.settledGuard(host, by), Limit: 2 * time.Hour,
	}
}

// arbiterUpgrade upgrades the arbiter, while all members are there: its vote is away meanwhile. The members
// follow, by the step of their cluster.
type arbiterUpgrade struct {
	*QuorumDevice
	in plan.Intent
}

const arbiterUnit = "corosync-qnetd.service"

func (a arbiterUpgrade) upgrades() kind.Upgrade {
	return kind.Upgrade{Intent: a.in, Units: []string{arbiterUnit}}
}

// Probe asks the arbiter alone.
func (a arbiterUpgrade) Probe(host string, seen probe.Hosts) []probe.Query {
	if host != a.Arbiter {
		return kind.Unread(seen[host].Seen, pacemaker.MonQuery())
	}
	return kind.Unread(seen[host].Seen, a.upgrades().Query(host))
}

// Decide is for the arbiter alone.
func (a arbiterUpgrade) Decide(begin, seen probe.Hosts) (plan.Phase, error) {
	for _, n := range slices.Sorted(maps.Keys(seen)) {
		s := seen[n]
		if s.Lost != "" {
			return plan.Phase{}, fmt.Errorf("%s cannot be asked (%s): the arbiter is not upgraded while a member or itself is missing", n, s.Lost)
		}
		if state, err := pacemaker.ParseMon(s.Get(pacemaker.MonQuery()).Out); n != a.Arbiter && (err != nil || !state.Quorum || len(state.Online()) < len(a.members())) {
			return plan.Phase{}, fmt.Errorf("%s does not see all members online: the arbiter is not upgraded meanwhile (haprov status)", n)
		}
	}
	u := a.upgrades()
	pending, err := u.Hosts([]string{a.Arbiter}, begin, seen)
	if err != nil {
		return plan.Phase{}, err
	}
	p := pending[a.Arbiter]
	switch ph := u.Lists(pending, []string{"upgrade " + p.Says(a.Arbiter)}); {
	case p.Leaving:
		return kind.Wait(a.Arbiter+" reboots", 5*time.Minute), nil
	case !ph.Empty():
		return ph, nil
	case !p.Due():
		return kind.Left(pending), nil
	}
	return u.Phase(a.Arbiter, p, kind.Job{Out: "systemctl stop " + arbiterUnit, Back: kind.Loud(arbiterUnit, "systemctl start "+arbiterUnit), Limit: time.Hour}, nil), nil
}
