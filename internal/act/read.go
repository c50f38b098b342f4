package act

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// State is what became of an action.
type State int

const (
	NotRun  State = iota // an earlier one failed, or the connection was lost before
	Running              // begun and not ended: the connection was lost
	Done
	Same    // Unless held: there was nothing to do
	Failed  // exit status other than 0
	Refused // Guard did not hold: the host has changed since this was decided
)

// Result is what became of one action.
type Result struct {
	State  State
	Exit   int
	Output string // the end of what a failed action printed
}

// Bounds of what a batch may print: the script sends three marks an action at most and the last 16 KiB
// of one that failed. A mark is a nonce, a word and two numbers.
const (
	maxMark   = 64
	tailBytes = 16 << 10
	maxOutput = 32 << 10
)

// MaxBytes is how much a batch of n actions may print; what prints more is not our script.
func MaxBytes(n int) int { return 1<<20 + 512*n }

// Reader tells what became of a batch's actions while its output comes in. Each byte is looked at
// once, and kept is only what a failed action printed. Marks count in the order in which the script
// sends them; others are hostile or a mistake and change nothing.
type Reader struct {
	mark    []byte
	rs      []Result
	at      int    // the action that is under way or next
	pending []byte // may hold a mark that is not whole yet
	failed  int    // whose output comes in; -1: nobody's
	output  []byte
}

// NewReader follows a batch of n actions that Script made with the nonce.
func NewReader(n int, nonce string) *Reader {
	return &Reader{mark: []byte("\n" + nonce + " "), rs: make([]Result, n), failed: -1}
}

// Results are what is known now.
func (r *Reader) Results() []Result {
	rs := append([]Result(nil), r.rs...)
	if r.failed >= 0 {
		rs[r.failed].Output = r.said()
	}
	return rs
}

// Feed takes more output; moved says that an action began or ended.
func (r *Reader) Feed(p []byte) (moved bool) {
	r.pending = append(r.pending, p...)
	for {
		i := bytes.Index(r.pending, r.mark)
		if i < 0 {
			r.text(len(r.pending) - r.begun())
			return moved
		}
		r.text(i)
		head, rest, whole := bytes.Cut(r.pending[len(r.mark):], []byte("\n"))
		switch {
		case whole:
			moved = r.take(string(head)) || moved
			r.pending = rest
		case len(head) > maxMark:
			r.text(len(r.mark))
		default:
			return moved
		}
	}
}

// begun is how many of the last bytes may be the start of a mark, whose only newline is its first byte.
func (r *Reader) begun() int {
	i := bytes.LastIndexByte(r.pending, '\n')
	if i >= 0 && bytes.HasPrefix(r.mark, r.pending[i:]) {
		return len(r.pending) - i
	}
	return 0
}

// text takes the first n pending bytes as what is no mark.
func (r *Reader) text(n int) {
	if r.failed >= 0 {
		r.output = append(r.output, r.pending[:min(n, maxOutput-len(r.output))]...)
	}
	r.pending = r.pending[n:]
}

// said is what a failed action printed, without the empty line after each mark. Of a longer output the
// host sends the end: its first line is cut, and left out, since half a secret cannot be masked.
func (r *Reader) said() string {
	s := strings.TrimPrefix(string(r.output), "\n")
	if _, whole, ok := strings.Cut(s, "\n"); ok && len(s) >= tailBytes {
		return whole
	}
	return s
}

// take reads one mark: "begin 3", "failed 3 100", "end".
func (r *Reader) take(head string) bool {
	if r.failed >= 0 { // nothing is done after a failure
		r.rs[r.failed].Output = r.said()
		r.failed, r.output, r.at = -1, nil, len(r.rs)
		return false
	}
	f := strings.Fields(head)
	if len(f) < 2 || r.at >= len(r.rs) {
		return false
	}
	if i, err := strconv.Atoi(f[1]); err != nil || i != r.at {
		return false
	}
	now := &r.rs[r.at]
	if f[0] == "begin" && now.State == NotRun {
		now.State = Running
		return true
	}
	if now.State != Running {
		return false
	}
	switch f[0] {
	case "done":
		now.State = Done
		r.at++
	case "same":
		now.State = Same
		r.at++
	case "refused":
		now.State = Refused
		r.failed = r.at
	case "failed":
		now.State, now.Exit = Failed, 1
		if len(f) > 2 {
			now.Exit, _ = strconv.Atoi(f[2])
		}
		r.failed = r.at
	default:
		return false
	}
	return true
}

// slack is how long the host may take between two actions; flush, at the end of a batch, where it
// writes what it changed to its disks.
const (
	slack = time.Minute
	flush = 3 * time.Minute
)

// Patience is how long the batch may take until the next action begins or ends: while one is under
// way, its own time-out and its guard's, and slack.
func (r *Reader) Patience(as []Action) time.Duration {
	switch {
	case r.at >= len(r.rs):
		return flush
	case r.rs[r.at].State != Running:
		return slack
	}
	d := slack + as[r.at].timeout()
	if as[r.at].Guard != "" {
		d += as[r.at].timeout()
	}
	return d
}
