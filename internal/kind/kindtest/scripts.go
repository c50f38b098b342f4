package kindtest

import (
	"fmt"
	"io"
	"sync"

	"haprov/internal/act"
	"haprov/internal/probe"
	"haprov/internal/shell/shelltest"
)

// scripts are those that kinds wrote in the tests of one package, by what they do.
var scripts = struct {
	sync.Mutex
	text map[string]string
}{text: map[string]string{}}

func note(name, text string) {
	scripts.Lock()
	defer scripts.Unlock()
	if text != "" {
		scripts.text[fmt.Sprintf("%s (%d)", name, len(scripts.text))] = text
	}
}

// NoteActions keeps the scripts of actions for Main.
func NoteActions(as ...act.Action) {
	for _, a := range as {
		note(a.Title, a.Shell)
		note(a.Title+", guard", a.Guard)
		note(a.Title+", unless", a.Unless)
	}
}

// NoteQueries keeps the scripts of queries for Main.
func NoteQueries(qs ...probe.Query) {
	for _, q := range qs {
		note("query "+q.Name, q.Shell)
	}
}

// Main is the TestMain of a family of kinds: after the tests, sh and shellcheck read every script
// that was noted in any of them. It gives the exit code and says on w what is wrong.
func Main(m interface{ Run() int }, w io.Writer) int {
	code := m.Run()
	found, err := shelltest.Lint(scripts.text)
	if err != nil {
		found = append(found, err.Error())
	}
	for _, f := range found {
		fmt.Fprintln(w, f)
		code = 1
	}
	return code
}
