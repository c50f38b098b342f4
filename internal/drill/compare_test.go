package drill

import (
	"fmt"
	"strings"
	"testing"

	"haprov/internal/drill/judge"
)

func TestCompare(t *testing.T) {
	judged := []judge.Verdict{{Judge: "outage", Word: judge.Pass}}
	run := func(outages ...float64) (s Summary) {
		for _, o := range outages {
			s.Add(Result{Name: "power", Outage: o, Stall: 1, Healed: 2, Verdicts: judged, Parts: []Part{{"detect", o / 2}}})
		}
		s.Add(Result{Name: "never begun"})
		s.Add(Result{Name: "power", Verdicts: []judge.Verdict{{Judge: "outage", Word: judge.Unknown}}})
		return s
	}
	before, after := run(10, 14, 12), run(6)
	after.Add(Result{Name: "only here", Outage: 3, Verdicts: judged})
	got := Compare(before, after)
	if want := "[{power outage 12.0 s (10.0 to 14.0 of 3) 6.0 s} {power no row 1.0 s (1.0 to 1.0 of 3) 1.0 s} {power healthy after 2.0 s (2.0 to 2.0 of 3) 2.0 s} {power detect 6.0 s (5.0 to 7.0 of 3) 3.0 s}]"; fmt.Sprint(got) != want {
		t.Errorf("%v\n%s", got, want)
	}
}

// A drill that ran several times shows how its times spread; a run whose outage is not known has none.
func TestRepeats(t *testing.T) {
	var s Summary
	for i := range 20 {
		s.Add(Result{Name: "power", Word: judge.Pass, Outage: float64(20 - i), Verdicts: []judge.Verdict{{Judge: "outage", Word: judge.Pass}}})
	}
	s.Add(Result{Name: "power", Word: judge.Unknown})
	s.Add(Result{Name: "once", Word: judge.Pass, Verdicts: []judge.Verdict{{Judge: "outage", Word: judge.Pass}}})
	got := s.Repeated()
	if len(got) != 1 || got[0].Runs != 21 || got[0].Pass != 20 || got[0].Unknown != 1 || got[0].Times[0] != (Times{"outage", Spread{Median: 10.5, Least: 1, Most: 20, P95: 19, N: 20}}) {
		t.Errorf("%+v", got)
	}
	page, err := Report(s)
	if err != nil || !strings.Contains(string(page), "21 runs: 20 pass, 0 fail, 1 unknown") || !strings.Contains(string(page), "<td>19.0 s</td>") {
		t.Errorf("%v\n%s", err, page)
	}
}
