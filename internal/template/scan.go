package template

import (
	"fmt"
	"strings"
)

// Limits of a template's text. Go's parser calls itself for every block and parenthesis, and a
// stack that overflows ends the program.
const (
	maxText   = 1 << 20 // bytes
	maxNested = 100     // blocks and parentheses, one in the other
	maxAction = 50_000  // {{ }} in one file
)

// scan checks the limits before anything is parsed. What is no template otherwise, the parser says.
func scan(name, text string) error {
	at := 0 // where the current action begins
	bad := func(what string, limit int, advice string) error {
		return fmt.Errorf("%s:%d: more than %d %s: %s", name, 1+strings.Count(text[:at], "\n"), limit, what, advice)
	}
	if len(text) > maxText {
		at = maxText
		return bad("bytes", maxText, "make it a source, or several templates")
	}
	depth := []int{0} // for each open block, what it takes away when it ends
	nested := 0
	for n := 0; ; n++ {
		i := strings.Index(text[at:], "{{")
		if i < 0 {
			return nil
		}
		at += i
		if n == maxAction {
			return bad("actions", maxAction, "make several templates")
		}
		words, parens, length := next(text[at+2:])
		switch {
		case words == "end":
			if len(depth) > 1 {
				nested -= depth[len(depth)-1]
				depth = depth[:len(depth)-1]
			}
		case strings.HasPrefix(words, "else "): // else if: a block in the block, with one end
			nested++
			depth[len(depth)-1]++
		case words == "if" || words == "range" || words == "with" || words == "block" || words == "define":
			nested++
			depth = append(depth, 1)
		}
		if max(nested, parens) > maxNested {
			return bad("blocks or parentheses in each other", maxNested, "simplify it")
		}
		at += 2 + length
	}
}

// next reads an action to its end: the word it begins with, or "else if" and "else with"; how deep its
// parentheses are; its length.
func next(s string) (words string, parens, length int) {
	body := strings.TrimLeft(strings.TrimPrefix(s, "-"), " \t\r\n")
	if strings.HasPrefix(body, "/*") {
		end := strings.Index(s, "*/")
		return "", 0, max(end, 0)
	}
	f := strings.FieldsFunc(body[:min(len(body), 40)], func(r rune) bool { return r < 'a' || r > 'z' })
	if len(f) > 0 && strings.HasPrefix(body, f[0]) {
		words = f[0]
		if rest := strings.TrimLeft(body[len(words):], " \t\r\n"); words == "else" && (strings.HasPrefix(rest, "if") || strings.HasPrefix(rest, "with")) {
			words = "else if"
		}
	}
	open := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '(':
			open++
			parens = max(parens, open)
		case ')':
			open--
		case '"', '\'', '`':
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\\' && c != '`' {
					i++
				}
			}
		case '}':
			if strings.HasPrefix(s[i:], "}}") {
				return words, parens, i
			}
		}
	}
	return words, parens, len(s)
}
