package kind

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

// said is one host's answer to a query of a cluster step.
func said(q probe.Query, exit int, out string) map[probe.Key]probe.Answer {
	return map[probe.Key]probe.Answer{q.Key(): {State: probe.Answered, Exit: exit, Out: out}}
}

func expect(t *testing.T, name string, ph plan.Phase, err error, phase, waits, refused string) {
	t.Helper()
	switch {
	case refused != "":
		if err == nil || !strings.Contains(err.Error(), refused) {
			t.Errorf("%s: want refusal %q, got %q %v", name, refused, ph.Name, err)
		}
	case err != nil:
		t.Errorf("%s: %v", name, err)
	case ph.Name != phase:
		t.Errorf("%s: phase %q, want %q", name, ph.Name, phase)
	case (ph.Wait != nil) != (waits != "") || ph.Wait != nil && !strings.Contains(ph.Wait.Reason, waits):
		t.Errorf("%s: wait %+v, want %q", name, ph.Wait, waits)
	}
}

func TestARingIsReloadedOnlyWhenWholeAndNeverRestarted(t *testing.T) {
	c := &Corosync{Name: "ring"}
	owed := probe.Query{Kind: probe.Owed, Name: "corosync"}
	bin := t.TempDir()
	tool := bin + "/corosync-quorumtool"
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	node := func(nodes, quorate, owes string) probe.HostSeen {
		s := probe.NewSeen(said(c.members(), 0, "Nodes:            "+nodes+"\nQuorate:          "+quorate+"\n"))
		return probe.HostSeen{Seen: s.With(said(owed, 0, owes))}
	}
	for _, x := range []struct {
		name                  string
		a, b                  probe.HostSeen
		phase, waits, refused string
	}{
		{"whole", node("2", "Yes", ""), node("2", "Yes", ""), "", "", ""},
		{"one sees nobody", node("2", "Yes", ""), node("1", "No", ""), "", "db2 not yet", ""},
		{"whole and owing", node("2", "Yes", "reload"), node("2", "Yes", ""), "take up the changed configuration", "", ""},
		{"owing but apart", node("1", "Yes", "reload"), node("1", "Yes", ""), "", "db1, db2 not yet", ""},
		{"a member is away", node("1", "Yes", "reload"), probe.HostSeen{Lost: "no route"}, "", "", "not touched while a member is away"},
	} {
		ph, err := c.Decide(probe.Hosts{"db1": x.a, "db2": x.b})
		expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for _, ch := range ph.Changes {
			for _, a := range ch.Actions {
				for nodes, good := range map[string]bool{"2": true, "1": false, "12": false} {
					write(t, tool, "#!/bin/sh\necho 'Nodes:            "+nodes+"'\n")
					if err := os.Chmod(tool, 0o755); err != nil {
						t.Fatal(err)
					}
					if err := exec.Command("sh", "-c", a.Guard).Run(); (err == nil) != good {
						t.Errorf("%s: with %s members: %q %v", x.name, nodes, a.Guard, err)
					}
				}
				if strings.Contains(a.Shell, "restart") {
					t.Errorf("%s: %s", x.name, a.Shell)
				}
			}
		}
	}
}

func TestADatabaseAndItsUserAreMadeWhereTheServerIs(t *testing.T) {
	d := &MySQLDatabase{Name: "app"}
	u := &MySQLUser{Name: "app", From: "%", Database: "app", Password: secret.Sensitive("s3cret")}
	away := func(q probe.Query) probe.HostSeen {
		return probe.HostSeen{Seen: probe.NewSeen(said(q, 1, "ERROR 2002 (HY000): Can't connect to local server"))}
	}
	here := func(q probe.Query, out string) probe.HostSeen {
		return probe.HostSeen{Seen: probe.NewSeen(said(q, 0, out))}
	}
	for _, x := range []struct {
		name                  string
		c                     Cluster
		q                     probe.Query
		out                   string
		phase, waits, refused string
	}{
		{"no database", d, d.query(), "", "make database app", "", ""},
		{"database there", d, d.query(), "app\n", "", "", ""},
		{"no user", u, u.query(), "-\t0\n", "make user app", "", ""},
		{"another password", u, u.query(), "*0000\t1\n", "make user app", "", ""},
		{"rights lost", u, u.query(), u.stored() + "\t0\n", "make user app", "", ""},
		{"user as wanted", u, u.query(), u.stored() + "\t1\n", "", "", ""},
	} {
		ph, err := x.c.Decide(probe.Hosts{"db1": away(x.q), "db2": here(x.q, x.out)})
		expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for host, ch := range ph.Changes {
			if host != "db2" {
				t.Errorf("%s: done on %s", x.name, host)
			}
			if strings.Contains(ch.Actions[0].Shell, u.stored()) {
				t.Errorf("%s: a password's digest stands in the arguments", x.name)
			}
		}
		ph, err = x.c.Decide(probe.Hosts{"db1": away(x.q), "db2": away(x.q)})
		expect(t, x.name+", nobody serves", ph, err, "", "answers", "")
		ph, err = x.c.Decide(probe.Hosts{"db1": here(x.q, x.out), "db2": here(x.q, x.out)})
		expect(t, x.name+", both serve", ph, err, "", "", "at once")
	}
}
