package drbd

import "haprov/internal/preflight"

// Needs are the modules, and the host's name: "on" in the resource file names what uname -n says
// (drbd.conf(5)). Every Debian host has ext4.
func (d *DRBDVolume) Needs(string) []preflight.Need {
	needs := []preflight.Need{{Module: "drbd", Version: "8.4"}, {Called: "DRBD looks itself up by that name"}}
	if d.fsName() == "xfs" {
		needs = append(needs, preflight.Need{Module: "xfs"})
	}
	return needs
}
