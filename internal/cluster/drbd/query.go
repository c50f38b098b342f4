package drbd

import "haprov/internal/probe"

// ProcQuery asks DRBD 8.4's kernel module for the state of all volumes.
func ProcQuery() probe.Query {
	return probe.Cmd("drbd", "cat /proc/drbd", "drbd", "package:drbd-utils", "module:drbd")
}
