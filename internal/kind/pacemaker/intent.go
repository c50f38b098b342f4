package pacemaker

import (
	"errors"
	"fmt"
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

// Intend gives the step that moves the active side, takes a host out of service, or restarts what
// serves.
func (p *Pacemaker) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb != plan.Switchover && in.Verb != plan.Maintenance && (in.Verb != plan.Restart || len(p.Servers) == 0) {
		return nil, kind.ErrNoIntent
	}
	x := *p
	x.intent = &in
	return &x, nil
}

// decideIntent is Decide for an intent: nothing is begun that could not be seen through.
func (p *Pacemaker) decideIntent(begin, seen probe.Hosts) (plan.Phase, error) {
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
	case len(c.names) != 2:
		return c, fmt.Errorf("%s is for two hosts, not %d", p.intent.Verb, len(c.names))
	case unready != nil:
		return c, fmt.Errorf("%s: refused until this holds: %s", p.intent.Verb, unready.Wait.Reason)
	}
	return c, nil
}

// target is where the active side goes, from what was seen when the run began: the host that was
// named, where an earlier run was moving to, or the one that did not serve.
func (p *Pacemaker) target(begin crm) string {
	active := begin.state.Active()
	switch held := heldFor(begin); {
	case p.intent.Host != "":
		return p.intent.Host
	case held != "" || active == "":
		return held
	}
	return begin.other(active)
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

// moveTo is the constraint. What runs once goes to the host; the promoted side of what it is bound
// to goes with it.
func (c crm) moveTo(host string) cibEdit {
	rule := element("rule", switchoverID+"-rule", "score", "INFINITY", "boolean-op", "and")
	rule.Children = []*pacemaker.Node{
		element("expression", switchoverID+"-node", "attribute", "#uname", "operation", "eq", "value", host),
		element("date_expression", switchoverID+"-until", "operation", "lt", "end", until)}
	location := element("rsc_location", switchoverID, "rsc", c.state.Single()[0].Top)
	location.Children = []*pacemaker.Node{rule}
	constraints := element("constraints", "")
	constraints.Children = []*pacemaker.Node{location}
	root := element("configuration", "")
	root.Children = []*pacemaker.Node{constraints}
	return cibEdit{put: root}
}

// intended is the edit that comes next, for the simulation; ok is false when there is none to show.
func (p *Pacemaker) intended(seen probe.Hosts) (e cibEdit, ok bool) {
	c, unready, err := lookCRM(seen)
	if err != nil || unready != nil || p.intent.Verb == plan.Restart || len(c.state.Single()) == 0 || heldFor(c) != "" {
		return e, false
	}
	active := c.state.Active()
	to := p.target(c)
	if p.intent.Verb == plan.Maintenance {
		to = ""
		for _, n := range c.state.Nodes {
			if p.intent.On && active == p.intent.Host && n.Name != active {
				to = n.Name
			}
		}
	} else if to == "" {
		// asked host by host at first: the other one is known from the cluster alone
		for _, n := range c.state.Nodes {
			if n.Name != active {
				to = n.Name
			}
		}
	}
	return c.moveTo(to), to != "" && active != "" && to != active
}

// move brings the active side to a host; the empty phase says that it is there and that nothing
// holds it.
//
//	serves elsewhere --constraint--> moving --wait--> serves there --constraint goes--> done
func (c crm) move(seen probe.Hosts, to string) (plan.Phase, error) {
	held, active := heldFor(c), c.state.Active()
	drop := cibEdit{drop: []string{switchoverID}}
	switch {
	case held == "" && c.constraint(switchoverID) != nil, held != "" && held != to:
		return drop.phase("cancel an earlier move", c.host, []plan.Diff{removed(switchoverID)}, c.epochGuard(), probe.Seen{})
	case held == "" && active == to && active != "":
		return plan.Phase{}, nil
	case held == "":
		if active == "" || len(c.state.Single()) == 0 {
			return plan.Phase{}, errors.New("no host serves: there is nothing that could be moved (haprov status)")
		}
		if c.state.Standby(to) {
			return plan.Phase{}, fmt.Errorf("%s is in maintenance: haprov maintenance %s off", to, to)
		}
		if reason := c.unsettled(seen); reason != "" {
			return plan.Phase{}, fmt.Errorf("%s cannot take over until this holds: %s", to, reason)
		}
		ph, err := c.moveTo(to).phase("move the active side to "+to, active, []plan.Diff{{Attribute: switchoverID, Want: c.state.Single()[0].Top + " on " + to + ", for a quarter of an hour at most"}},
			c.epochGuard()+" && "+c.settledGuard(active, to), seen[c.host].Seen)
		ph.Then = []string{"wait until " + to + " serves", "remove the constraint"}
		return ph, err
	case active != to || len(c.state.Late()) > 0:
		return kind.Wait(to+" serves", 4*time.Minute), nil
	}
	return drop.phase("remove the constraint", c.host, []plan.Diff{removed(switchoverID)}, c.epochGuard(), probe.Seen{})
}

// maintain takes a host out of service, its load moved away first, or back in.
func (p *Pacemaker) maintain(c crm, seen probe.Hosts) (plan.Phase, error) {
	host := p.intent.Host
	other := c.other(host)
	attribute := "crm_attribute --node " + shell.Quote(host) + " --name standby "
	set := func(name, want, how, guard string) plan.Phase {
		return plan.Phase{Name: name, Changes: map[string]plan.Change{other: {
			Diffs:   []plan.Diff{{Attribute: "standby of " + host, Have: map[bool]string{true: "on", false: "off"}[c.state.Standby(host)], Want: want}},
			Actions: []act.Action{{Title: name, Shell: attribute + how, Guard: guard, Touches: []probe.Subject{probe.All}}}}}}
	}
	if !p.intent.On {
		if c.state.Standby(host) {
			ph := set("take "+host+" back into service", "off", "--delete", "")
			ph.Then = []string{"wait until " + host + " is in sync"}
			return ph, nil
		}
		if reason := c.unsettled(seen); reason != "" {
			return kind.Wait(reason, 10*time.Minute), nil
		}
		return plan.Phase{}, nil
	}
	switch {
	case c.state.Standby(other):
		return plan.Phase{}, fmt.Errorf("%s is in maintenance already, and one host must serve", other)
	case c.state.Standby(host):
		for _, r := range c.state.Resources {
			if r.Node == host {
				return kind.Wait("nothing runs on "+host+" ("+r.ID+" still does)", 4*time.Minute), nil
			}
		}
		return plan.Phase{}, nil
	case c.state.Active() != other || c.constraint(switchoverID) != nil:
		ph, err := c.move(seen, other)
		if len(ph.Then) > 0 {
			ph.Then = append(ph.Then, "take "+host+" out of service")
		}
		return ph, err
	}
	ph := set("take "+host+" out of service", "on", "--update on", c.servesGuard(other))
	ph.Then = []string{"wait until nothing runs on " + host}
	return ph, nil
}
