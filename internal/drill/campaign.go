package drill

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"haprov/internal/recipe"
)

// Schedule is the faults of one drill of a campaign, the first at once. Written down:
//
//	FAULT@TARGET[+AFTER][/HOLD],...   replication-cut@active,server-killed@active+3s/20s
type Schedule []recipe.Bound

func (s Schedule) String() string {
	var all []string
	for _, b := range s {
		text := b.Fault.Name + "@" + b.On
		if b.After > 0 {
			text += "+" + b.After.String()
		}
		if b.Hold > 0 {
			text += "/" + b.Hold.String()
		}
		all = append(all, text)
	}
	return strings.Join(all, ",")
}

// Pair is which faults a schedule brings together, without its times: what coverage counts.
func (s Schedule) Pair() string {
	var all []string
	for _, b := range s {
		all = append(all, b.Fault.Name+"@"+b.On)
	}
	return strings.Join(all, ",")
}

// mostFaults is how many faults a schedule may have, mostTime how long one of its times may be.
const (
	mostFaults = 4
	mostTime   = 10 * time.Minute
)

// ParseSchedule reads a schedule of faults that the cluster's drills have.
func ParseSchedule(text string, c recipe.Cluster) (out Schedule, err error) {
	var names []string
	for _, b := range alone(c) {
		names = append(names, b.bound.Fault.Name+"@"+b.bound.On)
	}
	parts := strings.Split(text, ",")
	if len(parts) > mostFaults {
		return nil, fmt.Errorf("%d faults, expected %d at most", len(parts), mostFaults)
	}
	for _, part := range parts {
		part, hold, held := strings.Cut(part, "/")
		name, after, late := strings.Cut(part, "+")
		i := slices.Index(names, name)
		if i < 0 {
			return nil, fmt.Errorf("no drill of one fault has %.60q, expected FAULT@TARGET[+AFTER][/HOLD]; there is %s", name, strings.Join(names, ", "))
		}
		b := recipe.Bound{Fault: alone(c)[i].bound.Fault, On: alone(c)[i].bound.On}
		for _, x := range []struct {
			given bool
			text  string
			to    *time.Duration
		}{{late, after, &b.After}, {held, hold, &b.Hold}} {
			if !x.given {
				continue
			}
			if *x.to, err = time.ParseDuration(x.text); err != nil || *x.to < 0 || *x.to > mostTime {
				return nil, fmt.Errorf("%s: time %.20q: expected 0s to %s", name, x.text, mostTime)
			}
		}
		if n := len(out); n > 0 && b.After < out[n-1].After {
			return nil, fmt.Errorf("%s: faults are written in the order of their times", name)
		}
		out = append(out, b)
	}
	return out, nil
}

// single is a drill's only fault with what the drill expects of it.
type single struct {
	bound  recipe.Bound
	expect recipe.Expect
}

// alone are the faults that a drill of the cluster has by itself, each target once.
func alone(c recipe.Cluster) (out []single) {
	for _, d := range c.Drills.Drills {
		if len(d.Faults) != 1 {
			continue
		}
		b := d.Faults[0]
		if !slices.ContainsFunc(out, func(x single) bool { return x.bound.Fault.Name == b.Fault.Name && x.bound.On == b.On }) {
			out = append(out, single{b, d.Expect})
		}
	}
	return out
}

// Drill is a schedule as a drill. Its limits are the sums of those that its faults have alone; who is
// active in the end and who is fenced is not foretold.
func (s Schedule) Drill(name string, c recipe.Cluster) recipe.Drill {
	d := recipe.Drill{Name: name, About: s.String(), Faults: s, Expect: recipe.Expect{Open: true, Heals: "alone"}}
	for _, b := range s {
		for _, x := range alone(c) {
			if x.bound.Fault.Name == b.Fault.Name && x.bound.On == b.On {
				d.Expect.Outage += x.expect.Outage
				d.Expect.Stall += cmp.Or(x.expect.Stall, x.expect.Outage)
			}
		}
		d.Expect.Outage += b.After
		d.Expect.Stall += b.After
	}
	return d
}

// Pairs are the schedules of two faults that a cluster promises to survive: it tolerates the loss of one
// host, so all that more than holds writes up hits one host. where tells the hosts of a target; may tells
// whether a fault is allowed here.
func Pairs(c recipe.Cluster, where func(target string) ([]string, error), may func(recipe.Bound) bool) (out []Schedule) {
	level := func(f recipe.Fault) int { return slices.Index(recipe.Risks, f.Risk) }
	host := slices.Index(recipe.Risks, "host")
	var all []recipe.Bound
	hosts := map[string]string{}
	for _, x := range alone(c) {
		at, err := where(x.bound.On)
		if err == nil && len(at) == 1 && level(x.bound.Fault) <= host && may(x.bound) {
			hosts[x.bound.On] = at[0]
			all = append(all, recipe.Bound{Fault: x.bound.Fault, On: x.bound.On})
		}
	}
	// A cut leaves a host as alone as the loss of the others does.
	cut := func(f recipe.Fault) bool { return f.Links != nil && f.Links.Cut }
	for _, a := range all {
		for _, b := range all {
			same := hosts[a.On] == hosts[b.On]
			la, lb := level(a.Fault), level(b.Fault)
			switch {
			case a.Fault.Name == b.Fault.Name,
				a.Fault.Links != nil && b.Fault.Links != nil, // a host's links have one fault at a time
				la >= host && lb >= host,
				la > 0 && lb > 0 && !same,
				cut(a.Fault) && lb > 0, cut(b.Fault) && la > 0,
				la >= host && same: // it may be gone when the second is due
			default:
				out = append(out, Schedule{a, b})
			}
		}
	}
	return out
}

// Draw takes one of the pairs that were tried least, and draws its times. covered counts by Pair.
func Draw(pairs []Schedule, covered map[string]int, r *rand.Rand) Schedule {
	least := slices.MinFunc(pairs, func(a, b Schedule) int { return cmp.Compare(covered[a.Pair()], covered[b.Pair()]) })
	var among []Schedule
	for _, p := range pairs {
		if covered[p.Pair()] == covered[least.Pair()] {
			among = append(among, p)
		}
	}
	s := slices.Clone(among[r.IntN(len(among))])
	s[0].Hold = []time.Duration{0, 10 * time.Second, 30 * time.Second}[r.IntN(3)]
	s[1].After = []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 20 * time.Second}[r.IntN(4)]
	s[1].Hold = []time.Duration{10 * time.Second, 30 * time.Second}[r.IntN(2)]
	return s
}

// Covered adds up how often each schedule of several faults was judged in some runs, by Pair.
func Covered(c recipe.Cluster, runs []Summary) map[string]int {
	out := map[string]int{}
	for _, run := range runs {
		if run.Cluster != c.Name || run.Recipe != c.Recipe {
			continue
		}
		for _, r := range run.Results {
			if s, err := ParseSchedule(r.Schedule, c); err == nil && len(s) > 1 && len(r.Verdicts) > 0 {
				out[s.Pair()]++
			}
		}
	}
	return out
}

// Shrink looks for less that fails as well: with a fault left out, then with a time less. What fails is
// asked for each; the schedule itself is known to fail.
func Shrink(s Schedule, fails func(Schedule) bool) Schedule {
	for i := 0; i < len(s) && len(s) > 1; {
		less := slices.Delete(slices.Clone(s), i, i+1)
		first := less[0].After // the first is at once
		for k := range less {
			less[k].After -= first
		}
		if fails(less) {
			s = less
		} else {
			i++
		}
	}
	for i := range s {
		for _, without := range []func(*recipe.Bound){func(b *recipe.Bound) { b.Hold = 0 }, func(b *recipe.Bound) { b.After = 0 }} {
			less := slices.Clone(s)
			without(&less[i])
			if i > 0 && less[i].After < less[i-1].After || less.String() == s.String() {
				continue
			}
			if fails(less) {
				s = less
			}
		}
	}
	return s
}
