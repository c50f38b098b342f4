// Package mysql has the questions to a MariaDB server about itself, and reads what it says.
//
// Answers are hostile data: bounded, read strictly, never evaluated. It must not know hosts or steps.
package mysql

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Server is a database server that answers.
type Server struct {
	Version  string `json:"version"` // as VERSION() gives it: 10.11.19-MariaDB-...
	ReadOnly bool   `json:"read_only"`
	Uptime   int    `json:"uptime_seconds"`
}

// Variables and Status are statements whose answers, in the client's batch form without a header, Parse
// reads. SHOW is answered by a Galera member outside of the primary component too.
const (
	Variables = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'read_only')"
	Status    = "SHOW GLOBAL STATUS WHERE Variable_name = 'uptime'"
)

// Release is the version's number alone.
func (s Server) Release() string {
	r, _, _ := strings.Cut(s.Version, "-")
	return r
}

// String is the server in a few words: its release and how long it has run.
func (s Server) String() string {
	up := time.Duration(s.Uptime) * time.Second
	text := s.Release() + " up " + up.String()
	if up >= 48*time.Hour {
		text = fmt.Sprintf("%s up %d days", s.Release(), up/(24*time.Hour))
	}
	if s.ReadOnly {
		text += " read-only"
	}
	return text
}

// NotRunning tells from what the client said that no server listens on the local socket (MariaDB's
// error 2002).
func NotRunning(said string) bool { return strings.HasPrefix(said, "ERROR 2002 ") }

// Parse reads "name TAB value" lines.
func Parse(text string) (Server, error) {
	f := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		if k, v, ok := strings.Cut(l, "\t"); ok {
			f[strings.ToLower(k)] = v
		}
	}
	s := Server{Version: f["version"]}
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
