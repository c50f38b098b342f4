package act

import (
	"bytes"
	"strconv"
	"strings"
)

// State is what became of an action.
type State int

const (
	NotRun  State = iota // an earlier one failed, or the connection was lost before
	Running              // begun and not ended: the connection was lost
	Done
	Same    // Unless held: there was nothing to do
	Failed  // exit status other than 0
	Refused // Guard did not hold: the host is not as it was when this was decided
)

// Result is what became of one action.
type Result struct {
	State  State
	Exit   int
	Output string // the end of what a failed action printed
}

// Read tells from a batch's output what became of each of its n actions. It may be called on an
// unfinished output to see how far the batch is.
func Read(n int, nonce string, out []byte) []Result {
	rs := make([]Result, n)
	for _, chunk := range bytes.Split(out, []byte("\n"+nonce+" "))[1:] {
		head, text, _ := strings.Cut(string(chunk), "\n")
		f := strings.Fields(head)
		if len(f) < 2 {
			continue
		}
		i, err := strconv.Atoi(f[1])
		if err != nil || i < 0 || i >= n {
			continue
		}
		switch f[0] {
		case "begin":
			rs[i].State = Running
		case "done":
			rs[i].State = Done
		case "same":
			rs[i].State = Same
		case "refused":
			rs[i] = Result{State: Refused, Output: text}
		case "failed":
			rs[i] = Result{State: Failed, Output: text, Exit: 1}
			if len(f) > 2 {
				rs[i].Exit, _ = strconv.Atoi(f[2])
			}
		}
	}
	return rs
}
