// Package corosync has the questions to Corosync 3's tools about links and quorum, and reads what they say.
//
// Pure parsers of hostile text: bounded, strict, never evaluated.
package corosync

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Link is one knet link to another node.
type Link struct {
	Node      int    `json:"node"` // its nodeid
	ID        int    `json:"link"`
	Connected bool   `json:"connected"`
	Address   string `json:"address,omitempty"` // of the other node
}

const maxLines = 4096

// ParseLinks reads `corosync-cfgtool -n`: the host's own nodeid, and all links to all other nodes.
func ParseLinks(text string) (own int, out []Link, err error) {
	node := 0
	for i, l := range strings.Split(text, "\n") {
		if i > maxLines {
			return 0, nil, errors.New("corosync-cfgtool: too long")
		}
		f := strings.Fields(l)
		switch {
		case len(f) >= 4 && f[0] == "Local" && f[1] == "node":
			if own, err = strconv.Atoi(strings.TrimSuffix(f[3], ",")); err != nil || own < 1 {
				return 0, nil, fmt.Errorf("corosync-cfgtool: local node %.20q", f[3])
			}
		case len(f) >= 2 && f[0] == "nodeid:":
			n, err := strconv.Atoi(f[1])
			if err != nil {
				return 0, nil, fmt.Errorf("corosync-cfgtool: nodeid %.20q", f[1])
			}
			node = n
		case len(f) >= 4 && f[0] == "LINK:":
			id, err := strconv.Atoi(f[1])
			if err != nil || node == 0 {
				return 0, nil, fmt.Errorf("corosync-cfgtool: link %.20q", f[1])
			}
			x := Link{Node: node, ID: id}
			for _, w := range f[3:] {
				x.Connected = x.Connected || w == "connected"
				if _, to, ok := strings.Cut(w, "->"); ok { // (192.0.2.1->192.0.2.2)
					x.Address = strings.TrimSuffix(to, ")")
				}
			}
			out = append(out, x)
		}
	}
	if own == 0 {
		return 0, nil, errors.New("corosync-cfgtool: no local node in its answer")
	}
	return own, out, nil
}

// Quorum is what votequorum says.
type Quorum struct {
	Quorate bool `json:"quorate"`
	Votes   int  `json:"votes"`
	Expect  int  `json:"expected"`
	// Device: a member has registered a quorum device, an arbiter; Voting: and its vote counts for this host.
	Device bool `json:"arbiter,omitempty"`
	Voting bool `json:"arbiter_votes,omitempty"`
}

// ParseQuorum reads `corosync-quorumtool -s`.
func ParseQuorum(text string) (Quorum, error) {
	var q Quorum
	found := 0
	for _, l := range strings.Split(text, "\n") {
		k, v, ok := strings.Cut(l, ":")
		if !ok {
			// a row of the members: the device's has node 0 and its votes, 0 when it gives none
			if f := strings.Fields(l); len(f) >= 3 && f[0] == "0" && f[2] == "Qdevice" {
				q.Device, q.Voting = true, f[1] != "0"
			}
			continue
		}
		v = strings.TrimSpace(v)
		switch strings.TrimSpace(k) {
		case "Quorate":
			q.Quorate = v == "Yes"
			found++
		case "Total votes":
			q.Votes, _ = strconv.Atoi(v)
			found++
		case "Expected votes":
			q.Expect, _ = strconv.Atoi(v)
			found++
		}
	}
	if found < 3 {
		return q, errors.New("corosync-quorumtool: no votes in its answer")
	}
	return q, nil
}
