// Package shell turns values into words of a POSIX shell's command line.
//
// It is the one place where anything is quoted. It must not know what the words mean, nor run them.
package shell

import (
	"fmt"
	"strings"
)

// Quote is s as one word that a POSIX shell reads back unchanged. A plain word stays bare, so that
// commands stay readable. It panics when s holds a NUL byte, which no argument can carry: check
// what a user wrote with Valid first.
func Quote(s string) string {
	if !Valid(s) {
		panic(fmt.Sprintf("shell: NUL byte in %q", s))
	}
	if plain(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Join is the words quoted and separated by spaces.
func Join(args ...string) string {
	q := make([]string, len(args))
	for i, a := range args {
		q[i] = Quote(a)
	}
	return strings.Join(q, " ")
}

// Valid reports whether s can be an argument at all: it holds no NUL byte.
func Valid(s string) bool { return strings.IndexByte(s, 0) < 0 }

// plain words hold only characters that mean themselves anywhere in a command. A first "=" or "~"
// does not (zsh expands it; an assignment is no argument), hence neither is among them.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("_-./:,+@%", c) >= 0:
		default:
			return false
		}
	}
	return s != "" && !reserved[s]
}

// reserved words start a compound command when they stand first.
var reserved = map[string]bool{
	"case": true, "do": true, "done": true, "elif": true, "else": true, "esac": true, "fi": true, "for": true, "if": true,
	"in": true, "then": true, "until": true, "while": true, "function": true, "select": true, "time": true,
}
