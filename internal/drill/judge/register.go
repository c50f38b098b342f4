package judge

import (
	"cmp"
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
func Register(h *history.History, _ Expect) Verdict { return explained(h, false) }

// Reads is Register for servers that show a write before it is durable, as InnoDB does: it unlocks the
// rows of a transaction before its log is written. A write that was never acknowledged may be seen and
// then be undone by a crash, so what was seen of those binds nothing. A read that is older than an
// acknowledged write is found all the same.
func Reads(h *history.History, _ Expect) Verdict { return explained(h, true) }

// explained searches an order for each register. lax: what saw a write of unknown outcome is left out.
func explained(h *history.History, lax bool) Verdict {
	byKey, err := accesses(h, lax)
	if err != nil {
		return unknown("an operation is damaged: " + err.Error())
	}
	ops := 0
	for _, all := range byKey {
		ops += len(all)
	}
	if ops == 0 {
		return unknown("no register was used")
	}
	v := Verdict{Word: Pass, Why: fmt.Sprintf("%d operations on %d values, each explained", ops, len(byKey)), Numbers: map[string]float64{"operations": float64(ops)}}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		switch porcupine.CheckOperationsTimeout(register, byKey[key], checkTime) {
		case porcupine.Illegal:
			v.Word, v.Evidence = Fail, stuck(byKey[key])
			v.Why = fmt.Sprintf("value %s: what was read is explained by no order of what was written", key)
			if n := len(v.Evidence); n > 0 {
				o := v.Evidence[n-1]
				v.Why += fmt.Sprintf(": client %d, its %s number %d", o.Client, o.Do, o.Seq)
			}
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

// accesses are the operations by key that tell or may have done something.
func accesses(h *history.History, lax bool) (map[string][]porcupine.Operation, error) {
	all := h.Of("read", "write", "cas")
	byKey := map[string][]porcupine.Operation{}
	doubtful := map[[2]string]bool{} // values of writes of unknown outcome
	for _, o := range all {
		if o.Outcome == history.Info && o.Do != "read" {
			doubtful[[2]string{o.Key, o.In[strings.LastIndex(o.In, " ")+1:]}] = true
		}
	}
	for _, o := range all {
		in := access{do: o.Do, unmet: o.Outcome == history.Fail, unsure: o.Outcome == history.Info}
		switch {
		case in.unmet && o.Class != "unmet", in.unsure && o.Do == "read":
			continue // it did nothing, or what it saw is not known
		case lax && (in.unmet || o.Do == "read" && doubtful[[2]string{o.Key, o.Out}]):
			continue
		}
		switch o.Do {
		case "read":
			in.value = o.Out
		case "write":
			in.value = o.In
		case "cas":
			var ok bool
			if in.old, in.value, ok = strings.Cut(o.In, " "); !ok {
				return nil, fmt.Errorf("%.40q", o.In)
			}
		}
		end := o.Return
		if in.unsure {
			end = math.MaxInt64
		}
		byKey[o.Key] = append(byKey[o.Key], porcupine.Operation{ClientId: o.Client, Input: in, Output: in, Call: o.Call, Return: end, Metadata: o})
	}
	return byKey, nil
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

// stuck is where the search ends that comes farthest: the last operations that have an order, and the
// one that has no place after them.
func stuck(ops []porcupine.Operation) (out []history.Op) {
	_, info := porcupine.CheckOperationsVerbose(register, ops, checkTime)
	var best []porcupine.Operation
	for _, part := range info.PartialLinearizationsOperations() {
		for _, way := range part {
			if len(way) > len(best) {
				best = way
			}
		}
	}
	placed := map[[2]int]bool{}
	for i, o := range best {
		op := o.Metadata.(history.Op)
		placed[[2]int{op.Client, op.Seq}] = true
		if i >= len(best)-5 {
			out = append(out, op)
		}
	}
	rest := slices.DeleteFunc(slices.Clone(ops), func(o porcupine.Operation) bool {
		op := o.Metadata.(history.Op)
		return placed[[2]int{op.Client, op.Seq}]
	})
	if len(rest) == 0 {
		return out
	}
	next := slices.MinFunc(rest, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	return append(out, next.Metadata.(history.Op))
}
