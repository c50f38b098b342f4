// Package mysql reads what a MariaDB server says of itself.
//
// Answers are hostile data: bounded, read strictly, never evaluated. It must not know how they
// were asked for.
package mysql

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Server is a database server that answers.
type Server struct {
	Version  string `json:"version"` // as VERSION() gives it: 10.11.19-MariaDB-...
	ReadOnly bool   `json:"read_only"`
	Uptime   int    `json:"uptime_seconds"`
	Galera   bool   `json:"-"` // a Galera provider is loaded
}

// Question is the statement whose answer, in the client's batch form without a header, Parse and
// galera.ParseStatus read.
const Question = `SELECT 'version', VERSION(); SELECT 'read_only', @@global.read_only; SHOW GLOBAL STATUS WHERE Variable_name = 'uptime' OR Variable_name LIKE 'wsrep\_%'`

// Release is the version's number alone.
func (s Server) Release() string {
	r, _, _ := strings.Cut(s.Version, "-")
	return r
}

// Parse reads "name TAB value" lines.
func Parse(text string) (Server, error) {
	f := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		if k, v, ok := strings.Cut(l, "\t"); ok {
			f[strings.ToLower(k)] = v
		}
	}
	s := Server{Version: f["version"], Galera: f["wsrep_provider_name"] != "" && f["wsrep_cluster_status"] != "" && f["wsrep_local_state_comment"] != ""}
	if s.Version == "" {
		return Server{}, errors.New("the server's answer holds no version")
	}
	if len(s.Version) > 80 || strings.ContainsFunc(s.Version, func(r rune) bool { return r < ' ' || r > '~' }) {
		return Server{}, errors.New("the server's version is unreadable")
	}
	switch f["read_only"] {
	case "0", "OFF":
	case "1", "2", "3", "ON", "NO_LOCK", "NO_LOCK_NO_ADMIN":
		s.ReadOnly = true
	default:
		return Server{}, fmt.Errorf("read_only is %.20q", f["read_only"])
	}
	var err error
	if s.Uptime, err = strconv.Atoi(f["uptime"]); err != nil || s.Uptime < 0 {
		return Server{}, fmt.Errorf("uptime is %.20q", f["uptime"])
	}
	return s, nil
}
