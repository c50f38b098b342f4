package mysql

import (
	"fmt"
	"strings"
)

// Option is one line of an option file. Its name is in the server's own form: lower case, with _ for -,
// without loose_; skip_X and disable_X are X with the value OFF, except skip_name_resolve and its
// like, which are variables themselves.
type Option struct {
	Group, Name, Value string
	Line               int
}

// maxOptionLines bounds an option file.
const maxOptionLines = 1 << 14

// ParseOptions reads an option file ("Configuring MariaDB with Option Files"): groups in brackets,
// "name = value" or a name alone, comments from # or ;. Files that it includes are not followed.
// Errors name a line and never quote it: a password may stand there.
func ParseOptions(text string) (out []Option, err error) {
	group := ""
	for i, l := range strings.Split(text, "\n") {
		if i >= maxOptionLines {
			return nil, fmt.Errorf("more than %d lines", maxOptionLines)
		}
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l[0] == '#' || l[0] == ';' || l[0] == '!':
			continue
		case l[0] == '[':
			name, _, ok := strings.Cut(l[1:], "]")
			if !ok {
				return nil, fmt.Errorf("line %d: a group without ]", i+1)
			}
			group = strings.ToLower(strings.TrimSpace(name))
			continue
		case group == "":
			return nil, fmt.Errorf("line %d stands before the first group", i+1)
		}
		name, value, given := strings.Cut(l, "=")
		name = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "-", "_")
		if !given {
			name, _, _ = strings.Cut(name, "#")
			name, value = strings.TrimSpace(name), "ON"
		}
		name = strings.TrimPrefix(name, "loose_")
		for _, p := range []string{"skip_", "disable_"} {
			if rest, ok := strings.CutPrefix(name, p); ok && !given && !isSkip[name] {
				name, value = rest, "OFF"
			}
		}
		if name = strings.TrimPrefix(name, "enable_"); name == "" {
			return nil, fmt.Errorf("line %d has no name", i+1)
		}
		out = append(out, Option{group, name, unquoted(value), i + 1})
	}
	return out, nil
}

// isSkip are the server's variables that begin with skip_.
var isSkip = map[string]bool{"skip_name_resolve": true, "skip_networking": true, "skip_slave_start": true, "skip_show_database": true,
	"skip_external_locking": true, "skip_grant_tables": true, "skip_log_bin": true}

// unquoted takes a comment and the quotes away. A # within quotes is none.
func unquoted(v string) string {
	v = strings.TrimSpace(v)
	if v != "" && (v[0] == '"' || v[0] == '\'') {
		if n := strings.IndexByte(v[1:], v[0]); n >= 0 {
			return v[1 : n+1]
		}
	}
	v, _, _ = strings.Cut(v, "#")
	return strings.TrimSpace(v)
}

// OfServer tells whether a MariaDB server reads a group, whatever its version.
func OfServer(group string) bool {
	switch group {
	case "mysqld", "server", "mariadb", "mariadbd", "galera", "client-server":
		return true
	}
	for _, p := range []string{"mysqld-", "mariadb-", "mariadbd-"} {
		if v, ok := strings.CutPrefix(group, p); ok && strings.Trim(v, "0123456789.") == "" {
			return true
		}
	}
	return false
}

// On tells whether the value of a boolean option is true; ok is false when it is none.
func On(value string) (on, ok bool) {
	switch strings.ToUpper(value) {
	case "1", "ON", "TRUE", "YES":
		return true, true
	case "0", "OFF", "FALSE", "NO":
		return false, true
	}
	return false, false
}

// ParsePairs reads "name TAB value" lines, as mariadb -N -B prints SHOW GLOBAL VARIABLES; a header
// is passed over. Names are lower case in the result.
func ParsePairs(text string) (map[string]string, error) {
	out := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		if k, v, ok := strings.Cut(l, "\t"); ok && len(out) < maxOptionLines {
			out[strings.ToLower(strings.TrimSpace(k))] = strings.TrimRight(v, "\r")
		}
	}
	if delete(out, "variable_name"); len(out) == 0 {
		return nil, fmt.Errorf("no line of a name, a tab and a value")
	}
	return out, nil
}
