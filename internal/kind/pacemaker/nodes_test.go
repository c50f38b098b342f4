package pacemaker

import (
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
)

// Clusters of three hosts, and services that are declared.

func vipOn(host string) string {
	return `<resource id="vip" resource_agent="ocf:heartbeat:IPaddr2" role="Started" active="true"><node name="` + host + `"/></resource>`
}

func instances(role string, hosts ...string) (out string) {
	for _, h := range hosts {
		out += `<resource id="pg" resource_agent="ocf:x:pg" role="` + role + `" active="true"><node name="` + h + `"/></resource>`
	}
	return out
}

func declared(ids string) string {
	return `<crm_config><cluster_property_set id="haprov-serving"><nvpair id="s" name="haprov-serves" value="` + ids + `"/></cluster_property_set></crm_config>`
}

func TestThreeHostsAreOperated(t *testing.T) {
	three := []string{"db3"}
	database := `<clone id="db">` + instances("Promoted", "db1") + instances("Unpromoted", "db3") + `</clone>`
	web := `<clone id="web">` + instances("Started", "db1", "db2", "db3") + `</clone>`
	apart := strings.ReplaceAll(vipOn("db1"), "vip", "one") + strings.ReplaceAll(vipOn("db2"), "vip", "two")
	standby := func(host string) (out string) {
		for _, h := range []string{"db1", "db2", "db3"} {
			out += clusterNode(h, "true", map[bool]string{true: "true", false: "false"}[h == host])
		}
		return out
	}
	toDB3 := `<constraints>` + strings.Replace(move2, `value="db2"`, `value="db3"`, 1) + `</constraints>`
	over := func(host string) plan.Intent { return plan.Intent{Verb: plan.Switchover, Host: host} }
	rest := func(host string, on bool) plan.Intent {
		return plan.Intent{Verb: plan.Maintenance, Host: host, On: on}
	}
	for _, x := range []struct {
		name                  string
		in                    plan.Intent
		p                     pair
		phase, waits, refused string
	}{
		{"to the first that can", over(""), pair{running: vipOn("db1")}, "move the active side to db2", "", ""},
		{"to the one that is named", over("db3"), pair{running: vipOn("db1")}, "move the active side to db3", "", ""},
		{"to nobody's", over("db4"), pair{running: vipOn("db1")}, "", "", "no host db4 here; there is db1, db2, db3"},
		{"past the one in maintenance", over(""), pair{running: vipOn("db1"), nodes: standby("db2")}, "move the active side to db3", "", ""},
		{"to a copy", over(""), pair{running: database, crm: declared("db")}, "move the active side to db3", "", ""},
		{"on its way, by an earlier run", over(""), pair{running: vipOn("db1"), crm: toDB3}, "", "db3 serves", ""},
		{"arrived", over("db3"), pair{running: vipOn("db3"), crm: toDB3}, "remove the constraint", "", ""},
		{"all serve", over(""), pair{running: web, crm: declared("web")}, "", "", "db1, db2, db3 serve side by side"},
		{"brought together", over("db1"), pair{running: apart, crm: declared("one two")}, "move the active side to db1", "", ""},
		{"rest for one of three that serve", rest("db3", true), pair{running: web, crm: declared("web")}, "take db3 out of service", "", ""},
		{"rest for the active one", rest("db1", true), pair{running: vipOn("db1")}, "move the active side to db2", "", ""},
		{"rest for the active one, moved", rest("db1", true), pair{running: vipOn("db2")}, "take db1 out of service", "", ""},
		{"rest, held elsewhere by an earlier run", rest("db1", true), pair{running: vipOn("db3"), crm: toDB3}, "remove the constraint", "", ""},
		{"rest for one where another rests", rest("db1", true), pair{running: vipOn("db3"), nodes: standby("db2")}, "take db1 out of service", "", ""},
		{"rest for a stranger", rest("db9", true), pair{running: vipOn("db1")}, "", "", "no host db9"},
		{"rest for a host of a service in two parts", rest("db1", true), pair{running: apart, crm: declared("one two")}, "take db1 out of service", "", ""},
	} {
		c, err := wantedVIP().Intend(x.in)
		if err != nil {
			t.Fatal(err)
		}
		x.p.more = three
		ph, err := kindtest.Decide(t, c, x.p.hosts(t, c))
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for host, ch := range ph.Changes {
			if g := ch.Actions[0].Guard; strings.HasPrefix(ph.Name, "move") && !strings.Contains(g, "= "+host+" ]") {
				t.Errorf("%s: on %s, guarded by %s", x.name, host, g)
			}
			switch text := ch.Actions[0].Stdin.Reveal(); {
			case x.name == "to a copy" && (!strings.Contains(text, `role="Promoted"`) || !strings.Contains(ch.Actions[0].Guard, `: db1 Promoted *$`)):
				t.Errorf("%s\n%s", text, ch.Actions[0].Guard)
			case x.name == "brought together" && strings.Count(text, "<rsc_location") != 2:
				t.Errorf("%s", text)
			}
		}
	}
}

func TestTheDevicesOfThreeHostsAreFired(t *testing.T) {
	f := prover(true)
	f.Nodes = append(f.Nodes, kind.Node{Name: "db3", Lab: true})
	p := pair{crm: proved(""), more: []string{"db3"}, running: vipOn("db1")}
	done, last := p.fires(t, f)
	if got := strings.Join(done, "; "); got != "fence db2; fence db3; move the active side to db2; remove the constraint; fence db1; record the proof" {
		t.Errorf("did: %s", got)
	}
	if got := proofs(last); got != "db1 proved, db2 proved, db3 proved" {
		t.Errorf("then: %s", got)
	}
	// A clone serves everywhere: each may go, the others serve on.
	p = pair{crm: proved(""), more: []string{"db3"}, running: `<clone id="web">` + instances("Started", "db1", "db2", "db3") + `</clone>`}
	if done, _ = p.fires(t, f); strings.Join(done, "; ") != "fence db1; fence db2; fence db3; record the proof" {
		t.Errorf("a clone: %q", done)
	}
}

func TestWhatServesStandsInTheCIB(t *testing.T) {
	p := wantedVIP()
	p.Serves = []string{"vip"}
	text := p.Wanted().Text()
	if !strings.Contains(text, `name="haprov-serves" value="vip"`) || !strings.Contains(text, "haprov-serving ") {
		t.Errorf("not there, or not in the record of what is ours:\n%s", text)
	}
	p.Primitives = append(p.Primitives, Primitive{ID: "web", Agent: "systemd:nginx"})
	p.Clones = []ResourceClone{{ID: "webs", Of: "web"}}
	p.Serves = []string{"web", "vpi"}
	var told []string
	for _, x := range p.Check() {
		told = append(told, x.Summary+": "+x.Detail)
	}
	if got := strings.Join(told, "\n"); !strings.Contains(got, `"web", which is in a clone or a group`) || !strings.Contains(got, `Found "vpi"`) {
		t.Errorf("%s", got)
	}
}
