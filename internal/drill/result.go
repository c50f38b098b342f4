package drill

import (
	"bufio"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/status"
)

// judge puts the verdict together: of the recipe's promises, and of the drill's own expectation.
func (r *run) judge(res *Result, h history.History, page status.Page, cut error) {
	e := judge.Expect{Stall: r.scaled(r.Drill.Expect.Stall), Outage: r.scaled(r.Drill.Expect.Outage)}
	res.Limit = e.Outage.Seconds()
	for _, p := range r.Cluster.Drills.Promises {
		res.Verdicts = append(res.Verdicts, judge.Of(p.Text, p.Judge, p.Informs, &h, e))
	}
	res.Verdicts = append(res.Verdicts, r.expected(*res, h, page))
	for _, v := range res.Verdicts {
		if v.Judge == "outage" {
			res.Outage, res.Stall = v.Numbers["outage"], v.Numbers["stall"]
		}
	}
	res.Word, res.Why = Sum(res.Verdicts)
	if cut != nil {
		res.Why = cut.Error()
		if res.Word == judge.Pass {
			res.Word = judge.Unknown
		}
	}
	res.Parts = r.parts(h, page.Active)
}

// Sum is the verdict over several: what failed, else what is not known, else a pass. Those that only
// inform do not count.
func Sum(all []judge.Verdict) (word, why string) {
	for _, w := range []string{judge.Fail, judge.Unknown} {
		for _, v := range all {
			if v.Word == w && !v.Informs {
				return w, v.Promise + ": " + v.Why
			}
		}
	}
	return judge.Pass, ""
}

// expected judges what the drill itself says should come of it: who is active, who was fenced, and
// that the cluster heals alone.
func (r *run) expected(res Result, h history.History, page status.Page) judge.Verdict {
	v := judge.Verdict{Promise: "what was expected came of it", Judge: "expected", Word: judge.Pass}
	if why := judge.Doubt(&h); why != "" {
		v.Word, v.Why = judge.Unknown, why
		return v
	}
	var wrong, right []string
	inject, _ := h.Mark("inject")
	heal, ok := h.Mark("heal")
	if !ok {
		heal.Time = inject.Time
	}
	was, serves := servedBy(h, 0, inject.Time), servedBy(h, inject.Time, heal.Time)
	if was == "" && r.Drill.Expect.Active != "" {
		v.Word, v.Why = judge.Unknown, "no server told its name: who was active is not known"
		return v
	}
	switch r.Drill.Expect.Active {
	case "moves":
		if serves == was {
			wrong = append(wrong, fmt.Sprintf("the active side stayed on %s", was))
		} else {
			right = append(right, fmt.Sprintf("the active side moved from %s to %s", was, serves))
		}
	case "stays":
		if serves != was {
			wrong = append(wrong, fmt.Sprintf("the active side moved from %s to %s", was, serves))
		} else {
			right = append(right, fmt.Sprintf("%s stayed active", was))
		}
	case "none":
		if serves != "" {
			wrong = append(wrong, fmt.Sprintf("%s was active while the fault lasted", serves))
		}
	}
	if r.Lab != nil && !r.Drill.Expect.Open {
		want := r.expectFenced()
		if !same(want, res.Fenced) {
			wrong = append(wrong, fmt.Sprintf("fenced: %s, expected %s", names(res.Fenced), names(want)))
		} else if len(want) > 0 {
			right = append(right, names(want)+" was fenced")
		}
	}
	_, healthy := h.Mark("healthy")
	_, sick := h.Mark("sick")
	switch {
	case sick:
		wrong = append(wrong, "the cluster did not become healthy by itself: "+first(page.Reasons))
	case !healthy && len(wrong) == 0:
		v.Word, v.Why = judge.Unknown, "it was interrupted before the cluster was healthy again"
		return v
	case healthy:
		right = append(right, fmt.Sprintf("healthy %.0f s after the fault's end", res.Healed))
	}
	v.Why = strings.Join(right, ", ")
	if len(wrong) > 0 {
		v.Word, v.Why = judge.Fail, strings.Join(wrong, "; ")
	}
	return v
}

// expectFenced are the hosts that should be fenced.
func (r *run) expectFenced() (out []string) {
	for _, s := range r.Drill.Expect.Fenced {
		hosts, _ := Targets(r.before, r.Cluster, s)
		out = append(out, hosts...)
	}
	return out
}

// servedBy is the server that acknowledged last in a time, in its own name.
func servedBy(h history.History, from, to int64) string {
	last := history.Op{}
	for _, o := range h.Of("add", "probe") {
		if o.Outcome == history.OK && o.Call > from && o.Return <= to && o.Return > last.Return {
			last = o
		}
	}
	return last.Server
}

func same(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

func names(hosts []string) string {
	if len(hosts) == 0 {
		return "nobody"
	}
	return strings.Join(hosts, ", ")
}

// parts tells where the time of the longest outage went, by the stations that the journal of the host
// that is active at the end has. What no station explains is the last part.
func (r *run) parts(h history.History, host string) (out []Part) {
	inject, ok := h.Mark("inject")
	gaps := judge.Gaps(&h, "probe", inject.Time, time.Second)
	if !ok || len(gaps) == 0 || gaps[0].Open || len(r.Cluster.Drills.Stations) == 0 || host == "" {
		return nil
	}
	at := func(ns int64) time.Time { return h.Header.Began.Add(time.Duration(ns)) }
	hit, back := at(max(inject.Time, gaps[0].From)), at(gaps[0].To)
	ctx, cancel := context.WithTimeout(context.Background(), r.scaled(stepTime))
	defer cancel()
	journal, exit, err := r.Site.Shell(ctx, host, fmt.Sprintf("journalctl -q -o short-unix --no-pager --since @%d 2>/dev/null | head -c 4000000", hit.Unix()-1))
	if err != nil || exit != 0 {
		return nil
	}
	last := hit
	for _, s := range r.Cluster.Drills.Stations {
		said, err := regexp.Compile(s.Line)
		if err != nil {
			continue
		}
		t := firstLine(journal, said, last)
		if t.IsZero() || t.After(back.Add(time.Second)) {
			continue
		}
		if t.After(back) {
			t = back // its line came a moment later
		}
		out = append(out, Part{s.Name, round(t.Sub(last))})
		last = t
	}
	if len(out) > 0 {
		out = append(out, Part{"first client", round(back.Sub(last))})
	}
	return out
}

func round(d time.Duration) float64 { return d.Round(10 * time.Millisecond).Seconds() }

// firstLine is when a line that matches was written, not before a moment.
func firstLine(journal string, said *regexp.Regexp, from time.Time) time.Time {
	s := bufio.NewScanner(strings.NewReader(journal))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		stamp, rest, _ := strings.Cut(s.Text(), " ")
		at, err := strconv.ParseFloat(stamp, 64)
		if err != nil {
			continue
		}
		if t := time.UnixMicro(int64(at * 1e6)); !t.Before(from) && said.MatchString(rest) {
			return t
		}
	}
	return time.Time{}
}
