package host

import (
	"cmp"
	"fmt"
	"strings"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var RequirementSpec = kind.Spec{
	Name:    "requirement",
	Summary: "A condition on a host, checked before anything is done: when it is not fulfilled, no host is changed.",
	Example: `requirement "the kernel has nf_tables" {
  probe = "modinfo nf_tables >/dev/null 2>&1 || { echo 'its kernel has no nf_tables'; exit 1; }"
}
`,
	New: func() any { return &Requirement{} },
}

// Requirement is a condition that only the user can bring about.
type Requirement struct {
	Name   string `hcl:"name,label" about:"What is required, in words"`
	Test   string `hcl:"probe" text:"shell" about:"Shell command that only reads; exit 0: fulfilled; otherwise its output says what is wrong and what to do"`
	Level  string `hcl:"level,optional" default:"fail" oneof:"fail,warn" about:"fail: no host is changed; warn: a warning only"`
	Repair string `hcl:"repair,optional" text:"lines" about:"What the user can do about it, in words"`
}

// Check refuses an empty probe.
func (r *Requirement) Check() []kind.Problem {
	var ps kind.Problems
	if strings.TrimSpace(r.Test) == "" {
		ps.Add("probe", "Requirement without a probe", "Nothing says whether it is fulfilled; write a shell command that only reads.")
	}
	return ps
}

func (r *Requirement) question() probe.Query {
	return probe.Cmd(r.Name, r.Test, probe.Topic("requirement:"+r.Name))
}

// Probe asks the probe.
func (r *Requirement) Probe(seen probe.Seen) []probe.Query { return kind.Unread(seen, r.question()) }

// Decide is an ErrRequirement with the probe's output when it is not as required.
func (r *Requirement) Decide(seen probe.Seen) (plan.Change, error) {
	why := r.unmet(seen)
	switch {
	case seen.Get(r.question()).State == probe.Unasked:
		return kind.Unknown(r.Name), nil
	case why != "" && r.Level != "warn":
		return plan.Change{}, fmt.Errorf("%w: %s", kind.ErrRequirement, why)
	}
	return plan.Change{}, nil
}

// Warn is what is to be told of a requirement that only warns; empty when it is met.
func (r *Requirement) Warn(seen probe.Seen) string {
	if r.Level != "warn" {
		return ""
	}
	return r.unmet(seen)
}

func (r *Requirement) unmet(seen probe.Seen) string {
	a := seen.Get(r.question())
	why := ""
	switch {
	case a.State == probe.Unanswered:
		why = "the probe gave no answer in time"
	case a.State == probe.Answered && a.Exit != 0:
		why = cmp.Or(strings.TrimSpace(a.Out), fmt.Sprintf("the probe ended with %d", a.Exit))
	}
	if why != "" && r.Repair != "" {
		why += "; " + r.Repair
	}
	return why
}
