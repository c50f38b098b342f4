package pacemaker

import "haprov/internal/probe"

// CIBQuery asks a node for its own copy of the configuration (cibadmin, section "-l").
func CIBQuery() probe.Query {
	return probe.Cmd("cib", "cibadmin -Q -l", probe.Of(probe.Unit, "pacemaker.service"), CIB)
}

// MonQuery asks a node for the state of the cluster as it sees it. Its copy may be an old one.
func MonQuery() probe.Query {
	return probe.Cmd("crm_mon", "crm_mon -1 -r --output-as=xml", probe.Of(probe.Unit, "pacemaker.service"), CIB)
}

// Standby reports whether a CIB tells a node to run nothing. No CIB says so by no answer.
func Standby(cib probe.Answer, node string) (standby bool) {
	root, err := Parse(cib.Out)
	if cib.State != probe.Answered || cib.Exit != 0 || err != nil {
		return false
	}
	if ns := root.Find("configuration", "nodes"); ns != nil {
		for _, n := range ns.Children {
			if n.Attrs["uname"] != node {
				continue
			}
			n.All(func(x *Node) {
				v := x.Attrs["value"]
				standby = standby || x.Name == "nvpair" && x.Attrs["name"] == "standby" && (v == "on" || v == "true")
			})
		}
	}
	return standby
}

// CIB is the cluster's configuration and state: what these questions read, and changes touch.
var CIB = probe.Topic("cib")
