package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"haprov/internal/drill/history"
)

// mostTurns are those of a side that moves away and back again.
const mostTurns = 3

// Writers looks for two servers that are written to at the same time. An acknowledgement proves that its
// server took writes at some moment between the call and the return. Two servers that both take writes
// answer in turn, many times a second; the active side of a cluster moves once, and perhaps back. So
// the turns are counted that the times force: acknowledgements of one server that lie whole between
// those of others.
func Writers(h *history.History, _ Expect) Verdict {
	if why := Doubt(h); why != "" {
		return unknown(why)
	}
	var acks []history.Op
	for _, o := range h.Ops {
		if o.Outcome == history.OK && o.Server != "" && slices.Contains([]string{"add", "probe", "write", "cas", "transfer"}, o.Do) {
			acks = append(acks, o)
		}
	}
	if len(acks) == 0 {
		return unknown("no server told its name")
	}
	slices.SortStableFunc(acks, func(a, b history.Op) int { return cmp.Compare(a.Return, b.Return) })
	var turns []history.Op
	for _, o := range acks {
		if n := len(turns); n == 0 || turns[n-1].Server != o.Server && o.Call > turns[n-1].Return {
			turns = append(turns, o)
		}
	}
	var names []string
	for _, o := range turns[:min(len(turns), 2*mostTurns)] {
		names = append(names, o.Server)
	}
	v := Verdict{Word: Pass, Why: "written to one after the other: " + strings.Join(names, ", "), Numbers: map[string]float64{"turns": float64(len(turns))}}
	if len(turns) > mostTurns {
		v.Word, v.Evidence = Fail, few(turns)
		v.Why = fmt.Sprintf("several servers acknowledged in turn, %d times: %s, ...", len(turns), strings.Join(names, ", "))
	}
	return v
}
