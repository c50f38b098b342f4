package kind

import (
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var barrierSpec = Spec{
	Name:    "barrier",
	Summary: "All hosts of the role come to this place before any of them goes on; one that failed is not waited for.",
	Example: `barrier "the servers are up" {}`,
	New:     func() any { return &Barrier{} },
}

// Barrier joins the chains of its hosts and wants nothing: hosts of different roles, which go side
// by side otherwise, are put in order with it.
type Barrier struct {
	Name string `hcl:"name,label" about:"What is true of the hosts that came here"`
}

// Probe asks nothing.
func (*Barrier) Probe(string, probe.Hosts) []probe.Query { return nil }

// Decide wants nothing.
func (*Barrier) Decide(probe.Hosts) (plan.Phase, error) { return plan.Phase{}, nil }
