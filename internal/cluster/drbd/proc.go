// Package drbd reads what the DRBD 8.4 kernel module says of itself.
//
// Pure parsers: they take text and give values, and know nothing of hosts or steps.
package drbd

import "strings"

// Status is one minor's line of /proc/drbd, in the module's own words.
type Status struct {
	Up         bool   `json:"-"`          // the minor is there
	Connection string `json:"connection"` // Connected, WFConnection, StandAlone, SyncSource, ...
	Role       string `json:"role"`       // Primary, Secondary, Unknown
	Peer       string `json:"peer_role"`
	Disk       string `json:"disk"` // UpToDate, Inconsistent, Diskless, ...
	PeerDisk   string `json:"peer_disk"`
}

// ParseProc reads /proc/drbd and finds a minor ("0"). A text without it gives the zero Status.
func ParseProc(text, minor string) Status { return ParseAll(text)[minor] }

// ParseAll reads /proc/drbd: every minor that is configured, by its number.
func ParseAll(text string) map[string]Status {
	out := map[string]Status{}
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) < 2 {
			continue
		}
		minor, ok := strings.CutSuffix(f[0], ":")
		if !ok || minor == "" || strings.Trim(minor, "0123456789") != "" {
			continue
		}
		s := Status{Up: true}
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
		if s.Connection != "Unconfigured" {
			out[minor] = s
		}
	}
	return out
}

// Syncing reports whether a resynchronisation is under way.
func (s Status) Syncing() bool {
	return strings.HasPrefix(s.Connection, "Sync") || strings.HasPrefix(s.Connection, "PausedSync") || strings.HasPrefix(s.Connection, "WFBitMap") || strings.HasPrefix(s.Connection, "WFSyncUUID")
}

// Connected reports whether the two sides replicate, also while they are compared (drbdadm verify).
func (s Status) Connected() bool { return s.Connection == "Connected" || s.Comparing() }

// Comparing reports whether the two sides are being compared.
func (s Status) Comparing() bool { return s.Connection == "VerifyS" || s.Connection == "VerifyT" }

// Healthy reports whether both sides are connected and hold the same, current data.
func (s Status) Healthy() bool {
	return s.Connected() && s.Disk == "UpToDate" && s.PeerDisk == "UpToDate"
}

// String is the line as a person knows it.
func (s Status) String() string {
	if !s.Up {
		return "not configured"
	}
	return "cs:" + s.Connection + " ro:" + s.Role + "/" + s.Peer + " ds:" + s.Disk + "/" + s.PeerDisk
}
