package recipe

import "time"

// Fault is something that goes wrong on purpose: stack-neutral data, from a file of its own in the
// folder faults. Lab and Shell are the ways to bring it about; the first that the place offers is
// taken.
type Fault struct {
	Name, About string
	Risk        string // one of Risks
	Lab         *LabFault
	Shell       *ShellFault
}

// Risks are what a fault may cost, the least first: writes that wait, a failover, a machine, the
// service, data.
var Risks = []string{"stall", "failover", "host", "cluster", "data"}

// LabFault is what a lab's supervisor does to the target, or to its links.
type LabFault struct {
	Power  string // off, cycle
	Pause  bool
	Fence  string // refuses: the target's fence device
	Cut    bool
	Delay  time.Duration
	Loss   float64 // 0 to 1
	To     string  // peers, gateway, all: whom the target's links lead to
	Carry  string  // only networks that carry this purpose; empty: all
	OneWay bool    // only what the target sends
}

// ShellFault is four commands for the target, run by root. Heal may be repeated, also where the fault
// never was; Seen and Gone only look.
type ShellFault struct{ Inject, Seen, Heal, Gone string }

// Promise is what a cluster keeps through every drill that it is judged in.
type Promise struct {
	Text, Judge string
	Informs     bool // what the judge finds is told, and fails no drill
}

// Drill is one experiment: faults, and what is expected of them.
type Drill struct {
	Name, About string
	Suites      []string
	Faults      []Bound
	Expect      Expect
}

// Bound is a fault with its target.
type Bound struct {
	Fault Fault
	On    string        // a selector: active, standby, holder, all, or the name of a role
	After time.Duration // since the drill's first fault
	Hold  time.Duration // 0: until the service was there again for a while
}

// Expect is what should come of a drill.
type Expect struct {
	Active string        // moves, stays, none
	Fenced []string      // selectors of those that are fenced: these and no others
	Stall  time.Duration // the longest time in which no write is acknowledged; 0: Outage
	Outage time.Duration // the longest time in which no new client is served
	Heals  string        // alone: without a hand
}

// Load is how a drill uses the service.
type Load struct {
	Protocol string // what the clients speak
	User     string // the secret of that name is the password
	Database string
	Scan     string // shell command that prints one id a line: what a host holds
	ScanOn   string // active, each
	Readers  string // the endpoint that reads of sessions go to; empty: no such clients
	Members  string // the role whose hosts are written to at their own addresses; empty: no such clients
}

// Station is a line that a host's journal has when an outage reaches the next part.
type Station struct {
	Name, Line string // Line: a regular expression
}

// Consent is what the inventory allows drills to do on machines that are no lab's.
type Consent struct {
	Allow  []string // of Risks
	Window string   // "Sun 02:00-05:00"; empty: always
}

// Mutant is the recipe with one thing made worse on purpose: a drill that does not notice proves
// nothing.
type Mutant struct {
	Name, About string
	Drill       string
	Breaks      string // the promise that must be found broken
	Replaces    []Replace
}

// Replace changes one text of a shipped or own file: exactly one place.
type Replace struct{ In, From, To string }

// Drills is a cluster's part in drills.
type Drills struct {
	Tolerates int // hosts that may be away at once
	Promises  []Promise
	Drills    []Drill
	Mutants   []Mutant
	Stations  []Station
	Load      *Load // nil: no drill can be judged
	Consent   *Consent
}
