package judge

import (
	"fmt"
	"strconv"
	"strings"

	"haprov/internal/drill/history"
)

// Bank looks at accounts between which money is moved: nobody ever sees another sum, nor an account
// below nothing. The first reading of all accounts tells the sum.
func Bank(h *history.History, _ Expect) Verdict {
	if why := Doubt(h); why != "" {
		return unknown(why)
	}
	sum, readings := -1, 0
	v := Verdict{Word: Pass, Numbers: map[string]float64{}}
	look := func(where string, values []string, o *history.Op) {
		total := 0
		for _, s := range values {
			n, err := strconv.Atoi(s)
			if err != nil {
				v.Word, v.Why = Fail, fmt.Sprintf("%s: a balance of %.20q", where, s)
				return
			}
			if n < 0 && v.Word == Pass {
				v.Word, v.Why = Fail, fmt.Sprintf("%s: an account has %d", where, n)
			}
			total += n
		}
		readings++
		if sum < 0 {
			sum = total
		}
		if total != sum {
			v.Word, v.Why = Fail, fmt.Sprintf("%s: %d in all, where %d was before", where, total, sum)
		}
		if v.Word == Fail && o != nil && len(v.Evidence) < maxEvidence {
			v.Evidence = append(v.Evidence, *o)
		}
	}
	moved := 0
	for _, o := range h.Of("balance", "transfer") {
		if o.Outcome != history.OK {
			continue
		}
		if o.Do == "transfer" {
			moved++
			continue
		}
		look("a reading", strings.Fields(o.Out), &o)
	}
	found := false
	for _, s := range h.Scans {
		if s.Of != "balance" {
			continue
		}
		if s.Error != "" {
			return unknown("the accounts could not be read at the end: " + s.Error)
		}
		found = true
		look("at the end", s.Values, nil)
	}
	switch {
	case !found:
		return unknown("the accounts were not read at the end")
	case readings < 2 || moved == 0:
		return unknown("the accounts were hardly used")
	}
	v.Numbers["transfers"], v.Numbers["readings"] = float64(moved), float64(readings)
	if v.Word == Pass {
		v.Why = fmt.Sprintf("%d transfers, %d readings, always %d in all", moved, readings, sum)
	}
	return v
}
