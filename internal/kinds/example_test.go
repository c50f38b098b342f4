package kinds

import (
	"os"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

// The code between the two marks is the example of docs/kinds.md, word for word.

// begin

var MotdSpec = kind.Spec{
	Name:    "motd",
	Summary: "The text that a login shows.",
	Example: `motd "Ask the database team." {}
`,
	New: func() any { return &Motd{} },
}

// Motd is the file /etc/motd (motd(5)).
type Motd struct {
	Text string `hcl:"text,label" about:"The text, on one line"`
}

const motd = "/etc/motd"

// Owns is the file: two steps that want a text there contradict each other.
func (m *Motd) Owns(_ string) []kind.Thing { return kind.Paths(motd) }

// Check finds what no host has to be asked for.
func (m *Motd) Check() []kind.Problem {
	var ps kind.Problems
	if m.Text == "" {
		ps.Add("text", "Empty text", "Expected the text that a login shows.")
	}
	return ps
}

// Probe asks for the file.
func (m *Motd) Probe(seen probe.Seen) []probe.Query {
	return kind.Unread(seen, kind.TextQuery(motd))
}

// Decide compares, and writes what differs.
func (m *Motd) Decide(seen probe.Seen) (plan.Change, error) {
	have, ok := seen.Text(motd)
	if !ok {
		return kind.Unknown("file " + motd), nil
	}
	want := m.Text + "\n"
	if have.Text == want {
		return plan.Change{}, nil
	}
	return plan.Change{
		Diffs: []plan.Diff{{Attribute: "text", Have: have.Text, Want: want, Text: true}},
		Actions: []act.Action{{
			Title:   "write " + motd,
			Write:   &act.File{Path: motd, Owner: "root", Group: "root", Mode: "0644", Content: secret.Plain(want)},
			Touches: []probe.Subject{kind.FileSubject(motd)},
		}},
	}, nil
}

// end

// TestTheDocumentShowsThisExample: docs/kinds.md has the code above and the case below, and both work.
func TestTheDocumentShowsThisExample(t *testing.T) {
	code, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/kinds.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code2, _ := strings.Cut(string(code), "\n// begin\n\n")
	example, _, _ := strings.Cut(code2, "\n// end\n")
	if !strings.Contains(string(doc), "```go\n"+example+"```\n") {
		t.Error("docs/kinds.md shows another example than example_test.go")
	}
	_, rest, _ := strings.Cut(string(doc), "```txtar\n")
	text, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("docs/kinds.md shows no case")
	}
	file := t.TempDir() + "/case.txtar"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	runCase(t, file, MotdSpec)
}

func TestEveryKindHasACase(t *testing.T) {
	for _, s := range Table {
		if cases, _ := os.ReadDir("testdata/" + s.Name); len(cases) == 0 {
			t.Errorf("%s has no case below testdata/%s", s.Name, s.Name)
		}
	}
}
