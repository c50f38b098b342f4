package host

import (
	"strings"
	"time"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var WaitSpec = kind.Spec{
	Name:    "wait",
	Summary: "A condition that the host reaches by itself: the steps after it begin when it holds, and the run ends with an error when it does not in time.",
	Example: `wait "three members are in the cluster" {
  until    = "[ $(etcdctl member list | wc -l) -eq 3 ]"
  deadline = "5m"
}`,
	New: func() any { return &Wait{} },
}

// Wait changes nothing. Its condition only reads.
type Wait struct {
	Reason   string        `hcl:"reason,label" about:"What is waited for, in words"`
	Until    string        `hcl:"until" text:"shell" about:"Shell command that only reads and succeeds when it is so"`
	Deadline time.Duration `hcl:"deadline,optional" default:"5m" about:"How long it may take; scaled with the machine"`
}

// Check refuses an empty condition.
func (w *Wait) Check() []kind.Problem {
	var ps kind.Problems
	if strings.TrimSpace(w.Until) == "" {
		ps.Add("until", "Condition is empty", "Expected a shell command that succeeds when it is so.")
	}
	return ps
}

// query reads all: any step may bring the condition about.
func (w *Wait) query() probe.Query { return probe.Cmd("wait "+w.Reason, w.Until, probe.All) }

// Probe asks the condition.
func (w *Wait) Probe(seen probe.Seen) []probe.Query { return kind.Unread(seen, w.query()) }

// Decide waits until it holds. A command that is not there will not come by waiting.
func (w *Wait) Decide(seen probe.Seen) (plan.Change, error) {
	a := seen.Get(w.query())
	switch {
	case a.State == probe.Unasked:
		return kind.Unknown(w.Reason), nil
	case a.State == probe.Answered && a.Exit == 0:
		return plan.Change{}, nil
	case a.State == probe.Answered && a.Exit == 127:
		return plan.Change{Later: w.Reason + ": a command of its condition is not there: " + strings.TrimSpace(a.Out)}, nil
	}
	return plan.Change{Wait: &plan.Wait{Reason: w.Reason, Deadline: w.Deadline, Evidence: "  " + strings.TrimSpace(a.Out)}}, nil
}
