package pacemaker

import (
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// pair scripts what two hosts of a cluster say.
type pair struct {
	crm      string            // property sets, resources and constraints of the CIB, as XML
	running  string            // resources of crm_mon; empty: all is well, db1 serves
	nodes    string            // of crm_mon; empty: both online
	proc     map[string]string // by host, /proc/drbd's line; missing: connected and in sync
	history  string            // fence events
	file     string            // digest of each file asked for
	lost     string            // of db2
	owed     string            // to whoever asks
	silent   string            // name of a question that nobody answers
	commands map[string]string // further commands by name
}

const serving1 = `<clone id="drbd-clone"><resource id="drbd" resource_agent="ocf:linbit:drbd" role="Promoted" active="true"><node name="db1"/></resource><resource id="drbd" resource_agent="ocf:linbit:drbd" role="Unpromoted" active="true"><node name="db2"/></resource></clone>
<group id="mysql"><resource id="fs" resource_agent="ocf:heartbeat:Filesystem" role="Started" active="true"><node name="db1"/></resource><resource id="vip" resource_agent="ocf:heartbeat:IPaddr2" role="Started" active="true"><node name="db1"/></resource></group>
<resource id="fence-db1" resource_agent="stonith:fence_x" role="Started" active="true"><node name="db2"/></resource><resource id="fence-db2" resource_agent="stonith:fence_x" role="Started" active="true"><node name="db1"/></resource>`

var serving2 = strings.NewReplacer("db1", "db2", "db2", "db1").Replace(serving1)

const devices = `<primitive id="fence-db1" class="stonith" type="fence_x"/><primitive id="fence-db2" class="stonith" type="fence_x"/>`

func clusterNode(name, online, standby string) string {
	return `<node name="` + name + `" online="` + online + `" pending="false" unclean="false" standby="` + standby + `"/>`
}

func (p pair) hosts(t *testing.T, c kind.Cluster) probe.Hosts {
	t.Helper()
	if p.running == "" {
		p.running = serving1
	}
	if p.nodes == "" {
		p.nodes = clusterNode("db1", "true", "false") + clusterNode("db2", "true", "false")
	}
	if p.file == "" {
		p.file = "same"
	}
	out := probe.Hosts{"db1": {}, "db2": {Lost: p.lost}}
	for range 3 {
		for h, s := range out {
			got := map[probe.Key]probe.Answer{}
			for _, q := range c.Probe(h, out) {
				got[q.Key()] = p.answer(h, q)
			}
			out[h] = probe.HostSeen{Seen: s.With(got), Lost: s.Lost}
		}
	}
	for h := range out {
		if qs := c.Probe(h, out); len(qs) > 0 {
			t.Fatalf("asks a fourth time: %v", qs)
		}
	}
	return out
}

func (p pair) answer(host string, q probe.Query) probe.Answer {
	a := probe.Answer{State: probe.Answered}
	switch {
	case q.Name == p.silent:
		a.State = probe.Unanswered
	case q.Kind == probe.File:
		a.Out = "regular file|root|root|644|3|" + p.file + "|"
	case q.Kind == probe.Owed:
		a.Out = p.owed
	case q.Name == "cib":
		a.Out = `<cib epoch="12"><configuration>` + p.crm + `</configuration></cib>`
	case q.Name == "crm_mon":
		a.Out = `<pacemaker-result><summary><current_dc with_quorum="true"/></summary><nodes>` + p.nodes + `</nodes><resources>` + p.running + `</resources></pacemaker-result>`
	case q.Name == "drbd":
		a.Out = kindtest.ProcLine(p.proc[host])
		if p.proc[host] == "" {
			a.Out = kindtest.ProcLine("cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate")
		}
	case q.Name == "fencing history":
		a.Out = `<pacemaker-result><list>` + p.history + `</list></pacemaker-result>`
	default:
		a.Out = p.commands[q.Name]
	}
	return a
}

func proved(value string) string {
	return `<crm_config><cluster_property_set id="haprov-record"><nvpair id="x" name="haprov-fencing-proved" value="` + value + `"/></cluster_property_set></crm_config><resources>` + devices + `</resources>`
}

func TestTheStandbyIsFencedOnceAsAProof(t *testing.T) {
	lab := []kind.Node{{Name: "db1", Lab: true}, {Name: "db2", Lab: true}}
	step := func() *Fencing {
		return &Fencing{Name: "standby", RestsOn: []string{"/etc/corosync/corosync.conf"}, Where: kind.Where{Nodes: lab, Speed: 2}}
	}
	none := pair{crm: proved("")}
	first, err := step().Decide(none.hosts(t, step()))
	if err != nil || first.Name != "fence the standby" {
		t.Fatalf("%+v %v", first, err)
	}
	do := first.Changes["db1"].Actions[0]
	if !strings.Contains(do.Shell, "--reboot db2 --tag haprov-") || !strings.Contains(do.Guard, "UpToDate/UpToDate") || !strings.Contains(do.Guard, "crm_node -n") || strings.Join(first.Away, "") != "db2" {
		t.Errorf("%s\n%s\n%v", do.Shell, do.Guard, first.Away)
	}
	_, tag, _ := strings.Cut(do.Shell, "--tag ")
	tag, _, _ = strings.Cut(tag, " ")
	event := func(tag, at string) string {
		return `<fence_event action="reboot" target="db2" client="(null).` + tag + `.77" status="success" completed="` + at + `"/>`
	}
	done := none
	done.history = event(tag, "2026-01-01 10:00:00Z")
	record, err := step().Decide(done.hosts(t, step()))
	kindtest.Expect(t, "fenced", record, err, "record the proof", "", "")
	_, value, _ := strings.Cut(record.Changes["db1"].Actions[0].Shell, "--update '")
	value = strings.TrimSuffix(value, "'")

	is := func(f func(*pair)) pair { p := none; f(&p); return p }
	for _, x := range []struct {
		name                  string
		p                     pair
		phase, waits, refused string
	}{
		{"proved", pair{crm: proved(value)}, "", "", ""},
		{"a file changed since", pair{crm: proved(value), file: "other"}, "fence the standby", "", ""},
		{"a device changed since", pair{crm: strings.Replace(proved(value), `id="fence-db1"`, `id="fence-db1" x="y"`, 1)}, "fence the standby", "", ""},
		{"another fencing is no proof", is(func(p *pair) { p.history = event("other", "2026-01-01 10:00:00Z") }), "fence the standby", "", ""},
		{"the standby is not back", is(func(p *pair) {
			p.history, p.nodes = event(tag, "x"), clusterNode("db1", "true", "false")+clusterNode("db2", "false", "false")
		}), "", "online", ""},
		{"not in sync", is(func(p *pair) {
			p.proc = map[string]string{"db1": "cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent"}
		}), "", "up to date", ""},
		{"locked by DRBD's handler", is(func(p *pair) {
			p.crm += `<constraints><rsc_location id="drbd-fence-by-handler-mysql-drbd"/></constraints>`
		}), "", "fence constraint", ""},
		{"the other side serves", is(func(p *pair) { p.running = serving2 }), "fence the standby", "", ""},
		{"a file of which nothing was said", pair{crm: proved(value), silent: "/etc/corosync/corosync.conf"}, "", "", "db1 gives no answer about /etc/corosync/corosync.conf"},
		{"volumes of which nothing was said", is(func(p *pair) { p.silent = "drbd" }), "", "says nothing of its volumes", ""},
		{"a host is away", is(func(p *pair) { p.lost = "no route" }), "", "", "cannot be seen"},
	} {
		ph, err := step().Decide(x.p.hosts(t, step()))
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		if x.name == "the other side serves" && ph.Away[0] != "db1" {
			t.Errorf("%s: fences %v", x.name, ph.Away)
		}
	}

	real := step()
	real.Nodes = []kind.Node{{Name: "db1"}, {Name: "db2"}}
	ph, err := real.Decide(none.hosts(t, real))
	if err != nil || !ph.Empty() || !strings.Contains(ph.Note, "--prove-fencing") {
		t.Errorf("real machines: %+v %v", ph, err)
	}
	anew, err := real.Intend(plan.Intent{Verb: plan.ProveFencing})
	if err != nil {
		t.Fatal(err)
	}
	old := pair{crm: proved(value), history: event(tag, "2026-01-01 10:00:00Z")}
	ph, err = anew.Decide(old.hosts(t, anew))
	kindtest.Expect(t, "proved, and asked for", ph, err, "fence the standby", "", "")
	old.history += event(tag, "2026-01-01 11:00:00Z")
	ph, err = anew.Decide(old.hosts(t, anew))
	kindtest.Expect(t, "and done", ph, err, "", "", "")
}
