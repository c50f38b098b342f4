package drbd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// maxResources bounds what a host may say.
const maxResources = 1024

type setupResource struct {
	Role    string
	Devices []struct {
		Volume int
		Minor  int
		Disk   string `json:"disk-state"`
	}
	Connections []struct {
		State string `json:"connection-state"`
		Role  string `json:"peer-role"`
		Peers []struct {
			Volume int
			State  string  `json:"replication-state"`
			Disk   string  `json:"peer-disk-state"`
			Done   float64 `json:"percent-in-sync"`
		} `json:"peer_devices"`
	}
}

// ParseSetup reads `drbdsetup status --json` of DRBD 9 (drbdsetup-9.0(8), status), whose module
// says in /proc/drbd no more than its version. It gives every minor, and in percent how far the
// resynchronisations are that are under way. Of several peers it tells the first that is not in
// full health. An established replication is called Connected, as 8.4 calls it.
func ParseSetup(text string) (map[string]Status, map[string]string, error) {
	var all []setupResource
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, nil, fmt.Errorf("drbdsetup status: %w", err)
	}
	if len(all) > maxResources {
		return nil, nil, errors.New("drbdsetup status: too many resources")
	}
	volumes, done := map[string]Status{}, map[string]string{}
	for _, r := range all {
		for _, d := range r.Devices {
			minor := strconv.Itoa(d.Minor)
			s := Status{Up: true, Connection: "StandAlone", Role: word(r.Role), Peer: "Unknown", Disk: word(d.Disk), PeerDisk: "DUnknown"}
			for i, c := range r.Connections {
				p := s
				p.Connection, p.Peer, p.PeerDisk = word(c.State), word(c.Role), "DUnknown"
				percent := 100.0
				for _, v := range c.Peers {
					if v.Volume == d.Volume {
						if p.PeerDisk, percent = word(v.Disk), v.Done; c.State == "Connected" && v.State != "Established" {
							p.Connection = word(v.State)
						}
					}
				}
				if i == 0 || s.Healthy() && !p.Healthy() {
					s = p
					delete(done, minor)
					if p.Syncing() {
						done[minor] = strconv.FormatFloat(percent, 'f', 1, 64)
					}
				}
			}
			volumes[minor] = s
		}
	}
	return volumes, done, nil
}

// word bounds a state's name; what is no name is not repeated.
func word(s string) string {
	if s == "" || len(s) > 32 {
		return "unreadable"
	}
	for _, r := range s {
		if (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return "unreadable"
		}
	}
	return s
}
