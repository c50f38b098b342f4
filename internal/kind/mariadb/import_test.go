package mariadb

import (
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

func TestADumpIsImportedOnceOrNotAtAll(t *testing.T) {
	m := &MySQLImport{Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}, {Name: "db3"}}}, Name: "app", File: "/var/lib/haprov/app.sql.gz", Database: "app", On: "one"}
	if ps := m.Check(); len(ps) > 0 {
		t.Fatal(ps)
	}
	sum := strings.Repeat("ab", 32)
	server := func(out string) map[probe.Key]probe.Answer { return kindtest.Answer(m.record(), 0, out) }
	file := map[probe.Key]probe.Answer{kind.FileQuery(m.File).Key(): {State: probe.Answered, Out: "regular file|root|root|600|9|" + sum + "|"}}
	none := map[probe.Key]probe.Answer{kind.FileQuery(m.File).Key(): {State: probe.Answered}}
	down := kindtest.Answer(m.record(), 1, "ERROR 2002 (HY000): Can't connect to local server")
	host := func(all ...map[probe.Key]probe.Answer) probe.HostSeen {
		s := probe.NewSeen(nil)
		for _, a := range all {
			s = s.With(a)
		}
		return probe.HostSeen{Seen: s}
	}
	empty := server("0\t0\t3\tPrimary\n")
	for _, x := range []struct {
		name                  string
		a, b, c               probe.HostSeen
		on                    string
		phase, waits, refused string
	}{
		{"never imported", host(empty, none), host(empty, file), host(empty, none), "db2", "import " + m.File, "", ""},
		{"the others' imports do not count", host(server("1\t0\t3\tPrimary\n"), file), host(empty), host(empty), "db1", "import " + m.File, "", ""},
		{"done", host(server("1\t7\t3\tPrimary\n" + sum + "\t2026-01-01 10:00:00\t2026-01-01 10:01:00\n")), host(empty), host(empty), "", "", "", ""},
		{"done, and a member is away", host(server("1\t7\t2\tPrimary\n" + sum + "\t2026-01-01 10:00:00\t2026-01-01 10:01:00\n")), host(empty), probe.HostSeen{Lost: "no route"}, "", "", "", ""},
		{"begun and not done", host(server("1\t2\t3\tPrimary\n" + sum + "\t2026-01-01 10:00:00\t-\n")), host(empty), host(empty), "", "", "", "did not end"},
		{"somebody's tables", host(server("0\t4\t3\tPrimary\n"), file), host(empty), host(empty), "", "", "", "holds 4 tables"},
		{"not the full size yet", host(server("0\t0\t2\tPrimary\n"), file), host(empty), host(down), "", "", "full size", ""},
		{"a member is away", host(server("0\t0\t2\tPrimary\n"), file), host(empty), probe.HostSeen{Lost: "no route"}, "", "", "", "db3 cannot be asked"},
		{"cut off", host(server("0\t0\t3\tnon-Primary\n"), file), host(empty), host(empty), "", "", "full size", ""},
		{"no Galera", host(server("0\t0\t0\tDisconnected\n"), file), host(down), host(down), "db1", "import " + m.File, "", ""},
		{"the dump is nowhere", host(empty, none), host(empty, none), host(empty), "", "", "", "is not on db1 nor on db2"},
		{"nobody serves", host(down), host(down), host(down), "", "", "answers", ""},
		{"garbage", host(server("0\tmany\t3\tPrimary\n")), host(empty), host(empty), "", "", "", "number of tables"},
		{"a row of garbage", host(server("1\t0\t3\tPrimary\n$(reboot)\t1\t-\n")), host(empty), host(empty), "", "", "", "cannot be read"},
	} {
		ph, err := kindtest.Decide(t, m, probe.Hosts{"db1": x.a, "db2": x.b, "db3": x.c})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for n, ch := range ph.Changes {
			a := ch.Actions[0]
			if n != x.on {
				t.Errorf("%s: done on %s", x.name, n)
			}
			if row, dump := strings.Index(a.Shell, "INSERT INTO haprov.import"), strings.Index(a.Shell, "--binary-mode app"); row < 0 || dump < row || !strings.Contains(a.Guard, sum) {
				t.Errorf("%s: the dump comes before its record, or is not the one that was seen:\n%s\n%s", x.name, a.Guard, a.Shell)
			}
		}
	}
	if qs := m.Probe("db1", probe.Hosts{"db1": host(server("1\t7\t3\tPrimary\n" + sum + "\t2026-01-01 10:00:00\t2026-01-01 10:01:00\n"))}); len(qs) > 0 {
		t.Errorf("a dump that was imported is read again: %v", qs)
	}
}
