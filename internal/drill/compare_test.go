package drill

import (
	"fmt"
	"testing"

	"haprov/internal/drill/judge"
)

func TestCompare(t *testing.T) {
	judged := []judge.Verdict{{Word: judge.Pass}}
	run := func(outages ...float64) (s Summary) {
		for _, o := range outages {
			s.Add(Result{Name: "power", Outage: o, Verdicts: judged, Parts: []Part{{"detect", o / 2}}})
		}
		s.Add(Result{Name: "never begun"})
		return s
	}
	before, after := run(10, 14, 12), run(6)
	after.Add(Result{Name: "only here", Outage: 3, Verdicts: judged})
	got := Compare(before, after)
	if want := "[{power outage 12.0 s (10.0 to 14.0 of 3) 6.0 s} {power detect 6.0 s (5.0 to 7.0 of 3) 3.0 s}]"; fmt.Sprint(got) != want {
		t.Errorf("%v\n%s", got, want)
	}
}
