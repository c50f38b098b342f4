package galera

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/mysql"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// asks runs a statement that follows, on the host itself.
const asks = `timeout -k 1 5 mariadb --no-defaults --connect-timeout=3 -N -B -e`

// sessions counts clients from the network, on the host itself.
const sessions = asks + ` "SELECT COUNT(*) FROM information_schema.processlist WHERE host NOT LIKE 'localhost%' AND host <> '' AND user <> 'system user'"`

// isPrimary succeeds, on the host itself, while its server is in a primary component; "non-Primary"
// is the other word. A server that hangs is not.
const isPrimary = asks + ` "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_status'" 2>/dev/null | grep -q '[[:space:]]Primary$'`

// drained waits on the host until the proxies must have noticed its maintenance, then at most that
// many seconds until its sessions have gone elsewhere: clients that connect for each transaction
// leave none behind at times, and still come.
func (g *Galera) drained(seconds int) string {
	return fmt.Sprintf("sleep %d; n=0; while test $n -lt %d; do c=$(%s) || break; test \"$c\" = 0 && break; n=$((n+1)); sleep 1; done", g.Notice, seconds, sessions)
}

// restarts pays what is owed, or what the intent asks for, one node at a time: out of the proxies,
// restarted, back. The node with the most sessions, which is the writer's, comes last.
func (g *Galera) restarts(begin, ms []member) (plan.Phase, error) {
	lives := map[string]string{} // the servers' invocations when the run began
	for _, m := range begin {
		lives[m.Name] = m.life
	}
	var due []member
	for _, m := range ms {
		switch {
		case m.Lost != "", m.stoppedByUser():
		case m.owes, g.in.Verb == plan.Restart && m.life == lives[m.Name]:
			due = append(due, m)
		case strings.HasPrefix(m.drain, ownMark):
			return g.mark(m, "end the maintenance of "+m.Name, m.drain, "in service", "rm -f "+shell.Quote(g.Maintenance)), nil
		}
	}
	if len(due) == 0 {
		for _, m := range ms {
			if m.stoppedByUser() {
				return plan.Phase{Note: m.Name + " is in maintenance, and its server was stopped: it is left alone; `haprov maintenance " + m.Name + " off` starts it"}, nil
			}
		}
		return g.surplus(ms), nil
	}
	for _, m := range ms {
		switch {
		case m.Lost != "":
			return plan.Phase{}, doubt(ms, m.Name+" cannot be asked: no server is restarted while a member is missing")
		case m.stoppedByUser():
			return plan.Phase{}, doubt(ms, m.Name+" is in maintenance, and its server was stopped: no server is restarted meanwhile (haprov maintenance "+m.Name+" off)")
		}
	}
	busiestLast(due, ms)
	m := due[0]
	var then []string
	for _, o := range due[1:] {
		then = append(then, "restart the server on "+o.Name)
	}
	text := g.drain(restartMark) + "\n" + kind.Loud(g.Unit, "systemctl restart "+shell.Quote(g.Unit)) + "\n" + g.undrain()
	return plan.Phase{Name: "restart the server on " + m.Name, Then: then, Changes: map[string]plan.Change{m.Name: {
		Diffs: []plan.Diff{{Attribute: "server", Have: "started before its configuration changed, or to be restarted", Want: "restarted, out of the proxies meanwhile"}},
		Actions: []act.Action{{Title: "drain and restart the server on " + m.Name, Shell: text, Timeout: time.Hour,
			Guard: g.all(ms), Pays: []string{g.Unit},
			Touches: []probe.Subject{mysql.SQL, provider, probe.Of(probe.Unit, g.Unit), probe.Of(probe.File, g.Maintenance)}}},
	}}}, nil
}

// busiestLast puts the member with the most sessions at the end, and the writer behind it.
func busiestLast(due, ms []member) {
	sort.SliceStable(due, func(i, j int) bool { return due[i].Status.Sessions < due[j].Status.Sessions })
	if k := slices.IndexFunc(ms, func(m member) bool { return m.writer != "" }); k >= 0 {
		sort.SliceStable(due, func(i, j int) bool { return due[i].Name != ms[k].writer && due[j].Name == ms[k].writer })
	}
}

// all succeeds, on the host itself, while its server is in a primary component of that many members.
func (g *Galera) all(ms []member) string {
	return isPrimary + fmt.Sprintf(` && test "$(%s "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'" | cut -f 2)" -ge %d`, asks, len(ms))
}

// drain takes the host out of the proxies, under a mark that undrain takes away; a user's stays.
func (g *Galera) drain(mark string) string {
	file := shell.Quote(g.Maintenance)
	return "test -e " + file + " || printf '%s\\n' " + shell.Quote(mark) + " >" + file + "\n" + g.drained(30)
}

func (g *Galera) undrain() string {
	file := shell.Quote(g.Maintenance)
	return "if grep -q '^" + ownMark + "' " + file + "; then rm -f " + file + "; fi"
}

// surplus names members that the inventory does not have.
func (g *Galera) surplus(ms []member) plan.Phase {
	for _, m := range ms {
		if m.Status == nil || m.Status.Size <= len(ms) {
			continue
		}
		var more []string
		for _, n := range m.Status.Names {
			if !g.member(n) {
				more = append(more, n)
			}
		}
		return plan.Phase{Note: fmt.Sprintf("the cluster has %d members, the role %d; not in the inventory: %s", m.Status.Size, len(ms), cmp.Or(strings.Join(more, ", "), "unknown"))}
	}
	return plan.Phase{}
}

func (g *Galera) mark(m member, name, have, want, text string) plan.Phase {
	return plan.Phase{Name: name, Changes: map[string]plan.Change{m.Name: {
		Diffs:   []plan.Diff{{Attribute: "maintenance", Have: have, Want: want}},
		Actions: []act.Action{{Title: name, Shell: text, Timeout: 5 * time.Minute, Touches: []probe.Subject{provider, mysql.SQL, probe.Of(probe.File, g.Maintenance)}}},
	}}}
}

// maintain takes the intent's host out of service or back in.
func (g *Galera) maintain(ms []member) (plan.Phase, error) {
	k := slices.IndexFunc(ms, func(m member) bool { return m.Name == g.in.Host })
	if k < 0 || ms[k].Lost != "" {
		return plan.Phase{}, doubt(ms, g.in.Host+" cannot be asked")
	}
	m := ms[k]
	file := shell.Quote(g.Maintenance)
	if !g.in.On {
		switch {
		case m.drain == "" && m.Stopped() && len(primaries(ms)) > 0:
			return g.admit(ms, m)
		case m.drain == "" && m.settles() != nil && len(primaries(ms)) > 0:
			return plan.Phase{Wait: m.settles()}, nil
		case m.drain == "":
			return plan.Phase{}, nil
		}
		return g.mark(m, "end the maintenance of "+m.Name, m.drain, "in service", "rm -f "+file), nil
	}
	serving := 0
	for _, o := range ms {
		if o.Name != m.Name && o.Status != nil && o.Status.Healthy() && o.drain == "" {
			serving++
		}
	}
	switch {
	case serving == 0:
		return plan.Phase{}, doubt(ms, "no other node would be left to serve: "+m.Name+" stays in service")
	case m.drain == "":
		return g.mark(m, "take "+m.Name+" out of service", "in service", "in maintenance", "printf '%s\\n' "+shell.Quote("haprov maintenance "+m.Name+" on")+" >"+file+"\n"+g.drained(60)), nil
	case m.Status != nil && m.Status.Sessions > 0:
		return kind.Wait(m.Name+": its sessions end", 2*time.Minute, fmt.Sprintf("%d left", m.Status.Sessions)), nil
	}
	return plan.Phase{}, nil
}
