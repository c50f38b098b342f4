package recipe

import "time"

// Fault is something that goes wrong on purpose: stack-neutral data, from a file of its own in the
// folder faults. Lab, Links and Shell are the ways to bring it about; the first that the place offers is
// taken.
type Fault struct {
	Name, About string
	Risk        string // one of Risks
	Lab         *LabFault
	Links       *LinkFault
	Shell       *ShellFault
}

// NeedsLab tells whether nothing but a lab can bring the fault about: machines that are no lab's can do
// something to what they send to each other, and not to what they send to all others.
func (f Fault) NeedsLab() bool {
	return f.Shell == nil && (f.Links == nil || f.Links.To != "peers")
}

// Risks are what a fault may cost, the least first: writes that wait, a failover, a machine, the
// service, data.
var Risks = []string{"stall", "failover", "host", "cluster", "data"}

// LabFault is what a lab's supervisor does to the target.
type LabFault struct {
	Power string // off, cycle
	Pause bool
	Fence string // refuses: the target's fence device
}

// LinkFault is what happens to the frames on the target's links; one thing of them. A lab's supervisor
// cuts, delays and loses; the rest, and all of it where there is no lab, the kernels of both ends do
// (tc-netem) to what they send to each other.
type LinkFault struct {
	Cut       bool
	Delay     time.Duration
	Loss      int    // percent; so are the next three
	Duplicate int    // sent twice
	Reorder   int    // overtake those before them
	Corrupt   int    // with one bit changed
	Rate      string // at most so much, as tc writes it: 1mbit
	To        string // peers, gateway, all: whom the target's links lead to
	Carry     string // only networks that carry this purpose; empty: all
	OneWay    bool   // only what the target sends
}

// ByLab tells whether a lab's supervisor can bring it about.
func (f LinkFault) ByLab() bool { return f.Cut || f.Delay > 0 || f.Loss > 0 }

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
	Open   bool          // who is active and who is fenced is not foretold
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
	Promises []Promise
	Drills   []Drill
	Mutants  []Mutant
	Stations []Station
	Load     *Load // nil: no drill can be judged
	Consent  *Consent
}
