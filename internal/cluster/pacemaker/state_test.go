package pacemaker

import (
	"fmt"
	"strings"
	"testing"
)

// mon is in the form of crm_mon 2.1.5, shortened.
func mon(nodes, resources string) string {
	return `<pacemaker-result api-version="2.25"><summary><current_dc present="true" name="db1" with_quorum="true"/></summary><nodes>` + nodes + `</nodes><resources>` + resources + `</resources></pacemaker-result>`
}

func instance(id, agent, role, node string) string {
	if node == "" {
		return fmt.Sprintf(`<resource id=%q resource_agent=%q role="Stopped" active="false" failed="false"/>`, id, agent)
	}
	return fmt.Sprintf(`<resource id=%q resource_agent=%q role=%q active="true" failed="false"><node name=%q/></resource>`, id, agent, role, node)
}

const both = `<node name="db1" online="true" pending="false" unclean="false" standby="false"/><node name="db2" online="true" pending="false" unclean="false" standby="false"/>`

func drbd(a, b string) string {
	return `<clone id="c">` + instance("drbd", "ocf:linbit:drbd", "Promoted", a) + instance("drbd", "ocf:linbit:drbd", "Unpromoted", b) + `</clone>`
}

func group(fs, vip string) string {
	return `<group id="g">` + instance("fs", "ocf:heartbeat:Filesystem", "Started", fs) + instance("vip", "ocf:heartbeat:IPaddr2", "Started", vip) + `</group>`
}

func fences(a, b string) string {
	return instance("fence-db1", "stonith:fence_x", "Started", a) + instance("fence-db2", "stonith:fence_x", "Started", b)
}

func TestStateIsRead(t *testing.T) {
	standby := strings.Replace(both, `name="db2" online="true" pending="false" unclean="false" standby="false"`, `name="db2" online="true" pending="false" unclean="false" standby="true"`, 1)
	away := strings.Replace(both, `name="db2" online="true"`, `name="db2" online="false"`, 1)
	unclean := strings.Replace(both, `name="db2" online="true" pending="false" unclean="false"`, `name="db2" online="true" pending="false" unclean="true"`, 1)
	for _, c := range []struct{ name, text, online, active, late string }{
		{"all well", mon(both, drbd("db1", "db2")+group("db1", "db1")+fences("db2", "db1")), "db1 db2", "db1", ""},
		{"one away", mon(away, drbd("db1", "")+group("db1", "db1")+fences("", "db1")), "db1", "db1", "drbd fence-db1"},
		{"one unclean", mon(unclean, drbd("db1", "db2")+group("db1", "db1")+fences("db2", "db1")), "db1", "db1", ""},
		{"one in standby", mon(standby, drbd("db1", "")+group("db1", "db1")+fences("", "db1")), "db1 db2", "db1", ""},
		{"in standby, and the server down", mon(standby, drbd("db1", "")+group("db1", "")+fences("", "db1")), "db1 db2", "", "vip"},
		{"moving", mon(both, drbd("db1", "db2")+group("db1", "")+fences("db2", "db1")), "db1 db2", "", "vip"},
		{"starting", mon(both, drbd("db1", "db2")+strings.Replace(group("db1", "db1"), `ocf:heartbeat:IPaddr2" role="Started"`, `ocf:heartbeat:IPaddr2" role="Starting"`, 1)+fences("db2", "db1")), "db1 db2", "", "vip"},
		{"torn", mon(both, drbd("db1", "db2")+group("db1", "db2")+fences("db2", "db1")), "db1 db2", "", ""},
	} {
		s, err := ParseMon(c.text)
		if err != nil || !s.Quorum {
			t.Fatalf("%s: %+v %v", c.name, s, err)
		}
		if got := strings.Join(s.Online(), " "); got != c.online {
			t.Errorf("%s: online %q, want %q", c.name, got, c.online)
		}
		if got := s.Active(); got != c.active {
			t.Errorf("%s: active %q, want %q", c.name, got, c.active)
		}
		if got := strings.Join(s.Late(), " "); got != c.late {
			t.Errorf("%s: late %q, want %q", c.name, got, c.late)
		}
	}
}

// clone is a clone whose instances have the role on the nodes.
func clone(id, of, role string, nodes ...string) string {
	out := `<clone id="` + id + `">`
	for _, n := range nodes {
		out += instance(of, "ocf:x:y", role, n)
	}
	return out + `</clone>`
}

func TestWhatMakesANodeTheActiveOneIsDeclared(t *testing.T) {
	one := `<group id="one">` + instance("ip1", "ocf:heartbeat:IPaddr2", "Started", "n1") + `</group>`
	two := `<group id="two">` + instance("ip2", "ocf:heartbeat:IPaddr2", "Started", "n2") + `</group>`
	promoted := `<clone id="db">` + instance("pg", "ocf:x:pg", "Promoted", "n2") + instance("pg", "ocf:x:pg", "Unpromoted", "n1") + instance("pg", "ocf:x:pg", "Unpromoted", "n3") + `</clone>`
	none := `<clone id="db">` + instance("pg", "ocf:x:pg", "Unpromoted", "n1") + instance("pg", "ocf:x:pg", "Unpromoted", "n2") + `</clone>`
	for _, c := range []struct {
		name, resources, serves, active, places string
		whole                                   bool
	}{
		{"two groups, none declared", one + two, "", "", "n1 n2", true},
		{"two groups, one declared", one + two, "two", "n2", "n2", true},
		{"two groups side by side", one + two, "one two", "", "n1 n2", true},
		{"only clones, none declared", clone("web", "nginx", "Started", "n1", "n2"), "", "", "", true},
		{"a clone is the service", clone("web", "nginx", "Started", "n1", "n2"), "web", "", "n1 n2", true},
		{"a clone by its primitive", clone("web", "nginx", "Started", "n1", "n2"), "nginx", "", "n1 n2", true},
		{"a clone that runs nowhere", clone("web", "nginx", "Stopped", ""), "web", "", "", false},
		{"promoted, without an address", promoted, "db", "n2", "n2", true},
		{"nobody is promoted", none, "db", "", "n1 n2", false},
		{"promoted, and a group elsewhere", promoted + one, "db one", "", "n1 n2", true},
		{"a clone beside what moves", clone("web", "nginx", "Started", "n1", "n2") + two, "web two", "n2", "n1 n2", true},
		{"a part that is gone", two, "two other", "", "n2", false},
		{"on its way", strings.Replace(two, `role="Started"`, `role="Stopping"`, 1), "two", "", "", false},
	} {
		s, err := ParseMon(mon(both, c.resources))
		if err != nil {
			t.Fatal(err)
		}
		nodes, whole := s.Places(strings.Fields(c.serves))
		if got := s.Active(strings.Fields(c.serves)...); got != c.active {
			t.Errorf("%s: active %q, want %q", c.name, got, c.active)
		}
		if got := strings.Join(nodes, " "); whole != c.whole || whole && got != c.places {
			t.Errorf("%s: on %q, whole %v", c.name, got, whole)
		}
	}
}

// As stonith_admin 2.1.5 prints it for a tag of "haprov-abc".
const history = `<pacemaker-result api-version="2.25"><list name="fencing history" count="3">
<fence_event action="reboot" target="db2" client="(null).haprov-abc.5782" origin="db1" status="success" delegate="db1" completed="2026-11-21 06:16:58Z"/>
<fence_event action="reboot" target="db2" client="pacemaker-controld.1" origin="db1" status="failed" completed="2026-11-21 07:16:58Z"/>
<fence_event action="reboot" target="db1" client="pacemaker-controld.9" origin="db2" status="success" delegate="db2" completed="2026-11-21 08:16:58Z"/>
</list><status code="0" message="OK"/></pacemaker-result>`

func TestFencingsThatEndedWellAreListed(t *testing.T) {
	got, err := ParseFencings(history)
	if err != nil || len(got) != 2 || got[0].Target != "db1" || got[1] != (Fencing{"db2", "(null).haprov-abc.5782", "db1", "2026-11-21 06:16:58Z"}) {
		t.Errorf("%+v %v", got, err)
	}
}
