package galera

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Node is all that is known of one member: what it said, or that it said nothing.
type Node struct {
	Name string
	Lost string // why it could not be asked
	// Unit is systemd's word (active, activating, inactive, failed); Process tells that a server
	// process is there.
	Unit    string
	Process bool
	// Status is nil when no server answered; Mute says why not.
	Status *Status
	Mute   string
	// State is what grastate.dat says, or where a stopped server's recovery found it to be;
	// Unread says why it cannot be trusted.
	State     *Grastate
	Unread    string
	Recovered *Position
	// View is set when gvwstate.dat is there.
	View bool
	// Torn tells that a full copy into the node was broken off: what it holds is nobody's. Servers
	// leave sst_in_progress behind then, and an empty grastate.dat when it was their first one.
	Torn bool
	// Databases are the names of those that are not the server's own.
	Databases []string
}

// Stopped tells that no server is there nor about to be.
func (n Node) Stopped() bool {
	return n.Lost == "" && !n.Process && n.Status == nil && (n.Unit == "inactive" || n.Unit == "failed")
}

// Fresh tells that the node has never been in a cluster and holds nothing of anybody's.
func (n Node) Fresh() bool {
	return n.Stopped() && n.State == nil && n.Unread == "" && !n.View && !n.Torn && len(n.Databases) == 0
}

// Position is the best knowledge of how far a stopped node's data goes.
func (n Node) Position() Position {
	switch {
	case n.Recovered != nil:
		return *n.Recovered
	case n.State != nil:
		return n.State.Position
	}
	return Position{Seqno: -1}
}

// Empty tells that a stopped node holds no cluster's data: what a state transfer would replace is
// nobody's. One whose transfer was broken off is so, too.
func (n Node) Empty() bool {
	p := n.Position()
	return n.Fresh() || n.Stopped() && n.Unread == "" && len(n.Databases) == 0 && (p.UUID == "" || p.UUID == ZeroUUID)
}

// Unsure tells that the node's position must be recovered from its data before it can be compared.
func (n Node) Unsure() bool {
	return n.Stopped() && !n.Fresh() && !n.halfCopied() && n.Recovered == nil && (n.State == nil || !n.State.Known())
}

// halfCopied tells that a full copy was broken off and replaced what was there before. A node that
// says which cluster it is in is not, whatever a transfer left lying about.
func (n Node) halfCopied() bool {
	return n.Torn && (n.State == nil || n.State.UUID == ZeroUUID)
}

// Table shows the evidence, a line a node.
func Table(nodes []Node) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "  NODE\tSERVER\tCOMPONENT\tSTATE\tPOSITION\tSAFE\tDATABASES")
	for _, n := range nodes {
		if n.Lost != "" {
			fmt.Fprintf(w, "  %s\tnot asked: %s\n", n.Name, clip(n.Lost, 60))
			continue
		}
		component, state, position, safe := "-", "-", n.Position().String(), "-"
		if n.Status != nil {
			component, state = n.Status.Component, n.Status.State
			position = Position{n.Status.UUID, n.Status.LastWrite}.String()
		} else if n.Mute != "" && !n.Stopped() {
			state = clip(n.Mute, 40)
		}
		if n.State != nil {
			safe = map[bool]string{true: "yes", false: "no"}[n.State.Safe]
		}
		if n.Unread != "" {
			position = clip(n.Unread, 60)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, n.Unit, component, state, position, safe, clip(strings.Join(n.Databases, ","), 40))
	}
	w.Flush()
	return strings.TrimRight(b.String(), "\n")
}

func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "..."
	}
	return s
}

// Choose finds the node to start a lost cluster from: the most advanced one of one history. All
// nodes must be stopped and their positions known; missing names those that the user accepts to do
// without. The error is a refusal with its reason.
func Choose(nodes []Node, missing []string) (Node, error) {
	var from []Node
	for _, n := range nodes {
		switch {
		case slices.Contains(missing, n.Name):
		case n.Lost != "":
			return Node{}, fmt.Errorf("%s cannot be asked and may hold the newest rows; to do without them: --accept-missing %s", n.Name, n.Name)
		case !n.Stopped():
			return Node{}, fmt.Errorf("the server on %s is not stopped", n.Name)
		case n.Empty(), n.halfCopied():
		case n.State != nil && n.State.UUID == ZeroUUID:
			return Node{}, fmt.Errorf("%s holds databases, but records no cluster, as during a state transfer: nothing is started from it; to do without its rows: --accept-missing %s", n.Name, n.Name)
		case n.Unread != "" && n.Recovered == nil:
			return Node{}, fmt.Errorf("%s: %s; to do without its rows: --accept-missing %s", n.Name, n.Unread, n.Name)
		case !n.Position().Known():
			return Node{}, fmt.Errorf("%s holds databases, but its position is %s; to do without its rows: --accept-missing %s", n.Name, n.Position(), n.Name)
		default:
			from = append(from, n)
		}
	}
	if len(from) == 0 {
		return Node{}, fmt.Errorf("no node holds a cluster: there is nothing to recover")
	}
	best := from[0]
	for _, n := range from[1:] {
		if n.Position().UUID != best.Position().UUID {
			return Node{}, fmt.Errorf("%s and %s hold different clusters (%s, %s); name the ones to leave out with --accept-missing", best.Name, n.Name, best.Position().UUID, n.Position().UUID)
		}
		if n.Position().Seqno > best.Position().Seqno || n.Position().Seqno == best.Position().Seqno && n.safe() && !best.safe() {
			best = n
		}
	}
	for _, n := range from {
		if n.safe() && n.Position().Seqno < best.Position().Seqno {
			return Node{}, fmt.Errorf("%s is marked as the last to leave, but %s is ahead of it (%d, %d): name the one to leave out with --accept-missing", n.Name, best.Name, n.Position().Seqno, best.Position().Seqno)
		}
	}
	return best, nil
}

func (n Node) safe() bool { return n.State != nil && n.State.Safe }
