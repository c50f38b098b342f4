package galera

import (
	"fmt"
	"slices"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/galera"
	"haprov/internal/cluster/mysql"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// recovery starts a lost cluster from its most advanced node. It fails closed, and looks at all
// nodes anew before each step; run again after it was killed, it goes on from what it finds.
func (g *Galera) recovery(begin, ms []member) (plan.Phase, error) {
	asked := g.asked(ms)
	if first := primaries(ms); len(first) > 0 {
		if inPrimary := func(m member) bool { return m.Status != nil && m.Status.Primary() }; all(g.asked(begin), inPrimary) && all(asked, inPrimary) {
			return plan.Phase{}, doubt(ms, "the cluster has a primary component with "+names(first)+": there is nothing to recover")
		}
		return g.complete(begin, asked)
	}
	for _, m := range ms {
		if m.Lost != "" && !slices.Contains(g.in.AcceptMissing, m.Name) {
			return plan.Phase{}, doubt(ms, m.Name+" cannot be asked and may hold the newest rows: nothing is started; to do without them: --accept-missing "+m.Name)
		}
	}
	var running, unsure []member
	for _, m := range asked {
		if m.away != "" {
			return plan.Phase{}, doubt(ms, m.unseen()+"; to do without its rows: --accept-missing "+m.Name)
		}
		if !m.Stopped() {
			running = append(running, m)
		} else if m.Unsure() {
			unsure = append(unsure, m)
		}
	}
	switch {
	case len(running) > 0 && !all(running, func(m member) bool { return m.watched }):
		return g.watch(running), nil
	case len(running) > 0:
		return g.stop(running), nil
	case len(unsure) > 0:
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
	for _, m := range asked {
		if m.Name != best.Name {
			continue
		}
		name := "start the cluster from " + m.Name + " at " + m.Position().String()
		ph := g.bootstrap(asked, m, name)
		if len(asked) < len(ms) {
			ph = g.startNewHistory(asked, m, name, g.in.AcceptMissing)
		}
		ph.Note = galera.Table(nodes)
		return ph, nil
	}
	return plan.Phase{}, doubt(ms, best.Name+" was chosen, but cannot be asked")
}

// asked are the members that answer and that the user does not do without.
func (g *Galera) asked(ms []member) (out []member) {
	for _, m := range ms {
		if m.Lost == "" && !slices.Contains(g.in.AcceptMissing, m.Name) {
			out = append(out, m)
		}
	}
	return out
}

func all(ms []member, holds func(member) bool) bool {
	return !slices.ContainsFunc(ms, func(m member) bool { return !holds(m) })
}

// watch gives the cluster time to form a primary component by itself: after a crash of all nodes
// they know their last view, and do so when all of it is back (pc.recovery).
func (g *Galera) watch(running []member) plan.Phase {
	seconds := int(40 * max(g.Speed, 1))
	ph := plan.Phase{Name: "watch whether the cluster recovers by itself", Changes: map[string]plan.Change{},
		Then: []string{"stop all servers", "read positions", "start from the most advanced node", "join the others"}}
	for _, m := range running {
		ph.Changes[m.Name] = plan.Change{
			Diffs: []plan.Diff{{Attribute: "cluster", Have: "no primary component", Want: "recovered by itself, if it can"}},
			Actions: []act.Action{{Title: fmt.Sprintf("watch %s for up to %d s", m.Name, seconds), Timeout: time.Duration(seconds)*time.Second + time.Minute,
				Shell:   "end=$(($(date +%s) + " + fmt.Sprint(seconds) + ")); while test \"$(date +%s)\" -lt $end; do if " + isPrimary + "; then exit 0; fi; sleep 1; done\nmkdir -p -m 0700 /run/haprov; : >" + watchedFile,
				Touches: []probe.Subject{mysql.SQL, provider, probe.Of(probe.Unit, g.Unit)}}},
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
				Touches: []probe.Subject{mysql.SQL, provider, probe.Of(probe.Unit, g.Unit)}}},
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
				Guard: "! pgrep -x 'mariadbd|mysqld' >/dev/null", Touches: []probe.Subject{provider}}},
		}
	}
	return ph
}
