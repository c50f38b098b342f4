// Package drbd reads what the DRBD 8.4 kernel module says of itself.
//
// Pure parsers: they take text and give values, and know nothing of hosts or steps.
package drbd

import "strings"

// Status is one minor's line of /proc/drbd, in the module's own words.
type Status struct {
	Up         bool   // the minor is there
	Connection string // Connected, WFConnection, StandAlone, SyncSource, ...
	Role, Peer string // Primary, Secondary, Unknown
	Disk       string // UpToDate, Inconsistent, Diskless, ...
	PeerDisk   string
}

// ParseProc reads /proc/drbd and finds a minor ("0"). A text without it gives the zero Status.
func ParseProc(text, minor string) Status {
	var s Status
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) < 2 || f[0] != minor+":" {
			continue
		}
		s.Up = true
		for _, w := range f[1:] {
			k, v, ok := strings.Cut(w, ":")
			if !ok {
				continue
			}
			a, b, _ := strings.Cut(v, "/")
			switch k {
			case "cs":
				s.Connection = a
			case "ro":
				s.Role, s.Peer = a, b
			case "ds":
				s.Disk, s.PeerDisk = a, b
			}
		}
		if s.Connection == "Unconfigured" {
			return Status{}
		}
	}
	return s
}

// Syncing reports whether a resynchronisation is under way.
func (s Status) Syncing() bool {
	return strings.HasPrefix(s.Connection, "Sync") || strings.HasPrefix(s.Connection, "PausedSync") || strings.HasPrefix(s.Connection, "WFBitMap") || strings.HasPrefix(s.Connection, "WFSyncUUID")
}

// Healthy reports whether both sides are connected and hold the same, current data.
func (s Status) Healthy() bool {
	return s.Connection == "Connected" && s.Disk == "UpToDate" && s.PeerDisk == "UpToDate"
}

// String is the line as a person knows it.
func (s Status) String() string {
	if !s.Up {
		return "not configured"
	}
	return "cs:" + s.Connection + " ro:" + s.Role + "/" + s.Peer + " ds:" + s.Disk + "/" + s.PeerDisk
}
