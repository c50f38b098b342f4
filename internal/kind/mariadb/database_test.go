package mariadb

import (
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

func TestADatabaseAndItsUserAreMadeWhereTheServerIs(t *testing.T) {
	for _, s := range []server{"mariadb", "mysql"} {
		t.Run(string(s), func(t *testing.T) { madeWhereTheServerIs(t, s) })
	}
}

func madeWhereTheServerIs(t *testing.T, s server) {
	d := &MySQLDatabase{Name: "app", Server: s}
	u := &MySQLUser{Name: "app", From: "%", Database: "app", Password: secret.Sensitive("s3cret"), Server: s}
	away := func(q probe.Query) probe.HostSeen {
		return probe.HostSeen{Seen: probe.NewSeen(kindtest.Answer(q, 1, "ERROR 2002 (HY000): Can't connect to local server"))}
	}
	here := func(q probe.Query, out string) probe.HostSeen {
		return probe.HostSeen{Seen: probe.NewSeen(kindtest.Answer(q, 0, out))}
	}
	for _, x := range []struct {
		name                  string
		c                     kind.Cluster
		q                     probe.Query
		out                   string
		phase, waits, refused string
	}{
		{"no database", d, d.query(), "", "create database app", "", ""},
		{"database there", d, d.query(), "app\n", "", "", ""},
		{"no user", u, u.query(), "-\t0\n", "create user app", "", ""},
		{"another password", u, u.query(), "*0000\t1\n", "change user app", "", ""},
		{"rights lost", u, u.query(), u.stored() + "\t0\n", "change user app", "", ""},
		{"user as wanted", u, u.query(), u.stored() + "\t1\n", "", "", ""},
		{"a former password is valid, too", u, u.query(), u.stored() + " [\"*0000\"]\t1\n", "change user app", "", ""},
	} {
		ph, err := kindtest.Decide(t, x.c, probe.Hosts{"db1": away(x.q), "db2": here(x.q, x.out)})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for host, ch := range ph.Changes {
			if host != "db2" {
				t.Errorf("%s: done on %s", x.name, host)
			}
			if !strings.HasPrefix(ch.Actions[0].Shell, string(s)+" ") {
				t.Errorf("%s: asked by %s", x.name, ch.Actions[0].Shell)
			}
			if strings.Contains(ch.Actions[0].Shell, u.stored()) {
				t.Errorf("%s: a password's digest stands in the arguments", x.name)
			}
		}
		ph, err = kindtest.Decide(t, x.c, probe.Hosts{"db1": away(x.q), "db2": away(x.q)})
		kindtest.Expect(t, x.name+", nobody serves", ph, err, "", "answers", "")
		ph, err = kindtest.Decide(t, x.c, probe.Hosts{"db1": here(x.q, x.out), "db2": here(x.q, x.out)})
		kindtest.Expect(t, x.name+", both serve", ph, err, "", "", "at once")
	}
}

// Of two passwords the server keeps a list, as MariaDB 10.11.19 gave it.
func TestAUserHasItsFormerPasswordToo(t *testing.T) {
	u := &MySQLUser{Name: "app", From: "%", Database: "app", Password: secret.Sensitive("new"), Former: secret.Sensitive("old")}
	both := `*6FE2B845E049CDA9EFED8CFAF265CD29622FD852 ["*CD02AC33DE7D3D2AFEDF5F2BAB51B07CDB499E79"]`
	for _, x := range []struct{ name, have, phase string }{
		{"both", both, ""},
		{"the former one alone", "*CD02AC33DE7D3D2AFEDF5F2BAB51B07CDB499E79", "change user app"},
		{"the new one alone", "*6FE2B845E049CDA9EFED8CFAF265CD29622FD852", "change user app"},
	} {
		ph, err := kindtest.Decide(t, u, probe.Hosts{"db1": {Seen: probe.NewSeen(kindtest.Answer(u.query(), 0, x.have+"\t1\n"))}})
		kindtest.Expect(t, x.name, ph, err, x.phase, "", "")
		if x.phase == "" {
			continue
		}
		if sql := ph.Changes["db1"].Actions[0].Stdin.Reveal(); !strings.Contains(sql, " USING '*6FE2B845E049CDA9EFED8CFAF265CD29622FD852' OR mysql_native_password USING '*CD02AC33DE7D3D2AFEDF5F2BAB51B07CDB499E79';") {
			t.Errorf("%s: %s", x.name, sql)
		}
	}
	u.Server = oracle
	if p := u.Check(); len(p) != 1 || p[0].Attribute != "former" {
		t.Errorf("MySQL: %v", p)
	}
}
