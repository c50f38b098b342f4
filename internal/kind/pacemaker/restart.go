package pacemaker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// A restart that is owed to a primitive, by its id, is paid through Pacemaker: it is told to stop
// the resource, by an element of our own id, and when it has, the element goes. One job on the host
// that serves does all of it, so that a controller that goes away leaves nothing stopped; when that
// host dies, too, the element ends to count by the clock. The next run takes it away.
//
//	owed, runs --told to stop, waited for, element goes, mark paid--> starts
//	owed, does not run --mark paid--> starts with what is there
//	element of an earlier run, runs --element goes--> owed, runs
//	element of an earlier run, stopped --element goes, mark paid--> starts
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

// life tells one start of a resource from another: the last start or stop of it that the CIB's
// status records for each node, by its call number there (Pacemaker Explained, "Resource
// Operation History").
func (c crm) life(id string) string {
	var out []string
	c.cib.Find("status").All(func(n *pacemaker.Node) {
		if n.Name == "lrm_rsc_op" && n.Attrs["id"] == id+"_last_0" {
			out = append(out, n.Attrs["on_node"]+" "+n.Attrs["operation"]+" "+n.Attrs["call-id"]+" "+n.Attrs["last-rc-change"])
		}
	})
	return strings.Join(out, "\n")
}

// stopEdit is the wanted configuration, with the primitive stopped for a quarter of an hour at most
// (Pacemaker Explained, "Using Rules to Control Resource Options").
func (p *Pacemaker) stopEdit(id string) cibEdit {
	root := p.Wanted()
	root.All(func(n *pacemaker.Node) {
		if n.Name == "primitive" && n.Attrs["id"] == id {
			// Before the other children: the schema wants meta attributes and parameters first.
			set := pairs("meta_attributes", restartID, map[string]string{"target-role": "Stopped"})
			rule := element("rule", restartID+"-rule", "score", "0", "boolean-op", "and")
			rule.Children = []*pacemaker.Node{element("date_expression", restartID+"-until", "operation", "lt", "end", until)}
			set[0].Children = append([]*pacemaker.Node{rule}, set[0].Children...)
			n.Children = append(set, n.Children...)
		}
	})
	return cibEdit{put: root}
}

// restart is the next phase of paying what is owed; the empty phase when nothing is.
func (p *Pacemaker) restart(c crm, seen probe.Hosts) (plan.Phase, error) {
	if id := c.stopping(); id != "" {
		drop, diffs := cibEdit{drop: []string{restartID}}, []plan.Diff{removed(restartID)}
		if c.runs(id) { // not stopped yet, or started again by the clock
			return drop.phase("cancel an earlier stop of "+id, c.host, diffs, c.epochGuard(), probe.Seen{})
		}
		ph, err := drop.phase("start "+id+" again", c.host, diffs, c.epochGuard(), probe.Seen{})
		p.pay(&ph, c, seen, id)
		return ph, err
	}
	for _, x := range p.Primitives {
		var owing []string
		serves := ""
		for _, n := range c.names {
			if o, _ := seen[n].OwedTo(x.ID); slices.Contains(o, "restart") {
				owing = append(owing, n)
				if slices.ContainsFunc(c.state.Resources, func(r pacemaker.Resource) bool { return r.ID == x.ID && r.Node == n }) {
					serves = n
				}
			}
		}
		switch {
		case len(owing) == 0:
			continue
		case serves != "":
			return p.restartOn(serves, x.ID, c)
		}
		ph := plan.Phase{Name: "nothing to restart for " + x.ID, Changes: map[string]plan.Change{}}
		p.pay(&ph, c, seen, x.ID)
		return ph, nil
	}
	return plan.Phase{}, nil
}

// restartOn lets the host that serves stop the resource and, when it has, lift the order.
func (p *Pacemaker) restartOn(host, id string, c crm) (plan.Phase, error) {
	ph, err := p.stopEdit(id).phase("restart "+id, host, []plan.Diff{{Attribute: id, Have: "runs with an older configuration", Want: "restarted"}}, c.epochGuard(), probe.Seen{})
	if err != nil {
		return ph, err
	}
	limit := int(300 * max(p.Speed, 1))
	a := &ph.Changes[host].Actions[0]
	a.Shell = "(\n" + a.Shell + "\n)\n" +
		fmt.Sprintf("n=0; until crm_resource --locate --resource %s 2>&1 | grep -q 'is NOT running'; do n=$((n+1)); [ $n -lt %d ] || { echo %s >&2; exit 1; }; sleep 1; done\n",
			shell.Quote(id), limit, shell.Quote(id+" has not stopped in time; it may be started again when this is run again")) +
		"cibadmin --delete --xpath " + shell.Quote("/cib/configuration//*[@id='"+restartID+"']")
	a.Timeout, a.Pays = time.Duration(2*limit)*time.Second, []string{id}
	ph.Then = []string{"wait until everything runs"}
	return ph, nil
}

// pay clears the marks of all hosts.
func (p *Pacemaker) pay(ph *plan.Phase, c crm, seen probe.Hosts, id string) {
	for _, n := range c.names {
		if o, _ := seen[n].OwedTo(id); len(o) == 0 {
			continue
		}
		ch := ph.Changes[n]
		ch.Diffs = append(ch.Diffs, plan.Diff{Attribute: "restart of " + id, Have: "owed", Want: "paid"})
		ch.Actions = append(slices.Clone(ch.Actions), act.Action{Title: "pending restart of " + id + " cleared", Shell: "true", Pays: []string{id}})
		ph.Changes[n] = ch
	}
}

// restartAsked marks a restart of the servers as owed where they run, and pays it like any other. A
// run that was cut short left the mark, and the next one pays it.
func (p *Pacemaker) restartAsked(begin, c crm, seen probe.Hosts) (plan.Phase, error) {
	if ph, err := p.restart(c, seen); err != nil || !ph.Empty() {
		return ph, err
	}
	if late := c.state.Late(); len(late) > 0 {
		return c.waiting(late, seen), nil
	}
	if _, whole := c.state.Places(c.serves()); !whole {
		return plan.Phase{}, errors.New("no host serves: there is nothing to restart (haprov status)")
	}
	ph := plan.Phase{Name: "ask for the restart", Changes: map[string]plan.Change{}, Then: []string{"restart it", "wait until everything runs"}}
	for _, id := range p.Servers {
		k := slices.IndexFunc(c.state.Resources, func(r pacemaker.Resource) bool { return r.ID == id && r.Node != "" })
		if k < 0 || c.life(id) != begin.life(id) {
			continue // started since this run began
		}
		node := c.state.Resources[k].Node
		ch := ph.Changes[node]
		ch.Diffs = append(ch.Diffs, plan.Diff{Attribute: id, Have: "runs", Want: "restarted"})
		ch.Actions = append(ch.Actions, act.Action{Title: "ask for a restart of " + id, Shell: "true", Guard: c.servesGuard(node), Owes: []act.Owed{{Unit: id, What: "restart"}}})
		ph.Changes[node] = ch
	}
	if len(ph.Changes) == 0 {
		return plan.Phase{}, nil
	}
	return ph, nil
}
