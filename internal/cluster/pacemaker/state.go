package pacemaker

import (
	"slices"
	"strings"
)

// State is what crm_mon says of a cluster.
type State struct {
	Quorum    bool       `json:"quorum"`
	Nodes     []Member   `json:"nodes"`
	Resources []Resource `json:"resources"`
}

// Member is one node. Standby: by its own attribute it runs nothing.
type Member struct {
	Name    string `json:"name"`
	Online  bool   `json:"online"`
	Standby bool   `json:"standby"`
}

// Resource is one instance of a primitive. An instance that runs nowhere has no Node.
type Resource struct {
	ID     string `json:"id"`
	Top    string `json:"top"`  // the clone or group it is in, else its own id
	Role   string `json:"role"` // Started, Promoted, Unpromoted, Stopped
	Node   string `json:"node"`
	Failed bool   `json:"failed"`
	Clone  bool   `json:"clone"`
	Fence  bool   `json:"fence_device"`
}

// ParseMon reads `crm_mon -1 -r --output-as=xml` of Pacemaker 2.1.
func ParseMon(text string) (State, error) {
	root, err := Parse(text)
	if err != nil {
		return State{}, err
	}
	s := State{}
	if dc := root.Find("summary", "current_dc"); dc != nil {
		s.Quorum = dc.Attrs["with_quorum"] == "true"
	}
	if ns := root.Find("nodes"); ns != nil {
		for _, n := range ns.Children {
			s.Nodes = append(s.Nodes, Member{Name: n.Attrs["name"], Standby: n.Attrs["standby"] == "true",
				Online: n.Attrs["online"] == "true" && n.Attrs["pending"] != "true" && n.Attrs["unclean"] != "true"})
		}
	}
	if rs := root.Find("resources"); rs != nil {
		for _, n := range rs.Children {
			s.add(n, n.Attrs["id"], n.Name == "clone")
		}
	}
	return s, nil
}

func (s *State) add(n *Node, top string, clone bool) {
	if n.Name != "resource" {
		for _, c := range n.Children {
			s.add(c, top, clone)
		}
		return
	}
	r := Resource{ID: n.Attrs["id"], Top: top, Role: n.Attrs["role"], Clone: clone, Failed: n.Attrs["failed"] == "true",
		Fence: strings.HasPrefix(n.Attrs["resource_agent"], "stonith:")}
	if n.Attrs["active"] == "true" && len(n.Children) > 0 {
		r.Node = n.Children[0].Attrs["name"]
	}
	s.Resources = append(s.Resources, r)
}

// Online lists the nodes that are members and ready.
func (s State) Online() (out []string) {
	for _, n := range s.Nodes {
		if n.Online {
			out = append(out, n.Name)
		}
	}
	return out
}

// Standby reports whether a node is told to run nothing.
func (s State) Standby(node string) bool {
	return slices.ContainsFunc(s.Nodes, func(n Member) bool { return n.Name == node && n.Standby })
}

// Single are the resources that run once: neither clones nor fence devices.
func (s State) Single() (out []Resource) {
	for _, r := range s.Resources {
		if !r.Clone && !r.Fence {
			out = append(out, r)
		}
	}
	return out
}

// Serving are the instances that make up the service. Of the named clones, groups and primitives: what
// runs once, and the promoted instances; the instances of a plain clone are none, for they serve
// wherever they run. With no name it is all that runs once.
func (s State) Serving(of []string) (out []Resource) {
	if len(of) == 0 {
		return s.Single()
	}
	for _, r := range s.Resources {
		if (slices.Contains(of, r.Top) || slices.Contains(of, r.ID)) && (!r.Clone || r.Role == "Promoted") {
			out = append(out, r)
		}
	}
	return out
}

// Places are the nodes on which the named resources serve, sorted. whole reports that each of them
// does: what runs once runs, and a clone has an instance that is promoted, or started if none can be.
func (s State) Places(of []string) (nodes []string, whole bool) {
	serving := map[string]bool{}
	whole = true
	for _, r := range s.Serving(of) {
		serving[r.Top], serving[r.ID] = true, true
		if r.Node == "" || r.Failed || r.Role != "Started" && r.Role != "Promoted" {
			whole = false
			continue
		}
		nodes = append(nodes, r.Node)
	}
	for _, id := range of {
		if serving[id] {
			continue
		}
		found := false
		for _, r := range s.Resources { // a plain clone
			if (r.Top == id || r.ID == id) && r.Node != "" && r.Role == "Started" && !r.Failed {
				found, nodes = true, append(nodes, r.Node)
			}
		}
		whole = whole && found
	}
	slices.Sort(nodes)
	return slices.Compact(nodes), whole
}

// Active is the node that serves: all of Serving runs there, and all of it does. Empty when there is
// no such node, as while it moves, or when several serve.
func (s State) Active(of ...string) string {
	node := ""
	for i, r := range s.Serving(of) {
		if r.Node == "" || r.Failed || r.Role != "Started" && r.Role != "Promoted" || i > 0 && r.Node != node {
			return ""
		}
		node = r.Node
	}
	if _, whole := s.Places(of); !whole {
		return ""
	}
	return node
}

// Late lists what does not run, or failed. An instance of a clone or a fence device may be missing
// where a node is in standby: there is no place for it.
func (s State) Late() (out []string) {
	spare := 0
	for _, n := range s.Nodes {
		if n.Standby {
			spare++
		}
	}
	missing := map[string]int{}
	for _, r := range s.Resources {
		switch {
		case r.Failed, r.Node != "" && !slices.Contains([]string{"Started", "Promoted", "Unpromoted"}, r.Role): // Starting, Stopping, ...
			out = append(out, r.ID)
		case r.Node == "":
			missing[r.ID]++
			if !(r.Clone || r.Fence) || missing[r.ID] > spare {
				out = append(out, r.ID)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Fencing is one fencing that ended well. Origin is the node that asked for it.
type Fencing struct{ Target, Client, Origin, Completed string }

// At is when the fencing ended, in one word.
func (f Fencing) At() string { return strings.ReplaceAll(f.Completed, " ", "T") }

// byHand is who carried a fencing out that an administrator confirmed (stonith_admin --confirm): no
// device was fired.
const byHand = "a human"

// ParseFencings reads `stonith_admin --history '*' --verbose --output-as=xml`: those that a device
// carried out and that ended well, the latest first.
func ParseFencings(text string) ([]Fencing, error) {
	root, err := Parse(text)
	if err != nil {
		return nil, err
	}
	var out []Fencing
	root.All(func(n *Node) {
		if a := n.Attrs; n.Name == "fence_event" && a["status"] == "success" && (a["action"] == "reboot" || a["action"] == "off") && a["delegate"] != byHand {
			out = append(out, Fencing{a["target"], a["client"], a["origin"], a["completed"]})
		}
	})
	// The times are of one form and zone (UTC), so they sort as text.
	slices.SortStableFunc(out, func(a, b Fencing) int { return strings.Compare(b.Completed, a.Completed) })
	return out, nil
}
