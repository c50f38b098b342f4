// Package kindtest has what the tests of several families of kinds use. It must not know any kind.
package kindtest

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

const nonce = "00112233445566778899"

// Answer is one host's answer to a query of a cluster step.
func Answer(q probe.Query, exit int, out string) map[probe.Key]probe.Answer {
	NoteQueries(q)
	return map[probe.Key]probe.Answer{q.Key(): {State: probe.Answered, Exit: exit, Out: out}}
}

// Expect holds a phase against the case of a table: its name, a part of its wait or of its refusal.
func Expect(t *testing.T, name string, ph plan.Phase, err error, phase, waits, refused string) {
	t.Helper()
	for _, c := range ph.Changes {
		NoteActions(c.Actions...)
	}
	switch {
	case refused != "":
		if err == nil || !strings.Contains(err.Error(), refused) {
			t.Errorf("%s: want refusal %q, got %q %v", name, refused, ph.Name, err)
		}
	case err != nil:
		t.Errorf("%s: %v", name, err)
	case ph.Name != phase:
		t.Errorf("%s: phase %q, want %q", name, ph.Name, phase)
	case (ph.Wait != nil) != (waits != "") || ph.Wait != nil && !strings.Contains(ph.Wait.Text(), waits):
		t.Errorf("%s: wait %+v, want %q", name, ph.Wait, waits)
	case ph.Wait != nil && strings.Contains(ph.Wait.Reason, " ("):
		t.Errorf("%s: the reason %q of a wait holds how far it is: that is its progress", name, ph.Wait.Reason)
	}
}

// Decide lets a cluster step decide at the first look, where what was seen when the run began is
// what is seen now.
func Decide(t *testing.T, step kind.Cluster, seen probe.Hosts) (plan.Phase, error) {
	t.Helper()
	return DecideLater(t, step, seen, seen)
}

// DecideLater lets a cluster step decide in the course of a run. It decides twice, and must decide
// the same: a step that remembers something, or changes what it was given, fails the test.
func DecideLater(t *testing.T, step kind.Cluster, begin, now probe.Hosts) (plan.Phase, error) {
	t.Helper()
	before := print(step)
	ph, err := step.Decide(begin, now)
	if after := print(step); after != before {
		t.Errorf("Decide changed its step\nfrom %s\nto   %s", before, after)
	}
	again, second := step.Decide(begin, now)
	if a, b := print(ph), print(again); a != b || fmt.Sprint(err) != fmt.Sprint(second) {
		t.Errorf("decided twice, and not the same:\n%s %v\n%s %v", a, err, b, second)
	}
	return ph, err
}

// print writes a value out, all that it points to included.
func print(v any) string {
	return string(appendValue(nil, reflect.ValueOf(v)))
}

func appendValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(b, "nil"...)
		}
		return appendValue(append(b, '&'), v.Elem())
	case reflect.Struct:
		b = append(b, '{')
		for i := range v.NumField() {
			b = append(appendValue(append(b, v.Type().Field(i).Name+":"...), v.Field(i)), ' ')
		}
		return append(b, '}')
	case reflect.Slice, reflect.Array:
		b = append(b, '[')
		for i := range v.Len() {
			b = append(appendValue(b, v.Index(i)), ' ')
		}
		return append(b, ']')
	case reflect.Map:
		var entries []string
		for _, k := range v.MapKeys() {
			entries = append(entries, string(appendValue(append(appendValue(nil, k), ':'), v.MapIndex(k))))
		}
		slices.Sort(entries)
		return fmt.Append(b, entries)
	case reflect.Func:
		return append(b, "func"...)
	}
	return fmt.Append(b, v)
}

// Run does actions in a shell here, as a host would, and holds that none fails.
func Run(t *testing.T, as ...act.Action) []act.Result {
	t.Helper()
	rs := Try(t, as...)
	for i, r := range rs {
		if r.State == act.Failed || r.State == act.NotRun {
			t.Errorf("%s: %+v", as[i].Title, r)
		}
	}
	return rs
}

// Try does actions in a shell here, as a host would.
func Try(t *testing.T, as ...act.Action) []act.Result {
	t.Helper()
	NoteActions(as...)
	sh := exec.Command("sh")
	sh.Stdin = strings.NewReader(strings.ReplaceAll(act.Script(as, nonce), act.Dir, t.TempDir()))
	out, _ := sh.CombinedOutput()
	r := act.NewReader(len(as), nonce)
	r.Feed(out)
	return r.Results()
}

// Write makes a file of mode 0640.
func Write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

// ProcLine is /proc/drbd of DRBD 8.4 with one volume.
func ProcLine(s string) string {
	return "version: 8.4.11 (api:1/proto:86-101)\n 0: " + s + " C r-----\n"
}
