package pacemaker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// CorosyncRecover brings one of two nodes to service that was started while the other is away.
// Such a node waits for all (votequorum(5), wait_for_all), for the other one might serve. It is let
// go on only when the user names the missing host and the fence device says that it is off.
//
//	alone, waits --missing host fenced--> it is off --wait_for_all given up--> quorate --wait--> serves
//
// With an arbiter it asks for that vote only once it has seen the other one (corosync-qdevice waits); that is
// what is given up then, and the arbiter must answer.
//
// Which data it holds is DRBD's to say: a volume that is not up to date is not promoted, and that
// is not overridden here.
type CorosyncRecover struct {
	Corosync
	missing []string
}

// Intend gives the step that lets a node that waits for all go on.
func (c *Corosync) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb != plan.Recover || in.Discard != "" {
		return nil, kind.ErrNoIntent
	}
	for _, h := range in.AcceptMissing {
		if !slices.ContainsFunc(c.Nodes, func(n kind.Node) bool { return n.Name == h }) {
			return nil, fmt.Errorf("no host %s here that could be missing", h)
		}
	}
	return &CorosyncRecover{*c, in.AcceptMissing}, nil
}

// Probe asks for the members, and for what runs.
func (c *CorosyncRecover) Probe(host string, seen probe.Hosts) []probe.Query {
	return kind.Unread(seen[host].Seen, c.members(), pacemaker.MonQuery(), drbd.ProcQuery(), qdeviceUnit)
}

// qdeviceUnit runs where there is an arbiter. It waits until this start of Corosync has seen all members,
// or somebody says that it need not.
var qdeviceUnit = kind.UnitQuery("corosync-qdevice.service")

const ringWasWhole = "systemctl show -P InvocationID corosync.service >/run/haprov-ring-was-whole"

// Decide gives the next phase.
func (c *CorosyncRecover) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	var here, lost []string
	said := ""
	for _, n := range c.Nodes {
		s, ok := seen[n.Name]
		if !ok || s.Lost != "" {
			lost = append(lost, n.Name)
			said += "\n  " + n.Name + ": does not answer: " + s.Lost
			continue
		}
		here = append(here, n.Name)
		a := s.Get(c.members())
		said += fmt.Sprintf("\n  %s: quorate %s, sees %s of %d, volumes %s", n.Name, cmp.Or(field(a.Out, "Quorate"), "unknown"), cmp.Or(field(a.Out, "Nodes"), "none"), len(c.Nodes), volumesOf(s.Seen))
	}
	switch {
	case len(lost) == 0:
		return c.heals(here, seen)
	case len(c.Nodes) != 2 || len(here) != 1:
		return plan.Phase{}, fmt.Errorf("one of two hosts must answer:%s", said)
	}
	host, away := here[0], lost[0]
	a := seen[host].Get(c.members())
	u, _ := seen[host].Unit("corosync-qdevice.service")
	arbiter := u.Active == "active"
	switch quorate := field(a.Out, "Quorate"); {
	case a.State != probe.Answered || quorate == "":
		return plan.Phase{}, fmt.Errorf("corosync does not run on %s: start it first (systemctl start corosync pacemaker):%s", host, said)
	case quorate == "Yes":
		return c.serves(host, seen[host].Seen), nil
	case strings.Contains(field(a.Out, "Flags"), "Qdevice"):
		return plan.Phase{}, fmt.Errorf("%s asks the arbiter for its vote and has none: bring the arbiter back (on it: systemctl status corosync-qnetd; here: corosync-qdevice-tool -s):%s", host, said)
	case !arbiter && !strings.Contains(field(a.Out, "Flags"), "WaitForAll"):
		return plan.Phase{}, fmt.Errorf("%s has no quorum, and it is not wait_for_all that holds it:%s", host, said)
	case !slices.Contains(c.missing, away):
		return plan.Phase{}, fmt.Errorf("%s may hold newer rows, or serve: to go on without it, and have it fenced, use --accept-missing %s:%s", away, away, said)
	}
	quorum, letGo := plan.Diff{Attribute: "quorum of " + host, Have: "waits for all", Want: "alone"}, act.Action{Title: "no longer wait for all", Shell: "corosync-cmapctl -s quorum.cancel_wait_for_all u8 1", Touches: []probe.Subject{probe.All}}
	if arbiter {
		quorum.Want, letGo.Title, letGo.Shell = "with the arbiter", "ask the arbiter for its vote", ringWasWhole
	}
	// Both in one shell: the second rests on the first. Pacemaker fences once more when it has quorum.
	return plan.Phase{Name: "go on without " + away, Changes: map[string]plan.Change{host: {
		Diffs: []plan.Diff{{Attribute: away, Have: "unknown", Want: "fenced: its power is off"}, quorum},
		Actions: []act.Action{
			{Title: "fence " + away, Shell: fmt.Sprintf("stonith_admin --fence %s --tag haprov-recover --timeout %d", shell.Quote(away), int(180*max(c.Speed, 1))),
				Guard: "corosync-quorumtool -s | grep -q '^Quorate: *No'", Touches: []probe.Subject{probe.All}},
			letGo,
		}}}, Then: []string{"wait until " + host + " serves"}}, nil
}

// heals waits for members that all answer: they need nobody's word.
func (c *CorosyncRecover) heals(here []string, seen probe.Hosts) (plan.Phase, error) {
	var alone []string
	for _, n := range here {
		if a := seen[n].Get(c.members()); field(a.Out, "Quorate") != "Yes" || field(a.Out, "Nodes") != fmt.Sprint(len(here)) {
			alone = append(alone, n)
		}
	}
	if len(c.missing) > 0 {
		return plan.Phase{}, errors.New(strings.Join(c.missing, ", ") + " answers: nothing is missing")
	}
	if len(alone) > 0 {
		return kind.Wait("all members see each other", 2*time.Minute, strings.Join(alone, ", ")+" not yet"), nil
	}
	return plan.Phase{}, nil
}

// serves waits until Pacemaker has brought the service up.
func (c *CorosyncRecover) serves(host string, s probe.Seen) plan.Phase {
	if state, err := pacemaker.ParseMon(s.Get(pacemaker.MonQuery()).Out); err == nil && state.Active() == host {
		return plan.Phase{}
	}
	return kind.Wait(host+" serves", 5*time.Minute, "its volumes: "+volumesOf(s))
}

// volumesOf says in DRBD's words which data a host holds.
func volumesOf(s probe.Seen) string {
	var out []string
	for minor, v := range drbd.ParseAll(s.Get(drbd.ProcQuery()).Out) {
		out = append(out, minor+" "+v.Disk)
	}
	slices.Sort(out)
	return cmp.Or(strings.Join(out, ", "), "down")
}
