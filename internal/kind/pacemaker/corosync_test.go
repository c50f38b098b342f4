package pacemaker

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

func TestARingIsReloadedOnlyWhenWholeAndNeverRestarted(t *testing.T) {
	c := &Corosync{Name: "ring"}
	owed := probe.Query{Kind: probe.Owed, Name: "corosync"}
	bin := t.TempDir()
	tool := bin + "/corosync-quorumtool"
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	node := func(nodes, quorate, owes string) probe.HostSeen {
		s := probe.NewSeen(kindtest.Answer(c.members(), 0, "Nodes:            "+nodes+"\nQuorate:          "+quorate+"\n"))
		return probe.HostSeen{Seen: s.With(kindtest.Answer(owed, 0, owes))}
	}
	for _, x := range []struct {
		name                  string
		a, b                  probe.HostSeen
		phase, waits, refused string
	}{
		{"whole", node("2", "Yes", ""), node("2", "Yes", ""), "", "", ""},
		{"one sees nobody", node("2", "Yes", ""), node("1", "No", ""), "", "db2 not yet", ""},
		{"whole and owing", node("2", "Yes", "reload"), node("2", "Yes", ""), "apply the changed configuration", "", ""},
		{"owing but apart", node("1", "Yes", "reload"), node("1", "Yes", ""), "", "db1, db2 not yet", ""},
		{"a member is away", node("1", "Yes", "reload"), probe.HostSeen{Lost: "no route"}, "", "", "not changed while a member is missing"},
	} {
		ph, err := kindtest.Decide(t, c, probe.Hosts{"db1": x.a, "db2": x.b})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for _, ch := range ph.Changes {
			for _, a := range ch.Actions {
				for nodes, good := range map[string]bool{"2": true, "1": false, "12": false} {
					kindtest.Write(t, tool, "#!/bin/sh\necho 'Nodes:            "+nodes+"'\n")
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
