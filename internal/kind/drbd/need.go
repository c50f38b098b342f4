package drbd

import "haprov/internal/preflight"

// Needs are the module, and the host's name: "on" in the resource file names what uname -n says
// (drbd.conf(5)).
func (d *DRBDVolume) Needs(string) []preflight.Need {
	return []preflight.Need{{Module: "drbd", Version: "8.4"}, {Called: "DRBD looks itself up by that name"}}
}
