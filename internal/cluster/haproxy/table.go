package haproxy

import (
	"fmt"
	"strconv"
	"strings"
)

// Entry is one line of a stick table: the server that a key sticks to.
type Entry struct {
	Key    string
	Server int // its number in the backend
}

// ParseTable reads the answer to "show table NAME" (Management Guide 2.6, 9.3).
func ParseTable(text string) ([]Entry, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if !strings.HasPrefix(lines[0], "# table: ") {
		return nil, fmt.Errorf("show table: no header line")
	}
	var out []Entry
	for _, l := range lines[1:] {
		var e Entry
		_, rest, ok := strings.Cut(l, ": ")
		if !ok {
			return nil, fmt.Errorf("show table: unreadable line %q", l)
		}
		for _, f := range strings.Fields(rest) {
			switch k, v, _ := strings.Cut(f, "="); k {
			case "key":
				e.Key = v
			case "server_id":
				n, err := strconv.Atoi(v)
				if err != nil {
					return nil, fmt.Errorf("show table: server number %q", v)
				}
				e.Server = n
			}
		}
		if out = append(out, e); len(out) > maxRows {
			return nil, fmt.Errorf("show table: too many entries")
		}
	}
	return out, nil
}

// Writer is the server that the next session with the key goes to: the one the table names while
// it is up, else the first active server that is up, else the first backup. Empty when none is up.
// Stuck tells that the table named it.
func Writer(servers []Server, entries []Entry, key string) (name string, stuck bool) {
	for _, e := range entries {
		for _, s := range servers {
			if e.Key == key && s.ID == e.Server && s.Up() {
				return s.Name, true
			}
		}
	}
	for _, backup := range []bool{false, true} {
		for _, s := range servers {
			if s.Up() && s.Backup == backup {
				return s.Name, false
			}
		}
	}
	return "", false
}
