package status

import (
	"flag"
	"os"
	"strings"
	"testing"

	"haprov/internal/plan"
	"haprov/internal/probe"
)

var update = flag.Bool("update", false, "write the golden files")

// says is a host that answers these sensors; it has nothing for the others to ask.
func says(answers map[string]string) Host { return declared(Declared{}, answers) }

func declared(d Declared, answers map[string]string) Host {
	all := map[probe.Key]probe.Answer{}
	for _, s := range d.sensors() {
		a := probe.Answer{State: probe.Answered, Exit: absent}
		if text, ok := answers[s.name]; ok {
			a = probe.Answer{State: probe.Answered, Out: text}
		}
		if answers[s.name] == "hangs" {
			a = probe.Answer{State: probe.Unanswered}
		}
		all[s.query().Key()] = a
	}
	return Read(probe.NewSeen(all), d)
}

const (
	twoLinks = "Local node ID 1, transport knet\nnodeid: 2 reachable\n   LINK: 0 udp (192.0.2.1->192.0.2.2) enabled connected mtu: 1397\n   LINK: 1 udp (198.51.100.1->198.51.100.2) enabled connected mtu: 1397\n"
	quorate  = "Quorate:          Yes\nExpected votes:   2\nTotal votes:      2\n"
	inSync   = "version: 8.4.11 (api:1/proto:86-101)\n 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n"
	serves   = "version\t10.11.19-MariaDB-0+deb12u1\nread_only\t0\nUptime\t75\n"
	member   = serves + "wsrep_provider_name\tGalera\nwsrep_cluster_status\tPrimary\nwsrep_local_state_comment\tSynced\nwsrep_ready\tON\nwsrep_cluster_size\t3\nwsrep_last_committed\t1842\nwsrep_flow_control_paused\t0.03\n"
	resource = `<pacemaker-result><summary><current_dc with_quorum="true"/></summary><nodes><node name="db1" online="true"/><node name="db2" online="true"/></nodes><resources><clone id="drbd-mysql-clone"><resource id="drbd-mysql" role="Promoted" active="true"><node name="db1"/></resource><resource id="drbd-mysql" role="Unpromoted" active="true"><node name="db2"/></resource></clone><resource id="mysql-vip" role="Started" active="true"><node name="db1"/></resource></resources></pacemaker-result>`
	statHead = "# pxname,svname,status,bck,scur,sid,type,check_status,last_chk\n"
)

func pages() map[string]*Page {
	two := func(a, b Host) *Page {
		return &Page{Cluster: "shop", Recipe: "mysql-drbd", Endpoint: "192.0.2.100:3306", Active: "db1", Hosts: []Row{
			{Name: "db1", Machine: "running", Answers: true, Active: true, Host: a},
			{Name: "db2", Machine: "running", Answers: true, Host: b}}}
	}
	other := strings.NewReplacer("nodeid: 2", "nodeid: 1", "node ID 1", "node ID 2").Replace(twoLinks)
	standby := map[string]string{"links": other, "quorum": quorate, "drbd": strings.Replace(inSync, "Primary/Secondary", "Secondary/Primary", 1), "pacemaker": resource}
	active := map[string]string{"links": twoLinks, "quorum": quorate, "drbd": inSync, "pacemaker": resource, "server": serves, "addresses": "2: eth0    inet 192.0.2.100/24 brd"}
	but := func(m map[string]string, more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range m {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	away := two(says(but(active, "links", strings.Replace(twoLinks, "enabled connected", "enabled", 2), "quorum", "Quorate: Yes\nExpected votes: 2\nTotal votes: 1\n",
		"drbd", strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated", 1),
		"pacemaker", strings.Replace(strings.Replace(resource, `"db2" online="true"`, `"db2" online="false"`, 1), "<pacemaker-result>", `<pacemaker-result><bans><ban id="drbd-fence-by-handler-mysql"/></bans>`, 1))), Host{})
	away.Hosts[1] = Row{Name: "db2", Machine: "off-by-user", Known: []string{"192.0.2.2", "198.51.100.2"}}
	syncing := two(says(but(active, "drbd", strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent", 1)+"\t[>....................] sync'ed:  4.2% (1964/2048)M\n")), says(but(standby, "drbd", strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate", 1)+"\t[>....................] sync'ed:  4.2% (1964/2048)M\n")))
	alone := two(says(but(active, "drbd", strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated", 1))), says(but(standby, "drbd", strings.Replace(inSync, "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "cs:StandAlone ro:Secondary/Unknown ds:Consistent/DUnknown", 1))))
	hostile := two(says(but(active, "server", "hangs", "links", "Cannot initialise\x1b[2J CFG service")), says(standby))
	failed := strings.Replace(resource, "</pacemaker-result>", `<node_history><node name="db2"><resource_history id="mysql-server" migration-threshold="3" fail-count="3"/></node></node_history><failures><failure op_key="mysql-server_start_0" node="db2" exitstatus="error" exitreason="bad&#9;disk" last-rc-change="2026-11-21 07:00:00Z"/></failures></pacemaker-result>`, 1)
	recovered := two(says(but(active, "pacemaker", strings.Replace(failed, "migration-threshold=\"3\"", "migration-threshold=\"1000000\"", 1))), says(standby))
	barred := two(says(but(active, "pacemaker", strings.Replace(failed, "<summary>", `<summary><cluster_options stonith-enabled="false" maintenance-mode="true"/>`, 1))), says(but(standby, "addresses", "2: eth0    inet 192.0.2.100/24 brd")))
	recovered.Proofs([]plan.Proof{{Host: "db1", State: plan.Proved, At: "2026-11-21T07:00:00Z", By: "db2"}, {Host: "db2", State: plan.Proved}})
	barred.Proofs([]plan.Proof{{Host: "db1", State: plan.Stale, At: "2026-11-21T07:00:00Z", By: "db2"}, {Host: "db2", State: plan.NeverFired}})
	proxies, member3 := Declared{Proxies: []Proxy{{"writer", "3306", "/run/haproxy/admin.sock"}}}, Declared{Maintenance: []string{"/etc/haprov/maintenance"}}
	proxy := func(stick string, states ...string) Host {
		stat := statHead
		for i, s := range states {
			stat += "writer,db" + string(rune('1'+i)) + "," + s + ",0,0," + string(rune('1'+i)) + ",2,L7OK,\n"
		}
		return declared(proxies, map[string]string{"proxy": stat, "writer writer": "# table: writer\n0x1: key=3306 use=0 server_id=" + stick + "\n", "addresses": "2: eth0    inet 192.0.2.100/24 brd"})
	}
	galera := &Page{Cluster: "shop", Recipe: "galera", Endpoint: "192.0.2.100:3306", Active: "db2", Hosts: []Row{
		{Name: "db1", Answers: true, Host: says(map[string]string{"server": strings.Replace(member, "Synced", "Donor/Desynced", 1)})},
		{Name: "db2", Answers: true, Active: true, Host: says(map[string]string{"server": member})},
		{Name: "db3", Answers: true, Host: declared(member3, map[string]string{"server": member, "maintenance": "haprov maintenance db3 on\n"})},
		{Name: "proxy1", Answers: true, Declared: proxies, Host: proxy("2", "DOWN", "UP", "MAINT")}}}
	split := &Page{Cluster: "shop", Recipe: "galera", Endpoint: "192.0.2.200:3306", Hosts: []Row{
		{Name: "db1", Answers: true, Host: says(map[string]string{"server": member})},
		{Name: "db2", Answers: true, Host: says(map[string]string{"server": strings.Replace(member, "size\t3", "size\t2", 1)})},
		{Name: "proxy1", Answers: true, Declared: proxies, Host: proxy("2", "UP", "UP")},
		{Name: "proxy2", Answers: true, Declared: proxies, Host: proxy("1", "UP", "UP")}}}
	return map[string]*Page{"two-nodes": two(says(active), says(standby)), "standby-away": away, "syncing": syncing, "alone": alone, "hostile": hostile, "galera": galera, "recovered": recovered, "barred": barred, "split": split}
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
		file := "testdata/" + name + ".txt"
		if *update {
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, _ := os.ReadFile(file); string(want) != b.String() {
			t.Errorf("%s:\n%s", name, b.String())
		}
		if healthy := name == "two-nodes" || name == "recovered"; p.Healthy != healthy {
			t.Errorf("%s: healthy %v", name, p.Healthy)
		}
	}
}

func reasons(rows ...Row) string {
	p := Page{Cluster: "shop", Hosts: rows}
	p.Judge()
	return strings.Join(p.Reasons, "; ")
}

// A stack may have HAProxy for other ends: what one writer is, the recipe declares.
func TestAProxyIsJudgedByWhatTheRecipeDeclares(t *testing.T) {
	stat := statHead + "queues,mq1,UP,0,0,1,2,L7OK,\nqueues,mq2,DOWN,0,0,2,2,L4CON,\n"
	answers := map[string]string{"proxy": stat, "writer queues": "# table: queues\n0x1: key=5672 use=0 server_id=1\n"}
	if got := reasons(Row{Name: "mq1", Answers: true, Host: says(answers)}); got != "" {
		t.Errorf("nothing is declared: %s", got)
	}
	d := Declared{Proxies: []Proxy{{"queues", "5672", "/run/haproxy/other.sock"}}}
	if got := reasons(Row{Name: "mq1", Answers: true, Declared: d, Host: declared(d, answers)}); got != "mq1: mq2 is DOWN" {
		t.Errorf("its own backend: %s", got)
	}
	answers["proxy"] = strings.ReplaceAll(stat, ",UP,", ",DOWN,")
	if got := reasons(Row{Name: "mq1", Answers: true, Declared: d, Host: declared(d, answers)}); !strings.HasSuffix(got, "mq1: no server of backend queues is up") {
		t.Errorf("no server is up: %s", got)
	}
	if got := reasons(Row{Name: "mq1", Answers: true, Declared: d, Host: declared(d, nil)}); got != "mq1: HAProxy does not run, or has no backend queues" {
		t.Errorf("no HAProxy: %s", got)
	}
	if got := reasons(Row{Name: "mq1", Declared: d}); got != "" {
		t.Errorf("a host that is away: %s", got)
	}
	for _, q := range Queries(d) {
		if strings.Contains(q.Shell, "admin.sock") {
			t.Errorf("asks %s", q.Name)
		}
	}
}

// Of three hosts the last two are a ring; Corosync numbers them as the recipe did.
func TestALinkNamesTheHostAtItsOtherEnd(t *testing.T) {
	half := strings.Replace(twoLinks, "enabled connected", "enabled", 1)
	rows := []Row{{Name: "app1", Answers: true}, {Name: "db1", Answers: true, Host: says(map[string]string{"links": half})},
		{Name: "db2", Known: []string{"203.0.113.7", "192.0.2.2"}}}
	if got := reasons(rows...); got != "db1: link 0 to db2 is down" {
		t.Error(got)
	}
	rows[2].Known = nil
	rows[2].Host = says(map[string]string{"links": strings.NewReplacer("nodeid: 2", "nodeid: 1", "node ID 1", "node ID 2").Replace(twoLinks)})
	if got := reasons(rows...); got != "db1: link 0 to db2 is down" {
		t.Errorf("by its own number: %s", got)
	}
	rows[2].Host = Host{}
	if got := reasons(rows...); got != "db1: link 0 to node 2 is down" {
		t.Errorf("unknown: %s", got)
	}
}

func TestMaintenanceIsReadWhereTheRecipeHasIt(t *testing.T) {
	d := Declared{Maintenance: []string{"/srv/db/out of service"}}
	if got := reasons(Row{Name: "db1", Answers: true, Host: declared(d, map[string]string{"maintenance": "disk\n"})}); got != "db1 is in maintenance: disk" {
		t.Error(got)
	}
	if qs := Queries(d); !strings.Contains(qs[len(qs)-1].Shell, "'/srv/db/out of service'") {
		t.Errorf("asks %+v", qs[len(qs)-1])
	}
}
