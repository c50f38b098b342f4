// Package rolling has the kind rolling: the members of a group are restarted one after the other,
// each only while all others serve. It must not know any cluster software: what "serves" means is a
// command of the recipe.
package rolling

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var RollingSpec = kind.Spec{
	Name: "rolling",
	Summary: "Restarts owed to a unit are done one host after the other: drained, restarted, ready again, next. No host is restarted while another one is not ready. `haprov restart --rolling` asks for it. " +
		"The unit's service step leaves its restarts to this step with restarts = \"rolling\".",
	Example: `rolling "rabbitmq-server.service" {
  ready = "rabbitmq-diagnostics -q check_running"
  drain = "rabbitmq-upgrade drain"
}`,
	New: func() any { return &Rolling{} },
}

// Rolling restarts the members of a group that needs most of them. Draining, restarting and waiting
// for one member are one job on its host, so that a controller that goes away leaves nothing drained.
//
//	all ready, one owes --drain, restart, ready, undrain: pays--> next
//	one not ready       --wait--> all ready
//	one not reachable, one owes: refused
type Rolling struct {
	kind.Where `hcl:"-"`
	Unit       string        `hcl:"unit,label" about:"The unit that is restarted"`
	Ready      string        `hcl:"ready" text:"shell" about:"Shell command that only reads and succeeds while this member serves and the group is whole"`
	Drain      string        `hcl:"drain,optional" text:"shell" about:"Shell command that takes this member out of service before it is restarted"`
	Undrain    string        `hcl:"undrain,optional" text:"shell" about:"Shell command that puts it back, once it is ready"`
	Last       string        `hcl:"last,optional" text:"shell" about:"Shell command that only reads and prints the name of the host to be restarted last, as the one with the leader"`
	Deadline   time.Duration `hcl:"deadline,optional" default:"10m" about:"How long a member may take to be ready again"`

	asked bool         // the intent: restart all of them
	in    *plan.Intent // the intent upgrade, else nil
}

var unit = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:_.@-]*\.service$`)

// Check finds a unit that cannot be, and commands that say nothing.
func (r *Rolling) Check() []kind.Problem {
	var p kind.Problems
	p.Name("unit", r.Unit, unit, "unit name")
	if strings.TrimSpace(r.Ready) == "" {
		p.Add("ready", "Command is empty", "Expected a shell command that succeeds while this member serves.")
	}
	return p
}

// Owns is the unit's restarts: its service step leaves them to this one with restarts = "rolling".
func (r *Rolling) Owns(_ string) []kind.Thing { return []kind.Thing{kind.Runs(r.Unit, true)} }

// Intend gives the step that restarts, or upgrades, all members.
func (r *Rolling) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb == plan.Upgrade {
		x := *r
		x.in = &in
		return &x, nil
	}
	if in.Verb != plan.Restart {
		return nil, kind.ErrNoIntent
	}
	x := *r
	x.asked = true
	return &x, nil
}

func (r *Rolling) owed() probe.Query { return probe.Query{Kind: probe.Owed, Name: r.Unit} }
func (r *Rolling) state() probe.Query {
	return kind.UnitQuery(r.Unit)
}

// life is another one with each start of the unit.
func (r *Rolling) life() probe.Query {
	return probe.Cmd("start of "+r.Unit, "systemctl show -P InvocationID "+shell.Quote(r.Unit), r.subject())
}

func (r *Rolling) serves() probe.Query {
	return probe.Cmd("ready "+r.Unit, r.Ready, r.subject(), group)
}

func (r *Rolling) names() probe.Query {
	return probe.Cmd("last "+r.Unit, r.Last, r.subject(), group)
}

func (r *Rolling) subject() probe.Subject { return probe.Of(probe.Unit, r.Unit) }

// group is what the members are together; a restart of one touches it.
var group = probe.Topic("rolling")

// Probe asks every host what is owed and whether it serves; for the order only when something is due.
func (r *Rolling) Probe(host string, seen probe.Hosts) []probe.Query {
	qs := kind.Unread(seen[host].Seen, r.owed(), r.state(), r.life(), r.serves())
	if r.in != nil {
		qs = append(qs, kind.Unread(seen[host].Seen, r.upgrades().Query(host))...)
	}
	if len(qs) > 0 || r.Last == "" {
		return qs
	}
	if o, _ := seen[host].OwedTo(r.Unit); r.asked || r.in != nil || len(o) > 0 {
		return kind.Unread(seen[host].Seen, r.names())
	}
	return nil
}

// member is what one host says.
type member struct {
	name        string
	away, ready bool
	due         bool
}

func (r *Rolling) members(begin, now probe.Hosts) (out []member) {
	for _, n := range r.Nodes {
		s := now[n.Name]
		m := member{name: n.Name, away: s.Lost != ""}
		a := s.Get(r.serves())
		m.ready = !m.away && a.State == probe.Answered && a.Exit == 0
		o, _ := s.OwedTo(r.Unit)
		m.due = !m.away && (len(o) > 0 || r.asked && s.Get(r.life()).Out == begin[n.Name].Get(r.life()).Out)
		out = append(out, m)
	}
	return out
}

// Decide restarts one member while all others serve.
func (r *Rolling) Decide(begin, now probe.Hosts) (plan.Phase, error) {
	if r.in != nil {
		return r.upgrade(begin, now)
	}
	var due, away, late []string
	for _, m := range r.members(begin, now) {
		switch {
		case m.away:
			away = append(away, m.name)
		case !m.ready:
			late = append(late, m.name)
		}
		if m.due {
			due = append(due, m.name)
		}
	}
	switch {
	case len(due) == 0 && len(late) == 0:
		return plan.Phase{}, nil
	case len(due) > 0 && len(away) > 0:
		return plan.Phase{}, fmt.Errorf("%s cannot be reached: no member is restarted while another one is away", strings.Join(away, ", "))
	case len(late) > 0:
		ph := kind.Wait("all members serve", r.Deadline, strings.Join(late, ", ")+" not yet")
		ph.Wait.Evidence = r.evidence(late, now)
		return ph, nil
	}
	return r.restart(r.order(due, now)), nil
}

// order puts the host that the recipe names last at the end.
func (r *Rolling) order(due []string, now probe.Hosts) []string {
	last := ""
	for _, n := range due {
		if a := now[n].Get(r.names()); a.State == probe.Answered && a.Exit == 0 {
			last = strings.TrimSpace(a.Out)
		}
	}
	if k := slices.Index(due, last); k >= 0 {
		due = append(slices.Delete(slices.Clone(due), k, k+1), last)
	}
	return due
}

func (r *Rolling) evidence(late []string, now probe.Hosts) string {
	var out []string
	for _, n := range late {
		u, _ := now[n].Unit(r.Unit)
		out = append(out, fmt.Sprintf("  %s: %s is %s; ready: exit %d %s", n, r.Unit, u.Active, now[n].Get(r.serves()).Exit, strings.TrimSpace(now[n].Get(r.serves()).Out)))
	}
	return strings.Join(out, "\n")
}

func (r *Rolling) restart(due []string) plan.Phase {
	n := due[0]
	drain, back, limit := r.texts("restart")
	lines := slices.DeleteFunc([]string{drain, back}, func(s string) bool { return s == "" })
	ph := plan.Phase{Name: "restart " + r.Unit + " on " + n, Changes: map[string]plan.Change{n: {
		Diffs: []plan.Diff{{Attribute: r.Unit, Have: "started before its configuration changed, or to be restarted", Want: "restarted, while all others serve"}},
		Actions: []act.Action{{Title: "drain and restart " + r.Unit, Shell: "set -e\n" + strings.Join(lines, "\n"), Guard: "( " + r.Ready + "\n)",
			Timeout: limit + time.Hour, Pays: []string{r.Unit}, Touches: []probe.Subject{group, r.subject()}}}}}}
	for _, o := range due[1:] {
		ph.Then = append(ph.Then, "restart it on "+o)
	}
	return ph
}

// texts take the member out of service, empty when nothing has to, and start it and put it back, with how
// long it may take to be ready.
func (r *Rolling) texts(start string) (drain, back string, limit time.Duration) {
	n := int(r.Deadline.Seconds() * max(r.Speed, 1))
	lines := []string{
		kind.Loud(r.Unit, "systemctl "+start+" "+shell.Quote(r.Unit)),
		fmt.Sprintf("n=0; until ( %s\n) >/dev/null 2>&1; do n=$((n+1)); [ $n -lt %d ] || { echo %s >&2; exit 1; }; sleep 1; done",
			r.Ready, n, shell.Quote(fmt.Sprintf("%s was restarted and is not ready after %d tries, a second apart", r.Unit, n))),
	}
	if r.Drain != "" {
		drain = "( " + r.Drain + "\n)"
	}
	if r.Undrain != "" {
		lines = append(lines, "( "+r.Undrain+"\n)")
	}
	return drain, strings.Join(lines, "\n"), time.Duration(n) * time.Second
}
