// Package pacemaker has the kinds of step for Corosync and Pacemaker: membership, the configuration
// (CIB), the proof of fencing, and what the intents switchover, maintenance, restart, recover
// and upgrade mean there. It must not know which service the cluster runs.
package pacemaker

import (
	"slices"
	"strings"

	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var PacemakerSpec = kind.Spec{
	Name:    "pacemaker",
	Summary: "The cluster's configuration (CIB) holds these elements, and everything in them runs. What others put there, such as DRBD's fence constraints, stays.",
	Example: `pacemaker "cib" {
  properties = { stonith-enabled = "true" }
  primitive "vip" {
    agent  = "ocf:heartbeat:IPaddr2"
    params = { ip = "10.0.0.9", cidr_netmask = "24" }
    op "monitor" {
      interval = "10s"
      timeout  = "20s"
    }
  }
  primitive "proxy" { agent = "systemd:haproxy" }
  group "front" { of = ["vip", "proxy"] }
  fence {}
}`,
	New: func() any { return &Pacemaker{} },
}

// Pacemaker wants elements in the CIB. They are compared by id; what is missing or differs is
// committed as one versioned patch, verified and played through first, never by replacing the
// whole. Which ids it wrote stands in the CIB too, so that what is wanted no longer can go.
type Pacemaker struct {
	kind.Where `hcl:"-"`
	Name       string `hcl:"name,label" about:"A name for the step"`

	Properties  map[string]string `hcl:"properties,optional" about:"Options of the cluster"`
	Defaults    map[string]string `hcl:"defaults,optional" about:"Default options of all resources"`
	OpDefaults  map[string]string `hcl:"op_defaults,optional" about:"Default options of all operations, such as timeout"`
	Primitives  []Primitive       `hcl:"primitive,block" about:"A resource"`
	Clones      []ResourceClone   `hcl:"clone,block" about:"A resource that runs on several nodes"`
	Groups      []ResourceGroup   `hcl:"group,block" about:"Resources that stay together"`
	Colocations []Colocation      `hcl:"colocation,block" about:"A resource follows another"`
	Orders      []Order           `hcl:"order,block" about:"The order of two actions"`
	Locations   []Location        `hcl:"location,block" about:"Where a resource may run, or may not"`
	Attributes  []NodeAttributes  `hcl:"attributes,block" about:"What the rules of locations can ask of a host"`
	Levels      []Level           `hcl:"level,block" about:"The order in which a host's fence devices are tried; without levels each is tried in turn until one succeeds"`
	Alerts      []Alert           `hcl:"alert,block" about:"A program that is run at each event of the cluster"`
	Fence       *Fences           `hcl:"fence,block" about:"The hosts' fence devices, from the inventory"`

	Serves  []string `hcl:"serves,optional" about:"The clones, groups and primitives that make a host the active one: it serves where all of them run, or are promoted; omitted: all that runs once"`
	Servers []string `hcl:"servers,optional" about:"The primitives that haprov restart --rolling restarts"`

	intent *plan.Intent // switchover, maintenance, restart or upgrade, else nil
}

// edit is the change that makes the CIB as wanted, and what differs, in words. The record of what is
// ours is part of it. A constraint that a switchover left behind when it was cut short goes too.
func (p *Pacemaker) edit(cib *pacemaker.Node) (e cibEdit, differs []plan.Diff) {
	e.put = p.Wanted()
	for _, d := range pacemaker.Missing(cib, e.put) {
		if strings.Contains(d.What, pacemaker.RecordID) {
			d = pacemaker.Difference{What: "list of managed elements", Have: "of another configuration", Want: "of this one"}
		}
		differs = append(differs, plan.Diff{Attribute: d.What, Have: d.Have, Want: d.Want})
	}
	e.drop = pacemaker.Surplus(cib, e.put)
	e.drop = append((crm{cib: cib}).moves(), e.drop...)
	for _, id := range e.drop {
		differs = append(differs, removed(id))
	}
	return e, differs
}

func removed(id string) plan.Diff { return plan.Diff{Attribute: id, Have: "there", Want: "removed"} }

// Probe asks every host: the one that is read is the first that sees all. When something differs,
// Pacemaker itself is asked what it would do about it.
func (p *Pacemaker) Probe(host string, seen probe.Hosts) []probe.Query {
	qs := append([]probe.Query{pacemaker.CIBQuery(), pacemaker.MonQuery()}, p.owed()...)
	if p.intent != nil {
		qs = append(qs, drbd.ProcQuery())
	}
	if qs = kind.Unread(seen[host].Seen, qs...); len(qs) > 0 {
		return qs
	}
	cib, err := pacemaker.Parse(seen[host].Get(pacemaker.CIBQuery()).Out)
	if err != nil {
		return nil
	}
	if p.intent != nil && p.intent.Verb == plan.Upgrade {
		return p.askApt(host, seen)
	}
	if p.intent != nil {
		if e, ok := p.intended(seen); ok {
			return kind.Unread(seen[host].Seen, e.simulate())
		}
		return nil
	}
	if e, differs := p.edit(cib); len(differs) > 0 {
		return kind.Unread(seen[host].Seen, append(p.metadata(), e.simulate())...)
	}
	return nil
}

// Decide commits what is missing, then waits until all of it runs.
func (p *Pacemaker) Decide(begin, seen probe.Hosts) (plan.Phase, error) {
	if p.intent != nil {
		return p.decideIntent(begin, seen)
	}
	c, unready, err := lookCRM(seen)
	switch {
	case err != nil:
		return plan.Phase{}, err
	case unready != nil:
		return *unready, nil
	}
	e, differs := p.edit(c.cib)
	if len(differs) > 0 {
		if err := p.misnamed(seen[c.host].Seen); err != nil {
			return plan.Phase{}, err
		}
		ph, err := e.phase("configure the cluster", c.host, differs, c.epochGuard(), seen[c.host].Seen)
		ph.Then = []string{"wait until everything runs"}
		return ph, err
	}
	if ph := p.attributes(c); !ph.Empty() {
		return ph, nil
	}
	if ph, err := p.restart(c, seen); err != nil || !ph.Empty() {
		return ph, err
	}
	if late := p.late(e.put, c.state); len(late) > 0 {
		if ph := p.again(c, late, seen); !ph.Empty() {
			return ph, nil
		}
		return c.waiting(late, seen), nil
	}
	for _, n := range c.names {
		if c.state.Standby(n) {
			return plan.Phase{Note: n + " is in maintenance and runs nothing; `haprov maintenance " + n + " off` ends it"}, nil
		}
	}
	return plan.Phase{}, nil
}

// late lists what is wanted and does not run yet, or failed.
func (p *Pacemaker) late(wanted *pacemaker.Node, state pacemaker.State) (out []string) {
	late := state.Late()
	known := map[string]bool{}
	for _, r := range state.Resources {
		known[r.ID] = true
	}
	wanted.Find("resources").All(func(n *pacemaker.Node) {
		if id := n.Attrs["id"]; n.Name == "primitive" && (!known[id] || slices.Contains(late, id)) {
			out = append(out, id)
		}
	})
	return out
}
