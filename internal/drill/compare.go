package drill

import (
	"fmt"
	"slices"

	"haprov/internal/drill/judge"
)

// Spread is several measurements of one thing, in seconds. P95 is the least of them that 95 of 100 do not
// exceed (nearest rank): of fewer than 20 it is the longest.
type Spread struct {
	Median, Least, Most, P95 float64
	N                        int
}

func (s Spread) String() string {
	switch s.N {
	case 0:
		return "-"
	case 1:
		return fmt.Sprintf("%.1f s", s.Median)
	}
	return fmt.Sprintf("%.1f s (%.1f to %.1f of %d)", s.Median, s.Least, s.Most, s.N)
}

func spread(all []float64) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	n := len(all)
	return Spread{(all[(n-1)/2] + all[n/2]) / 2, all[0], all[n-1], all[(95*n+99)/100-1], n}
}

// measured are the times of a drill: its outage, the longest time without a row, how long after the
// fault's end it was healthy, and the outage's parts. None, when the outage could not be judged.
func (r Result) measured() []Part {
	i := slices.IndexFunc(r.Verdicts, func(v judge.Verdict) bool { return v.Judge == "outage" })
	if i < 0 || r.Verdicts[i].Word == judge.Unknown {
		return nil
	}
	return append([]Part{{"outage", r.Outage}, {"no row", r.Stall}, {"healthy after", r.Healed}}, r.Parts...)
}

// Repeat is a drill that ran several times: how often it came out how, and the spread of its times.
type Repeat struct {
	Drill                     string
	Runs, Pass, Fail, Unknown int
	Times                     []Times
}

// Times are all measurements of one of the times of a drill.
type Times struct {
	Name string
	Spread
}

// Repeated are the drills that ran more than once, in the order in which they first ran.
func (s Summary) Repeated() (out []Repeat) {
	var names []string
	for _, r := range s.Results {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	for _, name := range names {
		x := Repeat{Drill: name}
		var parts []string
		all := map[string][]float64{}
		for _, r := range s.Results {
			if r.Name != name {
				continue
			}
			x.Runs++
			switch r.Word {
			case judge.Pass:
				x.Pass++
			case judge.Fail:
				x.Fail++
			default:
				x.Unknown++
			}
			for _, p := range r.measured() {
				if !slices.Contains(parts, p.Name) {
					parts = append(parts, p.Name)
				}
				all[p.Name] = append(all[p.Name], p.Seconds)
			}
		}
		for _, p := range parts {
			x.Times = append(x.Times, Times{p, spread(all[p])})
		}
		if x.Runs > 1 {
			out = append(out, x)
		}
	}
	return out
}

// Difference is one part of a drill's outage in two runs; Part is "outage" for the whole.
type Difference struct {
	Drill, Part   string
	Before, After Spread
}

// Compare puts the outages of the drills that both runs have beside each other, in the order of the
// second.
func Compare(before, after Summary) (out []Difference) {
	measured := func(s Summary) (drills []string, parts map[string][]string, all map[[2]string][]float64) {
		parts, all = map[string][]string{}, map[[2]string][]float64{}
		for _, r := range s.Results {
			for _, p := range r.measured() {
				if !slices.Contains(drills, r.Name) {
					drills = append(drills, r.Name)
				}
				if !slices.Contains(parts[r.Name], p.Name) {
					parts[r.Name] = append(parts[r.Name], p.Name)
				}
				key := [2]string{r.Name, p.Name}
				all[key] = append(all[key], p.Seconds)
			}
		}
		return drills, parts, all
	}
	had, _, old := measured(before)
	drills, parts, now := measured(after)
	for _, d := range drills {
		if !slices.Contains(had, d) {
			continue
		}
		for _, p := range parts[d] {
			key := [2]string{d, p}
			out = append(out, Difference{d, p, spread(old[key]), spread(now[key])})
		}
	}
	return out
}
