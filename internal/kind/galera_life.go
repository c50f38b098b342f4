package kind

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/galera"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// sessions counts clients from the network, on the host itself.
const sessions = `mariadb --no-defaults -N -B -e "SELECT COUNT(*) FROM information_schema.processlist WHERE host NOT LIKE 'localhost%' AND host <> '' AND user <> 'system user'"`

// asks runs a statement that follows, on the host itself.
const asks = `timeout -k 1 5 mariadb --no-defaults --connect-timeout=3 -N -B -e`

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
func (g *Galera) restarts(ms []member) (plan.Phase, error) {
	if g.memo != nil && g.memo.lives == nil {
		g.memo.lives = map[string]string{}
		for _, m := range ms {
			g.memo.lives[m.Name] = m.life
		}
	}
	var due []member
	for _, m := range ms {
		switch {
		case m.Lost != "":
		case m.owes, g.in.Verb == plan.Restart && m.life == g.memo.lives[m.Name]:
			due = append(due, m)
		case strings.HasPrefix(m.drain, ownMark):
			return g.mark(m, "end the maintenance of "+m.Name, m.drain, "in service", "rm -f "+shell.Quote(g.Maintenance)), nil
		}
	}
	if len(due) == 0 {
		return g.surplus(ms), nil
	}
	for _, m := range ms {
		if m.Lost != "" {
			return plan.Phase{}, doubt(ms, m.Name+" cannot be asked: no server is restarted while a member is away")
		}
	}
	sort.SliceStable(due, func(i, j int) bool { return due[i].Status.Sessions < due[j].Status.Sessions })
	if k := slices.IndexFunc(ms, func(m member) bool { return m.writer != "" }); k >= 0 {
		sort.SliceStable(due, func(i, j int) bool { return due[i].Name != ms[k].writer && due[j].Name == ms[k].writer })
	}
	m := due[0]
	var then []string
	for _, o := range due[1:] {
		then = append(then, "restart the server on "+o.Name)
	}
	file := shell.Quote(g.Maintenance)
	text := "test -e " + file + " || printf '%s\\n' " + shell.Quote(restartMark) + " >" + file + "\n" +
		g.drained(30) + "\n" + loud(g.Unit, "systemctl restart "+shell.Quote(g.Unit)) + "\n" +
		"if grep -q '^" + ownMark + "' " + file + "; then rm -f " + file + "; fi"
	return plan.Phase{Name: "restart the server on " + m.Name, Then: then, Changes: map[string]plan.Change{m.Name: {
		Diffs: []plan.Diff{{Attribute: "server", Have: "started before its configuration changed, or to be restarted", Want: "restarted, out of the proxies meanwhile"}},
		Actions: []act.Action{{Title: "drain and restart the server on " + m.Name, Shell: text, Timeout: time.Hour,
			Guard: isPrimary + fmt.Sprintf(` && test "$(%s "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'" | cut -f 2)" -ge %d`, asks, len(ms)), Pays: []string{g.Unit},
			Touches: []probe.Subject{"sql", "galera", probe.Subject("unit:" + g.Unit), probe.Subject("file:" + g.Maintenance)}}},
	}}}, nil
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
		return plan.Phase{Note: fmt.Sprintf("the cluster has %d members, the role %d; not in the inventory: %s", m.Status.Size, len(ms), word(strings.Join(more, ", "), "unknown"))}
	}
	return plan.Phase{}
}

func (g *Galera) mark(m member, name, have, want, text string) plan.Phase {
	return plan.Phase{Name: name, Changes: map[string]plan.Change{m.Name: {
		Diffs:   []plan.Diff{{Attribute: "maintenance", Have: have, Want: want}},
		Actions: []act.Action{{Title: name, Shell: text, Timeout: 5 * time.Minute, Touches: []probe.Subject{"galera", "sql", probe.Subject("file:" + g.Maintenance)}}},
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
		if m.drain == "" {
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
		return wait(fmt.Sprintf("%s: its %d sessions end", m.Name, m.Status.Sessions), 2*time.Minute), nil
	}
	return plan.Phase{}, nil
}

// recovery starts a lost cluster from its most advanced node. It fails closed, and looks at all
// nodes anew before each step; run again after it was killed, it goes on from what it finds.
func (g *Galera) recovery(ms []member) (plan.Phase, error) {
	asked := make([]member, 0, len(ms)) // without the nodes that the user does without
	for _, m := range ms {
		if m.Lost == "" && !slices.Contains(g.in.AcceptMissing, m.Name) {
			asked = append(asked, m)
		}
	}
	if first := primaries(ms); len(first) > 0 {
		whole := true
		for _, m := range asked {
			whole = whole && m.Status != nil && m.Status.Primary()
		}
		if whole && !g.memo.acted {
			return plan.Phase{}, doubt(ms, "the cluster has a primary component with "+names(first)+": there is nothing to recover")
		}
		g.memo.acted = true
		return g.complete(asked)
	}
	for _, m := range ms {
		if m.Lost != "" && !slices.Contains(g.in.AcceptMissing, m.Name) {
			return plan.Phase{}, doubt(ms, m.Name+" cannot be asked and may hold the newest rows: nothing is started; to do without them: --accept-missing "+m.Name)
		}
	}
	var running, unsure []member
	for _, m := range asked {
		if !m.Stopped() {
			running = append(running, m)
		} else if m.Unsure() {
			unsure = append(unsure, m)
		}
	}
	switch {
	case len(running) > 0 && !all(running, func(m member) bool { return m.watched }):
		g.memo.acted = true
		return g.watch(running), nil
	case len(running) > 0:
		g.memo.acted = true
		return g.stop(running), nil
	case len(unsure) > 0:
		g.memo.acted = true
		return g.readPositions(unsure), nil
	}
	var nodes []galera.Node
	for _, m := range ms {
		nodes = append(nodes, m.Node)
	}
	best, err := galera.Choose(nodes, g.in.AcceptMissing)
	if err != nil {
		return plan.Phase{}, doubt(ms, err.Error())
	}
	g.memo.acted = true
	for _, m := range asked {
		if m.Name != best.Name {
			continue
		}
		name := "start the cluster from " + m.Name + " at " + m.Position().String()
		ph := g.bootstrap(asked, m, name)
		if len(asked) < len(ms) {
			ph = g.anew(asked, m, name, g.in.AcceptMissing)
		}
		ph.Note = galera.Table(nodes)
		return ph, nil
	}
	return plan.Phase{}, doubt(ms, best.Name+" was chosen, but cannot be asked")
}

func all(ms []member, holds func(member) bool) bool {
	return !slices.ContainsFunc(ms, func(m member) bool { return !holds(m) })
}

// watch gives the cluster time to form a primary component by itself: after a crash of all nodes
// they know their last view, and do so when all of it is back (pc.recovery).
func (g *Galera) watch(running []member) plan.Phase {
	seconds := int(40 * max(g.Speed, 1))
	ph := plan.Phase{Name: "watch whether the cluster heals by itself", Changes: map[string]plan.Change{},
		Then: []string{"stop all servers", "read positions", "start from the most advanced node", "join the others"}}
	for _, m := range running {
		ph.Changes[m.Name] = plan.Change{
			Diffs: []plan.Diff{{Attribute: "cluster", Have: "no primary component", Want: "healed by itself, if it can"}},
			Actions: []act.Action{{Title: fmt.Sprintf("watch %s for up to %d s", m.Name, seconds), Timeout: time.Duration(seconds)*time.Second + time.Minute,
				Shell:   "end=$(($(date +%s) + " + fmt.Sprint(seconds) + ")); while test $(date +%s) -lt $end; do if " + isPrimary + "; then exit 0; fi; sleep 1; done\nmkdir -p -m 0700 /run/haprov; : >" + watchedFile,
				Touches: []probe.Subject{"sql", "galera", probe.Subject("unit:" + g.Unit)}}},
		}
	}
	return ph
}

// stop ends servers that are in no primary component; one that hangs is killed after a minute,
// which durable settings survive.
func (g *Galera) stop(running []member) plan.Phase {
	ph := plan.Phase{Name: "stop all servers", Changes: map[string]plan.Change{}, Then: []string{"read positions", "start from the most advanced node", "join the others"}}
	unit := shell.Quote(g.Unit)
	for _, m := range running {
		ph.Changes[m.Name] = plan.Change{
			Diffs: []plan.Diff{{Attribute: "server", Have: m.Unit + ", in no primary component", Want: "stopped"}},
			Actions: []act.Action{{Title: "stop the server on " + m.Name, Timeout: 10 * time.Minute,
				Guard:   "! " + isPrimary,
				Shell:   "timeout 60 systemctl stop " + unit + " || { systemctl kill -s KILL " + unit + "; systemctl stop " + unit + "; }\npkill -KILL -x 'mariadbd|mysqld' || :",
				Touches: []probe.Subject{"sql", "galera", probe.Subject("unit:" + g.Unit)}}},
		}
	}
	return ph
}

// readPositions lets stopped servers find their position in their data. It writes (InnoDB recovers
// first), so it is a phase; the result stands under /run, bound to the server's last life.
func (g *Galera) readPositions(unsure []member) plan.Phase {
	ph := plan.Phase{Name: "read positions", Changes: map[string]plan.Change{}, Then: []string{"start from the most advanced node", "join the others"}}
	for _, m := range unsure {
		text := "mkdir -p -m 0700 /run/haprov\nlife=$(systemctl show -P InvocationID " + shell.Quote(g.Unit) + ")\n" +
			"said=$(galera_recovery 2>&1) || :\n" +
			"printf '%s.%s %s\\n' \"$life\" \"$(stat -c %i-%Y " + shell.Quote(g.Data+"/ibdata1") + " 2>/dev/null)\" \"$(printf %s \"$said\" | tail -n 1 | head -c 300)\" >" + recoveredFile + ".new\nmv " + recoveredFile + ".new " + recoveredFile
		ph.Changes[m.Name] = plan.Change{
			Diffs: []plan.Diff{{Attribute: "position", Have: "unknown: the server did not end in order", Want: "read from its data"}},
			Actions: []act.Action{{Title: "recover the position of " + m.Name, Shell: text, Timeout: 30 * time.Minute,
				Guard: "! pgrep -x 'mariadbd|mysqld' >/dev/null", Touches: []probe.Subject{"galera"}}},
		}
	}
	return ph
}
