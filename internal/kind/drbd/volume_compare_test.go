package drbd

import (
	"maps"
	"strings"
	"testing"

	"haprov/internal/cluster/drbd"
	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/status"
)

func comparing(t *testing.T) (*DRBDVolume, *volumeCompare) {
	t.Helper()
	d := &DRBDVolume{Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}}}, Name: "mysql", Verify: "compare.service"}
	c, err := d.Intend(plan.Intent{Verb: plan.Compare})
	if err != nil {
		t.Fatal(err)
	}
	return d, c.(*volumeCompare)
}

const (
	primary   = "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate"
	secondary = "cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate"
	recorded  = "finished=1795860000\nseconds=7\ndiffers_kib=0\n"
)

func TestBothSidesAreComparedOnceOnThePrimary(t *testing.T) {
	_, step := comparing(t)
	says := func(proc, record, life string) probe.HostSeen {
		all := kindtest.Answer(drbd.ProcQuery(), 0, kindtest.ProcLine(proc))
		start, log, _ := strings.Cut(life, "\n")
		state, log, _ := strings.Cut(log, "\n")
		maps.Copy(all, kindtest.Answer(step.life(), 0, start+"\n"+state+"\n"+record+"\n"+log))
		return probe.HostSeen{Seen: probe.NewSeen(all)}
	}
	idle, runs, failed := "a\ninactive\n", "b\nactivating\n", "b\nfailed\nmysql: the comparison was not finished; it is WFConnection"
	verifies := strings.Replace(primary, "Connected", "VerifyS", 1) + " C r-----\n    ns:0 nr:0 oos:0\n\t[==>.....] verified: 12.5% (1024/2048)K\n"
	for _, x := range []struct {
		name                  string
		db1, db2              probe.HostSeen
		phase, waits, refused string
	}{
		{"not yet", says(primary, "", idle), says(secondary, "", "\ninactive\n"), "compare both sides of volume mysql", "", ""},
		{"compared an hour ago", says(primary, recorded, idle), says(secondary, "", idle), "compare both sides of volume mysql", "", ""},
		{"under way", says(verifies, "", runs), says(strings.Replace(secondary, "Connected", "VerifyT", 1), "", idle), "", "12.5 %", ""},
		{"ended without a result", says(primary, "", failed), says(secondary, "", idle), "", "", "WFConnection"},
		{"not in sync", says("cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent", "", idle), says(secondary, "", idle), "", "", "up to date"},
		{"in use nowhere", says("cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate", "", idle), says("cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate", "", idle), "", "", "none is"},
		{"one is away", says(primary, "", idle), probe.HostSeen{Lost: "no route"}, "", "", "db2 is not reachable"},
	} {
		begin := probe.Hosts{"db1": says(primary, step.run(x.db1.Seen).record, idle), "db2": says(secondary, "", idle)}
		ph, err := kindtest.DecideLater(t, step, begin, probe.Hosts{"db1": x.db1, "db2": x.db2})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		if len(ph.Changes["db2"].Actions) > 0 {
			t.Errorf("%s: the standby compares", x.name)
		}
	}
	begin := probe.Hosts{"db1": says(primary, "", idle), "db2": says(secondary, "", idle)}
	ph, err := kindtest.DecideLater(t, step, begin, probe.Hosts{"db1": says(primary, recorded, "b\ninactive\n"), "db2": says(secondary, "", idle)})
	kindtest.Expect(t, "done", ph, err, "", "", "")

	// the unit ends while the host is asked: it is one question, so its end is never seen without its result
	if qs := step.Probe("db1", probe.Hosts{}); len(qs) != 2 || qs[1].Key() != step.life().Key() {
		t.Errorf("%d questions", len(qs))
	}

	none := &DRBDVolume{Name: "mysql"}
	if _, err := none.Intend(plan.Intent{Verb: plan.Compare}); err != kind.ErrNoIntent {
		t.Errorf("a volume without a unit that compares: %v", err)
	}
}

func TestAComparisonIsNoFault(t *testing.T) {
	for _, cs := range []string{"VerifyS", "VerifyT"} {
		if s := drbd.ParseProc(kindtest.ProcLine(strings.Replace(primary, "Connected", cs, 1)), "0"); !s.Healthy() || s.Syncing() {
			t.Errorf("%s: healthy %v, synchronising %v", cs, s.Healthy(), s.Syncing())
		}
	}
}

func TestStatusTellsTheLastComparisonAndWhatDiffers(t *testing.T) {
	d, step := comparing(t)
	read := func(proc, record string) (*shown, error) {
		all := kindtest.Answer(drbd.ProcQuery(), 0, kindtest.ProcLine(proc)+"    ns:0 oos:12\n")
		maps.Copy(all, kindtest.Answer(step.record(), 0, record))
		return d.shown(probe.NewSeen(all))
	}
	active, err := read(primary, recorded)
	if err != nil {
		t.Fatal(err)
	}
	standby, err := read(secondary, "finished=1795850000\nseconds=7\ndiffers_kib=4\n")
	if err != nil {
		t.Fatal(err)
	}
	if name, text := d.line([]status.Said[shown]{{Host: "db1", Value: active}, {Host: "db2", Value: standby}, {Host: "db3"}}); name != "volume mysql" || text != "compared 2026-11-28 10:00 (UTC), no difference" {
		t.Errorf("%s: %s", name, text)
	}
	if active.behind != "12" {
		t.Errorf("differs: %q", active.behind)
	}
	for _, bad := range []string{"finished=1\n", "finished=x\nseconds=1\ndiffers_kib=0", "finished=-1\nseconds=1\ndiffers_kib=0", "hello"} {
		if _, err := read(primary, bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
