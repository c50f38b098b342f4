package cli

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
	for _, c := range shown((&app{out: io.Discard, err: io.Discard}).root()) {
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

func check(t *testing.T, where, line string) {
	t.Helper()
	line = regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(line, "WORD")
	line, _, _ = strings.Cut(line, "<")
	args := strings.Fields(strings.NewReplacer("[HOST]", "HOST", "on|off", "on").Replace(line))
	root := (&app{out: io.Discard, err: io.Discard}).root()
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
