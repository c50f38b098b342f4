package galera

import (
	"fmt"
	"strconv"
	"strings"
)

// Status is what a running server says of its membership (SHOW GLOBAL STATUS, MariaDB's "Galera
// Cluster Status Variables").
type Status struct {
	Component   string   `json:"component"`           // wsrep_cluster_status: Primary, non-Primary, Disconnected
	State       string   `json:"state"`               // wsrep_local_state_comment: Synced, Donor/Desynced, Joining, Joined, Initialized, ...
	Ready       bool     `json:"ready"`               // wsrep_ready: takes statements
	Size        int      `json:"size"`                // wsrep_cluster_size
	UUID        string   `json:"uuid"`                // wsrep_cluster_state_uuid
	LastWrite   int64    `json:"last_write"`          // wsrep_last_committed
	FlowControl float64  `json:"flow_control_paused"` // wsrep_flow_control_paused: share of the time since FLUSH STATUS
	RecvQueue   int      `json:"receive_queue"`       // wsrep_local_recv_queue
	Members     int      `json:"members"`             // entries of wsrep_incoming_addresses
	Uptime      int      `json:"uptime_seconds"`      // seconds
	Sessions    int      `json:"-"`                   // of clients that came over the network, when it was asked for
	Names       []string `json:"-"`                   // wsrep_node_name of all members (mysql.wsrep_cluster_members), when it was asked for
	// Before are the ends of histories that the cluster was recovered from while members were
	// missing (haprov.history), when it was asked for: what lies beyond them is not in the cluster.
	Before []Position `json:"-"`
}

// maxNames bounds how many members' names, and how many earlier histories, are read.
const maxNames = 256

// Variables are the names that ParseStatus reads.
var Variables = []string{"wsrep_cluster_status", "wsrep_local_state_comment", "wsrep_ready", "wsrep_cluster_size", "wsrep_cluster_state_uuid",
	"wsrep_last_committed", "wsrep_flow_control_paused", "wsrep_local_recv_queue", "wsrep_incoming_addresses", "uptime"}

// Primary tells whether the node is in a primary component.
func (s Status) Primary() bool { return strings.EqualFold(s.Component, "Primary") }

// Healthy tells whether the node takes part in full and may serve.
func (s Status) Healthy() bool { return s.Primary() && s.State == "Synced" && s.Ready }

// ParseStatus reads "name TAB value" lines, as mariadb -N -B prints them. Names are taken in
// either case; the four that tell membership must be there.
func ParseStatus(text string) (Status, error) {
	var s Status
	f := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		k, v, ok := strings.Cut(l, "\t")
		switch {
		case ok && k == "member" && len(s.Names) < maxNames:
			s.Names = append(s.Names, word(strings.TrimSpace(v)))
		case ok && k == "history" && len(s.Before) < maxNames:
			if p, err := ParsePosition(v); err == nil {
				s.Before = append(s.Before, p)
			}
		case ok:
			f[strings.ToLower(strings.TrimSpace(k))] = strings.TrimSpace(v)
		}
	}
	for _, n := range []string{"wsrep_cluster_status", "wsrep_local_state_comment", "wsrep_ready", "wsrep_cluster_size"} {
		if _, ok := f[n]; !ok {
			return s, fmt.Errorf("the server does not tell %s: is wsrep_on set?", n)
		}
	}
	s.Component, s.State, s.Ready = word(f["wsrep_cluster_status"]), word(f["wsrep_local_state_comment"]), strings.EqualFold(f["wsrep_ready"], "ON")
	var err error
	if s.Size, err = strconv.Atoi(f["wsrep_cluster_size"]); err != nil || s.Size < 0 {
		return s, fmt.Errorf("wsrep_cluster_size is %.20q", f["wsrep_cluster_size"])
	}
	if u := f["wsrep_cluster_state_uuid"]; u != "" {
		if s.UUID, err = ParseUUID(u); err != nil {
			return s, fmt.Errorf("wsrep_cluster_state_uuid: %w", err)
		}
	}
	s.LastWrite = -1
	if v := f["wsrep_last_committed"]; v != "" {
		if s.LastWrite, err = parseSeqno(v); err != nil {
			return s, fmt.Errorf("wsrep_last_committed: %w", err)
		}
	}
	s.FlowControl, _ = strconv.ParseFloat(f["wsrep_flow_control_paused"], 64)
	s.RecvQueue, _ = strconv.Atoi(f["wsrep_local_recv_queue"])
	s.Uptime, _ = strconv.Atoi(f["uptime"])
	s.Sessions, _ = strconv.Atoi(f["sessions"])
	for _, a := range strings.Split(f["wsrep_incoming_addresses"], ",") {
		if strings.TrimSpace(a) != "" {
			s.Members++
		}
	}
	return s, nil
}

// word bounds a state's name; what is no name is not repeated.
func word(s string) string {
	if len(s) > 40 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "unreadable"
	}
	return s
}
