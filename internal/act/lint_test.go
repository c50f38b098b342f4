package act

import (
	"testing"

	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell/shelltest"
)

// What a batch runs is read by sh -n and shellcheck: the job with its marks, and each sort of action.
func TestABatchIsLinted(t *testing.T) {
	all := []Action{
		{Title: "shell", Shell: "echo \"it's\"", Stdin: secret.Sensitive("s"), Unless: "false", Guard: "true", Owes: []Owed{{"mariadb.service", "restart"}}, Pays: []string{"mariadb.service"}, Touches: []probe.Subject{probe.Topic("sql")}},
		{Title: "install", Install: []string{"socat", "nginx"}},
		{Title: "write", Write: &File{Path: "/etc/a b", Owner: "root", Group: "adm", Mode: "0640", Content: secret.Plain("x\n"), Validate: "cat %s"}},
		{Title: "write bytes", Write: &File{Path: "/etc/c", Content: secret.Plain("x\x00y")}},
		{Title: "copy", Write: &File{Path: "/etc/d", Blob: &Blob{Path: "d", There: "/run/d"}}},
		{Title: "start", Start: &Unit{Name: "a.service", Enable: true, Start: true}},
	}
	scripts := map[string]string{"the batch": Script(all, nonce)}
	for _, a := range all {
		scripts[a.Title] = a.body()
	}
	found, err := shelltest.Lint(scripts)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}
