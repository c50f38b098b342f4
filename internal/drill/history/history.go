// Package history is what a drill's clients did and saw, with the marks of its faults: the evidence
// that judges read.
//
// It must not know how operations are made, nor what they prove.
package history

import (
	"cmp"
	"slices"
	"time"
)

// Version of the format.
const Version = 1

// Outcome of an operation.
type Outcome string

const (
	OK   Outcome = "ok"
	Fail Outcome = "fail" // surely not done
	Info Outcome = "info" // nobody knows
)

// Op is one operation of a client. Times are nanoseconds of one monotonic clock since the run began.
type Op struct {
	Client  int     `json:"client"`
	Seq     int     `json:"seq"`
	Do      string  `json:"do"`            // add, member, probe, read, write, cas, transfer, balance, append, put, get
	Key     string  `json:"key,omitempty"` // of a value
	In      string  `json:"in,omitempty"`  // what was asked for
	Out     string  `json:"out,omitempty"` // what was answered
	Due     int64   `json:"due"`           // when it should have begun: Call is later for a client that was held up
	Call    int64   `json:"call"`
	Return  int64   `json:"return"`
	Outcome Outcome `json:"outcome"`
	Code    int     `json:"code,omitempty"`   // the server's error number
	State   string  `json:"state,omitempty"`  // its SQLSTATE, where it has no number
	Class   string  `json:"class,omitempty"`  // of an error: not begun, refused, timeout, lost, server, unmet, unreturned
	Server  string  `json:"server,omitempty"` // the host that answered, in its own words
	Boot    string  `json:"boot,omitempty"`   // of that host, when it is known: a host that was off has another one
}

// Mark is a moment of a fault.
type Mark struct {
	Time  int64  `json:"time"`
	Event string `json:"event"` // begin, inject, seen, served, heal, gone, healthy, fenced, end
	Fault string `json:"fault,omitempty"`
	Host  string `json:"host,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Scan is what one host held at the end, of one workload.
type Scan struct {
	Host   string   `json:"host"` // empty: read through the endpoint
	Of     string   `json:"of"`   // add, balance, append, digest
	Values []string `json:"values"`
	Error  string   `json:"error,omitempty"` // it could not be read
}

// Header is the first line of a file.
type Header struct {
	Version int       `json:"version"`
	Drill   string    `json:"drill"`
	Cluster string    `json:"cluster"`
	Seed    uint64    `json:"seed"`
	Began   time.Time `json:"began"`
}

// History is one drill's.
type History struct {
	Header Header
	Ops    []Op // by Call
	Marks  []Mark
	Scans  []Scan
	Late   []int64 // by how much the observer's own clock was late, ns, ten times a second
}

// Sort puts operations and marks in the order of time.
func (h *History) Sort() {
	slices.SortStableFunc(h.Ops, func(a, b Op) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Seq, b.Seq))
	})
	slices.SortStableFunc(h.Marks, func(a, b Mark) int { return cmp.Compare(a.Time, b.Time) })
}

// Mark finds the first mark of an event.
func (h *History) Mark(event string) (Mark, bool) {
	for _, m := range h.Marks {
		if m.Event == event {
			return m, true
		}
	}
	return Mark{}, false
}

// Of are the operations that do one of the things.
func (h *History) Of(do ...string) (out []Op) {
	for _, o := range h.Ops {
		if slices.Contains(do, o.Do) {
			out = append(out, o)
		}
	}
	return out
}
