package drbd

import (
	"maps"
	"strings"
	"testing"
)

// In the form of drbdsetup 9.
const nine = `[{"name":"data","node-id":0,"role":"Primary","suspended":false,
"devices":[{"volume":0,"minor":7,"disk-state":"UpToDate","client":false,"quorum":true}],
"connections":[
 {"peer-node-id":1,"name":"db2","connection-state":"Connected","peer-role":"Secondary","peer_devices":[{"volume":0,"replication-state":"Established","peer-disk-state":"UpToDate","percent-in-sync":100.00}]},
 {"peer-node-id":2,"name":"db3","connection-state":"Connected","peer-role":"Secondary","peer_devices":[{"volume":0,"replication-state":"Established","peer-disk-state":"UpToDate","percent-in-sync":100.00}]}]}]`

func TestTheWorstPeerOfVersionNineIsTold(t *testing.T) {
	third := func(old, new string) string {
		at := strings.LastIndex(nine, old)
		return nine[:at] + new + nine[at+len(old):]
	}
	for _, c := range []struct {
		name, text string
		want       Status
		done       map[string]string
	}{
		{"all in sync", nine, Status{true, "Connected", "Primary", "Secondary", "UpToDate", "UpToDate"}, nil},
		{"third catches up", third(`"Established","peer-disk-state":"UpToDate","percent-in-sync":100.00`, `"SyncSource","peer-disk-state":"Inconsistent","percent-in-sync":4.25`),
			Status{true, "SyncSource", "Primary", "Secondary", "UpToDate", "Inconsistent"}, map[string]string{"7": "4.2"}},
		{"third away", third(`"connection-state":"Connected","peer-role":"Secondary","peer_devices":[{"volume":0,"replication-state":"Established","peer-disk-state":"UpToDate"`, `"connection-state":"Connecting","peer-role":"Unknown","peer_devices":[{"volume":0,"replication-state":"Off","peer-disk-state":"DUnknown"`),
			Status{true, "Connecting", "Primary", "Unknown", "UpToDate", "DUnknown"}, nil},
		{"hostile", third("Established", `Estab\u001b[2J`), Status{true, "unreadable", "Primary", "Secondary", "UpToDate", "UpToDate"}, nil},
	} {
		got, done, err := ParseSetup(c.text)
		if err != nil || len(got) != 1 || got["7"] != c.want || !maps.Equal(done, c.done) {
			t.Errorf("%s: %+v %v %v", c.name, got, done, err)
		}
		if got["7"].Healthy() != (c.name == "all in sync") {
			t.Errorf("%s: healthy %v", c.name, got["7"].Healthy())
		}
	}
	for _, bad := range []string{"", nine[:200], "{}", "Could not connect"} {
		if v, _, err := ParseSetup(bad); err == nil {
			t.Errorf("%.20q: %v", bad, v)
		}
	}
}

func TestProgressOfEachMinor(t *testing.T) {
	text := " 0: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----\n\t[>....] sync'ed:  4.2% (1964/2048)M\n 1: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n 2: cs:SyncTarget\n\t[>] sync'ed: \x1b[2J% (1/2)M\n"
	if got := Progress(text); !maps.Equal(got, map[string]string{"0": "4.2"}) {
		t.Errorf("%v", got)
	}
	if got := Progress("\t[>] sync'ed: 3% (1/2)M"); len(got) != 0 {
		t.Errorf("of no minor: %v", got)
	}
}

func FuzzParseSetup(f *testing.F) {
	f.Add(nine)
	f.Fuzz(func(_ *testing.T, text string) { _, _, _ = ParseSetup(text); Progress(text) })
}
