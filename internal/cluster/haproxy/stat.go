// Package haproxy asks HAProxy on its runtime socket, and reads what it says.
//
// Answers are hostile data: bounded, read strictly, never evaluated. It must not know hosts or steps.
package haproxy

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Server is one server of a backend in the answer to "show stat"
// (HAProxy Management Guide 2.6, 9.1: the order of the columns may change, their names not).
type Server struct {
	Backend  string `json:"backend"`
	Name     string `json:"name"`
	ID       int    `json:"id"`       // as stick tables name it
	Status   string `json:"status"`   // UP, DOWN, MAINT, DRAIN, "no check", "UP 1/2", ...
	Backup   bool   `json:"backup"`   // not one of the backend's active servers
	Sessions int    `json:"sessions"` // now
	Check    string `json:"check"`    // the last health check's result: L7OK, L4TOUT, ...
	Said     string `json:"said"`     // the last health check's text
}

// Up reports whether HAProxy gives the server new sessions.
func (s Server) Up() bool { return strings.HasPrefix(s.Status, "UP") || s.Status == "no check" }

const maxRows = 4096

// ParseStat reads the servers of the CSV that "show stat" gives, in its order.
func ParseStat(text string) ([]Server, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(text), "# ")
	if !ok {
		return nil, errors.New("show stat: no header line")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("show stat: %w", err)
	}
	at := map[string]int{}
	for i, n := range head {
		at[n] = i
	}
	for _, n := range []string{"pxname", "svname", "status", "bck", "scur", "sid", "type", "check_status", "last_chk"} {
		if _, ok := at[n]; !ok {
			return nil, fmt.Errorf("show stat: no column %s", n)
		}
	}
	var out []Server
	for {
		rec, err := r.Read()
		if rec == nil {
			if err.Error() == "EOF" {
				return out, nil
			}
			return nil, fmt.Errorf("show stat: %w", err)
		}
		get := func(n string) string {
			if at[n] < len(rec) {
				return rec[at[n]]
			}
			return ""
		}
		if get("type") != "2" { // 0 frontend, 1 backend, 2 server, 3 socket
			continue
		}
		s := Server{Backend: get("pxname"), Name: get("svname"), Status: get("status"), Backup: get("bck") == "1", Check: get("check_status"), Said: get("last_chk")}
		if s.ID, err = strconv.Atoi(get("sid")); err != nil {
			return nil, fmt.Errorf("show stat: server %q: number %q", s.Name, get("sid"))
		}
		s.Sessions, _ = strconv.Atoi(get("scur"))
		if out = append(out, s); len(out) > maxRows {
			return nil, errors.New("show stat: too many servers")
		}
	}
}
