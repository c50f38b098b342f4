package probe

import (
	"testing"

	"haprov/internal/shell/shelltest"
)

// What each sort of question runs is read by sh -n and shellcheck: the parts, which are quoted as
// arguments in the script, and the script.
func TestQuestionsAreLinted(t *testing.T) {
	var qs []Query
	for _, k := range order {
		qs = append(qs, Query{Kind: k, Name: "/a name"}, Query{Kind: k, Name: "/another"})
	}
	scripts := map[string]string{"the script": Script(qs, nonce)}
	for _, s := range sections(qs) {
		scripts[string(s.queries[0].Kind)] = s.text
	}
	found, err := shelltest.Lint(scripts)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}
