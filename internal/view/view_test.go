package view

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"haprov/internal/engine"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
)

func TestRemoteTextCannotSteerTheTerminal(t *testing.T) {
	got := Clean("a\x1b[2Jb\u202ec\td")
	if want := `a\u001b[2Jb\u202ec` + "\td"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What hosts say stands in the names of phases and actions, too: a proxy names its servers, a CIB the
// node that a switchover goes to.
func TestNoEventCarriesRemoteTextRawToTheTerminal(t *testing.T) {
	const evil = "a\u009b2Jb\x1b]0;x\x07c\u202e"
	change := plan.Change{Diffs: []plan.Diff{{Attribute: evil, Have: evil, Want: evil}, {Attribute: evil, Want: evil + "\n" + evil, Text: true}, {Attribute: evil, Have: evil, Want: "x", Text: true, Danger: evil}}}
	p := engine.Planned{Plan: plan.Plan{Items: []plan.Item{
		{Host: "db1", Address: "db:pacemaker.cib", Phase: evil, Change: change, Then: []string{evil}}, {Address: "x", Change: plan.Change{Later: evil}}}}}
	err := errors.New(evil)
	events := []engine.Event{p, engine.Phase{Address: "db:pacemaker.cib", Name: evil}, engine.Started{Host: "db1", Title: evil}, engine.Done{Host: "db1", Title: evil, Took: time.Second},
		engine.Done{Host: "db2", Title: "last"}, engine.Noted{Address: "x", Text: evil}, engine.Waiting{Hosts: []string{"db1"}, Reason: evil, Left: time.Minute},
		engine.Failed{Host: "db1", Address: "x", Err: err, Command: evil, Output: evil}, engine.Checked{Text: "x", Err: err, Output: evil}}
	for _, brief := range []bool{false, true} {
		var out bytes.Buffer
		human := &Human{Out: &out, Err: &out, Verbose: true, Brief: brief}
		lively := &Live{Human: &Human{Out: &out, Err: &out}, Screen: &Screen{To: io.Discard}}
		for _, e := range events {
			human.Event(e)
			lively.Event(e)
			out.WriteString(strings.Join(lively.Screen.foot, "\n") + "\n")
		}
		if i := strings.IndexAny(out.String(), "\u009b\x1b\x07\u202e"); i >= 0 {
			t.Errorf("brief %v: %q", brief, out.String()[max(0, i-60):i+10])
		}
	}
}

func TestEveryJSONLineHasATypeAndTheLastIsTheSummary(t *testing.T) {
	var out bytes.Buffer
	v := &JSON{Out: &out}
	v.Event(engine.Connected{Host: "db1", Took: time.Second})
	v.Event(engine.Failed{Host: "db1", Address: "db1:package.x", Err: errors.New("exit 100")})
	v.Summary(engine.Summary{Changes: 3, Hosts: 2, Failed: 1, Took: 1500 * time.Millisecond}, engine.ErrHosts)
	var last map[string]any
	for _, l := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		last = nil
		if err := json.Unmarshal([]byte(l), &last); err != nil || last["type"] == nil {
			t.Fatalf("%s: %v", l, err)
		}
	}
	for k, want := range map[string]any{"type": "summary", "changes": 3.0, "hosts": 2.0, "failed": 1.0, "seconds": 1.5} {
		if last[k] != want {
			t.Errorf("%s: got %v, want %v", k, last[k], want)
		}
	}
}

func TestAPlanShowsTextsAsDiffsAndMarksDanger(t *testing.T) {
	var out bytes.Buffer
	v := &Human{Out: &out, Err: &out, PlanOnly: true}
	v.Event(engine.Planned{Plan: plan.Plan{Items: []plan.Item{{Host: "db1", Address: "db1:file./etc/x", Change: plan.Change{Diffs: []plan.Diff{
		{Attribute: "content", Have: "one\ntwo\n", Want: "one\nthree\n", Text: true},
		{Attribute: "filesystem", Have: "xfs", Want: "ext4", Danger: "all data on /dev/vdb"},
	}}}}}})
	for _, want := range []string{"db1:file./etc/x", "-two", "+three", "destroys: all data on /dev/vdb", "xfs -> ext4", "1 to change"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colour where none was asked for")
	}
	out.Reset()
	v.Summary(engine.Summary{Hosts: 2, Changes: 3}, nil)
	if got := out.String(); got != "2 hosts checked, 0 failed, nothing was changed, 0s\n" {
		t.Errorf("a plan ends with %q", got)
	}
}

func TestAGraphJoinsHostsAtClusterSteps(t *testing.T) {
	ring := &recipe.Item{Address: "db:corosync.ring"}
	var out bytes.Buffer
	err := Graph(&out, &recipe.Program{Clusters: []recipe.Cluster{{Chains: []recipe.Chain{
		{Host: "db1", Items: []*recipe.Item{{Address: "db1:package.corosync"}, ring}},
		{Host: "db2", Items: []*recipe.Item{ring}},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"db1" -> "db1:package.corosync"`, `"db1:package.corosync" -> "db:corosync.ring"`, `"db2" -> "db:corosync.ring"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %s in\n%s", want, &out)
		}
	}
}

func TestMermaidJoinsHostsAtClusterStepsAndKeepsLabelsHarmless(t *testing.T) {
	ring := &recipe.Item{Address: "db:corosync.ring", Cluster: nothing{}}
	var out bytes.Buffer
	err := Mermaid(&out, &recipe.Program{Clusters: []recipe.Cluster{{Chains: []recipe.Chain{
		{Host: "db1", Items: []*recipe.Item{{Address: "db1:command.say \"hi\""}, {Address: "db1:package.x"}, ring}},
		{Host: "db2", Items: []*recipe.Item{ring}},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	want := "flowchart LR\n  n0([\"db1\"])\n  n1[\"command.say #quot;hi#quot;<br/>package.x\"]\n  n0 --> n1\n  n2{{\"db:corosync.ring\"}}\n  n1 --> n2\n  n3([\"db2\"])\n  n3 --> n2\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

type nothing struct{}

func (nothing) Probe(string, probe.Hosts) []probe.Query     { return nil }
func (nothing) Decide(_, _ probe.Hosts) (plan.Phase, error) { return plan.Phase{}, nil }

func TestTheTableSaysWhatBecameOfEachHost(t *testing.T) {
	var out bytes.Buffer
	v := &Human{Out: &out, Err: io.Discard}
	for _, h := range []string{"db1", "db2", "db3", "db4", "db5"} {
		v.Event(engine.Connected{Host: h})
	}
	v.Event(engine.Done{Host: "db2", Title: "write /etc/x"})
	v.Summary(engine.Summary{Changes: 1, Hosts: 5, Failed: 3, Outcomes: map[string]error{
		"db3": errors.New("exit 1"), "db4": context.Canceled, "db5": fmt.Errorf("db5:barrier.x: %w: needs db3, which failed", kind.ErrSkipped)}}, engine.ErrHosts)
	for _, want := range []string{"db1   0        0.0 s  unchanged", "db2   1        0.0 s  converged", "db3   0        0.0 s  failed", "db4   0        0.0 s  interrupted", "db5   0        0.0 s  skipped",
		"1 changes on 5 hosts, 2 failed, 1 interrupted, "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in\n%s", want, &out)
		}
	}
}

func TestAHostThatWasNotTriedSaysWhoseFailureItIs(t *testing.T) {
	var out bytes.Buffer
	v := &Human{Out: &out, Err: &out}
	v.Event(engine.Failed{Host: "proxy1", Address: "db:barrier.up", Err: fmt.Errorf("%w: needs db1, db2, which failed", kind.ErrSkipped)})
	if got := out.String(); got != "proxy1   skipped: needs db1, db2, which failed\n" {
		t.Errorf("got %q", got)
	}
}

func TestAPlanThatKnowsNoChangeYetSaysWhatItWaitsFor(t *testing.T) {
	var out bytes.Buffer
	v := &Human{Out: &out, Err: &out, PlanOnly: true}
	v.Event(engine.Planned{Plan: plan.Plan{Items: []plan.Item{{Address: "db:galera.db", Phase: "start", Change: plan.Change{Wait: &plan.Wait{Reason: "the group has a quorum"}}}}}})
	if want := "no changes known yet; waiting for: the group has a quorum\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q", &out)
	}
}

func TestPackagesOfOneTransactionShareALine(t *testing.T) {
	var out bytes.Buffer
	v := &Human{Out: io.Discard, Err: &out}
	for i, title := range []string{"install a", "put b there", "install c"} {
		v.Event(engine.Done{Host: "db1", Title: title, Nth: i + 1, Of: 3})
		v.Event(engine.Done{Host: "db2", Title: "install alone", Nth: 1, Of: 1})
	}
	v.Event(engine.Done{Host: "db1", Title: "install a service by hand"})
	for text, n := range map[string]int{"install a and 2 more": 1, "install alone (": 3, "put b": 0, "install a service by hand (": 1} {
		if strings.Count(out.String(), text) != n {
			t.Errorf("%q: want %d in\n%s", text, n, &out)
		}
	}
}

func TestATimeoutIsAdvisedOnByItsKind(t *testing.T) {
	if cause, _ := Advice("db1", fmt.Errorf("wait: exit 124: %w", engine.ErrOverran), ""); !strings.Contains(cause, "longer than its timeout") {
		t.Error(cause)
	}
	if cause, _ := Advice("db1", errors.New("a command that says: exit 124"), ""); cause != "" {
		t.Error(cause)
	}
}
