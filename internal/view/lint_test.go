package view

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"haprov/internal/lint"
)

func TestLintDrawsWhatIsUnreadableFirst(t *testing.T) {
	crypto := lint.Check{ID: "crypto", Severity: lint.Critical, Title: "it is encrypted", Why: "Else all hear it.", Remedy: "switch it on", Command: "haprov up", Source: "its manual"}
	report := lint.Report{From: "found", Hosts: []string{"db1", "db2"}, Unused: []string{"notes"}, Count: map[lint.Word]int{lint.Bad: 1, lint.Unreadable: 1, lint.Unknown: 2, lint.OK: 1, lint.None: 1}, Found: map[string]int{"critical": 1},
		Results: []lint.Result{
			{Check: crypto, Word: lint.Bad, Findings: []lint.Finding{
				{Word: lint.Bad, Host: "db1", File: "a.conf", Line: 3, Found: "cipher \x1b[31mnone", Expected: "aes256"},
				{Word: lint.Bad, Host: "db2", File: "a.conf", Line: 3, Found: "cipher \x1b[31mnone", Expected: "aes256"}}},
			{Check: lint.Check{ID: "same", Severity: lint.Warning}, Word: lint.Unreadable, Findings: []lint.Finding{{Word: lint.Unreadable, Host: "db2", File: "b.conf", Found: "line 2: no end"}}},
			{Check: lint.Check{ID: "runs"}, Word: lint.Unknown, Findings: []lint.Finding{{Word: lint.Unknown, Host: "db1", File: "c.txt", Found: "no c.txt"}, {Word: lint.Unknown, Host: "db2", File: "c.txt", Found: "no c.txt"}}},
			{Check: lint.Check{ID: "fired"}, Word: lint.Unknown, Findings: []lint.Finding{{Word: lint.Unknown, Host: "db1", File: "c.txt", Found: "no c.txt"}}},
			{Check: lint.Check{ID: "well", Title: "all is well"}, Word: lint.OK},
			{Check: lint.Check{ID: "proxy"}, Word: lint.None, Findings: []lint.Finding{{Word: lint.None, Found: "no proxy"}}},
		}}
	const sum = "6 checks: 1 unreadable, 1 found something (1 critical, 0 warning, 0 advice), 2 unknown, 1 ok, 1 not applicable\n"
	for _, x := range []struct {
		name string
		l    Lint
		want string
	}{
		{"in full", Lint{All: true}, `found: 2 hosts: db1, db2

unreadable  b.conf: line 2: no end (db2)
    not judged: same

critical  crypto
  db1, db2 a.conf:3: cipher \u001b[31mnone; expected: aes256
    rule    it is encrypted
    why     Else all hear it.
    remedy  switch it on
    haprov  haprov up
    source  its manual

unknown  no c.txt (db1, db2)
    not judged: runs, fired

ok  well: all is well
not applicable  proxy: no proxy
not read: notes
` + sum},
		{"short", Lint{Short: true}, `found: 2 hosts: db1, db2

unreadable  b.conf: line 2: no end (db2)
    not judged: same
critical  crypto  db1, db2 a.conf:3: cipher \u001b[31mnone; expected: aes256

unknown  no c.txt (db1, db2)

not read: notes
` + sum},
	} {
		var b strings.Builder
		x.l.Out = &b
		x.l.Report(report)
		if d := cmp.Diff(x.want, b.String()); d != "" {
			t.Errorf("%s: %s", x.name, d)
		}
	}
}
