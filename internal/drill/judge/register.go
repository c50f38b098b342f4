package judge

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"haprov/internal/drill/history"
)

// checkTime bounds the search of one register: it is exponential at worst.
const checkTime = 10 * time.Second

// Register looks for reads of a register that no order of its writes explains (linearizability, by
// Wing and Gong's search as porcupine does it). An operation whose outcome is unknown may have been
// done at any later time, or never.
func Register(h *history.History, _ Expect) Verdict {
	byKey := map[string][]porcupine.Operation{}
	ops := 0
	source := map[string][]history.Op{}
	for _, o := range h.Of("read", "write", "cas") {
		if o.Outcome == history.Fail && o.Class != "unmet" || o.Outcome == history.Info && o.Do == "read" {
			continue // it did nothing, or what it saw is not known
		}
		in := access{do: o.Do, unmet: o.Outcome == history.Fail, unsure: o.Outcome == history.Info}
		switch o.Do {
		case "read":
			in.value = o.Out
		case "write":
			in.value = o.In
		case "cas":
			var ok bool
			if in.old, in.value, ok = strings.Cut(o.In, " "); !ok {
				return unknown("an operation is damaged: " + o.In)
			}
		}
		end := o.Return
		if in.unsure {
			end = math.MaxInt64
		}
		byKey[o.Key] = append(byKey[o.Key], porcupine.Operation{ClientId: o.Client, Input: in, Call: o.Call, Output: in, Return: end})
		source[o.Key] = append(source[o.Key], o)
		ops++
	}
	if ops == 0 {
		return unknown("no register was used")
	}
	v := Verdict{Word: Pass, Why: fmt.Sprintf("%d operations on %d values, each explained", ops, len(byKey)), Numbers: map[string]float64{"operations": float64(ops)}}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		switch porcupine.CheckOperationsTimeout(register, byKey[key], checkTime) {
		case porcupine.Illegal:
			v.Word = Fail
			v.Why = fmt.Sprintf("value %s: what was read is explained by no order of what was written", key)
			v.Evidence = few(suspects(source[key]))
			return v
		case porcupine.Unknown:
			v.Word, v.Why = Unknown, fmt.Sprintf("value %s: not decided within %s", key, checkTime)
		}
	}
	return v
}

// access is one operation on a register. Its outcome is part of it.
type access struct {
	do, value, old string
	unmet, unsure  bool
}

// register is a value that is read, written, and compared-and-set; "0" at first.
var register = porcupine.Model{
	Init: func() any { return "0" },
	Step: func(state, input, _ any) (bool, any) {
		in, now := input.(access), state.(string)
		switch {
		case in.do == "read":
			return in.value == now, now
		case in.do == "write":
			return true, in.value
		case in.unmet:
			return in.old != now, now
		case in.old == now:
			return true, in.value
		}
		return in.unsure, now // it may have found another value
	},
	Equal: func(a, b any) bool { return a == b },
}

// suspects are reads of a value that a later completed write had replaced before they began; else the
// last operations.
func suspects(ops []history.Op) (out []history.Op) {
	for _, r := range ops {
		if r.Do != "read" {
			continue
		}
		for _, w := range ops {
			// w wrote what r read, and another write lies whole between the two
			if (w.Do == "write" && w.In == r.Out) || (w.Do == "cas" && strings.HasSuffix(w.In, " "+r.Out)) {
				for _, x := range ops {
					if x.Do != "read" && x.Outcome == history.OK && x.Call > w.Return && w.Return > 0 && x.Return < r.Call {
						return []history.Op{w, x, r}
					}
				}
			}
		}
	}
	return ops[max(0, len(ops)-maxEvidence):]
}
