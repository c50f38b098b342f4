package host

import (
	"fmt"
	"slices"
	"strings"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var BarrierSpec = kind.Spec{
	Name:    "barrier",
	Summary: "All hosts of the role reach this point before any of them continues; a failed host is not waited for.",
	Example: `barrier "a server is up" {
  any = ["db1", "db2"]
}`,
	New: func() any { return &Barrier{} },
}

// Barrier joins the chains of its hosts and changes nothing: hosts of different roles, which go
// side by side otherwise, are put in order with it.
type Barrier struct {
	Name string   `hcl:"name,label" about:"The state that the hosts have reached"`
	Any  []string `hcl:"any,optional" about:"Hosts of which at least one must reach this point for the others to continue"`
}

// Joins: it is a kind.Joint.
func (*Barrier) Joins() {}

// Probe asks nothing.
func (*Barrier) Probe(string, probe.Hosts) []probe.Query { return nil }

// Decide wants nothing more than one of the hosts that matter.
func (b *Barrier) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	came := func(h string) bool { return seen[h].Lost == "" }
	if len(b.Any) > 0 && !slices.ContainsFunc(b.Any, came) {
		return plan.Phase{}, fmt.Errorf("%w: needs %s, which failed", kind.ErrSkipped, strings.Join(b.Any, ", "))
	}
	return plan.Phase{}, nil
}
