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
	b := bank{sum: -1}
	moved, readings := 0, 0
	v := Verdict{Word: Pass}
	wrong := func(where, why string, o ...history.Op) {
		if v.Word == Pass {
			v.Word, v.Why = Fail, where+": "+why
		}
		v.Evidence = few(append(v.Evidence, o...))
	}
	for _, o := range h.Of("balance", "transfer") {
		switch {
		case o.Outcome != history.OK:
		case o.Do == "transfer":
			moved++
		default:
			readings++
			if why := b.look(strings.Fields(o.Out)); why != "" {
				wrong("a reading", why, o)
			}
		}
	}
	scans, doubt := scansOf(h, "balance")
	for _, s := range scans {
		readings++
		if why := b.look(s.Values); why != "" {
			wrong("at the end", why)
		}
	}
	v.Numbers = map[string]float64{"transfers": float64(moved), "readings": float64(readings)}
	switch {
	case v.Word == Fail:
	case doubt != "":
		v.Word, v.Why = Unknown, doubt
	case readings < 2 || moved == 0:
		v.Word, v.Why = Unknown, "the accounts were hardly used"
	default:
		v.Why = fmt.Sprintf("%d transfers, %d readings, always %d in all", moved, readings, b.sum)
	}
	return v
}

// bank is what is known of the accounts.
type bank struct{ sum int } // below 0: not known yet

// look says what is wrong with one reading of all accounts.
func (b *bank) look(values []string) string {
	total := 0
	for _, s := range values {
		n, err := strconv.Atoi(s)
		switch {
		case err != nil:
			return fmt.Sprintf("a balance of %.20q", s)
		case n < 0:
			return fmt.Sprintf("an account has %d", n)
		}
		total += n
	}
	if b.sum < 0 {
		b.sum = total
	}
	if total != b.sum {
		return fmt.Sprintf("%d in all, where %d was before", total, b.sum)
	}
	return ""
}
