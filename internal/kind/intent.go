package kind

import (
	"errors"

	"haprov/internal/plan"
)

// Intended is a cluster step that can do more than bring the inventory about.
type Intended interface {
	Cluster
	// Intend gives the step that decides for the intent, leaving this one as it is. An unknown
	// verb is ErrNoIntent; any other error says what is wrong with the intent itself.
	Intend(plan.Intent) (Cluster, error)
}

// Joint is a cluster step that does nothing but put hosts in order. It keeps doing so when hosts are
// taken out of service one after the other.
type Joint interface {
	Cluster
	Joins()
}

// Leaver is a cluster step that hosts can be taken out of. Leave gives the step that does it; it
// sees the hosts that stay, too.
type Leaver interface {
	Cluster
	Leave([]Node) Cluster
}

// Replacer is a cluster step for which it matters that a machine, or its disks, are new ones under an old
// name. Replace gives the step that takes the host for new: it may fill its empty disks from the other
// hosts, and what was proved of the old machine counts no more.
type Replacer interface {
	Cluster
	Replace(host string) Cluster
}

// ErrNoIntent: the step has no decision table for the verb.
var ErrNoIntent = errors.New("no step of its recipe supports that")
