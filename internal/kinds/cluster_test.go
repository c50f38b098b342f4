package kinds

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// A case of a cluster kind is one file as well:
//
//	-- step --          the attributes, as for a host step
//	-- intent --        optional: what is asked of it, as {"Verb": "restart"}
//	-- host NAME --     the answers of one host, in the order of the role; `lost = WHY` for one that is away
//	-- begin NAME --    optional: answers that were others when the run began
//	-- want --          what is asked of each host and the next phase (golden)
//	-- after NAME --    optional: answers that have changed when it is done; then nothing differs
//
// Host number n has the address 10.0.0.n in each network.
func TestClusterStepsDecideAsTheirCasesSay(t *testing.T) {
	files, err := filepath.Glob(*cases + "/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		s, ok := Lookup(filepath.Base(filepath.Dir(f)))
		if _, cluster := s.New().(kind.Cluster); ok && cluster {
			t.Run(strings.TrimSuffix(strings.TrimPrefix(f, *cases+"/"), ".txtar"), func(t *testing.T) { runClusterCase(t, f, s) })
		}
	}
}

// look is what the hosts of a case say at one moment.
type look struct {
	names []string
	lost  map[string]string
	known map[string]map[string]probe.Answer
}

// with is the look with the answers of the parts WHAT NAME in place of its own.
func (l look) with(t *testing.T, ar *txtar.Archive, what string) look {
	out := look{names: l.names, lost: map[string]string{}, known: map[string]map[string]probe.Answer{}}
	for n, as := range l.known {
		out.known[n] = map[string]probe.Answer{}
		for k, a := range as {
			out.known[n][k] = a
		}
		out.lost[n] = l.lost[n]
	}
	for _, f := range ar.Files {
		name, ok := strings.CutPrefix(f.Name, what+" ")
		if !ok {
			continue
		}
		if out.known[name] == nil {
			out.names, out.known[name] = append(out.names, name), map[string]probe.Answer{}
		}
		for k, a := range answers(t, string(f.Data)) {
			if k == "lost" {
				out.lost[name] = a.Out
				continue
			}
			out.known[name][k] = a
		}
	}
	return out
}

func runClusterCase(t *testing.T, file string, s kind.Spec) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	part := map[string]*txtar.File{}
	for i, f := range ar.Files {
		part[f.Name] = &ar.Files[i]
	}
	if part["step"] == nil || part["want"] == nil {
		t.Fatal("a case has the parts step and want")
	}
	now := look{}.with(t, ar, "host")
	v := s.New()
	decodeStep(t, v, string(part["step"].Data))
	if at := reflect.ValueOf(v).Elem().FieldByName("Where"); at.IsValid() {
		at.Set(reflect.ValueOf(kind.Where{Label: "case", Nodes: nodes(now.names), Speed: 1}))
	}
	step := v.(kind.Cluster)
	got := ""
	if c, ok := v.(kind.Checker); ok {
		for _, p := range c.Check() {
			got += fmt.Sprintf("problem: %s: %s: %s\n", p.Attribute, p.Summary, p.Detail)
		}
	}
	if p := part["intent"]; p != nil && got == "" {
		var in plan.Intent
		if err := setField(reflect.ValueOf(&in).Elem(), string(p.Data)); err != nil {
			t.Fatal(err)
		}
		if step, err = v.(kind.Intended).Intend(in); err != nil {
			got = "intent refused: " + err.Error() + "\n"
		}
	}
	if got == "" {
		got = decide(t, step, now.with(t, ar, "begin"), now)
	}
	if *update {
		part["want"].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want := string(part["want"].Data); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if !slices.ContainsFunc(ar.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "after ") }) {
		return
	}
	if text := decide(t, step, now.with(t, ar, "begin"), now.with(t, ar, "after")); !strings.HasSuffix(text, "nothing differs\n") {
		t.Errorf("when it is done, something is still to be done:\n%s", text)
	}
}

func nodes(names []string) (out []kind.Node) {
	for i, n := range names {
		at := []string{fmt.Sprintf("10.0.0.%d", i+1)}
		out = append(out, kind.Node{Name: n, Addresses: map[string][]string{"ring": at, "replication": at, "service": at, "ssh": at}})
	}
	return out
}

// decide asks all hosts and decides, as the engine does, and says it in text.
func decide(t *testing.T, step kind.Cluster, begin, now look) string {
	t.Helper()
	var b strings.Builder
	first, seen := asked(t, step, begin, nil), asked(t, step, now, &b)
	b.WriteString("\n")
	ph, err := kindtest.DecideLater(t, step, first, seen)
	b.WriteString(sayPhase(now.names, ph, err))
	return print8.ReplaceAllString(b.String(), "fingerprint ########")
}

// asked asks each host alone, as at a run's first look, and then all of them together.
func asked(t *testing.T, step kind.Cluster, l look, b *strings.Builder) probe.Hosts {
	t.Helper()
	all := probe.Hosts{}
	for _, n := range l.names {
		all[n] = probe.HostSeen{Seen: probe.NewSeen(nil), Lost: l.lost[n]}
	}
	for _, alone := range []bool{true, false} {
		for _, n := range l.names {
			if l.lost[n] != "" {
				continue
			}
			for round := 1; ; round++ {
				known := all
				if alone {
					known = probe.Hosts{n: all[n]}
				}
				qs := step.Probe(n, known)
				kindtest.NoteQueries(qs...)
				if len(qs) == 0 {
					break
				}
				if round > 3 {
					t.Fatal("asks a fourth time")
				}
				got := map[probe.Key]probe.Answer{}
				for _, q := range qs {
					name := string(q.Kind) + ":" + q.Name
					if b != nil {
						fmt.Fprintf(b, "ask %s: %s\n", n, name)
					}
					a, ok := l.known[n][name]
					if !ok {
						t.Errorf("%s has no answer to %s", n, name)
						a.State = probe.Unanswered
					}
					got[q.Key()] = a
				}
				all[n] = probe.HostSeen{Seen: all[n].Seen.With(got)}
			}
		}
	}
	return all
}

func sayPhase(names []string, ph plan.Phase, err error) string {
	if err != nil {
		if errors.Is(err, kind.ErrSkipped) {
			return "skipped: " + err.Error() + "\n"
		}
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	say := func(what, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s: %s\n", what, text)
		}
	}
	say("note", ph.Note)
	for _, p := range ph.Proofs {
		say("proof", p.Host+" "+p.State)
	}
	if ph.Empty() {
		return b.String() + "nothing differs\n"
	}
	say("phase", ph.Name)
	say("then", strings.Join(ph.Then, ", "))
	say("away", strings.Join(ph.Away, " "))
	if ph.Tries > 0 {
		say("tries", fmt.Sprint(ph.Tries))
	}
	if ph.Record {
		say("record", "only")
	}
	if w := ph.Wait; w != nil {
		say("wait", fmt.Sprintf("%s, at most %s", w.Text(), w.Deadline))
	}
	for _, n := range names {
		if c, ok := ph.Changes[n]; ok {
			fmt.Fprintf(&b, "on %s:\n%s", n, sayChange(c, nil))
		}
	}
	return b.String()
}
