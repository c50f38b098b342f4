package drbd

import (
	"errors"
	"fmt"
	"strings"
)

// Statement is one of DRBD's configuration: words up to ; or the block that follows them.
type Statement struct {
	Words  []string // without quotes
	Line   int
	Block  []*Statement // what stands in its braces
	Braces bool
}

const (
	maxStatements = 1 << 13
	maxConfDepth  = 16
)

// ParseConf reads a file of DRBD's configuration, or what `drbdsetup show` prints, as
// drbd.conf(5) describes it: statements that end with ; or have a block in braces, comments from #
// to the line's end. Includes are not followed, names are not known. Errors name a line and never
// quote it: a secret may stand there.
func ParseConf(text string) ([]*Statement, error) {
	root := &Statement{}
	open := []*Statement{root}
	var now *Statement
	line, count := 1, 0
	word := func(w string) {
		if now == nil {
			now = &Statement{Line: line}
		}
		now.Words = append(now.Words, w)
	}
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '\n':
			line++
			i++
		case ' ', '\t', '\r':
			i++
		case '#':
			if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(text)
			}
		case '"':
			n := strings.IndexByte(text[i+1:], '"')
			if n < 0 || strings.Contains(text[i+1:i+1+n], "\n") {
				return nil, fmt.Errorf("line %d: a quote is not closed", line)
			}
			word(text[i+1 : i+1+n])
			i += n + 2
		case ';', '{', '}':
			i++
			if count++; count > maxStatements {
				return nil, fmt.Errorf("more than %d statements", maxStatements)
			}
			top := open[len(open)-1]
			switch {
			case c == ';' && now != nil:
				top.Block, now = append(top.Block, now), nil
			case c == ';': // an empty one
			case c == '{' && now == nil:
				return nil, fmt.Errorf("line %d: a block without a name", line)
			case c == '{':
				if len(open) > maxConfDepth {
					return nil, fmt.Errorf("line %d: nested deeper than %d", line, maxConfDepth)
				}
				now.Braces = true
				top.Block, open, now = append(top.Block, now), append(open, now), nil
			case now != nil:
				return nil, fmt.Errorf("line %d: } where ; was expected", line)
			case len(open) == 1:
				return nil, fmt.Errorf("line %d: } closes nothing", line)
			default:
				open = open[:len(open)-1]
			}
		default:
			n := strings.IndexAny(text[i:], " \t\r\n;{}#\"")
			if n < 0 {
				n = len(text) - i
			}
			word(text[i : i+n])
			i += n
		}
	}
	switch {
	case now != nil:
		return nil, fmt.Errorf("line %d: the last statement does not end", now.Line)
	case len(open) > 1:
		return nil, fmt.Errorf("the block of line %d is not closed", open[len(open)-1].Line)
	case len(root.Block) == 0:
		return nil, errors.New("no statement in it")
	}
	return root.Block, nil
}

// Is tells whether the statement begins with a word.
func (s *Statement) Is(name string) bool { return len(s.Words) > 0 && s.Words[0] == name }

// Value is what stands behind the statement's first word.
func (s *Statement) Value() string { return strings.Join(s.Words[min(1, len(s.Words)):], " ") }

// In are the statements of a name in the blocks of all.
func In(all []*Statement, name string) (out []*Statement) {
	for _, s := range all {
		if s.Is(name) {
			out = append(out, s)
		}
	}
	return out
}
