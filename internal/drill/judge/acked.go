package judge

import (
	"fmt"

	"haprov/internal/drill/history"
)

// Acked looks for rows that were acknowledged and are not there (lost), that failed for certain and are
// there (resurrected), and that one host has twice (double).
func Acked(h *history.History, _ Expect) Verdict {
	if why := Doubt(h); why != "" {
		return unknown(why)
	}
	var scans []history.Scan
	for _, s := range h.Scans {
		if s.Of != "add" {
			continue
		}
		if s.Error != "" {
			return unknown(fmt.Sprintf("%s could not be read at the end: %s", s.Host, s.Error))
		}
		scans = append(scans, s)
	}
	if len(scans) == 0 {
		return unknown("no host was read at the end")
	}
	adds := h.Of("add")
	acked, open := 0, 0
	for _, o := range adds {
		switch o.Outcome {
		case history.OK:
			acked++
		case history.Info:
			open++
		}
	}
	v := Verdict{Word: Pass, Numbers: map[string]float64{"acknowledged": float64(acked), "unknown": float64(open)}}
	var lost, risen, double int
	for _, s := range scans {
		have := map[string]int{}
		for _, id := range s.Values {
			if have[id]++; have[id] == 2 {
				double++
			}
		}
		for _, o := range adds {
			switch {
			case o.Outcome == history.OK && have[o.In] == 0:
				lost++
				v.Evidence = append(v.Evidence, o)
			case o.Outcome == history.Fail && o.In != "" && have[o.In] > 0:
				risen++
				v.Evidence = append(v.Evidence, o)
			}
		}
		if lost+risen+double > 0 && v.Word == Pass {
			v.Word = Fail
			v.Why = fmt.Sprintf("on %s", s.Host)
		}
	}
	v.Evidence = few(v.Evidence)
	v.Numbers["lost"], v.Numbers["resurrected"], v.Numbers["double"] = float64(lost), float64(risen), float64(double)
	text := fmt.Sprintf("%d rows acknowledged, %d lost", acked, lost)
	if risen > 0 {
		text += fmt.Sprintf(", %d there though they had failed", risen)
	}
	if double > 0 {
		text += fmt.Sprintf(", %d there twice", double)
	}
	if v.Word == Fail {
		text += " " + v.Why
	}
	v.Why = text
	return v
}
