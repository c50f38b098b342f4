package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"haprov/internal/secret"
	"haprov/internal/status"
)

// Commands stand on lines of their own, or in backquotes.
var shownCommand = regexp.MustCompile("(?m)(?:^(?:    |\\$ )|`)haprov ([^`\n#|>]*)")

// Every command that the documents and help texts show exists, and so do its flags.
func TestEveryCommandThatIsShownExists(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../../README.md", "../../SECURITY.md", "../../CONTRIBUTING.md", "../../recipes/README.md", "../../inventory/README.md", "../../vagrant/README.md")
	seen := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shownCommand.FindAllStringSubmatch(string(text), -1) {
			seen++
			check(t, filepath.Base(f), m[1])
		}
	}
	for _, c := range shown((&app{gate: gate{secret.NewWriter(io.Discard), secret.NewWriter(io.Discard)}}).root()) {
		for line := range strings.Lines(c.Example) {
			if _, args, ok := strings.Cut(line, "haprov "); ok {
				args, _, _ = strings.Cut(args, "|")
				args, _, _ = strings.Cut(args, ">")
				seen++
				check(t, c.CommandPath(), args)
			}
		}
	}
	if seen < 150 {
		t.Errorf("only %d commands found", seen)
	}
}

// What programs may read is written down, and nothing else.
func TestTheJSONDocumentIsWhole(t *testing.T) {
	text, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../view/json.go")
	if err != nil {
		t.Fatal(err)
	}
	messages, _, _ := strings.Cut(string(text), "## Status")
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| (`.*?) \\|").FindAllStringSubmatch(messages, -1) {
		rows[m[1]] = m[2]
	}
	for _, m := range regexp.MustCompile(`line\("([a-z]+)", (.*)\)`).FindAllStringSubmatch(string(source), -1) {
		for _, f := range regexp.MustCompile(`"([a-z]+)":`).FindAllStringSubmatch(m[2], -1) {
			if !strings.Contains(rows[m[1]], "`"+f[1]+"`") {
				t.Errorf("field %s of %s is not written down", f[1], m[1])
			}
		}
		if rows[m[1]] == "" {
			t.Errorf("type %s is not written down", m[1])
		}
		delete(rows, m[1])
	}
	for name := range rows {
		t.Errorf("there is no type %s", name)
	}
	for _, of := range []reflect.Type{reflect.TypeFor[status.Page](), reflect.TypeFor[status.Row]()} {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if name != "-" && !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("field %s of status is not written down", name)
			}
		}
	}
	if want := fmt.Sprintf("| `version` | %d |", status.Version); !strings.Contains(string(text), want) {
		t.Errorf("the version is not written down as %s", want)
	}
}

func check(t *testing.T, where, line string) {
	t.Helper()
	line = regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(line, "WORD")
	line, _, _ = strings.Cut(line, "<")
	args := strings.Fields(strings.NewReplacer("[HOST]", "HOST", "on|off", "on").Replace(line))
	root := (&app{gate: gate{secret.NewWriter(io.Discard), secret.NewWriter(io.Discard)}}).root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	c, rest, err := root.Find(args)
	if err != nil {
		t.Errorf("%s: haprov %s: %v", where, line, err)
		return
	}
	if c.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && rest[0] != "COMMAND" {
		t.Errorf("%s: haprov %s: there is no such command", where, line)
		return
	}
	if err := c.ParseFlags(rest); err != nil {
		t.Errorf("%s: haprov %s: %v", where, line, err)
	}
}

// The tutorial's pictures are those that graph draws of the shipped inventory. With -update they
// are written anew.
func TestTheTutorialsPicturesAreTheProgramsOwn(t *testing.T) {
	const file = "../../docs/tutorial.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tutorial := string(text)
	at := 0
	t.Setenv("HAPROV_STATE", t.TempDir())
	for _, args := range [][]string{{"graph", "--machines"}, {"graph", "--mermaid"}} {
		var out, errs strings.Builder
		if code := Main(args, strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatal(code, errs.String())
		}
		begin := strings.Index(tutorial[at:], "```mermaid\n") + at
		end := strings.Index(tutorial[begin+3:], "```") + begin + 3
		if begin < at || end < begin {
			t.Fatalf("no picture for %v", args)
		}
		want := "```mermaid\n" + out.String()
		if tutorial[begin:end] != want && !*update {
			t.Errorf("the picture of %v is another one: go test ./internal/cli -update", args)
		}
		tutorial = tutorial[:begin] + want + tutorial[end:]
		at = begin + len(want)
	}
	if *update {
		if err := os.WriteFile(file, []byte(tutorial), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var update = flag.Bool("update", false, "write the tutorial's pictures")
