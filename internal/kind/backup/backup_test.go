package backup

import (
	"errors"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

func TestOneHostBacksUpUntilItSaysThatItIsDone(t *testing.T) {
	quiet := &Backup{Where: kind.Where{Nodes: []kind.Node{{Name: "a"}, {Name: "b"}}, Speed: 1}, Unit: "x", From: "true", List: "false", Folder: "/restored"}
	step, err := quiet.Intend(plan.Intent{Verb: plan.Backup, What: "now"})
	if err != nil {
		t.Fatal(err)
	}
	b := step.(*Backup)
	host := func(exit int, done string) probe.HostSeen {
		return probe.HostSeen{Seen: probe.NewSeen(kindtest.Answer(b.here(), exit, "")).With(kindtest.Answer(b.done(), 0, done))}
	}
	active, standby, done, away := host(0, ""), host(1, ""), host(0, "2026-01-01T00:00:00Z\n"), probe.HostSeen{Lost: "no route"}
	for _, x := range []struct {
		name                  string
		a, b                  probe.HostSeen
		phase, waits, refused string
	}{
		{"the first is active", active, standby, "back up the data", "", ""},
		{"the other is active", standby, active, "back up the data", "", ""},
		{"one is away", away, active, "back up the data", "", ""},
		{"done", done, standby, "", "", ""},
		{"done, and then it moved", host(1, "2026-01-01T00:00:00Z\n"), active, "", "", ""},
		{"none is active", standby, standby, "", "", "no active host: there is no server"},
		{"who is active may be away", away, standby, "", "", "a cannot be reached"},
		{"both are active", active, active, "", "", "a, b all say"},
	} {
		ph, err := kindtest.DecideLater(t, step, probe.Hosts{"a": active, "b": standby}, probe.Hosts{"a": x.a, "b": x.b})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		if len(ph.Changes) > 1 {
			t.Errorf("%s: %d hosts back up at once", x.name, len(ph.Changes))
		}
	}
	if qs := quiet.Probe("a", probe.Hosts{}); len(qs) > 0 {
		t.Errorf("asks %v though nothing is asked of it", qs)
	}
	if ph, err := kindtest.Decide(t, quiet, nil); err != nil || len(ph.Changes) > 0 {
		t.Errorf("does %v %v though nothing is asked of it", ph, err)
	}
	if _, err := quiet.Intend(plan.Intent{Verb: plan.Restart}); !errors.Is(err, kind.ErrNoIntent) {
		t.Errorf("restart: %v", err)
	}
	odd, err := quiet.Intend(plan.Intent{Verb: plan.Backup, What: "never"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kindtest.Decide(t, odd, nil); err == nil {
		t.Error("does what nobody knows")
	}
	if ps := (&Backup{Unit: "X y"}).Check(); len(ps) != 4 {
		t.Errorf("%v", ps)
	}
}
