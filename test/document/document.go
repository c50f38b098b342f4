// Package document reads documents as scripts: the commands that they show, and what they say that
// each prints. It runs nothing; tests do, and hold the output against the document.
//
// A fenced block with lines "$ COMMAND" is a script; below each command stands what it prints. "..."
// alone on a line stands for any number of lines. A comment just before a block, invisible to
// readers, says how it is tested:
//
//	<!-- test: skip -->     it is not run
//	<!-- test: until -->    it is run again until it prints this
//	<!-- test: start -->    it is started, and goes on beside what follows
//	<!-- test: result -->   what the started command with the same text has printed at its end
//	<!-- test: numbers -->  any number stands for any other
//	<!-- test: hosts -->    any host stands for any other: all lines have one order
//	<!-- test: run -->      an indented block: each of its commands must succeed
//	<!-- test: also CMD --> a command that the reader does not see, repeated until it succeeds
package document

import (
	"regexp"
	"slices"
	"strings"
)

// Step is one command of a document.
type Step struct {
	Line    int    // of the command in the document, from 1
	Command string // a shell text
	Want    []Line // what it prints
	Marks   []string
}

// Line is one line of a document; "..." stands for any lines.
type Line struct {
	Number int
	Text   string
}

// Is tells whether the comment before the step's block has a word.
func (s Step) Is(mark string) bool { return slices.Contains(s.Marks, mark) }

var comment = regexp.MustCompile(`^<!-- test: (.*) -->$`)

// Steps gives the commands of a document in order.
func Steps(text string) (steps []Step) {
	var marks []string
	fenced, first := false, 0 // first: the number of steps when the block began
	for i, l := range strings.Split(text, "\n") {
		n := i + 1
		m := comment.FindStringSubmatch(l)
		switch {
		case m != nil && strings.HasPrefix(m[1], "also "):
			steps = append(steps, Step{Line: n, Command: m[1][len("also "):], Marks: []string{"also"}})
		case m != nil:
			marks = strings.Fields(m[1])
		case strings.HasPrefix(l, "```"):
			if fenced, first = !fenced, len(steps); !fenced {
				marks = nil
			}
		case fenced && strings.HasPrefix(l, "$ "):
			steps = append(steps, Step{Line: n, Command: l[2:], Marks: marks})
		case fenced && len(steps) > first && l != "":
			last := &steps[len(steps)-1]
			last.Want = append(last.Want, Line{n, l})
		case !fenced && strings.HasPrefix(l, "    ") && slices.Contains(marks, "run"):
			c, _, _ := strings.Cut(strings.TrimSpace(l), "  #")
			steps = append(steps, Step{Line: n, Command: strings.TrimSpace(c), Marks: marks})
		case !fenced && l != "":
			marks = nil
		}
	}
	return steps
}
