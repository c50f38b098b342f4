package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"haprov/internal/drill/history"
)

// Acked looks for rows that were acknowledged and are missing on a host (lost), that failed for certain
// and are there (resurrected), and that one host has twice (double).
func Acked(h *history.History, _ Expect) Verdict {
	scans, doubt := scansOf(h, "add")
	have := make([]map[string]int, len(scans))
	hosts := map[string]bool{} // with something wrong
	double := map[string]bool{}
	for i, s := range scans {
		have[i] = map[string]int{}
		for _, id := range s.Values {
			if have[i][id]++; have[i][id] == 2 {
				double[id], hosts[s.Host] = true, true
			}
		}
	}
	var acked, open, lost, risen int
	v := Verdict{Word: Pass}
	for _, o := range h.Of("add", "member") {
		missing, there := false, false
		for i, s := range scans {
			got := have[i][o.In] > 0
			missing, there = missing || !got, there || got
			if o.Outcome == history.OK && !got || o.Outcome == history.Fail && o.In != "" && got {
				hosts[s.Host] = true
			}
		}
		wrong := double[o.In]
		switch {
		case o.Outcome == history.OK:
			acked++
			if missing {
				lost, wrong = lost+1, true
			}
		case o.Outcome == history.Info:
			open++
		case o.In != "" && there:
			risen, wrong = risen+1, true
		}
		if wrong {
			v.Evidence = append(v.Evidence, o)
		}
	}
	v.Evidence = few(v.Evidence)
	v.Numbers = map[string]float64{"acknowledged": float64(acked), "unknown": float64(open),
		"lost": float64(lost), "resurrected": float64(risen), "double": float64(len(double))}
	v.Why = fmt.Sprintf("%d rows acknowledged, %d lost", acked, lost)
	if risen > 0 {
		v.Why += fmt.Sprintf(", %d there though they had failed", risen)
	}
	if len(double) > 0 {
		v.Why += fmt.Sprintf(", %d there twice", len(double))
	}
	switch {
	case len(hosts) > 0:
		v.Word = Fail
		v.Why += " on " + strings.Join(slices.Sorted(maps.Keys(hosts)), ", ")
	case doubt != "":
		v.Word, v.Why = Unknown, doubt
	}
	return v
}
