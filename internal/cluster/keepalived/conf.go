// Package keepalived reads keepalived's configuration.
//
// Pure parser of text that anybody may have written: bounded, never evaluated. It must not know hosts or steps.
package keepalived

import (
	"errors"
	"fmt"
	"strings"
)

// Line is one line of the configuration with the lines in its braces.
type Line struct {
	Words []string
	Line  int
	Block []*Line
}

const (
	maxLines = 1 << 14
	maxDepth = 16
)

// ParseConf reads keepalived.conf(5): a line is words, or words and {, up to the line with }; comments
// begin with ! or #. Included files are not followed. Errors name a line and never quote it: a
// password may stand there.
func ParseConf(text string) ([]*Line, error) {
	root := &Line{}
	open := []*Line{root}
	for i, l := range strings.Split(text, "\n") {
		if i >= maxLines {
			return nil, fmt.Errorf("more than %d lines", maxLines)
		}
		if n := strings.IndexAny(l, "!#"); n >= 0 {
			l = l[:n]
		}
		// braces may stand on the line of what they hold
		f := strings.Fields(strings.NewReplacer("{", " { ", "}", " } ").Replace(l))
		var now []string
		put := func() *Line {
			top := open[len(open)-1]
			x := &Line{Words: now, Line: i + 1}
			top.Block, now = append(top.Block, x), nil
			return x
		}
		for _, w := range f {
			switch {
			case w == "{" && len(now) == 0: // on a line of its own: of the line before
				top := open[len(open)-1]
				if len(top.Block) == 0 {
					return nil, fmt.Errorf("line %d: a block without a name", i+1)
				}
				open = append(open, top.Block[len(top.Block)-1])
			case w == "{":
				open = append(open, put())
			case w == "}":
				if len(now) > 0 {
					put()
				}
				if len(open) == 1 {
					return nil, fmt.Errorf("line %d: } closes nothing", i+1)
				}
				open = open[:len(open)-1]
			default:
				now = append(now, strings.Trim(w, `"`))
			}
			if len(open) > maxDepth {
				return nil, fmt.Errorf("line %d: nested deeper than %d", i+1, maxDepth)
			}
		}
		if len(now) > 0 {
			put()
		}
	}
	switch {
	case len(open) > 1:
		return nil, fmt.Errorf("the block of line %d is not closed", open[len(open)-1].Line)
	case len(root.Block) == 0:
		return nil, errors.New("no line in it")
	}
	return root.Block, nil
}

// In are the lines that begin with a word.
func In(all []*Line, name string) (out []*Line) {
	for _, l := range all {
		if len(l.Words) > 0 && l.Words[0] == name {
			out = append(out, l)
		}
	}
	return out
}

// Get is the first word behind a name; ok is false when no line has that name.
func Get(all []*Line, name string) (value string, line int, ok bool) {
	for _, l := range In(all, name) {
		if value, line, ok = "", l.Line, true; len(l.Words) > 1 {
			value = l.Words[1]
		}
	}
	return value, line, ok
}
