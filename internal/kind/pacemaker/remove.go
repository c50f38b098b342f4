package pacemaker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// removal takes Pacemaker off its hosts: it stops all resources in their order, then Pacemaker itself,
// and its configuration goes.
//
//	running --stop-all-resources--> stopping --wait--> idle --stop Pacemaker--> gone
type removal struct{ *Pacemaker }

// Remove gives the step that takes the cluster's configuration off the hosts. It holds no data.
func (p *Pacemaker) Remove(bool) kind.Cluster { return removal{p} }

// Holds is nothing: what the resources keep is theirs.
func (p *Pacemaker) Holds(string) string { return "" }

const pacemakerUnit = "pacemaker.service"

func (r removal) files() probe.Query {
	return probe.Cmd("pacemaker's files", "find /var/lib/pacemaker/cib -mindepth 1 -print -quit 2>/dev/null || :", pacemaker.CIB)
}

// Probe asks for the cluster and for what Pacemaker keeps.
func (r removal) Probe(host string, seen probe.Hosts) []probe.Query {
	return kind.Unread(seen[host].Seen, pacemaker.CIBQuery(), pacemaker.MonQuery(), kind.UnitQuery(pacemakerUnit), r.files())
}

// Decide stops the resources while all members see each other, and Pacemaker when nothing runs.
func (r removal) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	var left, running []string
	for _, n := range r.Nodes {
		s := seen[n.Name]
		if s.Lost != "" {
			return plan.Phase{}, fmt.Errorf("%s is not reachable (%s): a cluster is removed from all its hosts, or from none", n.Name, s.Lost)
		}
		u, ok := s.Unit(pacemakerUnit)
		if !ok {
			return plan.Phase{}, fmt.Errorf("%s: no answer about %s", n.Name, pacemakerUnit)
		}
		if u.Active == "active" || u.Active == "activating" {
			running = append(running, n.Name)
		}
		if u.Load != "not-found" && (u.Active != "inactive" || u.File == "enabled") || strings.TrimSpace(s.Get(r.files()).Out) != "" {
			left = append(left, n.Name)
		}
	}
	if len(running) > 0 {
		if ph, done, err := r.stop(running, seen); err != nil || !done {
			return ph, err
		}
	}
	if len(left) == 0 {
		return plan.Phase{}, nil
	}
	ph := plan.Phase{Name: "stop Pacemaker", Changes: map[string]plan.Change{}}
	for _, n := range left {
		ph.Changes[n] = plan.Change{
			Diffs: []plan.Diff{{Attribute: "Pacemaker", Have: "with a configuration", Want: "stopped, without one"}},
			Actions: []act.Action{{Title: "stop Pacemaker and remove its configuration", Timeout: 15 * time.Minute, Touches: []probe.Subject{probe.All}, Pays: []string{pacemakerUnit},
				Shell: "systemctl disable -q --now " + pacemakerUnit + "\nfind /var/lib/pacemaker/cib /var/lib/pacemaker/pengine -mindepth 1 -delete"}},
		}
	}
	return ph, nil
}

// stop has all resources stopped. A run that was cut short finds them so on the hosts that still run.
func (r removal) stop(running []string, seen probe.Hosts) (ph plan.Phase, done bool, err error) {
	host := running[0]
	cib, err := pacemaker.Parse(seen[host].Get(pacemaker.CIBQuery()).Out)
	if err != nil {
		return kind.Wait("Pacemaker on "+host+" answers", 2*time.Minute), false, nil
	}
	c := crm{cib: cib}
	if cib.Find("configuration", "crm_config") == nil || c.property("stop-all-resources") != "true" {
		whole, unready, err := lookCRM(seen)
		switch {
		case err != nil:
			return ph, false, err
		case unready != nil:
			return *unready, false, nil
		}
		return plan.Phase{Name: "stop all resources", Then: []string{"wait until nothing runs", "stop Pacemaker"}, Changes: map[string]plan.Change{whole.host: {
			Diffs:   []plan.Diff{{Attribute: "resources", Have: "managed", Want: "all stopped"}},
			Actions: []act.Action{{Title: "stop all resources", Shell: "crm_attribute --type crm_config --name stop-all-resources --update true", Touches: []probe.Subject{probe.All}}}}}}, false, nil
	}
	state, err := pacemaker.ParseMon(seen[host].Get(pacemaker.MonQuery()).Out)
	if err != nil {
		return kind.Wait("Pacemaker on "+host+" answers", 2*time.Minute), false, nil
	}
	var on []string
	for _, x := range state.Resources {
		if x.Node != "" && !x.Fence && !slices.Contains(on, x.ID) {
			on = append(on, x.ID)
		}
	}
	if len(on) > 0 {
		slices.Sort(on)
		ph := kind.Wait("nothing runs", 10*time.Minute, strings.Join(on, ", ")+" still does")
		ph.Wait.Evidence = pacemaker.Evidence(seen[host].Get(pacemaker.MonQuery()).Out)
		return ph, false, nil
	}
	return ph, true, nil
}
