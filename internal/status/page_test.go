package status_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"haprov/internal/kind"
	"haprov/internal/kind/backup"
	"haprov/internal/kind/drbd"
	"haprov/internal/kind/galera"
	"haprov/internal/kind/haproxy"
	"haprov/internal/kind/host"
	"haprov/internal/kind/mariadb"
	"haprov/internal/kind/pacemaker"
	"haprov/internal/kind/rolling"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/status"
)

var update = flag.Bool("update", false, "write the golden files")

// steps are the parts of a recipe that a page is of.
type step struct {
	kind, name string
	of         kind.Senser
	hosts      []string
}

func partsOf(steps ...step) (out []status.Part) {
	for _, s := range steps {
		p := status.Part{Kind: s.kind, Name: s.name, Sensors: map[string]status.Sensor{}}
		for _, h := range s.hosts {
			p.Sensors[h] = s.of.Sense()
		}
		out = append(out, p)
	}
	return out
}

// says lets a host answer these questions, by their names; it has no tool for the others.
func says(parts []status.Part, r status.Row, answers map[string]string) status.Row {
	all := map[probe.Key]probe.Answer{}
	for _, q := range status.Queries(parts, r.Name) {
		a := probe.Answer{State: probe.Answered, Exit: 127}
		if text, ok := answers[q.Name]; ok {
			a = probe.Answer{State: probe.Answered, Out: text}
		}
		if strings.HasPrefix(a.Out, "ERROR") {
			a.Exit = 1
		}
		if answers[q.Name] == "hangs" {
			a = probe.Answer{State: probe.Unanswered}
		}
		all[q.Key()] = a
	}
	r.Answers = true
	r.Read(parts, probe.NewSeen(all))
	return r
}

var both = []string{"db1", "db2"}

// twoNodes is the recipe of two hosts, with what each of its steps shows.
var twoNodes = partsOf(
	step{"drbd_volume", "mysql", &drbd.DRBDVolume{Name: "mysql"}, both},
	step{"service", "corosync", &host.Service{Name: "corosync"}, both},
	step{"corosync", "ring", &pacemaker.Corosync{Name: "ring"}, both},
	step{"pacemaker", "cib", &pacemaker.Pacemaker{Name: "cib"}, both},
	step{"mysql_database", "app", &mariadb.MySQLDatabase{Name: "app"}, both},
)

var (
	three    = []string{"db1", "db2", "db3"}
	maintain = "/etc/haprov/maintenance"
)

// members is the recipe of members and proxies.
func members(proxies ...string) []status.Part {
	return partsOf(
		step{"galera", "db", &galera.Galera{Unit: "mariadb.service", Data: "/var/lib/mysql", Maintenance: maintain}, three},
		step{"mysql_database", "app", &mariadb.MySQLDatabase{Name: "app"}, three},
		step{"haproxy", "writer", &haproxy.HAProxy{Backend: "writer", Key: "3306", Socket: "/run/haproxy/admin.sock"}, proxies})
}

const (
	twoLinks = "Local node ID 1, transport knet\nnodeid: 2 reachable\n   LINK: 0 udp (192.0.2.1->192.0.2.2) enabled connected mtu: 1397\n   LINK: 1 udp (198.51.100.1->198.51.100.2) enabled connected mtu: 1397\n"
	quorate  = "Quorate:          Yes\nExpected votes:   2\nTotal votes:      2\n"
	inSync   = "version: 8.4.11 (api:1/proto:86-101)\n 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n"
	serves   = "read_only\tOFF\nversion\t10.11.19-MariaDB-0+deb12u1\nUptime\t75\n"
	member   = serves + "wsrep_provider_name\tGalera\nwsrep_cluster_status\tPrimary\nwsrep_local_state_comment\tSynced\nwsrep_ready\tON\nwsrep_cluster_size\t3\nwsrep_last_committed\t1842\nwsrep_flow_control_paused\t0.03\n"
	resource = `<pacemaker-result><summary><current_dc with_quorum="true"/></summary><nodes><node name="db1" online="true"/><node name="db2" online="true"/></nodes><resources><clone id="drbd-mysql-clone"><resource id="drbd-mysql" role="Promoted" active="true"><node name="db1"/></resource><resource id="drbd-mysql" role="Unpromoted" active="true"><node name="db2"/></resource></clone><resource id="mysql-vip" role="Started" active="true"><node name="db1"/></resource></resources></pacemaker-result>`
	statHead = "# pxname,svname,status,bck,scur,sid,type,check_status,last_chk\n"
)

func but(m map[string]string, more ...string) map[string]string {
	out := maps.Clone(m)
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

func pages() map[string]*status.Page {
	two := func(a, b map[string]string) *status.Page {
		return &status.Page{Cluster: "shop", Recipe: "mysql-drbd", Endpoint: "192.0.2.100:3306", Active: "db1", Parts: twoNodes, Hosts: []status.Row{
			says(twoNodes, status.Row{Name: "db1", Machine: "running", Active: true}, a),
			says(twoNodes, status.Row{Name: "db2", Machine: "running"}, b)}}
	}
	const proc, links, quorum, mon, sql = "drbd", "corosync links", "corosync members", "crm_mon", "sql database app"
	other := strings.NewReplacer("nodeid: 2", "nodeid: 1", "node ID 1", "node ID 2").Replace(twoLinks)
	standby := map[string]string{"addresses": "", links: other, quorum: quorate, proc: strings.Replace(inSync, "Primary/Secondary", "Secondary/Primary", 1), mon: resource,
		sql: "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)"}
	active := map[string]string{links: twoLinks, quorum: quorate, proc: inSync, mon: resource, sql: "app\n" + serves, "addresses": "2: eth0    inet 192.0.2.100/24 brd"}
	away := two(but(active, links, strings.Replace(twoLinks, "enabled connected", "enabled", 2), quorum, "Quorate: Yes\nExpected votes: 2\nTotal votes: 1\n",
		proc, strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated", 1),
		mon, strings.Replace(strings.Replace(resource, `"db2" online="true"`, `"db2" online="false"`, 1), "<pacemaker-result>", `<pacemaker-result><bans><ban id="drbd-fence-by-handler-mysql"/></bans>`, 1)), standby)
	away.Hosts[1] = status.Row{Name: "db2", Machine: "off-by-user", Known: []string{"192.0.2.2", "198.51.100.2"}}
	syncing := two(but(active, proc, strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent", 1)+"\t[>....................] sync'ed:  4.2% (1964/2048)M\n"),
		but(standby, proc, strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate", 1)+"\t[>....................] sync'ed:  4.2% (1964/2048)M\n"))
	alone := two(but(active, proc, strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated", 1)),
		but(standby, proc, strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:StandAlone ro:Secondary/Unknown ds:Consistent/DUnknown", 1)))
	hostile := two(but(active, sql, "hangs", links, "Cannot initialise\x1b[2J CFG service"), standby)
	failed := strings.Replace(resource, "</pacemaker-result>", `<node_history><node name="db2"><resource_history id="mysql-server" migration-threshold="3" fail-count="3"/></node></node_history><failures><failure op_key="mysql-server_start_0" node="db2" exitstatus="error" exitreason="bad&#9;disk" last-rc-change="2026-11-21 07:00:00Z"/></failures></pacemaker-result>`, 1)
	recovered := two(but(active, mon, strings.Replace(failed, "migration-threshold=\"3\"", "migration-threshold=\"1000000\"", 1)), standby)
	barred := two(but(active, mon, strings.Replace(failed, "<summary>", `<summary><cluster_options stonith-enabled="false" maintenance-mode="true"/>`, 1)), but(standby, "addresses", "2: eth0    inet 192.0.2.100/24 brd"))
	recovered.Proofs([]plan.Proof{{Host: "db1", State: plan.Proved, At: "2026-11-21T07:00:00Z", By: "db2"}, {Host: "db2", State: plan.Proved}})
	barred.Proofs([]plan.Proof{{Host: "db1", State: plan.Stale, At: "2026-11-21T07:00:00Z", By: "db2"}, {Host: "db2", State: plan.NeverFired}})
	db := func(parts []status.Part, name, sql, keeps string) status.Row {
		return says(parts, status.Row{Name: name}, map[string]string{"addresses": "", "mariadb.service": unit, "wsrep status": sql, "galera keeps": keeps, "sql database app": "app\n" + serves})
	}
	proxy := func(parts []status.Part, name, stick string, states ...string) status.Row {
		stat := statHead
		for i, s := range states {
			stat += "writer,db" + string(rune('1'+i)) + "," + s + ",0,0," + string(rune('1'+i)) + ",2,L7OK,\n"
		}
		return says(parts, status.Row{Name: name}, map[string]string{"haproxy servers": stat, "haproxy table": "# table: writer\n0x1: key=3306 use=0 server_id=" + stick + "\n", "addresses": "2: eth0    inet 192.0.2.100/24 brd"})
	}
	one := members("proxy1")
	// what corosync-quorumtool says of the three votes, see internal/cluster/corosync/testdata
	votes := func(quorate, votes, device string) string {
		return "Quorate:          " + quorate + "\nExpected votes:   3\nTotal votes:      " + votes + "\n         0          " + device + "            Qdevice\n"
	}
	ask := func(a, b string) *status.Page {
		return two(but(active, quorum, a), but(standby, quorum, b))
	}
	arbiter := ask(votes("Yes", "3", "1"), votes("Yes", "3", "1"))
	arbiterAway := ask(votes("Yes", "2", "0"), votes("Yes", "2", "0"))
	arbiterAndStandbyAway := ask(votes("No", "1", "0"), votes("No", "1", "0"))
	arbiterAndStandbyAway.Hosts[1] = status.Row{Name: "db2", Machine: "off-by-user", Known: []string{"192.0.2.2", "198.51.100.2"}}
	four := &status.Page{Cluster: "shop", Recipe: "galera", Endpoint: "192.0.2.100:3306", Active: "db2", Parts: one, Hosts: []status.Row{
		db(one, "db1", strings.Replace(member, "Synced", "Donor/Desynced", 1), ""),
		db(one, "db2", member, ""),
		db(one, "db3", member, "maintenance "+base64.StdEncoding.EncodeToString([]byte("haprov maintenance db3 on\n"))+"\n"),
		proxy(one, "proxy1", "2", "DOWN", "UP", "MAINT")}}
	four.Hosts[1].Active = true
	four.Endpoints = []status.Endpoint{{Name: "writers", Address: "192.0.2.100", Port: 3306, Protocol: "mysql", Answers: true}, {Name: "readers", About: "for clients that read", Address: "192.0.2.100", Port: 3307, Protocol: "mysql"}}
	pair := members("proxy1", "proxy2")
	split := &status.Page{Cluster: "shop", Recipe: "galera", Endpoint: "192.0.2.200:3306", Parts: pair, Hosts: []status.Row{
		db(pair, "db1", member, ""),
		db(pair, "db2", strings.Replace(member, "size\t3", "size\t2", 1), ""),
		proxy(pair, "proxy1", "2", "UP", "UP"),
		proxy(pair, "proxy2", "1", "UP", "UP")}}
	own := partsOf(step{"service", "rabbitmq-server", &host.Service{Name: "rabbitmq-server"}, three}, step{"service", "epmd.socket", &host.Service{Name: "epmd.socket"}, three})
	queue := &status.Page{Cluster: "queues", Recipe: "rabbitmq", Parts: own, Hosts: []status.Row{
		says(own, status.Row{Name: "db1"}, map[string]string{"addresses": "", "rabbitmq-server.service": unit, "epmd.socket": unit}),
		says(own, status.Row{Name: "db2"}, map[string]string{"addresses": "", "rabbitmq-server.service": strings.ReplaceAll(unit, "active", "failed"), "epmd.socket": unit}),
		{Name: "db3"}}}
	ready := partsOf(step{"service", "rabbitmq-server", &host.Service{Name: "rabbitmq-server"}, three},
		step{"rolling", "rabbitmq-server.service", &rolling.Rolling{Unit: "rabbitmq-server.service", Ready: "rabbitmq-diagnostics -q check_running"}, three})
	rolls := &status.Page{Cluster: "queues", Recipe: "rabbitmq", Parts: ready, Hosts: []status.Row{
		says(ready, status.Row{Name: "db1"}, map[string]string{"addresses": "", "rabbitmq-server.service": unit, "ready rabbitmq-server.service": ""}),
		says(ready, status.Row{Name: "db2"}, map[string]string{"addresses": "", "rabbitmq-server.service": unit, "ready rabbitmq-server.service": "ERROR no quorum"}),
		says(ready, status.Row{Name: "db3"}, map[string]string{"addresses": "", "rabbitmq-server.service": unit, "ready rabbitmq-server.service": ""})}}
	saves := append(slices.Clone(twoNodes), partsOf(step{"backup", "haprov-backup", &backup.Backup{Unit: "haprov-backup"}, both})...)
	const backups = "backups haprov-backup"
	state := "now=1769900000\ncopy=20260131T020000Z a 1769824812 binlog.000003 500 1000\nlogs=binlog.000001 binlog.000017 1769899200\nrecoverable=1769899200\ngap=1769899300 binary logs were removed\nproved=1769700000 1769699000 20260128T020000Z 41 42\n" +
		"failed_logs=1769899500 the repository /b was used and is not there now: is its disk mounted?\nfailed_prove=1769800000 no room\nrestored=/var/lib/haprov-restored\n"
	saved := &status.Page{Cluster: "shop", Recipe: "mysql-drbd", Endpoint: "192.0.2.100:3306", Active: "db1", Parts: saves, Hosts: []status.Row{
		says(saves, status.Row{Name: "db1", Active: true}, but(active, backups, state)), says(saves, status.Row{Name: "db2"}, but(standby, backups, "now=1769900000\n"))}}
	return map[string]*status.Page{
		"arbiter": arbiter, "arbiter-away": arbiterAway, "arbiter-and-standby-away": arbiterAndStandbyAway, "backups": saved, "two-nodes": two(active, standby), "standby-away": away, "syncing": syncing, "alone": alone, "hostile": hostile, "galera": four, "recovered": recovered, "barred": barred, "split": split,
		"services": queue, "rolling": rolls}
}

const unit = "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n"

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, _ := os.ReadFile(file)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s:\n%s", file, diff)
	}
}

func TestPages(t *testing.T) {
	for name, p := range pages() {
		p.Judge()
		var b strings.Builder
		if err := p.Draw(&b, false); err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(b.String(), "\n") {
			if len(l) > 80 {
				t.Errorf("%s: a line of %d columns: %s", name, len(l), l)
			}
		}
		golden(t, "testdata/"+name+".txt", b.String())
		if healthy := slices.Contains([]string{"two-nodes", "recovered", "arbiter"}, name); p.Healthy != healthy {
			t.Errorf("%s: healthy %v", name, p.Healthy)
		}
	}
}

// Programs read this form; docs/json.md has its version.
func TestTheJSONOfAPage(t *testing.T) {
	doc, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"two-nodes", "galera", "rolling", "backups"} {
		p := pages()[name]
		p.Judge()
		text, err := json.MarshalIndent(p, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/"+name+".json", string(text)+"\n")
		for _, m := range regexp.MustCompile(`"([a-z_]+)": `).FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains([]string{"db", "app", "mysql", "ring", "cib", "writer", "haprov-backup"}, m[1]) && !strings.Contains(string(doc), "`"+m[1]+"`") {
				t.Errorf("field %s is not in docs/json.md", m[1])
			}
		}
	}
}

func reasons(parts []status.Part, rows ...status.Row) string {
	p := status.Page{Cluster: "shop", Hosts: rows, Parts: parts}
	p.Judge()
	return strings.Join(p.Reasons, "; ")
}

// A stack may have HAProxy for other ends: only the backend of a step is judged, by its own socket.
func TestAProxyIsJudgedByItsStep(t *testing.T) {
	stat := statHead + "queues,mq1,UP,0,0,1,2,L7OK,\nqueues,mq2,DOWN,0,0,2,2,L4CON,\nreaders,mq3,DOWN,0,0,3,2,L4CON,\n"
	answers := map[string]string{"addresses": "", "haproxy servers": stat, "haproxy table": "# table: queues\n0x1: key=5672 use=0 server_id=1\n"}
	mq1 := status.Row{Name: "mq1"}
	if got := reasons(nil, says(nil, mq1, answers)); got != "" {
		t.Errorf("no step is about it: %s", got)
	}
	if qs := status.Queries(nil, "mq1"); len(qs) != 1 {
		t.Errorf("asked without a step: %v", qs)
	}
	d := partsOf(step{"haproxy", "queues", &haproxy.HAProxy{Backend: "queues", Key: "5672", Socket: "/run/haproxy/other.sock"}, []string{"mq1"}})
	if got := reasons(d, says(d, mq1, answers)); got != "mq1: mq2 is DOWN" {
		t.Errorf("its own backend: %s", got)
	}
	answers["haproxy servers"] = strings.ReplaceAll(stat, ",UP,", ",DOWN,")
	if got := reasons(d, says(d, mq1, answers)); !strings.HasSuffix(got, "mq1: no server of backend queues is up") {
		t.Errorf("no server is up: %s", got)
	}
	if got := reasons(d, says(d, mq1, map[string]string{"addresses": ""})); got != "mq1: proxy: no answer on /run/haproxy/other.sock" {
		t.Errorf("no HAProxy: %s", got)
	}
	if got := reasons(d, mq1); got != "" {
		t.Errorf("a host that is away: %s", got)
	}
	for _, q := range status.Queries(d, "mq1") {
		if strings.Contains(q.Shell, "admin.sock") {
			t.Errorf("asks %s", q.Name)
		}
	}
}

// Of three hosts the last two are a ring; the numbers are those that the ring itself says.
func TestALinkNamesTheHostAtItsOtherEnd(t *testing.T) {
	half := strings.Replace(twoLinks, "enabled connected", "enabled", 1)
	ring := partsOf(step{"corosync", "ring", &pacemaker.Corosync{}, both})
	rows := []status.Row{{Name: "app1", Answers: true}, says(ring, status.Row{Name: "db1"}, map[string]string{"addresses": "", "corosync links": half}),
		{Name: "db2", Known: []string{"203.0.113.7", "192.0.2.2"}}}
	if got := reasons(ring, rows...); got != "db1: link 0 to db2 is down" {
		t.Error(got)
	}
	rows[2] = says(ring, status.Row{Name: "db2"}, map[string]string{"addresses": "", "corosync links": strings.NewReplacer("nodeid: 2", "nodeid: 1", "node ID 1", "node ID 2").Replace(twoLinks)})
	if got := reasons(ring, rows...); got != "db1: link 0 to db2 is down" {
		t.Errorf("by its own number: %s", got)
	}
	rows[2] = status.Row{Name: "db2"}
	if got := reasons(ring, rows...); got != "db1: link 0 to node 2 is down" {
		t.Errorf("unknown: %s", got)
	}
}

// Status asks nothing of its own but for the addresses: the rest are the questions that the steps
// decide on, which are asked once.
func TestStatusAsksWhatTheStepsAsk(t *testing.T) {
	more := map[string]bool{"addresses": true, "corosync links": true}
	for _, s := range []struct {
		senser kind.Senser
		step   kind.Cluster
	}{
		{&drbd.DRBDVolume{Name: "mysql"}, &drbd.DRBDVolume{Name: "mysql"}}, {&pacemaker.Corosync{}, &pacemaker.Corosync{}}, {&pacemaker.Pacemaker{}, &pacemaker.Pacemaker{}},
		{&mariadb.MySQLDatabase{Name: "app"}, &mariadb.MySQLDatabase{Name: "app"}}, {&galera.Galera{Unit: "a.service"}, &galera.Galera{Unit: "a.service"}}, {&haproxy.HAProxy{}, &haproxy.HAProxy{}},
		{&rolling.Rolling{Unit: "a.service", Ready: "true"}, &rolling.Rolling{Unit: "a.service", Ready: "true"}}} {
		asked := map[probe.Key]bool{}
		for _, q := range s.step.Probe("db1", probe.Hosts{"db1": {}}) {
			asked[q.Key()] = true
		}
		for _, q := range status.Queries(partsOf(step{"x", "x", s.senser, []string{"db1"}}), "db1") {
			if !asked[q.Key()] && !more[q.Name] {
				t.Errorf("%T: %s is asked for status alone", s.step, q.Name)
			}
		}
	}
}

// DRBD 9's module tells of its volumes by drbdsetup, in the same answer.
func TestAVolumeOfDRBD9IsShown(t *testing.T) {
	volume := partsOf(step{"drbd_volume", "data", &drbd.DRBDVolume{Name: "data", Minor: 3}, both})
	text := "version: 9.2.8 (api:2/proto:86-122)\nTransports (api:20): tcp\n" + `[{"name":"data","role":"Primary","devices":[{"volume":0,"minor":3,"disk-state":"UpToDate"}],` +
		`"connections":[{"connection-state":"Connected","peer-role":"Secondary","peer_devices":[{"volume":0,"replication-state":"SyncSource","peer-disk-state":"Inconsistent","percent-in-sync":12.5}]}]}]`
	if got := reasons(volume, says(volume, status.Row{Name: "db1"}, map[string]string{"addresses": "", "drbd": text})); got != "db1: volume data is SyncSource UpToDate/Inconsistent 12.5 %" {
		t.Error(got)
	}
	if got := reasons(volume, says(volume, status.Row{Name: "db1"}, map[string]string{"addresses": "", "drbd": inSync})); got != "" {
		t.Errorf("a volume of another minor: %s", got)
	}
}

// Of a host on which nothing is installed yet the plan tells: status has little to say.
func TestAFreshHostIsNotACatalogueOfMissingTools(t *testing.T) {
	if got := reasons(twoNodes, says(twoNodes, status.Row{Name: "db1"}, nil), says(twoNodes, status.Row{Name: "db2"}, nil)); got != "" {
		t.Errorf("two nodes: %s", got)
	}
	parts := members("proxy1")
	fresh := map[string]string{"mariadb.service": "LoadState=not-found\nActiveState=inactive\n", "galera keeps": "", "addresses": ""}
	if got := reasons(parts, says(parts, status.Row{Name: "db1"}, fresh), says(parts, status.Row{Name: "proxy1"}, nil)); got != "db1: there is no unit mariadb.service; proxy1: proxy: no answer on /run/haproxy/admin.sock" {
		t.Errorf("members: %s", got)
	}
}

// What a command printed instead of an answer becomes one line.
func TestAnAnswerThatIsNoneIsToldInOneLine(t *testing.T) {
	q := probe.Cmd("ready", "rabbitmqctl -q await_online_nodes 3")
	for out, want := range map[string]string{
		"":                           "no answer",
		"no such node\nusage: ...":   "no such node",
		"Error:\n  timed out.\nmore": "Error: timed out.",
		"Error:":                     "Error:",
		"Error:\n":                   "Error:",
	} {
		_, _, err := status.Answer(probe.NewSeen(map[probe.Key]probe.Answer{q.Key(): {State: probe.Answered, Exit: 70, Out: out}}), q)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", out, err, want)
		}
	}
}

// What a host says is data: whatever it is, the page is drawn, on lines that a terminal can take.
func FuzzAPage(f *testing.F) {
	f.Add("drbd", inSync)
	f.Add("crm_mon", resource)
	f.Add("corosync links", twoLinks)
	f.Add("wsrep status", member)
	f.Add("haproxy servers", statHead)
	parts := append(slices.Clone(twoNodes), members("db1", "db2")...)
	f.Fuzz(func(t *testing.T, question, text string) {
		answers := map[string]string{question: text, "mariadb.service": unit, "galera keeps": "", "haproxy table": text}
		p := &status.Page{Cluster: text, Endpoint: text, Endpoints: []status.Endpoint{{Name: text, Address: text}, {Name: text}}, Parts: parts, Hosts: []status.Row{says(parts, status.Row{Name: "db1"}, answers), says(parts, status.Row{Name: "db2"}, answers)}}
		p.Judge()
		var b strings.Builder
		if err := p.Draw(&b, false); err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(p); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\x00\x07") {
			t.Errorf("%q", b.String())
		}
	})
}
