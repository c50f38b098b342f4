package drbd

import "haprov/internal/probe"

// ProcQuery asks DRBD's kernel module for the state of all volumes. That of DRBD 9 (api:2) tells in
// the file no more than its version, so drbdsetup is asked then.
func ProcQuery() probe.Query {
	return probe.Cmd("drbd", "said=$(cat /proc/drbd) || exit\nprintf '%s\\n' \"$said\"\ncase $said in *api:1/*) ;; *) drbdsetup status --json;; esac", "drbd", "package:drbd-utils", "module:drbd")
}
