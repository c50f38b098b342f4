package haproxy

import (
	"errors"
	"fmt"
	"strings"
)

// Section is one section of haproxy.cfg with its lines.
type Section struct {
	Kind  string // global, defaults, frontend, backend, listen, peers, ...
	Name  string
	Line  int
	Lines []ConfLine
}

// ConfLine is one line, split into its words.
type ConfLine struct {
	Words []string
	Line  int
}

// maxConfLines bounds a configuration.
const maxConfLines = 1 << 15

var sectionKinds = map[string]bool{"global": true, "defaults": true, "frontend": true, "backend": true, "listen": true, "peers": true, "userlist": true,
	"resolvers": true, "mailers": true, "program": true, "cache": true, "http-errors": true, "ring": true, "log-forward": true, "fcgi-app": true, "crt-list": true}

// ParseConf reads haproxy.cfg (HAProxy Configuration Manual, 2: words, quotes, escapes, comments from #;
// sections begin with their keyword). Errors name a line and never quote it.
func ParseConf(text string) (out []Section, err error) {
	for i, l := range strings.Split(text, "\n") {
		if i >= maxConfLines {
			return nil, fmt.Errorf("more than %d lines", maxConfLines)
		}
		w, err := words(l)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		switch {
		case len(w) == 0 || strings.HasPrefix(w[0], "."): // .if and its like
		case sectionKinds[w[0]]:
			s := Section{Kind: w[0], Line: i + 1}
			if len(w) > 1 {
				s.Name = w[1]
			}
			out = append(out, s)
		case len(out) == 0:
			return nil, fmt.Errorf("line %d stands before the first section", i+1)
		default:
			s := &out[len(out)-1]
			s.Lines = append(s.Lines, ConfLine{w, i + 1})
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no section in it")
	}
	return out, nil
}

func words(l string) (out []string, err error) {
	var b strings.Builder
	begun, quote := false, byte(0)
	for i := 0; i < len(l); i++ {
		c := l[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(l):
			i++
			b.WriteByte(l[i])
			begun = true
		case quote != 0:
			b.WriteByte(c)
		case c == '"' || c == '\'':
			quote, begun = c, true
		case c == '#':
			i = len(l)
		case c == ' ' || c == '\t' || c == '\r':
			if begun {
				out, begun = append(out, b.String()), false
				b.Reset()
			}
		default:
			b.WriteByte(c)
			begun = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if begun {
		out = append(out, b.String())
	}
	return out, nil
}

// All are the lines that begin with the words.
func (s Section) All(begin ...string) (out []ConfLine) {
	for _, l := range s.Lines {
		if l.Is(begin...) {
			out = append(out, l)
		}
	}
	return out
}

// Is tells whether a line begins with the words.
func (l ConfLine) Is(begin ...string) bool {
	if len(l.Words) < len(begin) {
		return false
	}
	for i, w := range begin {
		if l.Words[i] != w {
			return false
		}
	}
	return true
}

// Has tells whether a word stands in a line.
func (l ConfLine) Has(word string) bool {
	for _, w := range l.Words {
		if w == word {
			return true
		}
	}
	return false
}

// After is the word behind another; empty when there is none.
func (l ConfLine) After(word string) string {
	for i, w := range l.Words[:max(0, len(l.Words)-1)] {
		if w == word {
			return l.Words[i+1]
		}
	}
	return ""
}
