package mariadb

import (
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

// TestMySQLIsSpokenToInItsOwnWords: the answers are those of MySQL 9.7.4, which took the statements.
func TestMySQLIsSpokenToInItsOwnWords(t *testing.T) {
	s := &MySQLSocketUser{Name: "clustercheck", Privileges: []string{"RELOAD", "PROCESS"}, Server: "mysql"}
	i := &MySQLImport{Name: "one", File: "/root/dump.sql", Database: "app2", Server: "mysql"}
	for _, x := range []struct {
		name       string
		c          kind.Cluster
		q          probe.Query
		out        string
		phase, sql string
	}{
		{"no account", s, s.query(), "-\t-\t0\n", "create account clustercheck", "IDENTIFIED WITH auth_socket;"},
		{"the account", s, s.query(), "auth_socket\tPROCESS, RELOAD\t0\n", "", ""},
		{"another login's account", s, s.query(), "auth_socket or else\tPROCESS, RELOAD\t0\n", "create account clustercheck", "ALTER USER"},
		{"imported", i, i.record(), "1\t1\t-\t-\n" + strings.Repeat("a", 64) + "\t2026-11-28 05:17:46\t2026-11-28 05:17:46\n", "", ""},
	} {
		ph, err := kindtest.Decide(t, x.c, probe.Hosts{"db2": {Seen: probe.NewSeen(kindtest.Answer(x.q, 0, x.out))}})
		kindtest.Expect(t, x.name, ph, err, x.phase, "", "")
		for _, ch := range ph.Changes {
			a := ch.Actions[0]
			if sql := a.Stdin.Reveal(); !strings.Contains(sql, x.sql) || strings.Contains(sql, " VIA ") || !strings.HasPrefix(a.Shell, "mysql ") {
				t.Errorf("%s: %s <<%s", x.name, a.Shell, sql)
			}
		}
		// what only MariaDB has: its client, its table of accounts, Galera's state
		for _, word := range []string{"mariadb", "global_priv", "global_status"} {
			if strings.Contains(x.q.Shell, word) {
				t.Errorf("%s: %s", x.name, x.q.Shell)
			}
		}
	}
	run := i.run("db2", probe.FileInfo{SHA256: strings.Repeat("a", 64)}).Changes["db2"].Actions[0]
	if strings.Contains(run.Shell+run.Guard, "mariadb") || strings.Count(run.Shell, "mysql --no-defaults ") != 3 {
		t.Error(run.Shell)
	}
	kindtest.NoteActions(run)
}
