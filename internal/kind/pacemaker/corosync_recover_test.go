package pacemaker

import (
	"strings"
	"testing"

	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

func TestANodeThatWaitsForAllGoesOnOnlyWhenTheOtherIsOff(t *testing.T) {
	step := &Corosync{Name: "ring", Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}}}}
	said := func(nodes, quorate, flags, running string) probe.HostSeen {
		s := probe.NewSeen(kindtest.Answer(step.members(), 2, "Nodes:            "+nodes+"\nQuorate:          "+quorate+"\nFlags:            "+flags+"\n"))
		s = s.With(map[probe.Key]probe.Answer{
			pacemaker.MonQuery().Key(): {State: probe.Answered, Out: `<pacemaker-result><resources>` + running + `</resources></pacemaker-result>`},
			drbd.ProcQuery().Key():     {State: probe.Answered, Out: kindtest.ProcLine("cs:WFConnection ro:Secondary/Unknown ds:UpToDate/Outdated")}})
		return probe.HostSeen{Seen: s}
	}
	away := probe.HostSeen{Lost: "no route"}
	waits := said("1", "No", "2Node WaitForAll", "")
	third := func(h probe.HostSeen) probe.HostSeen {
		return probe.HostSeen{Seen: h.With(kindtest.Answer(qdeviceUnit, 0, "LoadState=loaded\nActiveState=active\n"))}
	}
	for _, x := range []struct {
		name                  string
		missing               []string
		a, b                  probe.HostSeen
		phase, waits, refused string
	}{
		{"not named", nil, waits, away, "", "", "--accept-missing db2"},
		{"the wrong one is named", []string{"db1"}, waits, away, "", "", "--accept-missing db2"},
		{"named", []string{"db2"}, waits, away, "go on without db2", "", ""},
		{"quorate, starting", []string{"db2"}, said("1", "Yes", "2Node Quorate", ""), away, "", "db1 serves (its volumes: 0 UpToDate)", ""},
		{"serves", []string{"db2"}, said("1", "Yes", "2Node Quorate", serving1), away, "", "", ""},
		{"nobody answers", []string{"db2"}, away, away, "", "", "one of two hosts must answer"},
		{"corosync is down", []string{"db2"}, said("", "", "", ""), away, "", "", "corosync does not run"},
		{"something else holds it", []string{"db2"}, said("1", "No", "2Node", ""), away, "", "", "not wait_for_all"},
		{"with an arbiter, not named", nil, third(said("1", "No", "", "")), away, "", "", "--accept-missing db2"},
		{"with an arbiter", []string{"db2"}, third(said("1", "No", "", "")), away, "go on without db2", "", ""},
		{"with an arbiter that is away, too", []string{"db2"}, third(said("1", "No", "Qdevice", "")), away, "", "", "bring the arbiter back"},
		{"both answer, it heals by itself", nil, waits, waits, "", "db1, db2 not yet", ""},
		{"named, and it answers", []string{"db2"}, waits, waits, "", "", "nothing is missing"},
		{"healthy", nil, said("2", "Yes", "2Node Quorate WaitForAll", serving1), said("2", "Yes", "2Node Quorate WaitForAll", serving1), "", "", ""},
	} {
		c, err := step.Intend(plan.Intent{Verb: plan.Recover, AcceptMissing: x.missing})
		if err != nil {
			t.Fatal(err)
		}
		ph, err := kindtest.Decide(t, c, probe.Hosts{"db1": x.a, "db2": x.b})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		if ch, ok := ph.Changes["db1"]; ok {
			as, letGo := ch.Actions, "cancel_wait_for_all"
			if x.name == "with an arbiter" {
				letGo = ringWasWhole
			}
			if len(as) != 2 || !strings.Contains(as[0].Shell, "--fence db2") || !strings.Contains(as[0].Guard, "Quorate") || !strings.Contains(as[1].Shell, letGo) {
				t.Errorf("%s: the other one must be off before: %+v", x.name, as)
			}
		}
	}
	if _, err := step.Intend(plan.Intent{Verb: plan.Recover, AcceptMissing: []string{"db9"}}); err == nil {
		t.Error("a host that is not there was accepted")
	}
}
