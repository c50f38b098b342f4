package pacemaker

import (
	"strings"
	"testing"

	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

func TestPacemakerStopsItsResourcesBeforeItself(t *testing.T) {
	p := wantedVIP()
	p.Nodes = []kind.Node{{Name: "db1"}, {Name: "db2"}}
	r := p.Remove(false).(removal)
	const online = `<nodes><node name="db1" online="true" pending="false" unclean="false"/><node name="db2" online="true" pending="false" unclean="false"/></nodes>`
	const fences = `<resource id="fence-db1" resource_agent="stonith:fence_x" role="Started" active="true"><node name="db2"/></resource>`
	at := func(unit, file, cib, running, files string) probe.HostSeen {
		if unit == "" {
			return probe.HostSeen{Lost: "no route"}
		}
		s := probe.NewSeen(map[probe.Key]probe.Answer{
			kind.UnitQuery(pacemakerUnit).Key(): {State: probe.Answered, Out: "LoadState=loaded\nActiveState=" + unit + "\nUnitFileState=" + file},
			pacemaker.CIBQuery().Key():          {State: probe.Answered, Out: cib},
			pacemaker.MonQuery().Key():          {State: probe.Answered, Out: `<pacemaker-result><summary><current_dc with_quorum="true"/></summary>` + online + `<resources>` + running + `</resources></pacemaker-result>`},
		}).With(kindtest.Answer(r.files(), 0, files))
		return probe.HostSeen{Seen: s}
	}
	cib := func(stop string) string {
		return `<cib epoch="12"><configuration><crm_config><cluster_property_set id="x"><nvpair id="y" name="stop-all-resources" value="` + stop + `"/></cluster_property_set></crm_config><nodes/></configuration></cib>`
	}
	runs := func(stop, running string) probe.HostSeen {
		return at("active", "enabled", cib(stop), running, "cib.xml")
	}
	gone := at("inactive", "disabled", "", "", "")
	for _, c := range []struct {
		name                  string
		a, b                  probe.HostSeen
		phase, waits, refused string
		on                    string
	}{
		{"all runs", runs("false", serving1), runs("false", serving1), "stop all resources", "", "", "db1"},
		{"it stops", runs("true", serving1), runs("true", serving1), "", "nothing runs (drbd, fs, vip still does)", "", ""},
		{"nothing but fence devices", runs("true", fences), runs("true", fences), "stop Pacemaker", "", "", "db1 db2"},
		{"cut short between the two", runs("true", fences), gone, "stop Pacemaker", "", "", "db1"},
		{"stopped, and it would start at boot", at("inactive", "enabled", "", "", ""), gone, "stop Pacemaker", "", "", "db1"},
		{"stopped, with a configuration", at("inactive", "disabled", "", "", "cib.xml"), gone, "stop Pacemaker", "", "", "db1"},
		{"gone", gone, gone, "", "", "", ""},
		{"a host is away", runs("false", serving1), at("", "", "", "", ""), "", "", "from all its hosts, or from none", ""},
		{"it does not answer", at("active", "enabled", "", "", "cib.xml"), runs("false", serving1), "", "Pacemaker on db1 answers", "", ""},
	} {
		ph, err := kindtest.Decide(t, r, probe.Hosts{"db1": c.a, "db2": c.b})
		kindtest.Expect(t, c.name, ph, err, c.phase, c.waits, c.refused)
		var on []string
		for _, n := range []string{"db1", "db2"} {
			if _, ok := ph.Changes[n]; ok {
				on = append(on, n)
			}
		}
		if strings.Join(on, " ") != c.on {
			t.Errorf("%s: done on %v, want %q", c.name, on, c.on)
		}
	}
}
