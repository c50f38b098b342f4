package engine

import (
	"errors"
	"testing"

	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
)

// proving knows of two hosts' fence devices, and may be unable to decide anything.
type proving struct{ err error }

func (proving) Probe(string, probe.Hosts) []probe.Query { return nil }
func (p proving) Decide(_, _ probe.Hosts) (plan.Phase, error) {
	return plan.Phase{Proofs: []plan.Proof{{Host: "db1", State: plan.Proved}, {Host: "db2", State: plan.NeverFired}}}, p.err
}

func TestWhatIsProvedIsToldThoughTheStepCannotDecide(t *testing.T) {
	for _, err := range []error{nil, errors.New("db2 cannot be seen")} {
		it := &recipe.Item{Address: "db:proving.x", Cluster: proving{err}, Hosts: []string{"db1", "db2"}}
		s, _ := newLab(t).run(recipe.Chain{Host: "db1", Items: []*recipe.Item{it}}, recipe.Chain{Host: "db2", Items: []*recipe.Item{it}})
		if got := s.Unproved(); len(s.Proofs) != 2 || len(got) != 1 || got[0] != "db2" {
			t.Errorf("%v: %+v, not proved: %q", err, s.Proofs, got)
		}
	}
}
