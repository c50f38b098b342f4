package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"haprov/internal/cli"
)

// What the README tells a newcomer to write is valid, in a directory that holds nothing else.
func TestTheReadmesFilesAreValid(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	blocks := regexp.MustCompile("(?s)```hcl\n# (\\S+)\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	for _, b := range blocks {
		path := filepath.Join(dir, b[1])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HAPROV_STATE", filepath.Join(dir, "state"))
	t.Chdir(dir)
	var out, errs bytes.Buffer
	if code := cli.Main([]string{"validate"}, strings.NewReader(""), &out, &errs); code != 0 || !strings.Contains(out.String(), "valid: 1 hosts") {
		t.Errorf("exit %d, %d files\n%s%s", code, len(blocks), &out, &errs)
	}
}
