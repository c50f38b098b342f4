package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"haprov/internal/drill/history"
)

// Limits of what one side that writes can do.
const (
	// mostTurns are those of a side that moves away and back again.
	mostTurns = 3
	// leastAway: no cluster moves its active side away and back again in less.
	leastAway = time.Second
	// leastBoot: no host that was fenced boots, joins and is active again in less.
	leastBoot = 3 * time.Second
)

// Writers looks for two servers that are written to at the same time, and for one that is written to
// after it was fenced. An acknowledgement proves that its server took writes at some moment between the
// call and the return. Two servers that both take writes answer in turn, many times a second; the active
// side of a cluster moves once, and perhaps back. So the turns are counted that the times force:
// acknowledgements of one server that lie whole between those of others.
func Writers(h *history.History, _ Expect) Verdict {
	return oneAtATime(h, append(slices.Clone(endpointWrites), "member"))
}

// Endpoint is Writers for clients of the endpoint alone: where every member takes writes at its own
// address, the endpoint may still promise one at a time.
func Endpoint(h *history.History, _ Expect) Verdict { return oneAtATime(h, endpointWrites) }

// endpointWrites are the operations that write by way of the endpoint.
var endpointWrites = []string{"add", "probe", "write", "cas", "transfer", "append", "put"}

func oneAtATime(h *history.History, writes []string) Verdict {
	var acks []history.Op // by Return
	for _, o := range h.Ops {
		if o.Outcome == history.OK && o.Server != "" && slices.Contains(writes, o.Do) {
			acks = append(acks, o)
		}
	}
	if len(acks) == 0 {
		return unknown("no server told its name")
	}
	slices.SortStableFunc(acks, func(a, b history.Op) int { return cmp.Compare(a.Return, b.Return) })
	turns := turnsOf(acks)
	var names []string
	for _, o := range turns[:min(len(turns), 2*mostTurns)] {
		names = append(names, o.Server)
	}
	v := Verdict{Word: Pass, Why: "written to one after the other: " + strings.Join(names, ", "), Numbers: map[string]float64{"turns": float64(len(turns))}}
	if len(turns) > mostTurns {
		v.Word, v.Evidence = Fail, few(turns)
		v.Why = fmt.Sprintf("several servers acknowledged in turn, %d times: %s, ...", len(turns), strings.Join(names, ", "))
	} else if three := within(acks); three != nil {
		v.Word, v.Evidence = Fail, three
		v.Why = fmt.Sprintf("%s acknowledged between two acknowledgements of %s, %.3f s apart", three[1].Server, three[0].Server, seconds(three[2].Return-three[0].Call))
	}
	for _, m := range h.Marks {
		if late := afterFence(acks, m); m.Event == "fenced" && len(late) > 0 {
			v.Word, v.Evidence = Fail, few(late)
			v.Why = fmt.Sprintf("%s acknowledged %d operations that began after it was fenced", m.Host, len(late))
			break
		}
	}
	return v
}

// turnsOf are acknowledgements that lie whole one after the other, each of another server than the one
// before.
func turnsOf(acks []history.Op) (turns []history.Op) {
	for _, o := range acks {
		if n := len(turns); n == 0 || turns[n-1].Server != o.Server && o.Call > turns[n-1].Return {
			turns = append(turns, o)
		}
	}
	return turns
}

// within is an acknowledgement between two of another server that are too near to each other for the
// active side to have moved away and back; nil when there is none.
func within(acks []history.Op) []history.Op {
	byServer := map[string][]history.Op{}
	for _, o := range acks {
		byServer[o.Server] = append(byServer[o.Server], o)
	}
	byCall := map[string][]history.Op{}
	for server, own := range byServer {
		byCall[server] = slices.SortedStableFunc(slices.Values(own), func(a, b history.Op) int { return cmp.Compare(a.Call, b.Call) })
	}
	servers := slices.Sorted(maps.Keys(byServer))
	for _, o := range acks {
		for _, server := range servers {
			own, next := byServer[server], byCall[server]
			i := sort.Search(len(own), func(i int) bool { return own[i].Return >= o.Call }) - 1
			j := sort.Search(len(next), func(j int) bool { return next[j].Call > o.Return })
			if server != o.Server && i >= 0 && j < len(next) && next[j].Return-own[i].Call < int64(leastAway) {
				return []history.Op{own[i], o, next[j]}
			}
		}
	}
	return nil
}

// afterFence are acknowledgements of a host that was off by then: so soon after its fencing that it
// cannot be back, or from a boot that was there before.
func afterFence(acks []history.Op, m history.Mark) (late []history.Op) {
	before := map[string]bool{}
	for _, o := range acks {
		if o.Server == m.Host && o.Boot != "" && o.Call < m.Time {
			before[o.Boot] = true
		}
	}
	for _, o := range acks {
		if o.Server == m.Host && o.Call > m.Time && (o.Call < m.Time+int64(leastBoot) || before[o.Boot]) {
			late = append(late, o)
		}
	}
	return late
}
