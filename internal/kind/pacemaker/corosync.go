package pacemaker

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/corosync"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var CorosyncSpec = kind.Spec{
	Name:    "corosync",
	Summary: "All hosts of the role are members of one Corosync ring, with quorum. A changed corosync.conf that owes corosync:reload is applied without a restart.",
	Example: `corosync "ring" {}`,
	New:     func() any { return &Corosync{} },
}

// Corosync waits for membership. Configuration, key and service are steps of their own.
type Corosync struct {
	kind.Where `hcl:"-"`
	Name       string `hcl:"name,label" about:"A name for the step"`
}

// Check warns of a ring that has one link, over the network of the clients.
func (c *Corosync) Check() []kind.Problem {
	var p kind.Problems
	for _, n := range c.Nodes {
		links := slices.Compact(slices.Sorted(slices.Values(slices.Concat(n.Addresses["ring"], n.Addresses["replication"]))))
		if len(links) == 1 && slices.Contains(n.Addresses["service"], links[0]) {
			p.Risk("", "Ring shares the clients' network", n.Name+" has no other link: when that network is flooded or unplugged, a node that works is taken for dead and fenced. Give the hosts another network that carries \"ring\".")
			break
		}
	}
	return p
}

// Owns is the ring: a host is in one.
func (c *Corosync) Owns(string) []kind.Thing { return []kind.Thing{{What: "Corosync ring"}} }

func (c *Corosync) members() probe.Query { return corosync.QuorumQuery() }

// Probe asks for the members and for a reload that is owed.
func (c *Corosync) Probe(host string, seen probe.Hosts) []probe.Query {
	return kind.Unread(seen[host].Seen, c.members(), probe.Query{Kind: probe.Owed, Name: "corosync"})
}

// Decide reloads what is owed, then waits until every host sees all others.
func (c *Corosync) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	var alone, owing []string
	for _, n := range names {
		if l := seen[n].Lost; l != "" {
			return plan.Phase{}, fmt.Errorf("%s is not reachable (%s): corosync is not changed while a member is missing", n, l)
		}
		if o, _ := seen[n].OwedTo("corosync"); len(o) > 0 {
			owing = append(owing, n)
		}
		a := seen[n].Get(c.members())
		if a.State != probe.Answered {
			return plan.Phase{}, fmt.Errorf("%s does not report its ring", n)
		}
		// corosync-quorumtool exits with 0 or 2 when it could read; its fields are "Name: value".
		if field(a.Out, "Nodes") != fmt.Sprint(len(names)) || field(a.Out, "Quorate") != "Yes" {
			alone = append(alone, n)
		}
	}
	if len(alone) > 0 {
		return kind.Wait("all members see each other", 2*time.Minute, strings.Join(alone, ", ")+" not yet"), nil
	}
	if len(owing) > 0 {
		ph := plan.Phase{Name: "apply the changed configuration", Changes: map[string]plan.Change{}}
		for i, n := range names {
			a := act.Action{Title: "reload corosync on all members", Shell: "corosync-cfgtool -R", Pays: []string{"corosync"},
				Guard: fmt.Sprintf("corosync-quorumtool -s | grep -q '^Nodes: *%d$'", len(names))}
			if i > 0 {
				a.Title, a.Shell = "corosync reloads with the first member", "true"
			}
			ph.Changes[n] = plan.Change{Diffs: []plan.Diff{{Attribute: "owed", Have: "reload", Want: "paid"}}, Actions: []act.Action{a}}
		}
		return ph, nil
	}
	return plan.Phase{}, nil
}

func field(text, name string) string {
	for _, l := range strings.Split(text, "\n") {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
