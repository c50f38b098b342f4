package document

import (
	"fmt"
	"regexp"
	"strings"
)

// changing are the parts of a line that differ from run to run. Addresses come first, so that they
// are not taken for versions.
var changing = regexp.MustCompile(`\d+(?:\.\d+){3}(?::\d+)?(?:/\d+)?` +
	`|(?P<date>\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?|\b\d\d:\d\d:\d\d(?:\.\d+)?\b)` +
	`|(?P<time>\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)? ?(?:ms|s)\b|\b\d+m\d\ds\b)` +
	`|(?P<version>\b\d+\.\d+\.\d+\b)`)

var number = regexp.MustCompile(`\b\d+\b`)

// same writes a line with the parts that change from run to run replaced by their names.
func (s Step) same(line string) string {
	line = changing.ReplaceAllStringFunc(line, func(s string) string {
		m := changing.FindStringSubmatch(s)
		for i, name := range changing.SubexpNames() {
			if name != "" && m[i] != "" {
				return "<" + name + ">"
			}
		}
		return s
	})
	if s.Is("hosts") {
		line = anyHost.ReplaceAllString(line, "<host>")
	}
	if s.Is("numbers") {
		line = number.ReplaceAllString(line, "<number>")
	}
	return strings.Join(strings.Fields(line), " ")
}

var (
	host    = regexp.MustCompile(`^(?:db|px|web)\d:?$`)
	anyHost = regexp.MustCompile(`\b(?:db|px|web)\d\b`)
	two     = regexp.MustCompile(`\bdb[12]\b`)
	listed  = regexp.MustCompile(`\b(db2 [a-z ]+), (db1 [a-z ]+)`)
)

// Mirror exchanges db1 and db2: which of two equal machines becomes the active one is chance.
func Mirror(text string) string {
	text = two.ReplaceAllStringFunc(text, func(s string) string { return map[string]string{"db1": "db2", "db2": "db1"}[s] })
	return listed.ReplaceAllString(text, "$2, $1") // lists are in the order of names
}

// streamOf is the host that a line is about: hosts work at the same time, so only the lines of one
// host have an order.
func (s Step) streamOf(line string) string {
	f := strings.Fields(line)
	switch {
	case s.Is("hosts"):
	case len(f) > 0 && host.MatchString(f[0]):
		return f[0]
	case len(f) > 1 && host.MatchString(f[len(f)-1]): // a row of a table
		return f[0] + " on " + f[len(f)-1]
	}
	return ""
}

// Match holds what a command printed against the document. It gives the printed line for each of
// the document's lines by their number, and an error that names the first line that was not found.
func (s Step) Match(printed string) (map[int]string, error) {
	got := map[string][]string{}
	for l := range strings.Lines(printed) {
		if l = strings.TrimRight(l, "\n"); strings.TrimSpace(l) != "" && !strings.HasPrefix(l, "note lab: this machine is overloaded") {
			got[s.streamOf(l)] = append(got[s.streamOf(l)], l)
		}
	}
	want := map[string][]Line{"": nil}
	for k := range got {
		want[k] = nil
	}
	for _, l := range s.Want {
		want[s.streamOf(l.Text)] = nil
	}
	for _, l := range s.Want {
		if l.Text != "..." {
			want[s.streamOf(l.Text)] = append(want[s.streamOf(l.Text)], l)
			continue
		}
		for k := range want {
			want[k] = append(want[k], l)
		}
	}
	found := map[int]string{}
	for k, w := range want {
		m := matcher{w, got[k], s, map[[2]int]bool{}, 0, found}
		if m.match(0, 0) {
			continue
		}
		if m.furthest < len(w) {
			return found, fmt.Errorf("line %d is not what was printed: %s", w[m.furthest].Number, w[m.furthest].Text)
		}
		return found, fmt.Errorf("more was printed than line %d and those above it", s.Line+len(s.Want))
	}
	return found, nil
}

// matcher holds the lines of one stream against each other.
type matcher struct {
	want     []Line
	got      []string
	step     Step
	failed   map[[2]int]bool
	furthest int
	found    map[int]string
}

func (m *matcher) match(i, j int) bool {
	if m.failed[[2]int{i, j}] {
		return false
	}
	m.furthest = max(m.furthest, i)
	ok := false
	switch {
	case i == len(m.want):
		ok = j == len(m.got)
	case m.want[i].Text == "...":
		ok = m.match(i+1, j) || j < len(m.got) && m.match(i, j+1)
	case j < len(m.got) && m.step.same(m.want[i].Text) == m.step.same(m.got[j]):
		if ok = m.match(i+1, j+1); ok {
			m.found[m.want[i].Number] = m.got[j]
		}
	}
	m.failed[[2]int{i, j}] = !ok
	return ok
}
