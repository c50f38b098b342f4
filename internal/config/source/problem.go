// Package source reads the files of inventories and recipes: it finds them, guards the parser against
// what would kill it, meters what their expressions may cost, and reports every mistake with its place
// and the nearest name that exists.
//
// Report is where all mistakes of one load go. The package must not know which blocks and arguments
// there are, nor what they mean: package decode fills structs, and package config makes a program.
package source

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"haprov/internal/secret"
)

// Severity of a Problem.
type Severity string

// Severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one mistake in a file.
type Problem struct {
	Severity Severity `json:"severity"`
	Summary  string   `json:"summary"` // up to eight words, no full stop
	Detail   string   `json:"detail"`  // found, expected, what to do
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"` // from 1; 0: the file as a whole
	Column   int      `json:"column,omitempty"`
	Length   int      `json:"length,omitempty"`  // characters of the guilty part in its line
	Snippet  string   `json:"snippet,omitempty"` // the guilty line; secrets are never in it
}

// Problems are all mistakes of one Load, in the order of files and lines.
type Problems []Problem

// Failed reports whether any is an error.
func (p Problems) Failed() bool {
	for _, x := range p {
		if x.Severity == Error {
			return true
		}
	}
	return false
}

// Shown is how many problems Render prints before it only counts.
const Shown = 20

// Render is the text for a person, at most width columns wide where the words allow it.
func (p Problems) Render(width int, color bool) string {
	var b strings.Builder
	paint := func(code, s string) string {
		if !color {
			return s
		}
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	for i, x := range p {
		if i == Shown {
			fmt.Fprintf(&b, "... and %d more\n", len(p)-Shown)
			break
		}
		code := "1;31"
		if x.Severity == Warning {
			code = "1;33"
		}
		fmt.Fprintf(&b, "%s: %s\n", paint(code, string(x.Severity)), paint("1", clean(x.Summary)))
		if x.File != "" {
			at := clean(x.File)
			if x.Line > 0 {
				at = fmt.Sprintf("%s:%d:%d", at, x.Line, x.Column)
			}
			fmt.Fprintf(&b, "  at %s\n", at)
		}
		if x.Snippet != "" {
			num := fmt.Sprint(x.Line)
			fmt.Fprintf(&b, "  %s | %s\n", num, clean(x.Snippet))
			if x.Length > 0 {
				pad := strings.Repeat(" ", len(num)) + " | " + strings.Repeat(" ", max(0, x.Column-1))
				fmt.Fprintf(&b, "  %s%s\n", pad, paint(code, strings.Repeat("^", x.Length)))
			}
		}
		for _, l := range wrap(clean(x.Detail), max(20, width-2)) {
			fmt.Fprintf(&b, "  %s\n", l)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// clean makes text from files safe for a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == '\n':
			return r
		case unicode.IsControl(r) || hides(r):
			return '\uFFFD'
		}
		return r
	}, s)
}

func wrap(s string, width int) (out []string) {
	for _, para := range strings.Split(s, "\n") {
		line := ""
		for _, w := range strings.Fields(para) {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) > width {
				out, line = append(out, line), ""
			}
			if line != "" {
				line += " "
			}
			line += w
		}
		if line != "" {
			out = append(out, line)
		}
	}
	return out
}

// Report collects problems; the same summary at the same place is kept once.
type Report struct {
	list  Problems
	seen  map[string]bool
	Files *Files
	fails int
}

// NewReport is an empty one; the lines that its problems show come from files, which may be nil.
func NewReport(f *Files) *Report { return &Report{Files: f} }

// Add reports a problem that has its place already; At and Warn find it from a range.
func (r *Report) Add(p Problem) {
	key := fmt.Sprintf("%s\x00%d\x00%d\x00%s", p.File, p.Line, p.Column, p.Summary)
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	if p.Severity == "" {
		p.Severity = Error
	}
	if p.Severity == Error {
		r.fails++
	}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	r.list = append(r.list, p)
}

// At reports a mistake at a range.
func (r *Report) At(rng hcl.Range, summary, detail string, args ...any) {
	p := Problem{Summary: summary, Detail: detail}
	if len(args) > 0 {
		p.Detail = fmt.Sprintf(detail, args...)
	}
	r.Add(r.place(p, rng))
}

// ToldAt reports whether there is a mistake in a range already.
func (r *Report) ToldAt(rng hcl.Range) bool {
	for _, p := range r.list {
		if p.Severity == Error && p.File == rng.Filename && p.Line >= rng.Start.Line && p.Line <= rng.End.Line && p.Line > 0 {
			return true
		}
	}
	return false
}

// Warn reports what is taken all the same.
func (r *Report) Warn(rng hcl.Range, summary, detail string) {
	r.Add(r.place(Problem{Severity: Warning, Summary: summary, Detail: detail}, rng))
}

func (r *Report) place(p Problem, rng hcl.Range) Problem {
	p.File, p.Line, p.Column = rng.Filename, rng.Start.Line, rng.Start.Column
	if r.Files != nil {
		p.Snippet = r.Files.line(rng.Filename, rng.Start.Line)
	}
	if p.Snippet != "" {
		p.Length = max(1, min(rng.End.Column-rng.Start.Column, utf8.RuneCountInString(p.Snippet)-rng.Start.Column+1))
		if rng.End.Line != rng.Start.Line {
			p.Length = max(1, utf8.RuneCountInString(p.Snippet)-rng.Start.Column+1)
		}
		p.Snippet, p.Length = hide(p.Snippet, p.Length)
	}
	return p
}

// masked takes secrets out of the lines that are shown. It comes last: what is a secret may become
// known after the problem.
func (r *Report) masked() Problems {
	for i := range r.list {
		x := &r.list[i]
		if s := secret.Mask(x.Snippet); s != x.Snippet {
			x.Snippet, x.Length = s, 0
		}
	}
	return r.list
}

// Sorted puts the inventory's own problems first, then by file and place.
func (r *Report) Sorted(first string) Problems {
	sort.SliceStable(r.list, func(i, j int) bool {
		a, b := r.list[i], r.list[j]
		if a.File != b.File {
			return a.File == first || (b.File != first && a.File < b.File)
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
	return r.masked()
}

// Err joins the problems of a step that was built during a run.
func (r *Report) Err() error {
	var all []error
	for _, p := range r.masked() {
		if p.Severity == Warning {
			continue
		}
		all = append(all, fmt.Errorf("%s:%d: %s: %s", p.File, p.Line, p.Summary, p.Detail))
	}
	return errors.Join(all...)
}

// Failed is how many errors there are so far.
func (r *Report) Failed() int { return r.fails }
