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

// What the documents tell a newcomer to write is valid, in a directory that holds nothing else.
func TestTheDocumentsFilesAreValid(t *testing.T) {
	for name, want := range map[string]string{
		"README.md":             "valid: 1 hosts, 1 clusters",
		"recipes/README.md":     "valid: 1 hosts, 1 clusters",
		"inventory/README.md":   "valid: 1 hosts, 1 clusters",
		"docs/real-machines.md": "valid: 2 hosts, 1 clusters",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "recipes/README.md", func(path string) bool { return name == "inventory/README.md" && path != "haprov.hcl" })
			write(t, dir, name, func(path string) bool { return path != "haprov.hcl, with a lab" })
			t.Setenv("HAPROV_STATE", filepath.Join(dir, "state"))
			t.Chdir(dir)
			var out, errs bytes.Buffer
			if code := cli.Main([]string{"validate"}, strings.NewReader(""), &out, &errs); code != 0 || !strings.Contains(out.String(), want) {
				t.Errorf("exit %d\n%s%s", code, &out, &errs)
			}
		})
	}
}

// README's inventory for a lab stands beside the one for machines that exist, with the same recipe.
func TestREADMEsLabIsValid(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "README.md", func(path string) bool { return path != "haprov.hcl" })
	t.Setenv("HAPROV_STATE", filepath.Join(dir, "state"))
	t.Chdir(dir)
	var out, errs bytes.Buffer
	if code := cli.Main([]string{"validate", "-i", "haprov.hcl, with a lab"}, strings.NewReader(""), &out, &errs); code != 0 || !strings.Contains(out.String(), "valid: 1 hosts, 1 clusters") {
		t.Errorf("exit %d\n%s%s", code, &out, &errs)
	}
}

// A stack that the program knows nothing of is a recipe like any other; test/vm runs them on machines.
func TestTheStacksOfTheTestsAreValid(t *testing.T) {
	stacks, err := filepath.Glob("../stacks/*/haprov.hcl")
	if err != nil || len(stacks) == 0 {
		t.Fatalf("no stacks: %v", err)
	}
	for _, f := range stacks {
		dir, err := filepath.Abs(filepath.Dir(f))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Setenv("HAPROV_STATE", t.TempDir())
			t.Chdir(dir)
			var out, errs bytes.Buffer
			if code := cli.Main([]string{"validate"}, strings.NewReader(""), &out, &errs); code != 0 {
				t.Errorf("exit %d\n%s%s", code, &out, &errs)
			}
		})
	}
}

// The recipe for clocks of docs/real-machines.md is run by test/vm as it stands there.
func TestTheClocksOfTheDocumentAreThoseOfTheStack(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "docs/real-machines.md", func(path string) bool { return path == "recipes/clock.hcl" })
	want, err := os.ReadFile(dir + "/recipes/clock.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../stacks/hosts/recipes/clock.hcl"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("test/stacks/hosts has another recipe: %v", err)
	}
}

var fenced = regexp.MustCompile("(?s)```(?:hcl)?\n# ([^\n]+)\n(.*?)```")

// write makes the files of a document whose first line is a comment with their path.
func write(t *testing.T, dir, document string, wanted func(path string) bool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", document))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range fenced.FindAllStringSubmatch(string(text), -1) {
		path := filepath.Join(dir, b[1])
		if !wanted(b[1]) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
