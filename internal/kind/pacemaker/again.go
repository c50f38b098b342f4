package pacemaker

import (
	"slices"
	"strings"

	"haprov/internal/act"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// maxTries is how often a run lets Pacemaker try again.
const maxTries = 3

// again lets Pacemaker try once more what failed and runs nowhere. It would not by itself: an agent
// that was missing bars a resource from the node, and too many failures do, though the cause has
// been mended (Pacemaker Explained, "Handling Resource Failure"). What fails anew is tried again
// too, but not for ever: then it is waited for, and the time-out says what failed.
func (p *Pacemaker) again(c crm, late []string, seen probe.Hosts) (ph plan.Phase) {
	trouble, err := pacemaker.ParseTrouble(seen[c.host].Get(pacemaker.MonQuery()).Out)
	if err != nil {
		return ph
	}
	var ch plan.Change
	for _, f := range trouble.Failures {
		id := f.Resource()
		if !slices.Contains(late, id) || c.runs(id) || !slices.Contains(c.names, f.Node) {
			continue
		}
		ch.Diffs = append(ch.Diffs, plan.Diff{Attribute: id, Have: "failed on " + f.Node + ": " + strings.TrimSpace(f.Said), Want: "retried"})
		ch.Actions = append(ch.Actions, act.Action{Title: "forget that " + id + " failed on " + f.Node,
			Shell:   "crm_resource --cleanup --resource " + shell.Quote(id) + " --node " + shell.Quote(f.Node),
			Touches: []probe.Subject{pacemaker.CIB, probe.Of(probe.Unit, "pacemaker.service")}})
	}
	if ch.Empty() {
		return ph
	}
	return plan.Phase{Name: "retry failed resources", Changes: map[string]plan.Change{c.host: ch}, Then: []string{"wait until everything runs"},
		Tries: maxTries, Wait: c.waiting(late, seen).Wait}
}
