package mariadb

import (
	"strings"
	"testing"

	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

func TestASocketAccountHasWhatIsWantedAndNoMore(t *testing.T) {
	m := &MySQLSocketUser{Name: "mysql", Privileges: []string{"RELOAD", "PROCESS"}, On: "one"}
	for _, x := range []struct{ name, out, phase, sql string }{
		{"there is none", "-\t-\t0", "create account mysql", "GRANT PROCESS, RELOAD ON"},
		{"as wanted", "unix_socket\tPROCESS, RELOAD\t0", "", ""},
		{"a password would do too", "unix_socket or else\tPROCESS, RELOAD\t0", "create account mysql", "ALTER USER"},
		{"it may do more", "unix_socket\tPROCESS, RELOAD, SUPER\t0", "create account mysql", "REVOKE ALL"},
		{"it stands in for others", "unix_socket\tPROCESS, RELOAD\t1", "create account mysql", "REVOKE PROXY"},
	} {
		seen := probe.HostSeen{Seen: probe.NewSeen(kindtest.Answer(m.query(), 0, x.out))}
		ph, err := kindtest.Decide(t, m, probe.Hosts{"db2": seen, "db1": seen, "db3": {Lost: "no route"}})
		kindtest.Expect(t, x.name, ph, err, x.phase, "", "")
		if x.sql != "" && !strings.Contains(ph.Changes["db1"].Actions[0].Stdin.Reveal(), x.sql) {
			t.Errorf("%s: %s", x.name, ph.Changes["db1"].Actions[0].Stdin.Reveal())
		}
	}
	ph, err := kindtest.Decide(t, m, probe.Hosts{"db1": {Lost: "no route"}})
	kindtest.Expect(t, "nobody serves", ph, err, "", "a database server answers", "")
	if ph, err := kindtest.Decide(t, m, probe.Hosts{"db1": {Seen: probe.NewSeen(kindtest.Answer(m.query(), 0, "garbage"))}}); err == nil {
		t.Errorf("garbage: %+v", ph)
	}
}
