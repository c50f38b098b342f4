package judge

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"haprov/internal/drill/history"
)

// Session looks at clients that count in a value of their own (put) and read it back where readers are
// served (get). A client sees what it wrote itself and was acknowledged (read your writes), never goes
// back behind what it saw (monotonic reads), and sees nothing that it never wrote. A put whose outcome is
// unknown may take effect at any later time: what it wrote may be seen whenever.
//
// Terry et al., Session guarantees for weakly consistent replicated data, 1994.
func Session(h *history.History, _ Expect) Verdict {
	byClient := map[int][]history.Op{}
	for _, o := range h.Of("put", "get") {
		if o.Outcome == history.OK || o.Do == "put" && o.Outcome == history.Info {
			byClient[o.Client] = append(byClient[o.Client], o)
		}
	}
	v := Verdict{Word: Pass}
	var reads, stale, back, alien int
	worst := int64(0)
	for _, client := range slices.Sorted(maps.Keys(byClient)) {
		var puts []put
		seen := 0
		for _, o := range byClient[client] {
			if o.Do == "put" {
				n, err := strconv.Atoi(o.In)
				if err != nil {
					return unknown(fmt.Sprintf("an operation is damaged: %.40q", o.In))
				}
				puts = append(puts, put{n, o})
				continue
			}
			n, err := strconv.Atoi(o.Out)
			if o.Out == "" {
				n, err = 0, nil // not there yet
			}
			reads++
			late, behind := int64(0), (*history.Op)(nil)
			known, unsure := n == 0, false
			for _, p := range puts {
				if p.n == n {
					known, unsure = true, p.op.Outcome == history.Info
				}
				if p.n > n && p.op.Outcome == history.OK && p.op.Return < o.Call && o.Call-p.op.Return > late {
					late, behind = o.Call-p.op.Return, &p.op
				}
			}
			switch {
			case err != nil || !known:
				alien++
				v.Evidence = append(v.Evidence, o)
			case unsure:
			case behind != nil:
				stale, worst = stale+1, max(worst, late)
				v.Evidence = append(v.Evidence, *behind, o)
			case n < seen:
				back++
				v.Evidence = append(v.Evidence, o)
			}
			seen = max(seen, n)
		}
	}
	v.Evidence = few(v.Evidence)
	v.Numbers = map[string]float64{"reads": float64(reads), "stale": float64(stale), "back": float64(back), "never written": float64(alien), "stale seconds": seconds(worst)}
	switch {
	case alien > 0:
		v.Word, v.Why = Fail, fmt.Sprintf("%d of %d reads saw what their client never wrote", alien, reads)
	case stale > 0:
		v.Word, v.Why = Fail, fmt.Sprintf("%d of %d reads did not see their client's own write, by up to %.3f s", stale, reads, seconds(worst))
	case back > 0:
		v.Word, v.Why = Fail, fmt.Sprintf("%d of %d reads went back behind what their client had seen", back, reads)
	case reads == 0:
		return unknown("no client read its own writes")
	default:
		v.Why = fmt.Sprintf("%d reads, each of the client's last write", reads)
	}
	return v
}

// put is a number that a client wrote.
type put struct {
	n  int
	op history.Op
}
