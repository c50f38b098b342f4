package galera

import (
	"fmt"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/mysql"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// bootstrap starts one node as the first of a cluster. The guard holds it back when the node is no
// longer what it was when this was decided.
func (g *Galera) bootstrap(ms []member, m member, name string) plan.Phase {
	text := "rm -f " + recoveredFile + "\n"
	if m.State != nil {
		text += "sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' " + shell.Quote(g.Data+"/grastate.dat") + "\n"
	} else if m.Unread != "" {
		text += "mv " + shell.Quote(g.Data+"/grastate.dat") + " " + shell.Quote(g.Data+"/grastate.dat.unreadable") + "\n"
	}
	return g.first(ms, m, name, text+kind.Loud(g.Unit, "galera_new_cluster"))
}

func (g *Galera) first(ms []member, m member, name, text string) plan.Phase {
	// The view of a component that is gone must not be waited for.
	text = "rm -f " + shell.Quote(g.Data+"/gvwstate.dat") + "\n" + text
	var then []string
	for _, o := range ms {
		if o.Name != m.Name && o.Lost == "" {
			then = append(then, "join "+o.Name)
		}
	}
	return plan.Phase{Name: name, Then: then, Changes: map[string]plan.Change{m.Name: {
		Diffs: []plan.Diff{{Attribute: "cluster", Have: "no primary component", Want: "primary component of " + m.Name}},
		Actions: []act.Action{{Title: name, Shell: text, Guard: g.asDecided(m), Timeout: 30 * time.Minute,
			Touches: []probe.Subject{mysql.SQL, provider, probe.Of(probe.Unit, g.Unit)}, Pays: []string{g.Unit}}},
	}}}
}

// asDecided holds while no server runs and grastate.dat is what it was.
func (g *Galera) asDecided(m member) string {
	file := shell.Quote(g.Data + "/grastate.dat")
	stopped := "! systemctl is-active -q " + shell.Quote(g.Unit) + " && ! pgrep -x 'mariadbd|mysqld' >/dev/null"
	if m.State == nil {
		if m.Unread != "" {
			return stopped
		}
		return stopped + " && ! test -e " + file
	}
	if m.empty {
		return stopped + " && { grep -q '[^[:space:]]' " + file + "; [ $? = 1 ]; }"
	}
	seqno := fmt.Sprint(m.State.Seqno)
	if m.State.Seqno == -1 {
		seqno = "(-1|18446744073709551615)"
	}
	return stopped + fmt.Sprintf(" && grep -Eiq '^uuid: *%s *$' %s && grep -Eq '^seqno: *%s *$' %s", m.State.UUID, file, seqno, file)
}

// join starts a stopped node; the members that run give it what it lacks.
func (g *Galera) join(ms []member, m member) plan.Phase {
	how := "by what it missed, or by a full copy"
	if m.Empty() {
		how = "by a full copy"
	}
	name, have := "join "+m.Name, m.Unit
	if m.broke {
		name += " again, whose last join ended because the group lost its quorum"
		have += ": its last join ended because the group lost its quorum (" + noQuorum + ")"
	}
	var then []string
	for _, o := range ms {
		if o.Name != m.Name && o.Lost == "" && o.Stopped() {
			then = append(then, "join "+o.Name)
		}
	}
	// An empty view would give the server a name that is not its own.
	view := shell.Quote(g.Data + "/gvwstate.dat")
	text := "rm -f " + recoveredFile + "\ntest -s " + view + " || rm -f " + view + "\nsystemctl reset-failed " + shell.Quote(g.Unit) + " || :\n" +
		lenient(g.Unit, "systemctl start "+shell.Quote(g.Unit))
	ph := plan.Phase{Name: name, Then: then, Changes: map[string]plan.Change{m.Name: {
		Diffs: []plan.Diff{{Attribute: "server", Have: have, Want: "member, " + how}},
		Actions: []act.Action{{Title: "start the server on " + m.Name + ", which joins " + how, Shell: text, Guard: g.asDecided(m), Timeout: time.Hour,
			Touches: []probe.Subject{mysql.SQL, provider, probe.Of(probe.Unit, g.Unit)}, Pays: []string{g.Unit}}},
	}}}
	if m.broke {
		// after the last try this is what the run ends with
		ph.Tries, ph.Wait = joins, kind.Wait(m.Name+" joins", time.Second, have).Wait
	}
	return ph
}

// joins is how often a run starts a member again that the group loses while it joins.
const joins = 2

// noQuorum is what Galera says when the part of the group that a node is in has no majority: a joiner
// whose full copy is not complete ends then (Galera Cluster documentation, "Quorum Components").
const noQuorum = "Received NON-PRIMARY"

// lostGroup is a shell condition: the server's last start ended without a group.
func lostGroup(unit string) string {
	return `journalctl -q --no-pager -o cat -n 2000 "_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID ` + shell.Quote(unit) + `)" | grep -qF ` + shell.Quote(noQuorum)
}

// lenient runs a start that may end because the group lost its quorum: that is no failure, and is seen
// at the next look. Any other end is one.
func lenient(unit, start string) string {
	return kind.Loud(unit, start+" || "+lostGroup(unit))
}
