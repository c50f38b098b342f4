package engine

import (
	"time"

	"haprov/internal/plan"
)

// Event is one thing that happened: a closed set.
type Event interface{ event() }

type (
	// Connected: logged in to a host.
	Connected struct {
		Host string
		Took time.Duration
	}
	// Exchanged: one script went to a host and its answer came back.
	Exchanged struct {
		Host, What string // what: probe, act, lock
		Took       time.Duration
	}
	// Planned: something differs. Sent once, before the approval.
	Planned struct{ Plan plan.Plan }
	// Started: an action begins.
	Started struct{ Host, Address, Title string }
	// Done: an action ended. Unchanged: there was nothing to do any more. Packages of one transaction
	// end together: each of them is the Nth of so many, which is 0 for every other action.
	Done struct {
		Host, Address, Title string
		Took                 time.Duration
		Unchanged            bool
		Diffs                []plan.Diff
		Nth, Of              int
	}
	// Failed: a host stops here. Command is what the failed action ran, Output the end of what it
	// printed.
	Failed struct {
		Host, Address   string
		Err             error
		Command, Output string
	}
	// Waiting: a condition has not come yet. Sent at each look.
	Waiting struct {
		Hosts   []string
		Address string
		Reason  string
		Left    time.Duration
	}
	// Phase: a cluster step begins its next phase.
	Phase struct{ Address, Name string }
	// Noted: a cluster step has nothing to do, but something to say.
	Noted struct{ Address, Text string }
)

func (Connected) event() {}
func (Exchanged) event() {}
func (Planned) event()   {}
func (Started) event()   {}
func (Done) event()      {}
func (Failed) event()    {}
func (Waiting) event()   {}
func (Phase) event()     {}
func (Noted) event()     {}
