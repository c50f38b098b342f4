package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	step "haprov/internal/kind/host"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/secret"
	"haprov/internal/transport"
	"haprov/internal/transport/sshtest"
)

// rooted moves a host's state folder under a directory of the test.
type rooted struct {
	transport.Session
	dir string
}

func (r rooted) move(s string) string { return strings.ReplaceAll(s, act.Dir, r.dir) }
func (r rooted) Exchange(ctx context.Context, s string, got func([]byte)) (transport.Result, error) {
	return r.Session.Exchange(ctx, r.move(s), got)
}
func (r rooted) Keep(ctx context.Context, s string) (transport.Result, error) {
	return r.Session.(transport.Keeper).Keep(ctx, r.move(s))
}

// content wants a file to hold a text. It is the least step there is.
type content struct {
	path, text string
	unless     bool
}

func (c content) Probe(probe.Seen) []probe.Query {
	return []probe.Query{{Kind: probe.Text, Name: c.path}}
}
func (c content) Decide(seen probe.Seen) (plan.Change, error) {
	x, ok := seen.Text(c.path)
	if !ok {
		return plan.Change{Later: "not read"}, nil
	}
	if x.Exists && x.Text == c.text {
		return plan.Change{}, nil
	}
	a := act.Action{Title: "write " + filepath.Base(c.path), Write: &act.File{Path: c.path, Content: secret.Plain(c.text)}, Touches: []probe.Subject{probe.Of(probe.File, c.path)}}
	if c.unless {
		a.Unless = "grep -qx " + strings.TrimSpace(c.text) + " " + c.path
	}
	return plan.Change{Diffs: []plan.Diff{{Attribute: "content", Have: x.Text, Want: c.text, Text: true}}, Actions: []act.Action{a}}, nil
}

// copied wants one file to hold what another holds: it must be decided after the other was written.
type copied struct{ from, to string }

func (c copied) Probe(probe.Seen) []probe.Query {
	return []probe.Query{{Kind: probe.Text, Name: c.from}, {Kind: probe.Text, Name: c.to}}
}
func (c copied) Decide(seen probe.Seen) (plan.Change, error) {
	x, _ := seen.Text(c.from)
	if !x.Exists {
		return plan.Change{Later: c.from + " is not there"}, nil
	}
	return content{path: c.to, text: x.Text}.Decide(seen)
}

type lab struct {
	t    *testing.T
	srv  *sshtest.Server
	dirs map[string]string
}

func newLab(t *testing.T) *lab { return &lab{t, sshtest.New(t), map[string]string{}} }

func (l *lab) state(host string) string {
	if l.dirs[host] == "" {
		l.dirs[host] = l.t.TempDir()
	}
	return l.dirs[host]
}

func (l *lab) open(ctx context.Context, host string) (transport.Session, error) {
	s, err := transport.Open(ctx, transport.Target{Name: host, Address: l.srv.Host, Port: l.srv.Port, User: l.srv.User, KeyFiles: []string{l.srv.KeyFile}, KnownHosts: []string{l.srv.KnownHosts}, OnlyKnown: true})
	if err != nil {
		return nil, err
	}
	return rooted{s, l.dirs[host]}, nil
}

func (l *lab) run(hosts ...recipe.Chain) (Summary, error) {
	l.t.Helper()
	for _, h := range hosts {
		l.state(h.Host)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return Run(ctx, Options{Hosts: hosts, Open: l.open, Holder: "test"})
}

func TestTheSecondRunChangesNothingInOneExchange(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	h := recipe.Chain{Host: "db1"}
	for i := range 20 {
		p := fmt.Sprintf("%s/f%d", dir, i)
		h.Items = append(h.Items, &recipe.Item{Address: fmt.Sprint("db1:content.", i), Step: content{path: p, text: fmt.Sprint(i, "\n")}})
	}
	h.Items = append(h.Items, &recipe.Item{Address: "db1:copied.x", Step: copied{dir + "/f3", dir + "/copy"}})
	s, err := l.run(h)
	if err != nil || s.Changes != 21 || s.Failed != 0 {
		t.Fatalf("first: %+v %v", s, err)
	}
	if b, _ := os.ReadFile(dir + "/copy"); string(b) != "3\n" {
		t.Errorf("a step was decided before what it reads was written: %q", b)
	}
	// observe, lock, act, observe the copy's source, act
	if c := s.Counts["db1"]; c.Logins != 1 || c.Execs != 1 || c.Exchanges > 5 {
		t.Errorf("first run's cost: %+v", c)
	}
	s, err = l.run(h)
	if err != nil || s.Changes != 0 || !s.Converged {
		t.Fatalf("second: %+v %v", s, err)
	}
	if c := s.Counts["db1"]; c.Logins != 1 || c.Execs != 1 || c.Exchanges != 1 {
		t.Errorf("second run's cost: %+v", c)
	}
}

func TestSelfGuardedStepsRideInOneBatch(t *testing.T) {
	l, p := newLab(t), filepath.Join(t.TempDir(), "one")
	h := recipe.Chain{Host: "db1"}
	for range 3 { // the same file: each makes the next one's answer stale
		h.Items = append(h.Items, &recipe.Item{Address: "db1:content.x", Step: content{path: p, text: "x\n", unless: true}})
	}
	s, err := l.run(h)
	if err != nil || s.Counts["db1"].Exchanges > 4 {
		t.Errorf("%+v %v", s, err)
	}
}

type failing struct{}

func (failing) Probe(probe.Seen) []probe.Query { return nil }
func (failing) Decide(probe.Seen) (plan.Change, error) {
	return plan.Change{Actions: []act.Action{{Title: "break", Shell: "echo because >&2; exit 4"}}}, nil
}

func TestOneHostsFailureLeavesItsNeighbourAlone(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	s, err := l.run(
		recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db1:failing.x", Step: failing{}}, {Address: "db1:content.x", Step: content{path: dir + "/no", text: "x"}}}},
		recipe.Chain{Host: "db2", Items: []*recipe.Item{{Address: "db2:content.x", Step: content{path: dir + "/yes", text: "x"}}}})
	if !errors.Is(err, ErrHosts) || s.Failed != 1 || s.Changes != 1 {
		t.Errorf("%+v %v", s, err)
	}
	if !strings.Contains(err.Error(), "db1:failing.x: break: exit 4") {
		t.Errorf("message: %v", err)
	}
	if _, err := os.Stat(dir + "/no"); err == nil {
		t.Error("a step ran after the failed one")
	}
}

func TestAHostThatIsDoneWithoutIsNoFailure(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	l.state("db1")
	check := recipe.Check{Text: "each", On: "each", Deadline: time.Second, Runs: []recipe.Run{{Host: "db1", Shell: secret.Plain("true")}, {Host: "db2", Shell: secret.Plain("true")}}}
	o := Options{Holder: "test", Checks: []recipe.Check{check}, Hosts: []recipe.Chain{{Host: "db1", Items: []*recipe.Item{{Address: "db1:content.x", Step: content{path: dir + "/yes", text: "x"}}}}, {Host: "db2"}},
		Open: func(ctx context.Context, host string) (transport.Session, error) {
			if host == "db2" {
				return nil, transport.ErrUnreachable
			}
			return l.open(ctx, host)
		}}
	if s, err := Run(t.Context(), o); !errors.Is(err, transport.ErrUnreachable) || s.Failed != 1 {
		t.Errorf("asked for: %+v %v", s, err)
	}
	o.Without = []string{"db2"}
	if s, err := Run(t.Context(), o); err != nil || s.Failed != 0 {
		t.Errorf("done without: %+v %v", s, err)
	}
}

// meeting is a cluster step: first db1 writes, then db2, then both are asked to agree.
type meeting struct{ dir string }

func (m meeting) Probe(host string, _ probe.Hosts) []probe.Query {
	return []probe.Query{{Kind: probe.Text, Name: m.dir + "/" + host}}
}
func (m meeting) Decide(_, all probe.Hosts) (plan.Phase, error) {
	for _, h := range []string{"db1", "db2"} {
		if all[h].Lost != "" {
			return plan.Phase{}, fmt.Errorf("%s is needed: %s", h, all[h].Lost)
		}
		c := content{path: m.dir + "/" + h, text: "met"}
		if ch, _ := c.Decide(all[h].Seen); !ch.Empty() {
			return plan.Phase{Name: "greet " + h, Changes: map[string]plan.Change{h: ch}}, nil
		}
	}
	return plan.Phase{}, nil
}

func TestAClusterStepJoinsItsHostsPhaseByPhase(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	meet := &recipe.Item{Address: "db:meeting.x", Cluster: meeting{dir}, Hosts: []string{"db1", "db2"}}
	chain := func(h string) recipe.Chain {
		return recipe.Chain{Host: h, Items: []*recipe.Item{{Address: h + ":content.a", Step: content{path: dir + "/a" + h, text: "x"}}, meet, {Address: h + ":content.b", Step: content{path: dir + "/b" + h, text: "x"}}}}
	}
	s, err := l.run(chain("db1"), chain("db2"))
	if err != nil || s.Changes != 6 {
		t.Fatalf("%+v %v", s, err)
	}
	s, err = l.run(chain("db1"), chain("db2"))
	if err != nil || !s.Converged || s.Counts["db1"].Exchanges != 1 || s.Counts["db2"].Exchanges != 1 {
		t.Errorf("second: %+v %v", s, err)
	}
}

func TestAClusterStepHearsOfALostHostAndNobodyHangs(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	meet := &recipe.Item{Address: "db:meeting.x", Cluster: meeting{dir}, Hosts: []string{"db1", "db2"}}
	s, err := l.run(
		recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db1:content.a", Step: content{path: dir + "/a", text: "x"}}, meet}},
		recipe.Chain{Host: "db2", Items: []*recipe.Item{{Address: "db2:failing.x", Step: failing{}}, meet}})
	if err == nil || s.Failed != 2 {
		t.Fatalf("%+v %v", s, err)
	}
	if !strings.Contains(s.Outcomes["db1"].Error(), "db2 is needed") {
		t.Errorf("%v", s.Outcomes["db1"])
	}
}

type circle struct{}

func (circle) Probe(string, probe.Hosts) []probe.Query { return nil }
func (circle) Decide(_, _ probe.Hosts) (plan.Phase, error) {
	return plan.Phase{Name: "again", Changes: map[string]plan.Change{"db1": {Actions: []act.Action{{Shell: "true"}}}}}, nil
}

func TestTheSamePhaseTwiceIsAnError(t *testing.T) {
	l := newLab(t)
	_, err := l.run(recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db:circle.x", Cluster: circle{}, Hosts: []string{"db1"}}}})
	if err == nil || !strings.Contains(err.Error(), "needed again") {
		t.Errorf("%v", err)
	}
}

func TestASecondRunAtOnceIsRefusedWithTheHolder(t *testing.T) {
	l := newLab(t)
	dir := l.state("db1")
	s, err := l.open(t.Context(), "db1")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := Options{Holder: "alice@ops, pid 1", Speed: 0.1}
	h := &host{run: &run{Options: o}, name: "db1", session: s}
	if err := h.lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = Run(t.Context(), Options{Hosts: []recipe.Chain{{Host: "db1", Items: []*recipe.Item{{Address: "db1:content.x", Step: content{path: dir + "/x", text: "x"}}}}}, Open: l.open, Holder: "bob", Speed: 0.1})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "alice@ops") {
		t.Errorf("%v", err)
	}
}

func TestAPlanWritesNothing(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	l.state("db1")
	s, err := Run(t.Context(), Options{Hosts: []recipe.Chain{{Host: "db1", Items: []*recipe.Item{
		{Address: "db1:content.x", Step: content{path: dir + "/x", text: "x"}},
		{Address: "db1:copied.x", Step: copied{dir + "/x", dir + "/y"}}}}}, Open: l.open, PlanOnly: true})
	if err != nil || s.Changes != 2 || !s.Seen.Items[1].Provisional {
		t.Errorf("%+v %v", s, err)
	}
	if fs, _ := os.ReadDir(dir); len(fs) != 0 {
		t.Errorf("written: %v", fs)
	}
}

func TestAnUnfinishedBatchRunsOnAndTheNextRunWaitsForIt(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	l.state("db1")
	slow := act.Action{Title: "slow", Shell: "i=0; while [ ! -e " + dir + "/go ] && [ $i -lt 300 ]; do i=$((i+1)); sleep 0.1; done; echo done >" + dir + "/slow"}
	s, err := l.open(t.Context(), "db1")
	if err != nil {
		t.Fatal(err)
	}
	h := &host{run: &run{Options: Options{Speed: 1, Holder: "killed"}}, name: "db1", session: s}
	if err := h.lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{})
	h.Events = func(e Event) {
		if _, ok := e.(Started); ok {
			close(begun)
		}
	}
	go func() { _ = h.perform(t.Context(), []batchItem{{address: "db1:slow", action: slow}}) }()
	<-begun
	s.Close() // the controller dies
	waited := false
	var since time.Time
	// The batch outlasts by far the moment in which a run that was just killed may still be seen.
	sum, err := Run(t.Context(), Options{Open: l.open, Holder: "next", Speed: 0.02, Events: func(e Event) {
		if x, ok := e.(Exchanged); ok && x.What == "lock" {
			if since.IsZero() {
				since = time.Now()
			}
			if time.Since(since) > 500*time.Millisecond {
				_ = os.WriteFile(dir+"/go", nil, 0o600)
			}
		}
		if w, ok := e.(Waiting); ok {
			waited = waited || strings.Contains(w.Reason, "earlier run")
		}
	}, Hosts: []recipe.Chain{{Host: "db1", Items: []*recipe.Item{{Address: "db1:content.x", Step: content{path: dir + "/x", text: "x"}}}}}})
	if err != nil || sum.Changes != 1 || !waited {
		t.Fatalf("waited %v: %+v %v", waited, sum, err)
	}
	if b, _ := os.ReadFile(dir + "/slow"); string(b) != "done\n" {
		t.Errorf("the batch did not run to its end: %q", b)
	}
}

func TestACheckIsTriedOnTheActiveHostUntilItSucceeds(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	l.state("db1")
	l.state("db2")
	ok := recipe.Check{Text: "the third try succeeds", On: "active", Deadline: time.Minute}
	no := recipe.Check{Text: "never", On: "each", Deadline: time.Millisecond}
	var active []recipe.Run
	for _, h := range []string{"db1", "db2"} {
		ok.Runs = append(ok.Runs, recipe.Run{Host: h, Shell: secret.Plain("echo " + h + " >>" + dir + "/tries; [ $(wc -l <" + dir + "/tries) -ge 3 ]")})
		no.Runs = append(no.Runs, recipe.Run{Host: h, Shell: secret.Plain("echo sad; false")})
		active = append(active, recipe.Run{Host: h, Shell: secret.Plain("[ " + h + " = db2 ]")})
	}
	var got []Checked
	_, err := Run(t.Context(), Options{Hosts: []recipe.Chain{{Host: "db1"}, {Host: "db2"}}, Open: l.open, Checks: []recipe.Check{ok, no}, Active: active, Events: func(e Event) {
		if c, ok := e.(Checked); ok {
			got = append(got, c)
		}
	}})
	if !errors.Is(err, ErrCheck) || len(got) != 2 {
		t.Fatalf("%v %+v", err, got)
	}
	if got[0].Err != nil || got[0].Host != "db2" || got[1].Err == nil || !strings.Contains(got[1].Output, "sad") {
		t.Errorf("%+v", got)
	}
	if b, _ := os.ReadFile(dir + "/tries"); strings.Contains(string(b), "db1") {
		t.Error("the check ran on a host that is not active")
	}
}

func TestChecksThatReadRideWithTheFirstQuestions(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	l.state("db1")
	reads := recipe.Check{Text: "reads", On: "one", Deadline: time.Minute, Runs: []recipe.Run{{Host: "db1", Shell: secret.Plain("echo x >>" + dir + "/reads")}}}
	writes := recipe.Check{Text: "writes", On: "one", Deadline: time.Minute, Writes: true, Runs: []recipe.Run{{Host: "db1", Shell: secret.Plain("echo x >>" + dir + "/writes")}}}
	step := recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db1:content.x", Step: content{path: dir + "/x", text: "x"}}}}
	lines := func(name string) int {
		b, _ := os.ReadFile(dir + "/" + name)
		return strings.Count(string(b), "\n")
	}
	run := func() (exchanges int, s Summary) {
		s, err := Run(t.Context(), Options{Hosts: []recipe.Chain{step}, Open: l.open, Holder: "test", Checks: []recipe.Check{reads, writes}, Events: func(e Event) {
			if _, ok := e.(Exchanged); ok {
				exchanges++
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return exchanges, s
	}
	// What was read before the change says nothing about the time after it.
	if _, s := run(); s.Changes != 1 || lines("reads") != 2 || lines("writes") != 1 {
		t.Fatalf("%+v, %d reads, %d writes", s, lines("reads"), lines("writes"))
	}
	if n, s := run(); s.Changes != 0 || n != 1 || lines("reads") != 3 || lines("writes") != 1 {
		t.Errorf("%+v in %d exchanges, %d reads, %d writes", s, n, lines("reads"), lines("writes"))
	}
}

// moving is a cluster step whose host changes once between decision and action.
type moving struct{ dir string }

func (m moving) Probe(string, probe.Hosts) []probe.Query {
	return []probe.Query{{Kind: probe.Text, Name: m.dir + "/done"}}
}
func (m moving) Decide(_, all probe.Hosts) (plan.Phase, error) {
	if x, _ := all["db1"].Text(m.dir + "/done"); x.Exists {
		return plan.Phase{}, nil
	}
	a := act.Action{Title: "act on it", Shell: "touch " + m.dir + "/done", Guard: "[ -e " + m.dir + "/moved ] || { touch " + m.dir + "/moved; false; }"}
	return plan.Phase{Name: "act", Changes: map[string]plan.Change{"db1": {Diffs: []plan.Diff{{Attribute: "x"}}, Actions: []act.Action{a}}}}, nil
}

func TestARefusedPhaseIsDecidedAnew(t *testing.T) {
	l := newLab(t)
	s, err := l.run(recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db:moving.x", Cluster: moving{t.TempDir()}, Hosts: []string{"db1"}}}})
	if err != nil || s.Failed != 0 || s.Changes != 1 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestAHostThatIsRefusedKeepsAllOthersFromChanging(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	floor := &step.Requirement{Name: "recent enough", Test: "echo 'this is version 1'; false"}
	_, err := l.run(
		recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db1:requirement.x", Step: floor}, {Address: "db1:content.x", Step: content{path: dir + "/one"}}}},
		recipe.Chain{Host: "db2", Items: []*recipe.Item{{Address: "db2:content.x", Step: content{path: dir + "/two", text: "2"}}}},
	)
	if !errors.Is(err, kind.ErrRequirement) || !strings.Contains(err.Error(), "this is version 1") {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v was written all the same", left)
	}
}
