package kinds

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestTheDocumentShowsTheseExamples: docs/kinds.md has the code of this file and of
// example_cluster_test.go, each with a case, and all of it works.
func TestTheDocumentShowsTheseExamples(t *testing.T) {
	doc, err := os.ReadFile("../../docs/kinds.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range examples {
		if !strings.Contains(string(doc), "```go\n"+e.code(t)+"```\n") {
			t.Errorf("docs/kinds.md shows another example than %s", e.file)
		}
	}
	runCase(t, examples[0].writeCase(t, t.TempDir()), MotdSpec)
	runClusterCase(t, examples[1].writeCase(t, t.TempDir()), LeaderSpec)
}

// Whoever follows the page touches one file, its cases and the table: this does so, in an overlay.
func TestAKindIsAFileItsCasesAndALineOfTheTable(t *testing.T) {
	dir := t.TempDir()
	replace := map[string]string{}
	put := func(at, text string) {
		t.Helper()
		at, err := filepath.Abs(at)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, strings.ReplaceAll(at, "/", "_"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[at] = file
	}
	table, err := os.ReadFile("table.go")
	if err != nil {
		t.Fatal(err)
	}
	text := string(table)
	for _, e := range examples {
		imports := ""
		for name, path := range map[string]string{"fmt": "fmt", "slices": "slices", "time": "time", "act": "haprov/internal/act", "kind": "haprov/internal/kind", "plan": "haprov/internal/plan",
			"probe": "haprov/internal/probe", "secret": "haprov/internal/secret", "shell": "haprov/internal/shell"} {
			if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(e.code(t)) {
				imports += "import \"" + path + "\"\n"
			}
		}
		put("../kind/"+e.of+"/"+e.name+".go", "package "+e.of+"\n\n"+imports+"\n"+e.code(t))
		spec := e.of + "." + strings.ToUpper(e.name[:1]) + e.name[1:] + "Spec,"
		if !strings.Contains(text, spec) { // or else somebody follows the page to the letter just now
			text = strings.Replace(text, "\n}\n", "\n\t"+spec+"\n}\n", 1)
		}
		if !strings.Contains(text, "/kind/"+e.of+"\"") {
			text = strings.Replace(text, "import (", "import (\n\t\"haprov/internal/kind/"+e.of+"\"", 1)
		}
		if err := os.MkdirAll(filepath.Join(dir, "cases", e.name), 0o700); err != nil {
			t.Fatal(err)
		}
		e.writeCase(t, filepath.Join(dir, "cases", e.name))
	}
	put("table.go", text)
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/overlay.json", overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "test", "-vet=off", "-overlay", dir+"/overlay.json", "-v", "-run", "StepsDecide|IsDescribed", ".", "-cases", dir+"/cases").CombinedOutput()
	for _, e := range examples {
		if err != nil || !strings.Contains(string(out), "--- PASS: "+map[bool]string{true: "TestHostStepsDecideAsTheirCasesSay", false: "TestClusterStepsDecideAsTheirCasesSay"}[e.of == "host"]+"/"+e.name+"/the_page") {
			t.Fatalf("%s: %v\n%s", e.name, err, out)
		}
	}
}

// example is one of the page's kinds: where its code stands here, and what it is called there.
type example struct{ file, of, name string }

var examples = []example{{"example_test.go", "host", "motd"}, {"example_cluster_test.go", "leader", "leader"}}

// code is what stands between the marks.
func (e example) code(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(e.file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n// begin\n\n")
	code, _, ok := strings.Cut(rest, "\n// end\n")
	if !ok {
		t.Fatalf("%s has no marks", e.file)
	}
	return code
}

// writeCase writes the case that follows the code on the page.
func (e example) writeCase(t *testing.T, dir string) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/kinds.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), e.code(t))
	_, rest, _ = strings.Cut(rest, "```txtar\n")
	text, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatalf("docs/kinds.md shows no case of %s", e.name)
	}
	file := filepath.Join(dir, "the_page.txtar")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEveryKindHasACase(t *testing.T) {
	for _, s := range Table {
		if cases, _ := os.ReadDir("testdata/" + s.Name); len(cases) == 0 {
			t.Errorf("%s has no case below testdata/%s", s.Name, s.Name)
		}
	}
}
