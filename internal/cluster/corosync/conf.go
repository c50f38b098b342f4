package corosync

import (
	"errors"
	"fmt"
	"strings"
)

// Section is one block of corosync.conf; the file itself is one without a name.
type Section struct {
	Name     string
	Line     int
	Keys     []Key
	Sections []*Section
}

// Key is one line "name: value".
type Key struct {
	Name, Value string
	Line        int
}

// maxConfDepth bounds nesting; corosync.conf(5) knows no block deeper than quorum, device, net.
const maxConfDepth = 16

// ParseConf reads corosync.conf as corosync.conf(5) describes it: blocks in braces, lines of
// "name: value", comments from # at a line's beginning. It does not know which names there are.
// Errors name a line and never quote it.
func ParseConf(text string) (*Section, error) {
	root := &Section{}
	open := []*Section{root}
	for i, l := range strings.Split(text, "\n") {
		if i >= maxLines {
			return nil, fmt.Errorf("more than %d lines", maxLines)
		}
		top := open[len(open)-1]
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l[0] == '#':
		case strings.HasSuffix(l, "{"):
			name := strings.TrimSpace(strings.TrimSuffix(l, "{"))
			if name == "" || strings.ContainsAny(name, "{}") {
				return nil, fmt.Errorf("line %d: a block without a name", i+1)
			}
			if len(open) > maxConfDepth {
				return nil, fmt.Errorf("line %d: nested deeper than %d", i+1, maxConfDepth)
			}
			s := &Section{Name: name, Line: i + 1}
			top.Sections = append(top.Sections, s)
			open = append(open, s)
		case l == "}":
			if len(open) == 1 {
				return nil, fmt.Errorf("line %d: } closes nothing", i+1)
			}
			open = open[:len(open)-1]
		default:
			name, value, ok := strings.Cut(l, ":")
			if !ok {
				return nil, fmt.Errorf("line %d is neither a block nor name: value", i+1)
			}
			top.Keys = append(top.Keys, Key{strings.TrimSpace(name), strings.TrimSpace(value), i + 1})
		}
	}
	if len(open) > 1 {
		return nil, fmt.Errorf("the block of line %d is not closed", open[len(open)-1].Line)
	}
	if len(root.Sections) == 0 {
		return nil, errors.New("no block in it")
	}
	return root, nil
}

// All are the blocks of a name, of several blocks' blocks when more names are given.
func (s *Section) All(names ...string) []*Section {
	at := []*Section{s}
	for _, n := range names {
		var next []*Section
		for _, x := range at {
			for _, c := range x.Sections {
				if c.Name == n {
					next = append(next, c)
				}
			}
		}
		at = next
	}
	return at
}

// Get is the value of a path such as totem, token: of several the last, as corosync takes it.
func (s *Section) Get(path ...string) (k Key, ok bool) {
	for _, x := range s.All(path[:len(path)-1]...) {
		for _, c := range x.Keys {
			if c.Name == path[len(path)-1] {
				k, ok = c, true
			}
		}
	}
	return k, ok
}

// ParseCmap reads `corosync-cmapctl`: lines "key (type) = value", of the running configuration.
func ParseCmap(text string) (map[string]string, error) {
	out := map[string]string{}
	for i, l := range strings.Split(text, "\n") {
		if i >= 4*maxLines {
			return nil, errors.New("corosync-cmapctl: too long")
		}
		head, value, ok := strings.Cut(l, " = ")
		name, kind, typed := strings.Cut(head, " (")
		if ok && typed && strings.HasSuffix(kind, ")") {
			out[name] = strings.TrimSpace(value)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("corosync-cmapctl: no key in its answer")
	}
	return out, nil
}
