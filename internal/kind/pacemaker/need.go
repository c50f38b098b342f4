package pacemaker

import "haprov/internal/preflight"

// Needs warns of another host name: a node is called by it unless the nodelist of corosync.conf says
// otherwise (corosync.conf(5), name).
func (c *Corosync) Needs(string) []preflight.Need {
	return []preflight.Need{{Called: "unless corosync.conf names the node, it is called so in the cluster", Warn: true}}
}
