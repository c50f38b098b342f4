package pacemaker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Moving the active side, and taking a host out of service. Both leave nothing behind but what was
// asked for: the constraint that moves is of our own id, ends by itself, and goes when it is done.

// switchoverID is the constraint's.
const switchoverID = "haprov-switchover"

// Intend gives the step that moves the active side, takes a host out of service, restarts what serves,
// or upgrades the hosts.
func (p *Pacemaker) Intend(in plan.Intent) (kind.Cluster, error) {
	if !slices.Contains([]string{plan.Switchover, plan.Maintenance, plan.Upgrade}, in.Verb) && (in.Verb != plan.Restart || len(p.Servers) == 0) {
		return nil, kind.ErrNoIntent
	}
	x := *p
	x.intent = &in
	return &x, nil
}

// decideIntent is Decide for an intent: nothing is begun that could not be seen through.
func (p *Pacemaker) decideIntent(begin, seen probe.Hosts) (plan.Phase, error) {
	if p.intent.Verb == plan.Upgrade {
		return p.upgrade(begin, seen)
	}
	first, err := p.ready(begin)
	if err != nil {
		return plan.Phase{}, err
	}
	c, err := p.ready(seen)
	if err != nil {
		return plan.Phase{}, err
	}
	switch p.intent.Verb {
	case plan.Switchover:
		return c.move(seen, p.target(first))
	case plan.Restart:
		return p.restartAsked(first, c, seen)
	}
	return p.maintain(c, seen)
}

// ready reads a cluster that an intent can work on.
func (p *Pacemaker) ready(seen probe.Hosts) (crm, error) {
	c, unready, err := lookCRM(seen)
	switch {
	case err != nil:
		return c, err
	case len(c.names) < 2:
		return c, fmt.Errorf("%s is for two hosts or more, not %d", p.intent.Verb, len(c.names))
	case unready != nil:
		return c, fmt.Errorf("%s: refused until this holds: %s", p.intent.Verb, unready.Wait.Text())
	}
	return c, nil
}

// target is where the active side goes, from what was seen when the run began: the host that was
// named, where an earlier run was moving to, or the first that did not serve and can.
func (p *Pacemaker) target(begin crm) string {
	active := begin.active()
	switch held := heldFor(begin); {
	case p.intent.Host != "":
		return p.intent.Host
	case held != "" || active == "":
		return held
	}
	return begin.next(active)
}

// heldFor is the host that the switchover's constraint names; empty when there is none.
func heldFor(c crm) (node string) {
	c.constraint(switchoverID).All(func(n *pacemaker.Node) {
		if n.Name == "expression" && n.Attrs["attribute"] == "#uname" {
			node = n.Attrs["value"]
		}
	})
	return node
}

// moves are the ids of the switchover's constraints that are there.
func (c crm) moves() (ids []string) {
	if cs := c.cib.Find("configuration", "constraints"); cs != nil {
		for _, n := range cs.Children {
			if id := n.Attrs["id"]; id == switchoverID || strings.HasPrefix(id, switchoverID+"-") {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// movable are the resources that move, by the outermost name of each: promoted is set for those that
// are only promoted elsewhere.
func (c crm) movable() (tops []string, promoted map[string]bool) {
	promoted = map[string]bool{}
	for _, r := range c.serving() {
		if !slices.Contains(tops, r.Top) {
			tops = append(tops, r.Top)
		}
		promoted[r.Top] = r.Role == "Promoted"
	}
	return tops, promoted
}

// moveTo are the constraints, one for each part of the service. What runs once goes to the host; the
// promoted side of what it is bound to goes with it.
func (c crm) moveTo(host string) cibEdit {
	constraints := element("constraints", "")
	tops, promoted := c.movable()
	for i, top := range tops {
		id := switchoverID
		if i > 0 {
			id = fmt.Sprintf("%s-%d", switchoverID, i+1)
		}
		role := ""
		if promoted[top] {
			role = "Promoted"
		}
		rule := element("rule", id+"-rule", "score", "INFINITY", "boolean-op", "and", "role", role)
		rule.Children = []*pacemaker.Node{
			element("expression", id+"-node", "attribute", "#uname", "operation", "eq", "value", host),
			element("date_expression", id+"-until", "operation", "lt", "end", until)}
		location := element("rsc_location", id, "rsc", top)
		location.Children = []*pacemaker.Node{rule}
		constraints.Children = append(constraints.Children, location)
	}
	root := element("configuration", "")
	root.Children = []*pacemaker.Node{constraints}
	return cibEdit{put: root}
}

// intended is the edit that comes next, for the simulation; ok is false when there is none to show.
// Hosts are asked one by one at first: the others are known from the cluster alone.
func (p *Pacemaker) intended(seen probe.Hosts) (e cibEdit, ok bool) {
	c, unready, err := lookCRM(seen)
	if err != nil || unready != nil || p.intent.Verb == plan.Restart || p.intent.Verb == plan.Upgrade || len(c.serving()) == 0 || heldFor(c) != "" {
		return e, false
	}
	active := c.active()
	to := p.target(c)
	if p.intent.Verb == plan.Maintenance {
		to = ""
		if p.intent.On && active == p.intent.Host {
			to = c.next(active)
		}
	}
	return c.moveTo(to), to != "" && active != "" && to != active
}

// move brings the active side to a host; the empty phase says that it is there and that nothing
// holds it.
//
//	serves elsewhere --constraint--> moving --wait--> serves there --constraint goes--> done
func (c crm) move(seen probe.Hosts, to string) (plan.Phase, error) {
	held, active, moves := heldFor(c), c.active(), c.moves()
	drop := cibEdit{drop: moves}
	var gone []plan.Diff
	for _, id := range moves {
		gone = append(gone, removed(id))
	}
	switch {
	case held == "" && len(moves) > 0, held != "" && held != to:
		return drop.phase("cancel an earlier move", c.host, gone, c.epochGuard(), probe.Seen{})
	case held == "" && active == to && active != "":
		return plan.Phase{}, nil
	case held == "":
		if err := c.canMove(seen, to); err != nil {
			return plan.Phase{}, err
		}
		by := active
		if by == "" {
			by = to
		}
		tops, _ := c.movable()
		ph, err := c.moveTo(to).phase("move the active side to "+to, by, []plan.Diff{{Attribute: switchoverID, Want: strings.Join(tops, ", ") + " on " + to + ", for a quarter of an hour at most"}},
			c.epochGuard()+" && "+c.settledGuard(by, to), seen[c.host].Seen)
		ph.Then = []string{"wait until " + to + " serves", "remove the constraint"}
		return ph, err
	case active != to || len(c.state.Late()) > 0:
		return kind.Wait(to+" serves", 4*time.Minute), nil
	}
	return drop.phase("remove the constraint", c.host, gone, c.epochGuard(), probe.Seen{})
}

// canMove says why the active side cannot move to a host now.
func (c crm) canMove(seen probe.Hosts, to string) error {
	nodes, whole := c.state.Places(c.serves())
	switch {
	case whole && len(nodes) > 0 && len(c.serving()) == 0:
		return fmt.Errorf("%s serve side by side: there is nothing that could be moved; `haprov maintenance` takes one of them out", strings.Join(nodes, ", "))
	case !whole || len(nodes) == 0:
		return errors.New("no host serves: there is nothing that could be moved (haprov status)")
	case to == "":
		for _, n := range c.state.Nodes {
			if n.Standby {
				return fmt.Errorf("no other host can take over; %s is in maintenance: haprov maintenance %s off", n.Name, n.Name)
			}
		}
		return errors.New("no other host can take over: none holds a copy that could be promoted")
	case !slices.Contains(c.names, to):
		return fmt.Errorf("no host %s here; there is %s", to, strings.Join(c.names, ", "))
	case c.state.Standby(to):
		return fmt.Errorf("%s is in maintenance: haprov maintenance %s off", to, to)
	}
	if reason, progress := c.unsettled(seen); reason != "" {
		return fmt.Errorf("%s cannot take over until this holds: %s", to, plan.Wait{Reason: reason, Progress: progress}.Text())
	}
	return nil
}

// maintain takes a host out of service, its load moved away first, or back in.
func (p *Pacemaker) maintain(c crm, seen probe.Hosts) (plan.Phase, error) {
	host, active := p.intent.Host, c.active()
	if !slices.Contains(c.names, host) {
		return plan.Phase{}, fmt.Errorf("no host %s here; there is %s", host, strings.Join(c.names, ", "))
	}
	by := c.another(host)
	if active != "" && active != host {
		by = active
	}
	attribute := "crm_attribute --node " + shell.Quote(host) + " --name standby "
	set := func(name, want, how, guard string) plan.Phase {
		return plan.Phase{Name: name, Changes: map[string]plan.Change{by: {
			Diffs:   []plan.Diff{{Attribute: "standby of " + host, Have: map[bool]string{true: "on", false: "off"}[c.state.Standby(host)], Want: want}},
			Actions: []act.Action{{Title: name, Shell: attribute + how, Guard: guard, Touches: []probe.Subject{probe.All}}}}}}
	}
	if !p.intent.On {
		if c.state.Standby(host) {
			ph := set("take "+host+" back into service", "off", "--delete", "")
			ph.Then = []string{"wait until " + host + " is in sync"}
			return ph, nil
		}
		if reason, progress := c.unsettled(seen); reason != "" {
			return kind.Wait(reason, 10*time.Minute, progress), nil
		}
		return plan.Phase{}, nil
	}
	switch {
	case c.state.Standby(by):
		return plan.Phase{}, fmt.Errorf("%s is in maintenance already, and one host must serve", by)
	case c.state.Standby(host):
		for _, r := range c.state.Resources {
			if r.Node == host {
				return kind.Wait("nothing runs on "+host, 4*time.Minute, r.ID+" still does"), nil
			}
		}
		return plan.Phase{}, nil
	case len(c.moves()) > 0 || len(c.serving()) > 0 && (active == host || active == "" && len(c.spread()) == 0):
		ph, err := c.move(seen, p.refuge(c))
		if len(ph.Then) > 0 {
			ph.Then = append(ph.Then, "take "+host+" out of service")
		}
		return ph, err
	}
	ph := set("take "+host+" out of service", "on", "--update on", c.servesGuard(by))
	ph.Then = []string{"wait until nothing runs on " + host}
	return ph, nil
}

// refuge is where the active side goes, or went, from a host that is to be taken out of service.
func (p *Pacemaker) refuge(c crm) string {
	host := p.intent.Host
	if held := heldFor(c); held != "" && held != host {
		return held
	}
	if active := c.active(); active != "" && active != host {
		return active
	}
	return c.next(host)
}
