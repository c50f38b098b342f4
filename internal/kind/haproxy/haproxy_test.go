package haproxy

import (
	"fmt"
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// front is a proxy whose servers db1 to db3 have these states, and whose table names one (0: none).
func front(h *HAProxy, sticks int, states ...string) probe.HostSeen {
	stat := "# pxname,svname,status,bck,scur,sid,type,check_status,last_chk\nwriter,FRONTEND,OPEN,,1,0,0,,\n"
	for i, s := range states {
		stat += fmt.Sprintf("writer,db%d,%s,%d,0,%d,2,L7OK,\n", i+1, s, min(i, 1), i+1)
	}
	table := "# table: writer, type: integer, size:16, used:1\n"
	if sticks > 0 {
		table += fmt.Sprintf("0x55: key=3306 use=0 exp=0 server_id=%d server_key=-\n", sticks)
	}
	s := probe.NewSeen(kindtest.Answer(h.stat(), 0, stat))
	return probe.HostSeen{Seen: s.With(kindtest.Answer(h.table(), 0, table))}
}

func TestTheWriterMovesOnlyToAServerThatIsUp(t *testing.T) {
	plain := &HAProxy{Backend: "writer", Key: "3306", Socket: "/run/haproxy/admin.sock"}
	mute := probe.HostSeen{Seen: probe.NewSeen(kindtest.Answer(plain.stat(), 1, "connection refused")).With(kindtest.Answer(plain.table(), 1, ""))}
	for _, x := range []struct {
		name                  string
		move                  bool
		to                    string
		a, b                  probe.HostSeen
		phase, waits, refused string
		hosts                 int
	}{
		{name: "healthy", a: front(plain, 1, "UP", "UP", "UP"), b: front(plain, 0, "UP", "UP", "UP")},
		{name: "none is up", a: front(plain, 1, "DOWN", "DOWN"), b: front(plain, 0, "UP", "UP"), waits: "p1: a server of backend writer is up (db1 DOWN L7OK"},
		{name: "no answer yet", a: mute, b: front(plain, 0, "UP"), waits: "p1: HAProxy answers"},
		{name: "a proxy is away", a: front(plain, 1, "UP"), b: probe.HostSeen{Lost: "no route"}},
		{name: "to db3", move: true, to: "db3", a: front(plain, 1, "UP", "UP", "UP"), b: front(plain, 0, "UP", "UP", "UP"), phase: "move the writer to db3", hosts: 2},
		{name: "one proxy is there already", move: true, to: "db3", a: front(plain, 3, "UP", "UP", "UP"), b: front(plain, 1, "UP", "UP", "UP"), phase: "move the writer to db3", hosts: 1},
		{name: "there", move: true, to: "db3", a: front(plain, 3, "UP", "UP", "UP"), b: front(plain, 3, "UP", "UP", "UP")},
		{name: "to one that is down", move: true, to: "db2", a: front(plain, 1, "UP", "DOWN"), b: front(plain, 1, "UP", "UP"), refused: "p1: db2 is not up"},
		{name: "to nobody known", move: true, to: "db9", a: front(plain, 1, "UP", "UP"), b: front(plain, 1, "UP", "UP"), refused: "no server db9"},
		{name: "to the next", move: true, a: front(plain, 2, "UP", "UP", "UP"), b: front(plain, 2, "UP", "UP", "UP"), phase: "move the writer to db3", hosts: 2},
		{name: "to the next that is up", move: true, a: front(plain, 2, "UP", "UP", "DOWN"), b: front(plain, 2, "UP", "UP", "DOWN"), phase: "move the writer to db1", hosts: 2},
		{name: "nowhere to go", move: true, a: front(plain, 1, "UP", "DOWN"), b: front(plain, 1, "UP", "DOWN"), refused: "nothing was moved"},
		{name: "a proxy is mute", move: true, a: mute, b: front(plain, 1, "UP", "UP"), refused: "p1: no answer"},
	} {
		var c kind.Cluster = plain
		if x.move {
			c, _ = plain.Intend(plan.Intent{Verb: plan.Switchover, Host: x.to})
		}
		ph, err := kindtest.Decide(t, c, probe.Hosts{"p1": x.a, "p2": x.b})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		if len(ph.Changes) != x.hosts {
			t.Errorf("%s: %d hosts change, want %d", x.name, len(ph.Changes), x.hosts)
		}
	}
}

func TestAMoveChosenOnceStays(t *testing.T) {
	plain := &HAProxy{Backend: "writer", Key: "3306"}
	c, err := plain.Intend(plan.Intent{Verb: plan.Switchover})
	if err != nil {
		t.Fatal(err)
	}
	begin := probe.Hosts{"p1": front(plain, 1, "UP", "UP")}
	ph, err := kindtest.Decide(t, c, begin)
	if err != nil || !strings.Contains(ph.Changes["p1"].Actions[0].Shell, "server_id 2; shutdown sessions server writer/db1") {
		t.Fatalf("%+v %v", ph, err)
	}
	if ph, err := kindtest.DecideLater(t, c, begin, probe.Hosts{"p1": front(plain, 2, "UP", "UP")}); err != nil || !ph.Empty() {
		t.Errorf("moved on: %+v %v", ph, err)
	}
}
