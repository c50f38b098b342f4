package judge

import (
	"fmt"
	"slices"

	"haprov/internal/drill/history"
)

// Digest compares what the hosts hold at the end: of each thing that two hosts or more were read for,
// all hold the same, in whatever order.
func Digest(h *history.History, _ Expect) Verdict {
	first := map[string]history.Scan{}
	compared := 0
	doubt := ""
	for _, s := range h.Scans {
		if s.Host == "" {
			continue // through the endpoint: some host's
		}
		if s.Error != "" {
			doubt = fmt.Sprintf("%s could not be read at the end: %s", s.Host, s.Error)
			continue
		}
		s.Values = slices.Sorted(slices.Values(s.Values))
		a, ok := first[s.Of]
		if !ok {
			first[s.Of] = s
			continue
		}
		compared++
		if !slices.Equal(a.Values, s.Values) {
			return Verdict{Word: Fail, Why: fmt.Sprintf("%s and %s hold different things (%s): %s", a.Host, s.Host, s.Of, differs(a, s)),
				Numbers: map[string]float64{"compared": float64(compared)}}
		}
	}
	switch {
	case doubt != "":
		return unknown(doubt)
	case compared == 0:
		return unknown("no two hosts were read at the end")
	}
	return Verdict{Word: Pass, Why: fmt.Sprintf("%d comparisons of what two hosts hold, no difference", compared), Numbers: map[string]float64{"compared": float64(compared)}}
}

// differs names a value that one of two sorted scans has more often than the other.
func differs(a, b history.Scan) string {
	x, y := a.Values, b.Values
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	if len(y) == 0 || len(x) > 0 && x[0] < y[0] {
		return fmt.Sprintf("%.40q is on %s alone", x[0], a.Host)
	}
	return fmt.Sprintf("%.40q is on %s alone", y[0], b.Host)
}
