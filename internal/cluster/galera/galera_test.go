package galera

import (
	"reflect"
	"strings"
	"testing"
)

const (
	one = "6f3a1c52-9a41-11ee-8f6d-3b1f0c2a7d10"
	two = "0b6d2f7e-9a42-11ee-a1d4-77f7e0c9b3aa"
)

func TestStateFilesAreReadOrRefused(t *testing.T) {
	good := "# GALERA saved state\nversion: 2.1\nuuid:    " + one + "\nseqno:   42\nsafe_to_bootstrap: 1\n"
	g, err := ParseGrastate(good)
	if err != nil || g != (Grastate{Position{one, 42}, true}) {
		t.Fatalf("%+v %v", g, err)
	}
	for name, x := range map[string]struct {
		text  string
		seqno int64
	}{
		"crashed":             {strings.Replace(good, "42", "-1", 1), -1},
		"no commit, unsigned": {strings.Replace(good, "42", "18446744073709551615", 1), -1},
		"before 10.1":         {"uuid: " + one + "\nseqno: 7\ncert_index:\n", 7},
		"upper case":          {"uuid: " + strings.ToUpper(one) + "\nseqno: 7\n", 7},
		"unknown field":       {good + "new_field: 1\n", 42},
	} {
		if g, err := ParseGrastate(x.text); err != nil || g.UUID != one || g.Seqno != x.seqno {
			t.Errorf("%s: %+v %v", name, g, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "garbage": "\x00\x01\x02garbage", "no seqno": "uuid: " + one, "no uuid": "seqno: 1",
		"negative": "uuid: " + one + "\nseqno: -2\n", "two uuids": good + "uuid: " + two + "\n", "two positions": good + "seqno: 43\n",
		"half a uuid": "uuid: 6f3a1c52\nseqno: 1\n", "words": "uuid: " + one + "\nseqno: many\n", "odd flag": strings.Replace(good, "strap: 1", "strap: maybe", 1),
	} {
		if g, err := ParseGrastate(text); err == nil {
			t.Errorf("%s: %+v", name, g)
		}
	}
}

func TestTheLastRecoveredPositionCounts(t *testing.T) {
	for name, x := range map[string]struct {
		text string
		want Position
	}{
		"galera_recovery": {"_WSREP_START_POSITION=--wsrep_start_position=" + one + ":17\n", Position{one, 17}},
		"10.11":           {"2024-01-01  1:00:00 0 [Note] WSREP: Recovered position: " + one + ":17\n", Position{one, 17}},
		"11 with a GTID":  {"2024-01-01  1:00:00 0 [Note] WSREP: Recovered position: " + one + ":17,0-1-33\n", Position{one, 17}},
		"two":             {"WSREP: Recovered position: " + one + ":17\nWSREP: Recovered position: " + one + ":19\n", Position{one, 19}},
		"none yet":        {"WSREP: Recovered position: " + ZeroUUID + ":-1\n", Position{ZeroUUID, -1}},
	} {
		if p, err := ParseRecovered(x.text); err != nil || p != x.want {
			t.Errorf("%s: %v %v", name, p, err)
		}
	}
	for _, bad := range []string{"", "[ERROR] Aborting", "Recovered position: " + one, "Recovered position: x:1"} {
		if p, err := ParseRecovered(bad); err == nil {
			t.Errorf("%q: %v", bad, p)
		}
	}
}

func TestStatusOfAServer(t *testing.T) {
	s, err := ParseStatus("Uptime\t12\nwsrep_cluster_size\t3\nwsrep_cluster_state_uuid\t" + one + "\nwsrep_cluster_status\tPrimary\nwsrep_flow_control_paused\t0.25\n" +
		"wsrep_incoming_addresses\tAUTO,AUTO,10.0.0.3:0\nwsrep_last_committed\t88\nwsrep_local_recv_queue\t2\nwsrep_local_state_comment\tSynced\nwsrep_ready\tON\nsessions\t4\nmember\tdb1\nmember\tdb2\nhistory\t" + two + ":8\nhistory\tnonsense\n")
	want := Status{"Primary", "Synced", true, 3, one, 88, 0.25, 2, 3, 12, 4, []string{"db1", "db2"}, []Position{{two, 8}}}
	if err != nil || !reflect.DeepEqual(s, want) || !s.Healthy() {
		t.Errorf("%+v %v", s, err)
	}
	for name, text := range map[string]string{
		"no wsrep": "Uptime\t12\n", "garbage": "ERROR 2002 (HY000): Can't connect", "size": "wsrep_cluster_status\tPrimary\nwsrep_local_state_comment\tSynced\nwsrep_ready\tON\nwsrep_cluster_size\tmany\n",
		"uuid": "wsrep_cluster_status\tPrimary\nwsrep_local_state_comment\tSynced\nwsrep_ready\tON\nwsrep_cluster_size\t3\nwsrep_cluster_state_uuid\t../../x\n",
	} {
		if s, err := ParseStatus(text); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if s := (Status{Component: "non-Primary", State: "Synced", Ready: true}); s.Healthy() {
		t.Error("a node without a primary component is not healthy, whatever its state")
	}
}

// stopped is a node that is down with this position.
func stopped(name, uuid string, seqno int64, safe bool) Node {
	return Node{Name: name, Unit: "inactive", State: &Grastate{Position{uuid, seqno}, safe}, Databases: []string{"app"}}
}

func with(n Node, change func(*Node)) Node { change(&n); return n }

func TestTheMostAdvancedIsChosenOrNobody(t *testing.T) {
	recovered := func(n Node, uuid string, seqno int64) Node {
		return with(n, func(n *Node) { n.Recovered = &Position{uuid, seqno} })
	}
	crashed := stopped("db1", one, -1, false)
	for _, x := range []struct {
		name    string
		nodes   []Node
		missing []string
		want    string
		refused string
	}{
		{"the last to leave", []Node{stopped("db1", one, 10, false), stopped("db2", one, 12, true), stopped("db3", one, 11, false)}, nil, "db2", ""},
		{"all crashed", []Node{recovered(crashed, one, 9), recovered(stopped("db2", one, -1, false), one, 14), stopped("db3", one, 11, false)}, nil, "db2", ""},
		{"equal", []Node{stopped("db1", one, 10, false), stopped("db2", one, 10, true)}, nil, "db2", ""},
		{"an empty one is passed over", []Node{{Name: "db1", Unit: "inactive"}, stopped("db2", one, 3, false)}, nil, "db2", ""},
		{"a broken state transfer is passed over", []Node{{Name: "db1", Unit: "inactive", State: &Grastate{Position{ZeroUUID, -1}, false}}, stopped("db2", one, 3, false)}, nil, "db2", ""},
		{"one is gone", []Node{{Name: "db1", Lost: "no route"}, stopped("db2", one, 3, true)}, nil, "", "--accept-missing db1"},
		{"one is gone, accepted", []Node{{Name: "db1", Lost: "no route"}, stopped("db2", one, 3, true)}, []string{"db1"}, "db2", ""},
		{"two histories", []Node{stopped("db1", one, 10, false), stopped("db2", two, 12, false)}, nil, "", "different clusters"},
		{"two histories, one left out", []Node{stopped("db1", one, 10, false), stopped("db2", two, 12, false)}, []string{"db2"}, "db1", ""},
		{"position unknown", []Node{crashed, stopped("db2", one, 12, false)}, nil, "", "its position is"},
		{"zero history with databases", []Node{recovered(crashed, ZeroUUID, -1), stopped("db2", one, 12, false)}, nil, "", "--accept-missing db1"},
		{"unreadable", []Node{with(crashed, func(n *Node) { n.State, n.Unread = nil, "grastate.dat: no uuid" }), stopped("db2", one, 12, false)}, nil, "", "grastate.dat: no uuid"},
		{"unreadable, recovered", []Node{recovered(with(crashed, func(n *Node) { n.State, n.Unread = nil, "grastate.dat: no uuid" }), one, 13), stopped("db2", one, 12, false)}, nil, "db1", ""},
		{"safe, yet behind", []Node{stopped("db1", one, 10, true), stopped("db2", one, 12, false)}, nil, "", "is marked as the last"},
		{"two call themselves the last", []Node{stopped("db1", one, 10, true), stopped("db2", one, 12, true)}, nil, "", "is marked as the last"},
		{"a broken copy over what was there is passed over", []Node{with(stopped("db1", ZeroUUID, -1, false), func(n *Node) { n.Torn = true }), stopped("db2", one, 3, false)}, nil, "db2", ""},
		{"a broken copy is no start, whatever its data says", []Node{recovered(with(stopped("db1", ZeroUUID, -1, false), func(n *Node) { n.Torn = true }), one, 99), stopped("db2", one, 3, false)}, nil, "db2", ""},
		{"what a transfer left behind does not outweigh a position", []Node{with(stopped("db1", one, 9, false), func(n *Node) { n.Torn = true }), stopped("db2", one, 3, false)}, nil, "db1", ""},
		{"in no cluster, with databases", []Node{recovered(stopped("db1", ZeroUUID, -1, true), one, 99), stopped("db2", one, 3, false)}, nil, "", "--accept-missing db1"},
		{"still running", []Node{with(stopped("db1", one, 10, true), func(n *Node) { n.Process = true })}, nil, "", "not stopped"},
		{"nobody holds anything", []Node{{Name: "db1", Unit: "inactive"}, {Name: "db2", Unit: "inactive"}}, nil, "", "nothing to recover"},
	} {
		got, err := Choose(x.nodes, x.missing)
		switch {
		case x.refused != "" && (err == nil || !strings.Contains(err.Error(), x.refused)):
			t.Errorf("%s: want refusal %q, got %q %v", x.name, x.refused, got.Name, err)
		case x.refused == "" && (err != nil || got.Name != x.want):
			t.Errorf("%s: want %s, got %q %v", x.name, x.want, got.Name, err)
		}
	}
}

func TestTheTableBoundsWhatNodesSaid(t *testing.T) {
	text := Table([]Node{{Name: "db1", Lost: "dial\x1b[2Jtimeout"}, stopped("db2", one, 3, true), {Name: "db3", Unit: "active", Status: &Status{Component: "non-Primary", State: "Initialized"}, Databases: []string{strings.Repeat("x", 500)}}})
	if strings.Contains(text, "\x1b") || strings.Contains(text, strings.Repeat("x", 50)) || !strings.Contains(text, one+":3") || !strings.Contains(text, "non-Primary") {
		t.Error(text)
	}
}

func FuzzFiles(f *testing.F) {
	f.Add("uuid: " + one + "\nseqno: 3\n")
	f.Add("Recovered position: " + one + ":17")
	f.Add("wsrep_cluster_size\t3\n")
	f.Fuzz(func(t *testing.T, s string) {
		if g, err := ParseGrastate(s); err == nil && (g.Seqno < -1 || len(g.UUID) != 36) {
			t.Errorf("%+v", g)
		}
		ParseStatus(s)
		if p, err := ParseRecovered(s); err == nil && (p.Seqno < -1 || len(p.UUID) != 36) {
			t.Errorf("%+v", p)
		}
	})
}
