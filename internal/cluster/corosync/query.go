package corosync

import "haprov/internal/probe"

// QuorumQuery asks a node for the members that it sees and for its quorum. The tool exits with 0, or
// with 2 when there is no quorum (corosync-quorumtool(8)).
func QuorumQuery() probe.Query {
	return probe.Cmd("corosync members", "corosync-quorumtool -s", probe.Of(probe.Unit, "corosync.service"), probe.Of(probe.Package, "corosync"))
}

// LinksQuery asks a node for its own number and its links to the others.
func LinksQuery() probe.Query {
	return probe.Cmd("corosync links", "corosync-cfgtool -n", probe.Of(probe.Unit, "corosync.service"), probe.Of(probe.Package, "corosync"))
}
