// Package galera reads what a Galera node says and keeps: its state files, recovered positions and
// wsrep status; and it weighs them when nobody is in a primary component any more.
//
// Everything read is hostile data: bounded, read strictly, never evaluated. It must not know how
// it was asked for, nor what is done about it.
package galera

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Position is how far a node's data goes: a cluster's history and the number of the last write
// set in it. Galera writes an unknown number as -1 (and 2^64-1, the same unsigned).
type Position struct {
	UUID  string // lower case; all zeros: no cluster's
	Seqno int64
}

// ZeroUUID is the history of a node that belongs to no cluster, or is in the midst of a state
// transfer.
const ZeroUUID = "00000000-0000-0000-0000-000000000000"

// Known tells whether the position can be compared with others.
func (p Position) Known() bool { return p.UUID != "" && p.UUID != ZeroUUID && p.Seqno >= 0 }

func (p Position) String() string {
	if p.UUID == "" {
		return "-"
	}
	return fmt.Sprintf("%s:%d", p.UUID, p.Seqno)
}

var (
	uuidForm  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	recovered = regexp.MustCompile(`(?:wsrep_start_position=|Recovered position:\s*)([0-9A-Fa-f-]{36}):(-?[0-9]{1,20})`)
)

// ParseUUID takes a UUID in either case.
func ParseUUID(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if !uuidForm.MatchString(s) {
		return "", fmt.Errorf("%.60q is no UUID", s)
	}
	return s, nil
}

// parseSeqno takes the number of a write set; below -1 there is none.
func parseSeqno(s string) (int64, error) {
	s = strings.TrimSpace(s)
	if s == "18446744073709551615" {
		return -1, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < -1 {
		return 0, fmt.Errorf("%.40q is no sequence number", s)
	}
	return n, nil
}

// ParsePosition takes UUID:SEQNO.
func ParsePosition(s string) (Position, error) {
	u, n, ok := strings.Cut(strings.TrimSpace(s), ":")
	if !ok {
		return Position{}, fmt.Errorf("%.60q is no position", s)
	}
	uuid, err := ParseUUID(u)
	if err != nil {
		return Position{}, err
	}
	seqno, err := parseSeqno(n)
	return Position{uuid, seqno}, err
}

// ParseRecovered finds the position in what galera_recovery or mariadbd --wsrep-recover printed.
// The last one counts: a server that was asked twice prints two.
func ParseRecovered(text string) (Position, error) {
	all := recovered.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return Position{}, fmt.Errorf("no recovered position in the server's output")
	}
	last := all[len(all)-1]
	return ParsePosition(last[1] + ":" + last[2])
}
