package pacemaker

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// pair scripts what two hosts of a cluster say, or more of them.
type pair struct {
	more     []string          // hosts beside db1 and db2
	crm      string            // property sets, resources and constraints of the CIB, as XML
	running  string            // resources of crm_mon; empty: all is well, db1 serves
	nodes    string            // of crm_mon; empty: both online
	proc     map[string]string // by host, /proc/drbd's line; missing: connected and in sync
	history  string            // fence events
	file     string            // digest of each file asked for
	files    map[string]string // digests of some, by path
	lost     string            // of db2
	owed     string            // to whoever asks
	starts   int               // how often vip was started on db1
	silent   string            // name of a question that nobody answers
	commands map[string]string // further commands by name
	now      int               // minutes since the beginning, for what fires does
}

const serving1 = `<clone id="drbd-clone"><resource id="drbd" resource_agent="ocf:linbit:drbd" role="Promoted" active="true"><node name="db1"/></resource><resource id="drbd" resource_agent="ocf:linbit:drbd" role="Unpromoted" active="true"><node name="db2"/></resource></clone>
<group id="mysql"><resource id="fs" resource_agent="ocf:heartbeat:Filesystem" role="Started" active="true"><node name="db1"/></resource><resource id="vip" resource_agent="ocf:heartbeat:IPaddr2" role="Started" active="true"><node name="db1"/></resource></group>
<resource id="fence-db1" resource_agent="stonith:fence_x" role="Started" active="true"><node name="db2"/></resource><resource id="fence-db2" resource_agent="stonith:fence_x" role="Started" active="true"><node name="db1"/></resource>`

var serving2 = strings.NewReplacer("db1", "db2", "db2", "db1").Replace(serving1)

const devices = `<primitive id="fence-db1" class="stonith" type="fence_x"><nvpair name="pcmk_host_list" value="db1"/><nvpair name="password_script" value="/etc/haprov/fence-db1.password"/></primitive>
<primitive id="fence-db2" class="stonith" type="fence_x"><nvpair name="pcmk_host_list" value="db2"/><nvpair name="password_script" value="/etc/haprov/fence-db2.password"/></primitive>`

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
		for _, h := range p.more {
			p.nodes += clusterNode(h, "true", "false")
		}
	}
	if p.file == "" {
		p.file = "same"
	}
	out := probe.Hosts{"db1": {}, "db2": {Lost: p.lost}}
	for _, h := range p.more {
		out[h] = probe.HostSeen{}
	}
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
	case q.Kind == probe.File && p.files[q.Name] != "":
		a.Out = "regular file|root|root|644|3|" + p.files[q.Name] + "|"
	case q.Kind == probe.File:
		a.Out = "regular file|root|root|644|3|" + p.file + "|"
	case q.Kind == probe.Owed:
		a.Out = p.owed
	case q.Name == "cib":
		a.Out = `<cib epoch="12"><configuration>` + p.crm + `</configuration><status><node_state uname="db1"><lrm_rsc_op id="vip_last_0" operation="start" on_node="db1" call-id="` + strconv.Itoa(p.starts) + `"/></node_state></status></cib>`
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

const ring, password1, password2 = "/etc/corosync/corosync.conf", "/etc/haprov/fence-db1.password", "/etc/haprov/fence-db2.password"

// prover is the step, in a lab or on real machines.
func prover(lab bool) *Fencing {
	return &Fencing{Name: "standby", RestsOn: []string{ring, password1, password2}, Where: kind.Where{Nodes: []kind.Node{{Name: "db1", Lab: lab}, {Name: "db2", Lab: lab}}, Speed: 2}}
}

func fenceEvent(target, by, client, at string) string {
	return `<fence_event action="reboot" target="` + target + `" client="` + client + `" origin="` + by + `" delegate="` + by + `" status="success" completed="` + at + `"/>`
}

// fires decides and does, as a cluster would, until there is nothing to do; it gives the phases, and
// leaves the cluster as it came to be.
func (p *pair) fires(t *testing.T, f kind.Cluster) (done []string, last plan.Phase) {
	t.Helper()
	var begin probe.Hosts
	for range 20 {
		now := p.hosts(t, f)
		if begin == nil {
			begin = now
		}
		ph, err := kindtest.DecideLater(t, f, begin, now)
		if err != nil {
			t.Fatalf("after %q: %v", done, err)
		}
		last = ph
		if ph.Empty() {
			return done, last
		}
		if ph.Wait != nil {
			t.Fatalf("after %q waits: %s", done, ph.Wait.Text())
		}
		done = append(done, ph.Name)
		p.now++
		at := fmt.Sprintf("2026-01-01 10:%02d:00Z", p.now)
		for host, ch := range ph.Changes {
			kindtest.NoteActions(ch.Actions...)
			for _, a := range ch.Actions {
				switch _, tag, fences := strings.Cut(a.Shell, "--tag "); {
				case fences:
					tag, _, _ = strings.Cut(tag, " ")
					if !strings.Contains(a.Shell, "--reboot "+ph.Away[0]+" ") || !strings.Contains(a.Guard, "UpToDate/UpToDate") || !strings.Contains(a.Guard, "= "+host+" ]") {
						t.Errorf("%s\n%s\n%v", a.Shell, a.Guard, ph.Away)
					}
					p.history += fenceEvent(ph.Away[0], host, "(null)."+tag+".77", at)
				case strings.HasPrefix(ph.Name, "move the active side to "):
					p.running = map[string]string{"db1": serving1, "db2": serving2}[strings.TrimPrefix(ph.Name, "move the active side to ")]
					if len(p.more) > 0 {
						p.running = vipOn(strings.TrimPrefix(ph.Name, "move the active side to "))
					}
					p.crm += `<constraints><rsc_location id="haprov-switchover"><expression attribute="#uname" value="` + strings.TrimPrefix(ph.Name, "move the active side to ") + `"/></rsc_location></constraints>`
				case ph.Name == "remove the constraint":
					p.crm, _, _ = strings.Cut(p.crm, "<constraints>")
				case ph.Name == "record the proof":
					_, value, _ := strings.Cut(a.Shell, "printf %s ")
					value, _, _ = strings.Cut(value, " | sed")
					value = strings.ReplaceAll(strings.Trim(value, "'"), "@NOW@", strings.ReplaceAll(at, " ", "T"))
					p.crm = proved(value)
				}
			}
		}
	}
	t.Fatalf("no end: %q", done)
	return nil, last
}

func proofs(ph plan.Phase) string {
	var out []string
	for _, x := range ph.Proofs {
		out = append(out, x.Host+" "+x.State)
	}
	return strings.Join(out, ", ")
}

func TestEveryHostsDeviceIsFiredInALab(t *testing.T) {
	p := pair{crm: proved("")}
	first, err := kindtest.Decide(t, prover(true), p.hosts(t, prover(true)))
	kindtest.Expect(t, "nothing proved", first, err, "fence db2", "", "")
	if got, want := strings.Join(first.Then, "; "), "wait until db2 is back and in sync; move the active side to db2; fence db1, wait until it is back and in sync; record the proof"; got != want {
		t.Errorf("the plan says: %s", got)
	}
	if got := proofs(first); got != "db1 never fired, db2 never fired" {
		t.Errorf("at first: %s", got)
	}
	done, last := p.fires(t, prover(true))
	if got := strings.Join(done, "; "); got != "fence db2; move the active side to db2; remove the constraint; fence db1; record the proof" {
		t.Errorf("did: %s", got)
	}
	if got := proofs(last); got != "db1 proved, db2 proved" || last.Proofs[0].By != "db2" || last.Proofs[0].At != "2026-01-01T10:04:00Z" {
		t.Errorf("then: %+v", last.Proofs)
	}
	p.history = ""
	if done, last = p.fires(t, prover(true)); len(done) > 0 || proofs(last) != "db1 proved, db2 proved" {
		t.Errorf("the record alone, when the history is gone: %q %s", done, proofs(last))
	}

	for _, x := range []struct {
		name   string
		change func(*pair)
		done   string
		proofs string // before it is done
	}{
		{"a file that all rest on", func(p *pair) { p.files = map[string]string{ring: "other"} }, "fence db1; move the active side to db1; remove the constraint; fence db2; record the proof", "db1 stale, db2 stale"},
		{"the password of one device", func(p *pair) { p.files = map[string]string{password1: "other"} }, "fence db1; record the proof", "db1 stale, db2 proved"},
		{"the password of the active host's", func(p *pair) { p.files = map[string]string{password2: "other"} }, "move the active side to db1; remove the constraint; fence db2; record the proof", "db1 proved, db2 stale"},
		{"an option of one device", func(p *pair) {
			p.crm = strings.Replace(p.crm, `<primitive id="fence-db1"`, `<primitive id="fence-db1" x="y"`, 1)
		}, "fence db1; record the proof", "db1 stale, db2 proved"},
		{"a level of one host", func(p *pair) {
			p.crm += `<fencing-topology><fencing-level id="l" target="db1" index="1" devices="fence-db1"/></fencing-topology>`
		}, "fence db1; record the proof", "db1 stale, db2 proved"},
		{"how long the other one waits", func(p *pair) {
			p.crm = strings.Replace(p.crm, "<nvpair", `<nvpair name="priority-fencing-delay" value="15s"/><nvpair`, 1)
		}, "fence db1; move the active side to db1; remove the constraint; fence db2; record the proof", "db1 stale, db2 stale"},
	} {
		p := p
		x.change(&p)
		ph, err := kindtest.Decide(t, prover(true), p.hosts(t, prover(true)))
		if err != nil || proofs(ph) != x.proofs {
			t.Errorf("%s: %s %v", x.name, proofs(ph), err)
		}
		if x.name == "a level of one host" || x.name == "how long the other one waits" || x.name == "an option of one device" {
			continue // the record that fires writes holds none of it
		}
		if done, _ := p.fires(t, prover(true)); strings.Join(done, "; ") != x.done {
			t.Errorf("%s: %q", x.name, done)
		}
	}
}

func TestNothingIsFencedWhileTheClusterIsNotWhole(t *testing.T) {
	is := func(f func(*pair)) pair { p := pair{crm: proved("")}; f(&p); return p }
	tag := prover(true).proofs(pair{crm: proved("")}.hosts(t, prover(true)))[1].tag()
	for _, x := range []struct {
		name                  string
		p                     pair
		phase, waits, refused string
	}{
		{"another fencing is no proof", is(func(p *pair) { p.history = fenceEvent("db2", "db1", "(null).haprov-0123.7", "2026-01-01 10:00:00Z") }), "fence db2", "", ""},
		{"fenced, and not back", is(func(p *pair) {
			p.history, p.nodes = fenceEvent("db2", "db1", "(null)."+tag+".7", "x"), clusterNode("db1", "true", "false")+clusterNode("db2", "false", "false")
		}), "", "online", ""},
		{"fenced, and back", is(func(p *pair) { p.history = fenceEvent("db2", "db1", "(null)."+tag+".7", "x") }), "move the active side to db2", "", ""},
		{"not in sync", is(func(p *pair) {
			p.proc = map[string]string{"db1": "cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent"}
		}), "", "up to date", ""},
		{"locked by DRBD's handler", is(func(p *pair) {
			p.crm += `<constraints><rsc_location id="drbd-fence-by-handler-mysql-drbd"/></constraints>`
		}), "", "fence constraint", ""},
		{"on its way to the other side", is(func(p *pair) {
			p.crm += `<constraints><rsc_location id="haprov-switchover"><expression attribute="#uname" value="db2"/></rsc_location></constraints>`
		}), "", "db2 serves", ""},
		{"the other side serves", is(func(p *pair) { p.running = serving2 }), "fence db1", "", ""},
		{"a file of which nothing was said", is(func(p *pair) { p.silent = ring }), "", "", "db1 gives no answer about " + ring},
		{"volumes of which nothing was said", is(func(p *pair) { p.silent = "drbd" }), "", "reports its volumes", ""},
		{"a history of which nothing was said", is(func(p *pair) { p.silent = "fencing history" }), "", "", "no answer about the fencing history"},
		{"a host is away", is(func(p *pair) { p.lost = "no route" }), "", "", "is not reachable"},
	} {
		ph, err := kindtest.Decide(t, prover(true), x.p.hosts(t, prover(true)))
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
	}
}

func TestOnRealMachinesFencingIsFiredOnRequest(t *testing.T) {
	p := pair{crm: proved("")}
	done, last := p.fires(t, prover(false))
	if strings.Join(done, "; ") != "record the proof" || proofs(last) != "db1 never fired, db2 never fired" || !strings.Contains(last.Note, "not proved for db1, db2: `haprov up --prove-fencing`") {
		t.Fatalf("%q %s %s", done, proofs(last), last.Note)
	}
	watched := p
	p.history = fenceEvent("db1", "db2", "pacemaker-controld.9", "2026-01-01 10:30:00Z")
	done, last = p.fires(t, prover(false))
	if strings.Join(done, "; ") != "record the proof" || proofs(last) != "db1 proved, db2 never fired" || last.Proofs[0].At != "2026-01-01T10:30:00Z" || last.Proofs[0].By != "db2" {
		t.Errorf("fenced by the cluster itself: %q %+v", done, last.Proofs)
	}
	// what the cluster did is written down whatever state it is in
	late := watched
	late.history = fenceEvent("db1", "db2", "x.9", "2026-01-01 10:30:00Z") + fenceEvent("db2", "db1", "x.9", "2026-01-01 10:40:00Z")
	late.nodes = clusterNode("db1", "true", "false") + clusterNode("db2", "true", "true")
	if done, last := late.fires(t, prover(false)); strings.Join(done, "; ") != "record the proof" || proofs(last) != "db1 proved, db2 proved" {
		t.Errorf("both fenced by the cluster, one in maintenance: %q %s", done, proofs(last))
	}
	for name, event := range map[string]string{
		"before the devices were as they are": fenceEvent("db1", "db2", "pacemaker-controld.9", "2025-12-31 10:30:00Z"),
		"confirmed by hand":                   strings.Replace(fenceEvent("db1", "db2", "stonith_admin.9", "2026-01-01 10:30:00Z"), `delegate="db2"`, `delegate="a human"`, 1),
		"failed":                              strings.Replace(fenceEvent("db1", "db2", "pacemaker-controld.9", "2026-01-01 10:30:00Z"), "success", "failed", 1),
	} {
		q := watched
		q.history = event
		if done, last := q.fires(t, prover(false)); len(done) > 0 || proofs(last) != "db1 never fired, db2 never fired" {
			t.Errorf("%s: %q %s", name, done, proofs(last))
		}
	}

	up, err := prover(false).Intend(plan.Intent{Verb: plan.ProveFencing})
	if err != nil {
		t.Fatal(err)
	}
	q := p
	if done, last = q.fires(t, up); strings.Join(done, "; ") != "fence db2; record the proof" || proofs(last) != "db1 proved, db2 proved" {
		t.Errorf("up proves what is not proved: %q %s", done, proofs(last))
	}
	if done, _ = q.fires(t, up); len(done) > 0 {
		t.Errorf("and again: %q", done)
	}
	verify, _ := prover(false).Intend(plan.Intent{Verb: plan.ProveFencing, Anew: true})
	if done, _ = q.fires(t, verify); strings.Join(done, "; ") != "fence db2; move the active side to db2; remove the constraint; fence db1; record the proof" {
		t.Errorf("verify proves all anew: %q", done)
	}
}

// A new machine under an old name may have another fence device: what was proved of the old one counts
// no more. In a lab it is fenced again; elsewhere the record says that it is not proved.
func TestTheProofOfAReplacedHostIsTheOldMachines(t *testing.T) {
	p := pair{crm: proved("")}
	p.fires(t, prover(true))
	q := p
	done, last := q.fires(t, prover(true).Replace("db1"))
	if strings.Join(done, "; ") != "fence db1; record the proof" || proofs(last) != "db1 proved, db2 proved" {
		t.Errorf("in a lab: %q %s", done, proofs(last))
	}
	if done, _ := q.fires(t, prover(true)); len(done) > 0 {
		t.Errorf("and then: %q", done)
	}
	done, last = p.fires(t, prover(false).Replace("db1"))
	if strings.Join(done, "; ") != "record the proof" || proofs(last) != "db1 never fired, db2 proved" {
		t.Errorf("on real machines: %q %s", done, proofs(last))
	}
	if done, last = p.fires(t, prover(false)); len(done) > 0 || proofs(last) != "db1 never fired, db2 proved" {
		t.Errorf("and then: %q %s", done, proofs(last))
	}
}

// Version 1 of the record named digests alone; its fencing's tag was of all of them.
func TestAnOldRecordProvesTheHostThatWasFenced(t *testing.T) {
	p := pair{crm: proved("devices:0123456789ab db1:0123456789ab db2:0123456789ab")}
	if _, last := p.fires(t, prover(false)); proofs(last) != "db1 never fired, db2 never fired" {
		t.Errorf("without a history: %s", proofs(last))
	}
	old := prover(false).proofs(p.hosts(t, prover(false)))[0].old
	p = pair{crm: proved("devices:0123456789ab db1:0123456789ab db2:0123456789ab"), history: fenceEvent("db2", "db1", "(null)."+old+".77", "2026-01-01 09:00:00Z")}
	if _, last := p.fires(t, prover(false)); proofs(last) != "db1 never fired, db2 proved" {
		t.Errorf("with one: %s", proofs(last))
	}
}

func TestWhatIsProvedIsToldWhileAHostIsAway(t *testing.T) {
	p := pair{crm: proved("")}
	p.fires(t, prover(true))
	p.lost = "no route"
	ph, err := kindtest.Decide(t, prover(true), p.hosts(t, prover(true)))
	if err == nil || proofs(ph) != "db1 proved, db2 proved" {
		t.Errorf("%v %s", err, proofs(ph))
	}
}
