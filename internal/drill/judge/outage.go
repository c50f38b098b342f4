package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"haprov/internal/drill/history"
)

// Gap is a time in which nothing was acknowledged.
type Gap struct {
	From, To int64 // the last and the first acknowledgement around it, ns
	Open     bool  // it had not ended when the load did
}

// Long is how long it took.
func (g Gap) Long() time.Duration { return time.Duration(g.To - g.From) }

// Gaps are the times without an acknowledgement of one of the things, longest first, that are longer
// than least and end after a moment.
func Gaps(h *history.History, do string, after int64, least time.Duration) (out []Gap) {
	var acks []int64
	var end, asked int64 // asked: the last moment at which anything was begun
	for _, o := range h.Ops {
		asked = max(asked, o.Due, o.Call)
		if o.Do != do {
			continue
		}
		if o.Outcome == history.OK {
			acks = append(acks, o.Return)
		}
		end = max(end, o.Due, o.Return)
	}
	end = min(end, asked) // one that was in hand when the load ended is no outage
	slices.Sort(acks)
	add := func(g Gap) {
		if g.Long() > least && g.To > after {
			out = append(out, g)
		}
	}
	for i := 1; i < len(acks); i++ {
		add(Gap{From: acks[i-1], To: acks[i]})
	}
	if len(acks) > 0 {
		add(Gap{From: acks[len(acks)-1], To: end, Open: true})
	} else {
		add(Gap{To: end, Open: true})
	}
	slices.SortStableFunc(out, func(a, b Gap) int { return cmp.Compare(b.Long(), a.Long()) })
	return out
}

// notable is a gap that a person would call one: some operations of any workload are due in it.
const notable = 700 * time.Millisecond

// Outage looks at how long new clients, and writes, were not served after the first fault. Times are
// worth nothing where there is a doubt.
func Outage(h *history.History, e Expect) Verdict {
	if why := Doubt(h); why != "" {
		return unknown(why)
	}
	inject, _ := h.Mark("inject")
	if !slices.ContainsFunc(h.Of("probe"), func(o history.Op) bool { return o.Outcome == history.OK && o.Return <= inject.Time }) {
		return unknown("no new client was served before the fault")
	}
	v := Verdict{Word: Pass, Numbers: map[string]float64{}}
	var said []string
	for _, x := range []struct {
		do, name, what string
		limit          time.Duration
	}{{"probe", "outage", "no new client was served", e.Outage}, {"add", "stall", "no row was acknowledged", e.Stall}} {
		gaps := Gaps(h, x.do, inject.Time, notable)
		longest := Gap{}
		if len(gaps) > 0 {
			longest = gaps[0]
		}
		v.Numbers[x.name] = seconds(int64(longest.Long()))
		v.Numbers[x.name+" limit"] = x.limit.Seconds()
		v.Numbers[x.name+"s"] = float64(len(gaps))
		open := slices.ContainsFunc(gaps, func(g Gap) bool { return g.Open && g.Long() > 2*time.Second })
		switch {
		case open:
			v.Word = Fail
			said = append(said, "the service did not come back")
		case longest.Long() > x.limit:
			v.Word = Fail
			said = append(said, fmt.Sprintf("%s for %.1f s, more than the %.0f s expected", x.what, longest.Long().Seconds(), x.limit.Seconds()))
		case longest.Long() > 0:
			said = append(said, fmt.Sprintf("%s for %.1f s (of %.0f s)", x.what, longest.Long().Seconds(), x.limit.Seconds()))
		}
	}
	if len(said) == 0 {
		said = []string{"not noticed by any client"}
	}
	classes := map[string]int{}
	for _, o := range h.Ops {
		// a server may refuse at its own address what the endpoint serves
		if o.Outcome != history.OK && o.Do != "member" && o.Class != "unmet" && o.Call > inject.Time {
			name := o.Class
			switch {
			case o.Code != 0:
				name = fmt.Sprintf("%s %d", o.Class, o.Code)
			case o.State != "":
				name += " " + o.State
			}
			classes[name]++
			v.Numbers["errors "+name]++
		}
	}
	v.Why = strings.Join(slices.Compact(said), "; ")
	if len(classes) > 0 {
		var list []string
		for _, c := range slices.Sorted(maps.Keys(classes)) {
			list = append(list, fmt.Sprintf("%s %d", c, classes[c]))
		}
		v.Why += "; operations that failed: " + strings.Join(list, ", ")
	}
	return v
}
