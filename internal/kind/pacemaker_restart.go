package kind

import (
	"errors"
	"slices"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// A restart that is owed to a primitive, by its id, is paid through Pacemaker: it is told to stop
// the resource, by an element of our own id, and when it has, the element goes. A run that was cut
// short in between is taken up where it was.
//
//	owed, runs --target-role Stopped--> stopping --wait--> stopped --element goes, mark paid--> starts
//	owed, does not run --mark paid--> starts with what is there
const restartID = "haprov-restart"

func (p *Pacemaker) owed() (qs []probe.Query) {
	for _, x := range p.Primitives {
		qs = append(qs, probe.Query{Kind: probe.Owed, Name: x.ID})
	}
	return qs
}

// stopping is the primitive that was told to stop for a restart; empty when there is none.
func (c crm) stopping() (id string) {
	c.cib.Find("configuration", "resources").All(func(n *pacemaker.Node) {
		for _, m := range n.Children {
			if m.Attrs["id"] == restartID {
				id = n.Attrs["id"]
			}
		}
	})
	return id
}

func (c crm) runs(id string) bool {
	return slices.ContainsFunc(c.state.Resources, func(r pacemaker.Resource) bool { return r.ID == id && r.Node != "" })
}

// stopEdit is the wanted configuration, with the primitive stopped.
func (p *Pacemaker) stopEdit(id string) cibEdit {
	root := p.wanted()
	root.All(func(n *pacemaker.Node) {
		if n.Name == "primitive" && n.Attrs["id"] == id {
			// Before the other children: the schema wants meta attributes and parameters first.
			n.Children = append(pairs("meta_attributes", restartID, map[string]string{"target-role": "Stopped"}), n.Children...)
		}
	})
	return cibEdit{put: root}
}

// restart is the next phase of paying what is owed; the empty phase when nothing is.
func (p *Pacemaker) restart(c crm, seen probe.Hosts) (plan.Phase, error) {
	if id := c.stopping(); id != "" {
		if c.runs(id) {
			return wait(id+" has stopped", 5*time.Minute), nil
		}
		ph, err := cibEdit{drop: []string{restartID}}.phase("start "+id+" again", c.host, []plan.Diff{removed(restartID)}, c.epochGuard(), probe.Seen{})
		p.pay(&ph, c, seen, id)
		return ph, err
	}
	for _, x := range p.Primitives {
		var owing []string
		serves := false
		for _, n := range c.names {
			if o, _ := seen[n].OwedTo(x.ID); len(o) > 0 {
				owing = append(owing, n)
				serves = serves || slices.ContainsFunc(c.state.Resources, func(r pacemaker.Resource) bool { return r.ID == x.ID && r.Node == n })
			}
		}
		switch {
		case len(owing) == 0:
			continue
		case serves && c.runs(x.ID):
			ph, err := p.stopEdit(x.ID).phase("stop "+x.ID+" for a restart that is owed", c.host, []plan.Diff{{Attribute: x.ID, Have: "runs with an older configuration", Want: "restarted"}}, c.epochGuard(), probe.Seen{})
			ph.Then = []string{"wait until it has stopped", "start it again"}
			return ph, err
		}
		ph := plan.Phase{Name: "nothing to restart for " + x.ID, Changes: map[string]plan.Change{}}
		p.pay(&ph, c, seen, x.ID)
		return ph, nil
	}
	return plan.Phase{}, nil
}

// pay clears the marks of all hosts.
func (p *Pacemaker) pay(ph *plan.Phase, c crm, seen probe.Hosts, id string) {
	for _, n := range c.names {
		if o, _ := seen[n].OwedTo(id); len(o) == 0 {
			continue
		}
		ch := ph.Changes[n]
		ch.Diffs = append(ch.Diffs, plan.Diff{Attribute: "restart of " + id, Have: "owed", Want: "paid"})
		ch.Actions = append(slices.Clone(ch.Actions), act.Action{Title: "the restart of " + id + " is paid", Shell: "true", Pays: []string{id}})
		ph.Changes[n] = ch
	}
}

// restartAsked marks a restart of the servers as owed where they run, and pays it like any other. A
// run that was cut short left the mark, and the next one pays it.
func (p *Pacemaker) restartAsked(c crm, seen probe.Hosts) (plan.Phase, error) {
	ph, err := p.restart(c, seen)
	if err != nil || !ph.Empty() {
		p.begun = true
		return ph, err
	}
	if late := c.state.Late(); len(late) > 0 {
		return c.waiting(late, seen), nil
	}
	active := c.state.Active()
	switch {
	case p.begun:
		return plan.Phase{}, nil
	case active == "":
		return plan.Phase{}, errors.New("no host serves: there is nothing to restart (haprov status)")
	}
	ch := plan.Change{}
	for _, id := range p.Servers {
		ch.Diffs = append(ch.Diffs, plan.Diff{Attribute: id, Have: "runs", Want: "restarted"})
		ch.Actions = append(ch.Actions, act.Action{Title: "ask for a restart of " + id, Shell: "true", Guard: c.servesGuard(active), Owes: []act.Owed{{Unit: id, What: "restart"}}})
	}
	return plan.Phase{Name: "ask for the restart", Changes: map[string]plan.Change{active: ch}, Then: []string{"stop it", "start it again", "wait until everything runs"}}, nil
}
