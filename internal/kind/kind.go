// Package kind is the contract of steps: what every kind of step is, what it may offer besides, and
// what the families of kinds have in common.
//
// A kind is a struct with `hcl` tags and two pure methods: no I/O, no clock, no chance, and nothing
// remembered: what a run must know of its own beginning is given to Decide. Each family
// has a package below this one, one file a kind; package kinds lists them all. It must not know
// HCL, SSH or the engine.
package kind

import (
	"errors"

	"haprov/internal/plan"
	"haprov/internal/probe"
)

// Step is one wanted thing on one host.
type Step interface {
	// Probe says what is still unread. It is asked again with the answers, at most three times;
	// nil ends it.
	Probe(seen probe.Seen) []probe.Query
	// Decide compares. It may be called at any time and must cope with missing answers: they make
	// a Later. An error is final for this host.
	Decide(seen probe.Seen) (plan.Change, error)
}

// Cluster is one wanted thing over several hosts.
type Cluster interface {
	// Probe says what is still unread of one host. It is called in two ways: at the first look with
	// that host alone in seen, because hosts are asked side by side then; later, when the step's
	// turn has come, with all its hosts, so that what one of them answered can lead to a question
	// to another. It is asked again with the answers, at most three times; nil ends it.
	Probe(host string, seen probe.Hosts) []probe.Query
	// Decide gives only the next phase, from what is seen now. begin is what was seen when the run
	// began, before anything was done, and is the same as now at the first look: a step remembers
	// nothing, so what a run must know of its own beginning (which server was to be moved, which
	// have been restarted since) is told from there. A host that did not answer has Lost set.
	Decide(begin, now probe.Hosts) (plan.Phase, error)
}

// Checker is implemented by kinds that can find mistakes in their attributes before any
// connection. Problems name the attribute that is wrong ("" for the whole step).
type Checker interface{ Check() []Problem }

// Installer is implemented by steps that install packages of the host's system. Packages are their
// names as far as they are known before a host was asked; a lab has them at hand.
type Installer interface{ Packages() []string }

// Problem is a mistake in a step's attributes.
type Problem struct {
	Attribute string
	Summary   string // up to eight words, no full stop
	Detail    string // found, expected, what to do
}

// Node is one host as a cluster step sees it.
type Node struct {
	Name  string
	Lab   bool
	Fence []Device // what cuts its power
}

// Device is a fence device. Its password, when it has one, is not here: it is in a file.
type Device struct {
	ID      string // fence-db1
	Agent   string // fence_ipmilan
	Options map[string]string
	Secret  bool
}

// Where is set by the configuration on steps that embed it: the block's label and the cluster around.
type Where struct {
	Label string  // the block's label: package "socat" {}
	Nodes []Node  // of the role the step stands in, in inventory order
	Speed float64 // how much slower than a real machine waits must be: 1 kvm, 2 uml, 10 tcg
}

// Spec describes a kind for the decoder and the reference.
type Spec struct {
	Name    string     // the block's type: "package"
	Summary string     // one sentence for the reference
	Example string     // HCL that the tests decode
	New     func() any // a fresh *T with hcl tags; implements Step or Cluster
}

// ErrRequirement: a host is not what the recipe needs. No host was changed; once the host is,
// the run may be repeated.
var ErrRequirement = errors.New("refused before anything was done")

// ErrSkipped: the step was not tried because others that it needs failed. The cause is theirs.
var ErrSkipped = errors.New("skipped")
