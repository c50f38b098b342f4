package galera

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/mysql"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// removal stops the servers one after the other, the writer last: the one that left last knows that it
// has everything, and a later run starts the cluster from it.
type removal struct {
	*Galera
	destroy bool
}

// Remove gives the step that stops the servers for good.
func (g *Galera) Remove(destroy bool) kind.Cluster { return removal{g, destroy} }

// Holds is the server's data.
func (g *Galera) Holds(string) string { return "databases in " + g.Data }

// Probe asks what the step asks, and who writes.
func (r removal) Probe(host string, seen probe.Hosts) []probe.Query {
	qs := r.Galera.Probe(host, seen)
	if r.Writer != "" {
		qs = append(qs, kind.Unread(seen[host].Seen, r.writerQuery())...)
	}
	return append(qs, kind.Unread(seen[host].Seen, r.held())...)
}

// held says whether anything but a new server's own is in the data directory.
func (r removal) held() probe.Query {
	return probe.Cmd("held in "+r.Data, "for x in grastate.dat galera.cache; do if [ -e "+shell.Quote(r.Data)+"/$x ]; then echo held; exit; fi; done", provider, mysql.SQL)
}

// Decide stops one server at a time.
func (r removal) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	var on []string
	writer := ""
	for _, n := range r.Nodes {
		s := seen[n.Name]
		if s.Lost != "" {
			return plan.Phase{}, fmt.Errorf("%s is not reachable (%s): a cluster is removed from all its hosts, or from none", n.Name, s.Lost)
		}
		u, ok := s.Unit(r.Unit)
		if !ok {
			return plan.Phase{}, fmt.Errorf("%s: no answer about %s", n.Name, r.Unit)
		}
		if u.Load != "not-found" && u.Active != "inactive" && u.Active != "failed" {
			on = append(on, n.Name)
		}
	}
	if len(on) > 0 {
		ms, err := r.members(seen)
		if err != nil {
			return plan.Phase{}, err
		}
		if k := slices.IndexFunc(ms, func(m member) bool { return m.writer != "" }); k >= 0 {
			writer = ms[k].writer
		}
		for _, m := range ms {
			if slices.Contains(on, m.Name) && m.Status != nil && !m.Status.Primary() {
				return plan.Phase{}, doubt(ms, m.Name+" is in no primary component: which server has everything would not be known any more (haprov recover)")
			}
		}
		sort.SliceStable(on, func(i, j int) bool { return on[i] != writer && on[j] == writer })
		return r.stop(on), nil
	}
	return r.rest(seen)
}

func (r removal) stop(on []string) plan.Phase {
	host := on[0]
	var then []string
	for _, o := range on[1:] {
		then = append(then, "stop the server on "+o)
	}
	return plan.Phase{Name: "stop the server on " + host, Then: then, Changes: map[string]plan.Change{host: {
		Diffs: []plan.Diff{{Attribute: "server", Have: "member", Want: "stopped, not started at boot"}},
		Actions: []act.Action{{Title: "stop the server on " + host, Timeout: time.Hour, Pays: []string{r.Unit}, Touches: []probe.Subject{mysql.SQL, provider, probe.Of(probe.Unit, r.Unit)},
			Shell: "systemctl stop " + shell.Quote(r.Unit) + "\nsystemctl disable -q " + shell.Quote(r.Unit)}}}}}
}

// rest is what is to be done when no server runs.
func (r removal) rest(seen probe.Hosts) (plan.Phase, error) {
	ph := plan.Phase{Name: "clear what is left of the servers", Changes: map[string]plan.Change{}}
	for _, n := range r.Nodes {
		s := seen[n.Name]
		u, _ := s.Unit(r.Unit)
		held := s.Get(r.held())
		if held.State != probe.Answered {
			return plan.Phase{}, errors.New(n.Name + ": no answer about " + r.Data)
		}
		var c plan.Change
		if u.File == "enabled" {
			c.Diffs = append(c.Diffs, plan.Diff{Attribute: r.Unit, Have: "enabled", Want: "disabled"})
			c.Actions = append(c.Actions, act.Action{Title: "disable " + r.Unit, Shell: "systemctl disable -q " + shell.Quote(r.Unit), Touches: []probe.Subject{probe.Of(probe.Unit, r.Unit)}})
		}
		if r.destroy && held.Out != "" {
			c.Diffs = append(c.Diffs, plan.Diff{Attribute: r.Data, Have: "databases", Want: "a new server's own", Danger: "all databases in " + r.Data})
			c.Actions = append(c.Actions, act.Action{Title: "destroy the databases in " + r.Data, Timeout: 30 * time.Minute, Touches: []probe.Subject{mysql.SQL, provider},
				Guard: "! systemctl is-active -q " + shell.Quote(r.Unit) + " && ! pgrep -x 'mariadbd|mysqld' >/dev/null",
				Shell: "find " + shell.Quote(r.Data) + " -mindepth 1 ! -name lost+found -delete\nmariadb-install-db --user=mysql --datadir=" + shell.Quote(r.Data) + " --skip-test-db --auth-root-authentication-method=socket >/dev/null"})
		}
		if !c.Empty() {
			ph.Changes[n.Name] = c
		}
	}
	if len(ph.Changes) == 0 {
		return plan.Phase{}, nil
	}
	return ph, nil
}
