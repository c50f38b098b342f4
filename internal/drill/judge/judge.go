// Package judge reads a history and says what became of a promise.
//
// Judges are pure: no clock, no input or output. They must not know any stack or fault. What is not
// known is unknown, never a pass.
package judge

import (
	"fmt"
	"slices"
	"time"

	"haprov/internal/drill/history"
)

// Words of a verdict.
const (
	Pass    = "pass"
	Fail    = "fail"
	Unknown = "unknown"
)

// Verdict is what became of one promise.
type Verdict struct {
	Promise  string             `json:"promise"`
	Judge    string             `json:"judge"`
	Word     string             `json:"verdict"`
	Why      string             `json:"why"`
	Informs  bool               `json:"informs,omitempty"`
	Evidence []history.Op       `json:"evidence,omitempty"` // at most maxEvidence of the operations that tell it
	Numbers  map[string]float64 `json:"numbers,omitempty"`
}

const maxEvidence = 20

// Expect is what is expected of a drill, with the hosts' names.
type Expect struct {
	Stall  time.Duration // the longest time without an acknowledged row
	Outage time.Duration // the longest time without a new client served
}

// Judge reads a history.
type Judge func(h *history.History, e Expect) Verdict

// All are the judges by name.
var All = map[string]Judge{
	"acked": Acked, "append": Append, "bank": Bank, "digest": Digest, "endpoint": Endpoint,
	"outage": Outage, "reads": Reads, "register": Register, "session": Session, "writers": Writers,
}

// Of has a promise judged. Where there is a doubt nothing passes; what a judge found wrong stays so.
func Of(promise, name string, informs bool, h *history.History, e Expect) Verdict {
	j, ok := All[name]
	v := Verdict{Word: Unknown, Why: "there is no judge of that name yet"}
	if ok {
		v = j(h, e)
	}
	if v.Word == Pass {
		if why := Doubt(h); why != "" {
			v.Word, v.Why = Unknown, why
		}
	}
	v.Promise, v.Judge, v.Informs = promise, name, informs
	return v
}

// Limits of what an observer's word is worth.
const (
	leastAcked = 100                    // rows in the time before the first fault
	before     = 5 * time.Second        // that time
	mostLate   = 200 * time.Millisecond // of the observer's own clock, in 99 of 100 looks
)

// Doubt says why no history like this one can pass; empty when it can.
func Doubt(h *history.History) string {
	inject, ok := h.Mark("inject")
	if !ok {
		return "no fault was brought about"
	}
	if _, ok := h.Mark("seen"); !ok {
		return "the fault was not seen in force"
	}
	n := 0
	for _, o := range h.Of("add") {
		if o.Outcome == history.OK && o.Return <= inject.Time && o.Return > inject.Time-int64(before) {
			n++
		}
	}
	if n < leastAcked {
		return fmt.Sprintf("only %d rows were acknowledged in the %s before the fault, %d are wanted", n, before, leastAcked)
	}
	late := slices.Sorted(slices.Values(h.Late))
	if len(late) == 0 {
		return "the observer's own clock was not watched"
	}
	if p := late[(len(late)-1)*99/100]; p > int64(mostLate) {
		return fmt.Sprintf("the observer itself stood still: its clock was up to %s late", time.Duration(p).Round(time.Millisecond))
	}
	return ""
}

// scansOf are the final reads of one workload that could be made; doubt says which is missing.
func scansOf(h *history.History, of string) (scans []history.Scan, doubt string) {
	for _, s := range h.Scans {
		switch {
		case s.Of != of:
		case s.Error == "":
			scans = append(scans, s)
		case s.Host == "":
			doubt = "the service could not be read at the end: " + s.Error
		default:
			doubt = fmt.Sprintf("%s could not be read at the end: %s", s.Host, s.Error)
		}
	}
	if len(scans) == 0 && doubt == "" {
		doubt = "no host was read at the end"
	}
	return scans, doubt
}

// unknown is the verdict when a judge has nothing to go by.
func unknown(why string) Verdict { return Verdict{Word: Unknown, Why: why} }

func few(ops []history.Op) []history.Op { return ops[:min(len(ops), maxEvidence)] }

func seconds(ns int64) float64 { return float64(ns/int64(time.Millisecond)) / 1000 }
