package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/transport"
)

// others does with whoever is there.
type others struct{ meeting }

func (o others) Decide(_, all probe.Hosts) (plan.Phase, error) {
	c := content{path: o.dir + "/db1", text: "met"}
	if ch, _ := c.Decide(all["db1"].Seen); !ch.Empty() && all["db2"].Lost != "" {
		return plan.Phase{Name: "greet", Changes: map[string]plan.Change{"db1": ch}}, nil
	}
	return plan.Phase{}, nil
}

func TestAHostThatCannotBeReachedHoldsNobodyUp(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	l.state("db1")
	meet := &recipe.Item{Address: "db:others.x", Cluster: others{meeting{dir}}, Hosts: []string{"db1", "db2"}}
	chain := func(h string) recipe.Chain {
		return recipe.Chain{Host: h, Items: []*recipe.Item{{Address: h + ":content.a", Step: content{path: dir + "/a" + h, text: "x"}}, meet}}
	}
	open := func(ctx context.Context, host string) (transport.Session, error) {
		if host == "db2" {
			return nil, fmt.Errorf("no route: %w", transport.ErrUnreachable)
		}
		return l.open(ctx, host)
	}
	ended := make(chan struct{})
	var s Summary
	var err error
	go func() {
		defer close(ended)
		s, err = Run(t.Context(), Options{Hosts: []recipe.Chain{chain("db1"), chain("db2")}, Open: open, Holder: "test"})
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the run waits for a host that it could not reach")
	}
	if !errors.Is(err, ErrHosts) || s.Failed != 1 || s.Changes != 2 || !strings.Contains(s.Outcomes["db2"].Error(), "no route") {
		t.Errorf("%+v %v", s, err)
	}
	// Whoever scripts this tells a lost host from a failed step, also when nothing is left to do.
	again, late := Run(t.Context(), Options{Hosts: []recipe.Chain{chain("db1"), chain("db2")}, Open: open, Holder: "test"})
	if again.Changes != 0 || again.Failed != 1 {
		t.Errorf("again: %+v", again)
	}
	for _, err := range []error{err, late} {
		if !errors.Is(err, ErrHosts) || !errors.Is(err, transport.ErrUnreachable) {
			t.Errorf("%v", err)
		}
	}
}

func TestNobodyIsAskedAboutHostsThatCannotBeReached(t *testing.T) {
	open := func(context.Context, string) (transport.Session, error) {
		return nil, fmt.Errorf("no route: %w", transport.ErrUnreachable)
	}
	meet := &recipe.Item{Address: "db:others.x", Cluster: others{meeting{t.TempDir()}}, Hosts: []string{"db1", "db2"}}
	o := Options{Hosts: []recipe.Chain{{Host: "db1", Items: []*recipe.Item{meet}}, {Host: "db2", Items: []*recipe.Item{meet}}}, Open: open, Holder: "test",
		Approve: func(plan.Plan) bool { t.Error("asked"); return false }, Events: func(e Event) {
			if _, ok := e.(Planned); ok {
				t.Error("a plan was made of nothing")
			}
		}}
	for _, o.PlanOnly = range []bool{false, true} {
		if s, err := Run(t.Context(), o); !errors.Is(err, transport.ErrUnreachable) || s.Failed != 2 {
			t.Errorf("%+v %v", s, err)
		}
	}
}
