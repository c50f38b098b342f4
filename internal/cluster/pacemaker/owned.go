package pacemaker

import (
	"regexp"
	"slices"
	"sort"
	"strings"
)

// The record of what is ours stands in the CIB itself, as a cluster property that lists ids.
const (
	recordSet  = "haprov-record"
	recordName = "haprov-owned"
	// RecordID is the id of the property.
	RecordID = recordSet + "-owned"
	// reference is an element whose id is another one's, of which it is a member of a set.
	reference = "resource_ref"
)

// WithRecord is the wanted configuration with the record of all its ids; wanted does not change.
func WithRecord(wanted *Node) *Node {
	var all []string
	wanted.All(func(n *Node) {
		if id := n.Attrs["id"]; id != "" && n.Name != reference {
			all = append(all, id)
		}
	})
	sort.Strings(all)
	record := &Node{Name: "cluster_property_set", Attrs: map[string]string{"id": recordSet}, Children: []*Node{
		{Name: "nvpair", Attrs: map[string]string{"id": RecordID, "name": recordName, "value": strings.Join(all, " ")}}}}
	out := &Node{Name: wanted.Name, Attrs: wanted.Attrs}
	found := false
	for _, c := range wanted.Children {
		if c.Name == "crm_config" {
			found = true
			c = &Node{Name: c.Name, Attrs: c.Attrs, Children: append(slices.Clone(c.Children), record)}
		}
		out.Children = append(out.Children, c)
	}
	if !found {
		config := &Node{Name: "crm_config", Attrs: map[string]string{}, Children: []*Node{record}}
		out.Children = append([]*Node{config}, out.Children...)
	}
	return out
}

// plainID is what an id must look like to be removed by it.
var plainID = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]*$`)

// Surplus lists what the record calls ours, what is there, and what is wanted no longer: the
// outermost elements alone, constraints first, for they name the others. What the fence handler of
// DRBD, crm_resource (cli-) or a node's own attributes put there is never in it.
func Surplus(current, wanted *Node) []string {
	keep, ours := map[string]bool{}, map[string]bool{}
	wanted.All(func(n *Node) { keep[n.Attrs["id"]] = keep[n.Attrs["id"]] || n.Name != reference })
	config := current.Find("configuration")
	config.Find("crm_config").All(func(n *Node) {
		if n.Name == "nvpair" && n.Attrs["name"] == recordName {
			for _, id := range strings.Fields(n.Attrs["value"]) {
				ours[id] = plainID.MatchString(id) && !strings.HasPrefix(id, "drbd-fence-by-handler-") && !strings.HasPrefix(id, "cli-")
			}
		}
	})
	if config == nil {
		return nil
	}
	var constraints, rest []string
	for _, section := range config.Children {
		var walk func(*Node)
		walk = func(n *Node) {
			for _, c := range n.Children {
				switch id := c.Attrs["id"]; {
				case c.Name == reference: // goes with its set
				case !ours[id] || keep[id]:
					walk(c)
				case section.Name == "constraints":
					constraints = append(constraints, id)
				default:
					rest = append(rest, id)
				}
			}
		}
		if section.Name != "nodes" {
			walk(section)
		}
	}
	return append(constraints, rest...)
}

// Transitions are the lines of crm_simulate's summary: what Pacemaker would start, stop, move or
// fence.
func Transitions(text string) (out []string) {
	_, text, _ = strings.Cut(text, "Transition Summary:\n")
	for _, l := range strings.Split(text, "\n") {
		l, ok := strings.CutPrefix(l, "  * ")
		if !ok {
			break
		}
		out = append(out, strings.Join(strings.Fields(l), " "))
	}
	return out
}
