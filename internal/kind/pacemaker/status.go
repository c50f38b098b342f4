package pacemaker

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"haprov/internal/cluster/corosync"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/probe"
	"haprov/internal/status"
)

// ringView is what status shows of Corosync on one host.
type ringView struct {
	Node   int              `json:"node,omitempty"` // the host's own number in the ring
	Links  []corosync.Link  `json:"links,omitempty"`
	Quorum *corosync.Quorum `json:"quorum,omitempty"`
}

// Sense shows links and quorum.
func (c *Corosync) Sense() status.Sensor {
	return status.Sense[ringView]{
		Layer: status.Links,
		Ask:   func(string) []probe.Query { return []probe.Query{corosync.LinksQuery(), corosync.QuorumQuery()} },
		Read:  func(_ string, s probe.Seen) (*ringView, error) { return readRing(s) },
		Columns: []status.Column[ringView]{
			{Head: "LINKS", Cell: ringView.links},
			{Head: "QUORUM", Cell: ringView.quorum},
		},
		Judge: judgeRing,
	}
}

func readRing(s probe.Seen) (r *ringView, err error) {
	var x ringView
	text, ok, links := status.Answer(s, corosync.LinksQuery())
	if ok {
		x.Node, x.Links, links = corosync.ParseLinks(text)
	}
	votes := s.Get(corosync.QuorumQuery())
	text, ok, quorum := status.Answer(s, corosync.QuorumQuery())
	if votes.State == probe.Answered && votes.Exit == 2 { // no quorum
		text, ok, quorum = votes.Out, true, nil
	}
	if ok {
		var q corosync.Quorum
		if q, quorum = corosync.ParseQuorum(text); quorum == nil {
			x.Quorum = &q
		}
	}
	if x.Node > 0 || x.Quorum != nil {
		r = &x
	}
	return r, errors.Join(status.Named("links", links), status.Named("quorum", quorum))
}

func (r ringView) links() string {
	up := 0
	for _, l := range r.Links {
		if l.Connected {
			up++
		}
	}
	if len(r.Links) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d", up, len(r.Links))
}

func (r ringView) quorum() string {
	if r.Quorum == nil {
		return ""
	}
	return fmt.Sprintf("%s%d/%d", map[bool]string{false: "NO "}[r.Quorum.Quorate], r.Quorum.Votes, r.Quorum.Expect)
}

func judgeRing(v *status.Verdict, all []status.Said[ringView]) {
	for _, h := range all {
		if h.Value == nil {
			continue
		}
		down := map[int][]string{}
		for _, l := range h.Value.Links {
			if !l.Connected {
				down[l.Node] = append(down[l.Node], fmt.Sprint(l.ID))
			}
		}
		for _, l := range h.Value.Links {
			if ids := down[l.Node]; len(ids) > 0 {
				what, verb := "link ", "is"
				if len(ids) > 1 {
					what, verb = "links ", "are"
				}
				v.Bad("%s: %s to %s %s down", h.Host, what+strings.Join(ids, " and "), nodeName(l.Node, h.Value.Links, all), verb)
			}
		}
		if q := h.Value.Quorum; q != nil {
			judgeQuorum(v, h.Host, *q, len(all))
		}
	}
}

// judgeQuorum tells what votes are missing. More are expected than there are hosts when an arbiter has one.
func judgeQuorum(v *status.Verdict, host string, q corosync.Quorum, hosts int) {
	away := q.Expect > hosts && !q.Voting
	switch {
	case q.Quorate && away:
		v.Bad("the arbiter does not vote: when one of the hosts fails now, the other stops, too (on its host: systemctl status corosync-qnetd; on the others: corosync-qdevice-tool -s)")
	case !q.Quorate && away:
		v.Bad("%s: no quorum (%d of %d votes): neither the arbiter nor another host votes with it, so it serves nothing", host, q.Votes, q.Expect)
	case !q.Quorate:
		v.Bad("%s: no quorum (%d of %d votes)", host, q.Votes, q.Expect)
	}
}

// nodeName names a node that links lead to: by an address that the inventory has, else by the number
// that a host gives itself.
func nodeName(id int, links []corosync.Link, all []status.Said[ringView]) string {
	for _, h := range all {
		for _, l := range links {
			if l.Node == id && l.Address != "" && slices.Contains(h.Known, l.Address) {
				return h.Host
			}
		}
	}
	for _, h := range all {
		if h.Value != nil && h.Value.Node == id {
			return h.Host
		}
	}
	return fmt.Sprint("node ", id)
}

// manager is what status shows of Pacemaker: the whole cluster, as one host sees it.
type manager struct {
	pacemaker.State
	pacemaker.Trouble
}

// Sense shows the resources, and what stands in their way.
func (p *Pacemaker) Sense() status.Sensor {
	return status.Sense[manager]{
		Layer: status.Manager,
		Ask:   func(string) []probe.Query { return []probe.Query{pacemaker.MonQuery()} },
		Read: func(_ string, s probe.Seen) (*manager, error) {
			text, ok, err := status.Answer(s, pacemaker.MonQuery())
			if !ok {
				return nil, status.Named("pacemaker", err)
			}
			var m manager
			if m.State, err = pacemaker.ParseMon(text); err == nil {
				m.Trouble, err = pacemaker.ParseTrouble(text)
			}
			if err != nil {
				return nil, status.Named("pacemaker", err)
			}
			return &m, nil
		},
		Heads: []string{"RESOURCE", "ROLE", "ON", ""},
		Rows:  resourceRows,
		Judge: judgeManager,
	}
}

// teller is who tells of the whole cluster: the first with quorum, else the last that answers.
func teller(all []status.Said[manager]) (m *manager) {
	for _, h := range all {
		if h.Value != nil {
			if m = h.Value; m.Quorum {
				break
			}
		}
	}
	return m
}

func resourceRows(all []status.Said[manager]) (out [][]string) {
	m := teller(all)
	if m == nil {
		return nil
	}
	for _, x := range m.Resources {
		note, role, on := "", "Stopped", "-"
		if x.Failed {
			note = "failed"
		}
		if x.Role != "" {
			role = x.Role
		}
		if x.Node != "" {
			on = x.Node
		}
		out = append(out, []string{x.ID, role, on, note})
	}
	return out
}

func judgeManager(v *status.Verdict, all []status.Said[manager]) {
	m := teller(all)
	if m == nil {
		return
	}
	for _, n := range m.Nodes {
		switch {
		case !n.Online:
			v.Bad("%s is not online in Pacemaker", n.Name)
		case n.Standby:
			v.Bad("%s is in standby", n.Name)
		}
	}
	if m.Unmanaged {
		v.Bad("Pacemaker is in maintenance mode: it neither monitors nor moves resources")
	}
	for _, n := range m.Unwatched {
		v.Bad("Pacemaker monitors nothing on %s: the node is in maintenance", n)
	}
	if m.Stopped {
		v.Bad("Pacemaker is configured to stop all resources")
	}
	if m.Unfenced {
		v.Bad("fencing is disabled in Pacemaker")
	}
	if late := m.Late(); len(late) > 0 {
		v.Bad("failed or not running: %s", strings.Join(late, ", "))
	}
	for _, b := range m.Barred {
		v.Bad("%s may not run on %s: it failed too often there (crm_resource --cleanup -r %s)", b.Resource, b.Node, b.Resource)
	}
	if len(m.Constraint) > 0 {
		v.Bad("DRBD forbids the standby to be promoted until it has caught up")
	}
	for _, f := range m.Failures {
		v.Note("%s failed on %s: %s (%s)", f.Action, f.Node, f.Said, f.When)
	}
}
