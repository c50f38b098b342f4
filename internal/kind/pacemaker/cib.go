package pacemaker

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

// What the steps on top of Pacemaker ask and know.

// crm is a cluster as its first host sees it.
type crm struct {
	names []string // of the hosts, sorted
	host  string   // who was asked
	cib   *pacemaker.Node
	state pacemaker.State
}

// servesProperty is the cluster property that tells every step, and every later run, which resources
// make a host the active one. It stands in the CIB because steps other than the one that configures
// the cluster need it, too.
const servesProperty = "haprov-serves"

// serves are the resources that make a host the active one; none when it was not declared.
func (c crm) serves() []string { return strings.Fields(c.property(servesProperty)) }

// active is the one host that serves; empty when there is none, or several.
func (c crm) active() string { return c.state.Active(c.serves()...) }

// serving are the instances that can be moved and make up the service.
func (c crm) serving() []pacemaker.Resource { return c.state.Serving(c.serves()) }

// spread are the hosts that serve, when they are several and each part of the service runs.
func (c crm) spread() []string {
	if nodes, whole := c.state.Places(c.serves()); whole && len(nodes) > 1 && c.active() == "" {
		return nodes
	}
	return nil
}

// next is a host that the active side can move to from the given one: a member that is not in standby
// and, where something is promoted, has an instance that could be. The first by name; empty when
// there is none.
func (c crm) next(from string) string {
	var ready []string
	for _, n := range c.state.Online() {
		if n != from && !c.state.Standby(n) && !slices.ContainsFunc(c.state.Resources, func(r pacemaker.Resource) bool {
			return r.Role == "Promoted" && !slices.ContainsFunc(c.state.Resources, func(o pacemaker.Resource) bool { return o.ID == r.ID && o.Node == n })
		}) {
			ready = append(ready, n)
		}
	}
	sort.Strings(ready)
	return strings.Join(ready[:min(1, len(ready))], "")
}

// lookCRM reads the cluster. unready is a phase that waits when it cannot be read yet; an error is that
// a host cannot be seen.
func lookCRM(seen probe.Hosts) (c crm, unready *plan.Phase, err error) {
	for n := range seen {
		c.names = append(c.names, n)
	}
	sort.Strings(c.names)
	for _, n := range c.names {
		if l := seen[n].Lost; l != "" {
			return c, nil, fmt.Errorf("%s is not reachable (%s): the cluster is not configured while a member is missing", n, l)
		}
	}
	// The first host that sees the most speaks for the cluster: one that was fenced sees nobody.
	c.host = c.names[0]
	for _, n := range c.names {
		mon := seen[n].Get(pacemaker.MonQuery())
		state, err := pacemaker.ParseMon(mon.Out)
		if mon.State == probe.Answered && mon.Exit == 0 && err == nil && state.Quorum && len(state.Online()) > len(c.state.Online()) {
			c.host, c.state = n, state
		}
	}
	var off []string
	for _, n := range c.names {
		if !slices.Contains(c.state.Online(), n) {
			off = append(off, n)
		}
	}
	if len(off) > 0 {
		w := kind.Wait(fmt.Sprintf("all %d nodes are online and have quorum", len(c.names)), 3*time.Minute, strings.Join(off, ", ")+" not yet")
		return c, &w, nil
	}
	cib := seen[c.host].Get(pacemaker.CIBQuery())
	c.cib, err = pacemaker.Parse(cib.Out)
	if cib.State != probe.Answered || cib.Exit != 0 || err != nil {
		w := kind.Wait("the cluster answers about its configuration", time.Minute)
		return c, &w, nil
	}
	return c, nil, nil
}

// waiting waits until everything runs: one after the other, and a server alone may take minutes.
func (c crm) waiting(late []string, seen probe.Hosts) plan.Phase {
	ph := kind.Wait("everything runs", 8*time.Minute, strings.Join(late, ", ")+" not yet")
	ph.Wait.Evidence = pacemaker.Evidence(seen[c.host].Get(pacemaker.MonQuery()).Out)
	return ph
}

// property is the value of a cluster property, whatever set it stands in.
func (c crm) property(name string) (value string) {
	c.cib.Find("configuration", "crm_config").All(func(n *pacemaker.Node) {
		if n.Name == "nvpair" && n.Attrs["name"] == name {
			value = n.Attrs["value"]
		}
	})
	return value
}

// constraint finds a constraint whose id begins so.
func (c crm) constraint(prefix string) *pacemaker.Node {
	if cs := c.cib.Find("configuration", "constraints"); cs != nil {
		for _, n := range cs.Children {
			if strings.HasPrefix(n.Attrs["id"], prefix) {
				return n
			}
		}
	}
	return nil
}

// another is a host that can be told something about the given one: one that is not in standby, if
// there is any.
func (c crm) another(host string) (by string) {
	for _, n := range c.names {
		if n != host && (by == "" || c.state.Standby(by) && !c.state.Standby(n)) {
			by = n
		}
	}
	return by
}

// drbdFence begins the ids of constraints that DRBD's fence handler makes.
const drbdFence = "drbd-fence-by-handler-"

// unsettled is what must still come for everything to be up and in sync, and how far it is; empty when all is.
func (c crm) unsettled(seen probe.Hosts) (reason, progress string) {
	if late := c.state.Late(); len(late) > 0 {
		return "everything runs", strings.Join(late, ", ") + " not yet"
	}
	for _, n := range c.names {
		proc := seen[n].Get(drbd.ProcQuery())
		if proc.State == probe.Unanswered {
			return n + " reports its volumes", ""
		}
		for minor, s := range drbd.ParseAll(proc.Out) {
			if !s.Healthy() {
				return fmt.Sprintf("both disks of volume %s are up to date", minor), fmt.Sprintf("%s says %s", n, s)
			}
		}
	}
	if c.constraint(drbdFence) != nil {
		return "DRBD's fence constraint is lifted", ""
	}
	return "", ""
}

// servesGuard is a shell condition, to be checked on one host: what serves runs where it was seen.
func (c crm) servesGuard(by string) string {
	g := []string{`[ "$(crm_node -n)" = ` + shell.Quote(by) + ` ]`}
	for _, r := range c.serving() {
		end := " *$"
		if r.Role == "Promoted" {
			end = " Promoted *$"
		}
		g = append(g, "crm_resource --locate --resource "+shell.Quote(r.ID)+" | grep -q "+shell.Quote(": "+r.Node+end))
	}
	return strings.Join(g, " && ")
}

// settledGuard is one too: and the other node is a member, and the disks of both are in sync.
func (c crm) settledGuard(by, other string) string {
	return strings.Join([]string{c.servesGuard(by), "crm_node -l | grep -q " + shell.Quote(" "+other+" member$"),
		"! cibadmin -Q -l | grep -q " + drbdFence,
		`! grep -E '^ *[0-9]+: cs:' /proc/drbd 2>/dev/null | grep -v cs:Unconfigured | grep -qvE 'cs:Connected ro:[A-Za-z]+/[A-Za-z]+ ds:UpToDate/UpToDate '`}, " && ")
}

// Writes is the whole configuration that the blocks come to.
func (p *Pacemaker) Writes() (path string, text secret.Text) {
	return "cib.xml", secret.Plain("<cib>" + p.Wanted().Text() + "</cib>")
}
