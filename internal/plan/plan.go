// Package plan holds what steps decide: changes as data, to be printed, compared and applied.
//
// It must not know how anything is read or done.
package plan

import (
	"slices"
	"time"

	"haprov/internal/act"
	"haprov/internal/probe"
)

// Change is what one step wants on one host. The zero Change means that nothing differs.
type Change struct {
	Diffs   []Diff
	Actions []act.Action
	// Later says why this cannot be decided yet: a tool, unit or fact is not there. It stands
	// only when an earlier pending change touches what the step reads; otherwise it is a failure.
	Later string
	// Wait asks to look again until the condition holds.
	Wait *Wait
}

// Empty reports whether there is nothing to do, nothing unknown and nothing to wait for.
func (c Change) Empty() bool {
	return len(c.Diffs) == 0 && len(c.Actions) == 0 && c.Later == "" && c.Wait == nil
}

// Dangers lists what the change would destroy.
func (c Change) Dangers() (out []string) {
	for _, d := range c.Diffs {
		if d.Danger != "" {
			out = append(out, d.Danger)
		}
	}
	return out
}

// Diff is one attribute that differs. Values are as a person reads them; a secret is never here,
// at most its fingerprint.
type Diff struct {
	Attribute string
	Have      string // empty: absent
	Want      string
	// Text marks Have and Want as whole texts, to be shown as a unified diff.
	Text bool
	// Danger says what data would be destroyed; only a change that the user named may have it.
	Danger string
}

// Wait is a condition that the host or cluster will reach by itself.
type Wait struct {
	Reason   string        // the condition; while it stays the same, the time that is left runs on
	Progress string        // how far it is, which may change at each look; may be empty
	Deadline time.Duration // from the first time that this was waited for; scaled with the machine
	Evidence string        // what the hosts said at this look, for whoever waited in vain
}

// Text is the wait as a person reads it.
func (w Wait) Text() string {
	if w.Progress == "" {
		return w.Reason
	}
	return w.Reason + " (" + w.Progress + ")"
}

// Phase is the next thing a cluster step does: actions by host, then everything is probed again.
// The zero Phase means that nothing differs.
type Phase struct {
	Name    string // "create metadata", "first sync"; the same name is the same phase, so nothing that changes from look to look is in it
	Changes map[string]Change
	Wait    *Wait
	// Then previews the phases that follow, for the plan alone.
	Then []string
	// Away names hosts that the phase's actions take down and that come back by themselves: their
	// connection is dropped, and the run goes on when they answer again.
	Away []string
	// Tries bounds how often a run does the phase; 0 is once, for what must not repeat itself. After
	// that the phase's Wait counts alone.
	Tries int
	// Note is what a person should know although there is nothing to do. It makes no change.
	Note string
	// Proofs says of each host's fence devices whether they were fired. It makes no change.
	Proofs []Proof
	// Record is set when the actions only write down what is known: nothing is amiss meanwhile.
	Record bool
}

// Proof is what is known of one host's fence devices.
type Proof struct {
	Host  string `json:"-"`
	State string `json:"state"`
	At    string `json:"at,omitempty"` // UTC, when it was last fired
	By    string `json:"by,omitempty"` // the node that asked for it
}

// States of a proof.
const (
	Proved     = "proved"      // fired, and nothing that the proof rests on has changed since
	Stale      = "stale"       // fired, and changed since
	NeverFired = "never fired" // as far as is recorded
)

// Empty reports whether the cluster step has nothing to do.
func (p Phase) Empty() bool { return p.Name == "" && p.Wait == nil && len(p.Changes) == 0 }

// Reads joins the subjects of queries.
func Reads(qs []probe.Query) (out []probe.Subject) {
	for _, q := range qs {
		out = append(out, q.Subjects()...)
	}
	return out
}

// Plan is what a run would do, in the order of the chains.
type Plan struct{ Items []Item }

// Item is what one step would do on one host. Host is empty where a cluster step only waits or
// cannot say yet.
type Item struct {
	Host, Address string
	Phase         string
	Change        Change
	Then          []string
	// Provisional: an earlier pending change touches what this was decided on.
	Provisional bool
	// Record: it only writes down what is known; nothing is amiss meanwhile.
	Record bool
}

// Changes counts what is to be done.
func (p Plan) Changes() int { return len(p.Items) }

// NotAllowed lists the dangers whose steps are not named in allow.
func (p Plan) NotAllowed(allow []string) (out []string) {
	for _, it := range p.Items {
		if d := it.Change.Dangers(); len(d) > 0 && !slices.Contains(allow, it.Address) {
			for _, x := range d {
				out = append(out, it.Address+": "+x)
			}
		}
	}
	return out
}
