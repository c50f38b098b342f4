package pacemaker

import (
	"fmt"
	"strconv"
	"strings"
)

// Trouble is what stands in a cluster's way though its resources may run.
type Trouble struct {
	Unmanaged  bool      `json:"maintenance_mode,omitempty"` // the whole cluster: nothing is watched
	Unfenced   bool      `json:"fencing_off,omitempty"`
	Stopped    bool      `json:"stop_all_resources,omitempty"`
	Unwatched  []string  `json:"maintenance,omitempty"`       // nodes in maintenance
	Constraint []string  `json:"fence_constraints,omitempty"` // put there by DRBD's fence handler
	Failures   []Failure `json:"failed_actions,omitempty"`    // not cleaned up yet; a later try may have succeeded
	Barred     []Barred  `json:"barred,omitempty"`
}

// Failure is one failed action of Pacemaker's history.
type Failure struct {
	Node   string `json:"node"`
	Action string `json:"action"` // as Pacemaker keys it: RESOURCE_monitor_10000
	Said   string `json:"said"`
	When   string `json:"when"`
}

// Resource is what the action was on: its key is RESOURCE_ACTION_INTERVAL, with an instance's
// number behind the resource of an anonymous clone.
func (f Failure) Resource() string {
	id := f.Action
	for range 2 {
		id = id[:max(0, strings.LastIndexByte(id, '_'))]
	}
	id, _, _ = strings.Cut(id, ":")
	return id
}

// Barred is a resource that failed so often on a node that it may not run there any more
// (Pacemaker Explained, migration-threshold), until it is cleaned up.
type Barred struct {
	Resource string `json:"resource"`
	Node     string `json:"node"`
	Failures int    `json:"failures"`
}

// forever is Pacemaker's INFINITY, as a number.
const forever = 1000000

// maxTrouble bounds each list.
const maxTrouble = 256

// ParseTrouble reads the same answer as ParseMon.
func ParseTrouble(text string) (Trouble, error) {
	root, err := Parse(text)
	if err != nil {
		return Trouble{}, err
	}
	var t Trouble
	if o := root.Find("summary", "cluster_options"); o != nil {
		t.Unmanaged = o.Attrs["maintenance-mode"] == "true"
		t.Unfenced = o.Attrs["stonith-enabled"] == "false"
		t.Stopped = o.Attrs["stop-all-resources"] == "true"
	}
	for _, n := range root.under("nodes") {
		if n.Attrs["maintenance"] == "true" {
			t.Unwatched = append(t.Unwatched, n.Attrs["name"])
		}
	}
	for _, n := range root.under("bans") {
		if id := n.Attrs["id"]; strings.HasPrefix(id, "drbd-fence-by-handler") {
			t.Constraint = append(t.Constraint, id)
		}
	}
	for _, n := range root.under("failures") {
		said := n.Attrs["exitstatus"]
		if why := n.Attrs["exitreason"]; why != "" {
			said += ": " + why
		}
		t.Failures = append(t.Failures, Failure{n.Attrs["node"], n.Attrs["op_key"], said, n.Attrs["last-rc-change"]})
	}
	for _, node := range root.under("node_history") {
		for _, r := range node.Children {
			limit, err := strconv.Atoi(r.Attrs["migration-threshold"])
			if err != nil || limit <= 0 {
				limit = forever
			}
			count, _ := strconv.Atoi(r.Attrs["fail-count"])
			if r.Attrs["fail-count"] == "INFINITY" {
				count = forever
			}
			if r.Name == "resource_history" && count >= limit {
				t.Barred = append(t.Barred, Barred{r.Attrs["id"], node.Attrs["name"], count})
			}
		}
	}
	t.Failures = t.Failures[:min(len(t.Failures), maxTrouble)]
	t.Barred = t.Barred[:min(len(t.Barred), maxTrouble)]
	return t, nil
}

// Evidence says in lines where each resource is, what failed, and what may not run where, for who
// waited in vain for it. text is the same answer as ParseMon's.
func Evidence(text string) string {
	s, err := ParseMon(text)
	if err != nil {
		return ""
	}
	t, _ := ParseTrouble(text)
	var b strings.Builder
	for _, r := range s.Resources[:min(len(s.Resources), maxTrouble)] {
		failed := ""
		if r.Failed {
			failed = ", failed"
		}
		fmt.Fprintf(&b, "  %s: %s %s%s\n", r.ID, r.Role, r.Node, failed)
	}
	for _, f := range t.Failures {
		fmt.Fprintf(&b, "  %s failed on %s: %s (%s)\n", f.Action, f.Node, f.Said, f.When)
	}
	for _, x := range t.Barred {
		fmt.Fprintf(&b, "  %s may not run on %s: it failed too often there\n", x.Resource, x.Node)
	}
	for _, id := range t.Constraint {
		fmt.Fprintf(&b, "  DRBD's constraint %s: only the side with the good data is promoted\n", id)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// under are the elements of a section; none when there is no such section.
func (n *Node) under(section string) []*Node {
	if s := n.Find(section); s != nil {
		return s.Children
	}
	return nil
}
