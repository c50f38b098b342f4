package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
)

// counted reads a file, adds a line to it in each phase, and keeps all that it was given.
type counted struct {
	path  string
	most  int // lines that are enough; 0: never
	tries int
	began *[]string
}

func (c counted) text() probe.Query {
	return probe.Cmd("lines", "cat "+c.path+" 2>/dev/null | wc -l", probe.Of(probe.File, c.path))
}
func (c counted) Probe(string, probe.Hosts) []probe.Query { return []probe.Query{c.text()} }
func (c counted) Decide(begin, now probe.Hosts) (plan.Phase, error) {
	lines := func(h probe.Hosts) string { return strings.TrimSpace(h["db1"].Get(c.text()).Out) }
	*c.began = append(*c.began, lines(begin)+" "+lines(now))
	if lines(now) == fmt.Sprint(c.most) {
		return plan.Phase{}, nil
	}
	return plan.Phase{Name: "add a line", Tries: c.tries, Wait: &plan.Wait{Reason: "there are enough", Deadline: time.Millisecond},
		Changes: map[string]plan.Change{"db1": {Actions: []act.Action{{Shell: "echo >>" + c.path, Touches: []probe.Subject{probe.All}}}}}}, nil
}

func TestAStepIsToldWhatWasSeenWhenTheRunBegan(t *testing.T) {
	l := newLab(t)
	var began []string
	step := counted{path: l.state("db1") + "/lines", most: 2, tries: 5, began: &began}
	if _, err := l.run(recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db:counted.x", Cluster: step, Hosts: []string{"db1"}}}}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(began, ", "); got != "0 0, 0 0, 0 1, 0 2" {
		t.Errorf("decided from %s", got)
	}
}

func TestAPhaseThatMayRepeatIsTriedSoOftenAndThenWaitedFor(t *testing.T) {
	l := newLab(t)
	var began []string
	step := counted{path: l.state("db1") + "/lines", most: -1, tries: 3, began: &began}
	_, err := l.run(recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db:counted.x", Cluster: step, Hosts: []string{"db1"}}}})
	if err == nil || !strings.Contains(err.Error(), "there are enough") {
		t.Errorf("%v", err)
	}
	if last := began[len(began)-1]; last != "0 3" {
		t.Errorf("at the end: %s", last)
	}
}
