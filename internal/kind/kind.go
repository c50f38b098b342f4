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
	"haprov/internal/secret"
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

// Checker is implemented by kinds that can find mistakes in their attributes, or in the hosts that
// their role has, before any connection. Problems name the attribute that is wrong ("" for the whole
// step). A kind that embeds Where has its nodes there; none are given when it is checked alone.
type Checker interface{ Check() []Problem }

// Installer is implemented by steps that install packages of the host's system. Packages are their
// names as far as they are known before a host was asked; a lab has them at hand.
type Installer interface{ Packages() []string }

// Writer is implemented by steps whose text is known before a host was asked: a file by its path, the
// cluster manager's configuration as cib.xml. haprov import compares it with what runs.
type Writer interface {
	Writes() (path string, text secret.Text)
}

// Problem is a mistake in a step's attributes, or with Risk what is taken all the same: a set-up
// that a test may want, and the reason why others should not.
type Problem struct {
	Attribute string
	Summary   string // up to eight words, no full stop
	Detail    string // found, expected, what to do
	Risk      bool   // a warning
}

// Owner is implemented by kinds that must be alone with something: two steps that own the same thing
// would undo each other's work, or destroy what the other keeps there.
type Owner interface {
	// Owns lists what the step owns on one of its hosts. It may be called at any time.
	Owns(host string) []Thing
}

// Thing is what a step owns, by the words that a message uses for it: "file /etc/hosts".
type Thing struct {
	What   string
	Shared bool // also by others that share it, such as the lines of one file
	Wide   bool // not of one host: no other host may own it, such as a virtual address

	// What haprov remove takes off the host, when the step is one of a single host.
	Path string // a file, link or directory that is there for the step's sake
	Unit string // a unit that the step starts
}

// Runs is that a step starts, stops or restarts a unit: two that do would undo each other, or restart it
// on all hosts at once. Shared, it is between a step that starts it and one that does its restarts.
func Runs(unit string, shared bool) Thing {
	return Thing{What: "starts and stops of " + unit, Shared: shared, Unit: unit}
}

// Node is one host as a cluster step sees it.
type Node struct {
	Name      string
	Lab       bool
	Fence     []Device            // what cuts its power
	Addresses map[string][]string // by network purpose: ring, replication, service, ssh
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
var ErrRequirement = errors.New("refused before any change")

// ErrSkipped: the step was not tried because others that it needs failed. The cause is theirs.
var ErrSkipped = errors.New("skipped")
