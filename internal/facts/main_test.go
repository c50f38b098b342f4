package facts

import (
	"os"
	"testing"

	"haprov/internal/shell/shelltest"
)

// What is run on a host needs no more than a Debian has.
func TestMain(m *testing.M) { os.Exit(shelltest.Run(m)) }

func TestTheQuestionsAreLinted(t *testing.T) {
	scripts := map[string]string{}
	for _, f := range Table {
		scripts[f.Name] = f.Query.Shell
	}
	found, err := shelltest.Lint(scripts)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}
