package drill

import (
	"fmt"
	"slices"
)

// Spread is several measurements of one thing, in seconds.
type Spread struct {
	Median, Least, Most float64
	N                   int
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
	return Spread{(all[(n-1)/2] + all[n/2]) / 2, all[0], all[n-1], n}
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
			if len(r.Verdicts) == 0 {
				continue
			}
			if !slices.Contains(drills, r.Name) {
				drills = append(drills, r.Name)
			}
			for _, p := range append([]Part{{"outage", r.Outage}}, r.Parts...) {
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
