// Package galera has the kind galera: bootstrap, joins one by one, rolling restarts, maintenance,
// and the recovery of a group that stopped as a whole.
package galera

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"haprov/internal/cluster/galera"
	"haprov/internal/cluster/mysql"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var GaleraSpec = kind.Spec{
	Name: "galera",
	Summary: "All hosts of the role are Synced members of one primary component. One node is started as a new cluster when every node answered and none holds data; the others join one at a time. " +
		"Pending restarts of the server's unit are done one node after the other, drained first, the busiest last. In doubt it stops, with a table of what each node reports.",
	Example: `galera "db" {}`,
	New:     func() any { return &Galera{} },
}

// Galera wants one primary component of all its hosts. Packages, configuration and the unit's
// being enabled are steps of their own; the server's start is this step's.
//
// It decides from what the nodes say and keep, never from a marker of an earlier run (Galera
// Cluster documentation, "Resetting the Quorum" and "Restarting the Cluster").
type Galera struct {
	kind.Where `hcl:"-"`
	Name       string `hcl:"name,label" about:"A name for the step"`
	Unit       string `hcl:"unit,optional" default:"mariadb.service" about:"The server's unit"`
	Data       string `hcl:"data,optional" default:"/var/lib/mysql" about:"The server's data directory"`
	// Maintenance is read by the health responder: a node that has it is taken out of the proxies.
	Maintenance string `hcl:"maintenance,optional" default:"/etc/haprov/maintenance" about:"The file that takes a node out of service while it is there"`

	Notice int    `hcl:"notice,optional" default:"6" min:"0" max:"600" about:"Seconds until the proxies have noticed that a node is in maintenance; a server is never stopped sooner, idle or not"`
	Writer string `hcl:"writer,optional" text:"shell" about:"Shell command that prints the name of the node that writers are sent to; its server is restarted last. Left out: the one with the most sessions"`

	in plan.Intent
}

var serverUnit = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:_.@-]*\.service$`)

// Owns is the data directory, and when the server runs.
func (g *Galera) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "data directory " + g.Data}, kind.Runs(g.Unit, false)}
}

// Check finds a unit and paths that cannot be.
func (g *Galera) Check() []kind.Problem {
	var p kind.Problems
	if n := len(g.Nodes); n > 0 && n%2 == 0 {
		p.Risk("", "Even number of Galera members", fmt.Sprintf("Found %d: when the network parts them into halves, neither half has the majority and no node serves. An odd number keeps one half serving.", n))
	}
	p.Name("unit", g.Unit, serverUnit, "unit name")
	p.Path("data", g.Data)
	p.Path("maintenance", g.Maintenance)
	return p
}

// Intend gives the step that decides for recover, restart, maintenance and upgrade.
func (g *Galera) Intend(in plan.Intent) (kind.Cluster, error) {
	switch {
	case in.Verb == plan.Recover && in.Discard == "", slices.Contains([]string{plan.Restart, plan.Maintenance, plan.Upgrade}, in.Verb):
	default:
		return nil, kind.ErrNoIntent
	}
	for _, h := range append([]string{in.Host}, in.AcceptMissing...) {
		if h != "" && !g.member(h) {
			return nil, fmt.Errorf("%s is no member of this cluster", h)
		}
	}
	x := *g
	x.in = in
	return &x, nil
}

func (g *Galera) member(host string) bool {
	for _, n := range g.Nodes {
		if n.Name == host {
			return true
		}
	}
	return false
}

// sql asks the running server for its version, its membership and its sessions from the network.
func (g *Galera) sql() probe.Query {
	names := "'" + strings.Join(galera.Variables, "','") + "'"
	q := probe.Cmd("wsrep status", "timeout -k 1 6 mariadb --no-defaults --connect-timeout=5 -N -B -e "+mysql.ShellArg(
		mysql.Variables+"; SHOW GLOBAL STATUS WHERE Variable_name IN ("+names+"); SELECT 'sessions', COUNT(*) FROM information_schema.processlist WHERE host NOT LIKE 'localhost%' AND host <> '' AND user <> 'system user'")+" || exit\n"+
		// a server that is no member yet has no such table, most clusters not the other one
		"timeout -k 1 2 mariadb --no-defaults --connect-timeout=2 -N -B -e "+mysql.ShellArg("SELECT 'member', node_name FROM mysql.wsrep_cluster_members; SELECT 'history', position FROM haprov.history")+" 2>/dev/null || :",
		mysql.SQL, probe.Of(probe.Unit, g.Unit), provider)
	q.Timeout, q.Max = 10*time.Second, 64<<10
	return q
}

// recoveredFile keeps a stopped server's position with the server's life and the data it belongs to.
const recoveredFile = "/run/haprov/galera.position"

// watchedFile is as old as the last look whether the cluster heals by itself.
const watchedFile = "/run/haprov/galera.watched"

// kept reads, as root, what the node keeps: one "name base64" line a file, "-" when it is not there.
func (g *Galera) kept() probe.Query {
	text := "d=" + shell.Quote(g.Data) + `
say() { if test -f "$2"; then printf '%s %s\n' "$1" "$(head -c 4096 "$2" | base64 -w0)"; else printf '%s -\n' "$1"; fi; }
say grastate "$d/grastate.dat"; say gvwstate "$d/gvwstate.dat"; say position ` + recoveredFile + `; say maintenance ` + shell.Quote(g.Maintenance) + `
printf 'life %s\n' "$(systemctl show -P InvocationID ` + shell.Quote(g.Unit) + `)"
printf 'broke %s\n' "$(systemctl is-failed -q ` + shell.Quote(g.Unit) + ` && ` + lostGroup(g.Unit) + ` && echo 1 || echo 0)"
printf 'data %s\n' "$(stat -c %i-%Y "$d/ibdata1" 2>/dev/null)"
printf 'watched %s\n' "$(find ` + watchedFile + ` -mmin -5 2>/dev/null | wc -l)"
printf 'torn %s\n' "$(test -e "$d/sst_in_progress" && echo 1 || echo 0)"
printf 'process %s\n' "$(pgrep -x -c 'mariadbd|mysqld' || :)"
for x in "$d"/*/; do x=${x%/}; case ${x##*/} in mysql|performance_schema|sys|lost+found|'#'*|.*|'*') continue;; test) [ -n "$(find "$x" -mindepth 1 -maxdepth 1 ! -name db.opt -print -quit)" ] || continue;; esac
printf 'database %s\n' "$(printf %s "${x##*/}" | head -c 64 | base64 -w0)"; done
while read -r a m _; do case $a in '#'*) m=;; esac; case $m in /?*) ;; *) continue;; esac; case $d/ in "$m"/*) mountpoint -q "$m" || printf 'unmounted %s\n' "$m";; esac; done </etc/fstab || :`
	q := probe.Cmd("galera keeps", text, mysql.SQL, probe.Of(probe.Unit, g.Unit), probe.Of(probe.File, g.Maintenance), provider, probe.Of(probe.Package, "mariadb-server"))
	q.Max = 64 << 10
	return q
}

func (g *Galera) unit() probe.Query { return kind.UnitQuery(g.Unit) }
func (g *Galera) owed() probe.Query { return probe.Query{Kind: probe.Owed, Name: g.Unit} }

func (g *Galera) writerQuery() probe.Query {
	return probe.Cmd("galera writer", g.Writer, provider, mysql.SQL)
}

// Probe asks every host for its server, its files and what is owed; who writes, only when servers
// are to be restarted.
func (g *Galera) Probe(host string, seen probe.Hosts) []probe.Query {
	s := seen[host].Seen
	if qs := kind.Unread(s, g.unit(), g.owed(), g.kept(), g.sql()); len(qs) > 0 {
		return qs
	}
	var qs []probe.Query
	if g.in.Verb == plan.Upgrade {
		qs = append(qs, g.upgrades().Query(host))
	}
	if owed, _ := s.OwedTo(g.Unit); g.Writer != "" && (slices.Contains(owed, "restart") || g.in.Verb == plan.Restart || g.in.Verb == plan.Upgrade) {
		qs = append(qs, g.writerQuery())
	}
	return kind.Unread(s, qs...)
}

// member is a node with what only this step needs.
type member struct {
	galera.Node
	life    string // the unit's invocation
	data    string // which data it has, and when it was last written to
	owes    bool
	drain   string // the maintenance file's text; empty when it is not there
	writer  string // who writes, as this node knows; empty: it does not
	empty   bool   // grastate.dat is there, and empty
	away    string // where its data is to be mounted, and is not
	watched bool   // it was given time to heal by itself, some minutes ago at most
	broke   bool   // its server failed because the group lost its quorum
}

// What this step itself writes to the maintenance file begins with ownMark, and it takes it away
// again; a user's maintenance stays.
const (
	ownMark     = "haprov: "
	restartMark = ownMark + "the server is being restarted"
	leftMark    = ownMark + "left the cluster"
)

// Decide gives the next phase of the cluster, or of the intent.
func (g *Galera) Decide(begin, now probe.Hosts) (plan.Phase, error) {
	ms, err := g.members(now)
	if err != nil {
		return plan.Phase{}, err
	}
	first, err := g.members(begin)
	if err != nil && g.in.Verb != "" {
		return plan.Phase{}, err
	} // else the run began without the server's package: there was nothing to remember
	if err := oneComponent(ms); err != nil {
		return plan.Phase{}, err
	}
	var ph plan.Phase
	if g.in.Verb == plan.Upgrade {
		ph, err = g.upgrade(first, ms, begin, now)
	} else {
		ph, err = g.decide(first, ms)
	}
	if ph.Wait != nil {
		ph.Wait.Evidence = evidence(ms)
	}
	return ph, err
}

func (g *Galera) decide(begin, ms []member) (plan.Phase, error) {
	switch g.in.Verb {
	case plan.Recover:
		return g.recovery(begin, ms)
	case plan.Maintenance:
		return g.maintain(ms)
	}
	if first := primaries(ms); len(first) > 0 {
		return g.complete(begin, ms)
	}
	if g.in.Verb != "" {
		return plan.Phase{}, doubt(ms, "no node is in a primary component: haprov recover shows what can be done")
	}
	return g.begin(ms)
}

// begin starts a cluster that has no primary component, when that cannot be wrong.
func (g *Galera) begin(ms []member) (plan.Phase, error) {
	var holders, running []member
	for _, m := range ms {
		switch {
		case m.Lost != "":
			return plan.Phase{}, doubt(ms, m.Name+" cannot be asked and no other node is in a primary component: nothing is started; haprov recover shows more")
		case !m.Stopped():
			running = append(running, m)
		case m.away != "":
			return plan.Phase{}, doubt(ms, m.unseen())
		case m.State == nil && m.Unread == "" && len(m.Databases) > 0:
			return plan.Phase{}, doubt(ms, m.Name+" holds databases that never were in a cluster: a new cluster would replace them on all nodes but one; move them away, or give them to import")
		case !m.Empty():
			holders = append(holders, m)
		}
	}
	switch {
	case len(running) > 0:
		return kind.Wait("a primary component forms again by itself", 2*time.Minute, "running: "+names(running)+"; else haprov recover shows what can be done"), nil
	case len(holders) > 1:
		if m, ok := lastToLeave(holders); ok {
			return g.bootstrap(ms, m, "start the cluster from "+m.Name+", which left it last"), nil
		}
		return plan.Phase{}, doubt(ms, "the cluster is down on all nodes: haprov recover finds the most advanced one and starts it")
	case len(holders) == 1 && holders[0].Unsure():
		return g.readPositions(holders), nil
	case len(holders) == 1 && (!holders[0].Position().Known() || holders[0].State != nil && holders[0].State.UUID == galera.ZeroUUID):
		return plan.Phase{}, doubt(ms, holders[0].Name+" holds databases but records no cluster, as after a broken state transfer: nothing is started from it")
	case len(holders) == 1:
		return g.bootstrap(ms, holders[0], "start the cluster from "+holders[0].Name+", the only one that holds it"), nil
	}
	first := ms[0]
	if k := slices.IndexFunc(ms, func(m member) bool { return !m.Torn }); k >= 0 {
		first = ms[k]
	}
	return g.bootstrap(ms, first, "start a new cluster on "+first.Name), nil
}

// lastToLeave is the one node that Galera itself calls safe to start from, because it was the last of a
// cluster whose servers all were stopped in order, when no other node holds more.
func lastToLeave(holders []member) (last member, ok bool) {
	for _, m := range holders {
		if m.State == nil || m.Unread != "" || m.Unsure() || !m.Position().Known() || m.State.UUID == galera.ZeroUUID {
			return member{}, false
		}
		if m.State.Safe {
			if ok {
				return member{}, false
			}
			last, ok = m, true
		}
	}
	for _, m := range holders {
		if ok && (m.State.UUID != last.State.UUID || m.State.Seqno > last.State.Seqno) {
			return member{}, false
		}
	}
	return last, ok
}

// complete brings all reachable nodes into the primary component, then pays what is owed.
func (g *Galera) complete(begin, ms []member) (plan.Phase, error) {
	if ph, err := g.whole(ms); err != nil || !ph.Empty() {
		return ph, err
	}
	return g.restarts(begin, ms)
}

// whole is what is still to come until all reachable nodes are healthy members; the empty phase when they are.
func (g *Galera) whole(ms []member) (plan.Phase, error) {
	present := 0
	for _, m := range ms {
		if w := m.settles(); w != nil {
			return plan.Phase{Wait: w}, nil
		}
		if m.Lost == "" && !m.stoppedByUser() {
			present++
		}
	}
	for _, m := range ms {
		if m.Lost == "" && m.Stopped() && !m.stoppedByUser() {
			return g.admit(ms, m)
		}
	}
	for _, m := range ms {
		if m.Lost == "" && !m.stoppedByUser() && m.Status.Size < present {
			return kind.Wait(fmt.Sprintf("%s sees all %d members", m.Name, present), 2*time.Minute, fmt.Sprint(m.Status.Size)), nil
		}
	}
	return plan.Phase{}, nil
}

// stoppedByUser tells that the user took the node out of service and stopped its server: it is left alone.
func (m member) stoppedByUser() bool {
	return m.Stopped() && m.drain != "" && !strings.HasPrefix(m.drain, ownMark)
}

// settles says what a running member is waited for; nil when it is healthy, stopped or away.
func (m member) settles() *plan.Wait {
	switch {
	case m.Lost != "" || m.Stopped():
		return nil
	case m.Status == nil && m.Unit == "active":
		return kind.Wait(m.Name+": the server, which runs, answers", 2*time.Minute, m.Mute).Wait
	case m.Status == nil:
		return kind.Wait(m.Name+": the server answers", 30*time.Minute, m.Mute).Wait
	case !m.Status.Primary():
		return kind.Wait(m.Name+" is back in the primary component", 5*time.Minute, m.Status.Component, m.Status.State).Wait
	case !m.Status.Healthy():
		return kind.Wait(m.Name+" is Synced", 30*time.Minute, m.Status.State).Wait
	}
	return nil
}

func primaries(ms []member) (out []member) {
	for _, m := range ms {
		if m.Status != nil && m.Status.Primary() {
			out = append(out, m)
		}
	}
	return out
}

// unseen says why nobody knows what a stopped node holds: its disk is not there.
func (m member) unseen() string {
	return fmt.Sprintf("%[2]s is in /etc/fstab and not mounted on %[1]s: what it holds cannot be seen, and a copy would go to another disk; mount %[2]s on %[1]s first", m.Name, m.away)
}

// counts tells that the member's server has the other one in its component.
func (m member) counts(other member) bool { return slices.Contains(m.Status.Names, other.Name) }

func names(ms []member) string {
	var out []string
	for _, m := range ms {
		out = append(out, m.Name)
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// doubt is a refusal with the evidence.
func doubt(ms []member, why string) error { return fmt.Errorf("%s\n%s", why, evidence(ms)) }

// evidence is the table of what each node said.
func evidence(ms []member) string {
	var nodes []galera.Node
	for _, m := range ms {
		nodes = append(nodes, m.Node)
	}
	return galera.Table(nodes)
}

// oneComponent refuses two primary components: rows are being written on both sides. Those of one
// cluster are told by their members: each knows itself, and neither the other.
func oneComponent(ms []member) error {
	uuid := ""
	for _, m := range primaries(ms) {
		if uuid != "" && m.Status.UUID != uuid {
			return doubt(ms, "two clusters run at once: stop, look at both, and keep one")
		}
		for _, o := range primaries(ms) {
			if m.counts(m) && o.counts(o) && !m.counts(o) && !o.counts(m) {
				return doubt(ms, fmt.Sprintf("two primary components of one cluster run at once: %s is with %s, %s with %s; stop the servers on the side whose changes will be discarded",
					m.Name, strings.Join(m.Status.Names, ", "), o.Name, strings.Join(o.Status.Names, ", ")))
			}
		}
		uuid = m.Status.UUID
	}
	return nil
}

// provider is the group's state on one host: membership, the position that is kept, the bootstrap mark.
var provider = probe.Topic("galera")
