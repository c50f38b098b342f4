package drbd

import "haprov/internal/probe"

// ProcQuery asks DRBD's kernel module for the state of all volumes. That of DRBD 9 (api:2) tells in
// the file no more than its version, so drbdsetup is asked then.
func ProcQuery() probe.Query {
	return probe.Cmd("drbd", "said=$(cat /proc/drbd) || exit\nprintf '%s\\n' \"$said\"\ncase $said in *api:1/*) ;; *) drbdsetup status --json;; esac", Volumes, probe.Of(probe.Package, "drbd-utils"), probe.Of(probe.Module, "drbd"))
}

// Volumes are all DRBD resources of a host: their roles, disks and connections.
var Volumes = probe.Topic("drbd")
