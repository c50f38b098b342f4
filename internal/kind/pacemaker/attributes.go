package pacemaker

import (
	"maps"
	"slices"

	"haprov/internal/act"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// NodeAttributes are what the administrator says of a host, for the rules of locations. Attributes
// that others set, as haprov maintenance does with standby, are not looked at.
type NodeAttributes struct {
	Host   string            `hcl:"host,label" about:"The host"`
	Values map[string]string `hcl:"values" about:"Its attributes, as in size = \"big\"; one that is left out later stays"`
}

// attributes sets what differs. It is a phase of its own: the element of a node is called by its
// number in the ring, which is known only to the cluster.
func (p *Pacemaker) attributes(c crm) plan.Phase {
	var ch plan.Change
	for _, x := range p.Attributes {
		have := map[string]string{}
		if nodes := c.cib.Find("configuration", "nodes"); nodes != nil {
			for _, n := range nodes.Children {
				if n.Attrs["uname"] == x.Host {
					n.All(func(v *pacemaker.Node) {
						if v.Name == "nvpair" {
							have[v.Attrs["name"]] = v.Attrs["value"]
						}
					})
				}
			}
		}
		for _, k := range slices.Sorted(maps.Keys(x.Values)) {
			if got, ok := have[k]; ok && got == x.Values[k] {
				continue
			}
			ch.Diffs = append(ch.Diffs, plan.Diff{Attribute: "attribute " + k + " of " + x.Host, Have: have[k], Want: x.Values[k]})
			ch.Actions = append(ch.Actions, act.Action{Title: "set the attribute " + k + " of " + x.Host,
				Shell:   "crm_attribute " + shell.Join("--node", x.Host, "--name", k, "--update", x.Values[k]),
				Touches: []probe.Subject{pacemaker.CIB}})
		}
	}
	if ch.Empty() {
		return plan.Phase{}
	}
	return plan.Phase{Name: "set attributes of hosts", Changes: map[string]plan.Change{c.host: ch}, Then: []string{"wait until everything runs"}}
}

// checkAttributes finds hosts that are none and attributes that have another owner.
func (p *Pacemaker) checkAttributes(out *kind.Problems) {
	var seen []string
	for _, x := range p.Attributes {
		switch {
		case !slices.ContainsFunc(p.Nodes, func(n kind.Node) bool { return n.Name == x.Host }):
			out.Add("attributes", "Unknown host", "Found "+kind.Quoted(x.Host)+"; it is none of the role.")
		case slices.Contains(seen, x.Host):
			out.Add("attributes", "Duplicate host", "Found "+kind.Quoted(x.Host)+" again.")
		}
		seen = append(seen, x.Host)
		for _, k := range slices.Sorted(maps.Keys(x.Values)) {
			out.Name("attributes", k, crmKey, "name of an attribute")
			if k == "standby" || k == "maintenance" {
				out.Add("attributes", "Attribute is not for a recipe", "Found "+kind.Quoted(k)+"; `haprov maintenance` takes a host out of service.")
			}
		}
	}
}
