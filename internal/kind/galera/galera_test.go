package galera

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"haprov/internal/cluster/galera"
	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

const (
	cluster1 = "6f3a1c52-9a41-11ee-8f6d-3b1f0c2a7d10"
	cluster2 = "0b6d2f7e-9a42-11ee-a1d4-77f7e0c9b3aa"
)

// galeraNode is what one host would answer. The zero value cannot be asked.
type galeraNode struct {
	unit      string
	wsrep     string // component/state/size/uuid/sessions[/last write]; empty: no answer
	grastate  string // uuid:seqno:safe; "?" is garbage
	position  string // of the recovery, bound to life
	databases string
	mark      string // in the maintenance file
	life      string
	owes      string
	watched   bool
	torn      bool   // sst_in_progress is there
	broke     bool   // its last start ended without a group
	sees      string // names of the members that it counts
	unmounted string // a mount of /etc/fstab that is not there
	before    string // UUID:SEQNO that the cluster was recovered from
}

var (
	blank3   = galeraNode{unit: "inactive"}
	synced   = galeraNode{unit: "active", wsrep: "Primary/Synced/3/" + cluster1 + "/0", grastate: cluster1 + ":-1:0", databases: "app", life: "a"}
	writer   = galeraNode{unit: "active", wsrep: "Primary/Synced/3/" + cluster1 + "/9", grastate: cluster1 + ":-1:0", databases: "app", life: "a"}
	joining  = galeraNode{unit: "activating", grastate: galera.ZeroUUID + ":-1:0", life: "a"}
	donor    = galeraNode{unit: "active", wsrep: "Primary/Donor/Desynced/3/" + cluster1 + "/0", grastate: cluster1 + ":-1:0", life: "a"}
	ordered  = galeraNode{unit: "inactive", grastate: cluster1 + ":10:0", databases: "app"}
	last     = galeraNode{unit: "inactive", grastate: cluster1 + ":12:1", databases: "app"}
	crashed  = galeraNode{unit: "failed", grastate: cluster1 + ":-1:0", databases: "app", life: "a"}
	minority = galeraNode{unit: "active", wsrep: "non-Primary/Initialized/1/" + cluster1 + "/0", grastate: cluster1 + ":-1:0", databases: "app", life: "a"}
	hung     = galeraNode{unit: "active", grastate: cluster1 + ":-1:0", databases: "app", life: "a"}
)

func but(n galeraNode, change func(*galeraNode)) galeraNode { change(&n); return n }

func (n galeraNode) seen(g *Galera) probe.HostSeen {
	if n == (galeraNode{}) {
		return probe.HostSeen{Lost: "no route"}
	}
	b64 := func(s string) string {
		if s == "" {
			return "-"
		}
		return base64.StdEncoding.EncodeToString([]byte(s))
	}
	state := ""
	switch p := strings.Split(n.grastate, ":"); {
	case len(p) == 3:
		state = fmt.Sprintf("# GALERA saved state\nversion: 2.1\nuuid:    %s\nseqno:   %s\nsafe_to_bootstrap: %s\n", p[0], p[1], p[2])
	case n.grastate == "?":
		state = "\x01\x02\x03"
	case n.grastate == "empty":
		state = "\n"
	}
	position := ""
	if n.position != "" {
		position = n.life + ".7-8 _WSREP_START_POSITION=--wsrep_start_position=" + n.position
	}
	kept := fmt.Sprintf("grastate %s\ngvwstate -\nposition %s\nmaintenance %s\nlife %s\ndata 7-8\nwatched %d\ntorn %d\nbroke %d\nprocess %d\n", b64(state), b64(position), b64(n.mark), n.life, btoi(n.watched), btoi(n.torn), btoi(n.broke), btoi(n.unit == "active" || n.unit == "activating"))
	for _, d := range strings.Fields(n.databases) {
		kept += "database " + b64(d) + "\n"
	}
	if n.unmounted != "" {
		kept += "unmounted " + n.unmounted + "\n"
	}
	s := probe.NewSeen(kindtest.Answer(g.unit(), 0, "LoadState=loaded\nActiveState="+n.unit)).With(kindtest.Answer(g.owed(), 0, n.owes)).With(kindtest.Answer(g.kept(), 0, kept))
	p := strings.Split(strings.Replace(n.wsrep, "Donor/Desynced", "Donor", 1), "/")
	last := ""
	if len(p) == 6 {
		last = "wsrep_last_committed\t" + p[5] + "\n"
	}
	if n.before != "" {
		last += "history\t" + n.before + "\n"
	}
	if len(p) < 5 {
		return probe.HostSeen{Seen: s.With(kindtest.Answer(g.sql(), 1, "ERROR 2002 (HY000): Can't connect to local server"))}
	}
	return probe.HostSeen{Seen: s.With(kindtest.Answer(g.sql(), 0, fmt.Sprintf("wsrep_cluster_status\t%s\nwsrep_local_state_comment\t%s\nwsrep_ready\tON\nwsrep_cluster_size\t%s\nwsrep_cluster_state_uuid\t%s\nsessions\t%s\n", p[0], p[1], p[2], p[3], p[4])+last+seesLines(n.sees)))}
}

func seesLines(names string) (out string) {
	for _, x := range strings.Fields(names) {
		out += "member\t" + x + "\n"
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func threeNodes() *Galera {
	return &Galera{Name: "db", Unit: "mariadb.service", Data: "/var/lib/mysql", Maintenance: "/etc/haprov/maintenance",
		Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}, {Name: "db3"}}}}
}

func TestAClusterIsStartedOnceAndJoinedOneByOne(t *testing.T) {
	of := func(size string, n galeraNode) galeraNode {
		return but(n, func(n *galeraNode) { n.wsrep = strings.Replace(n.wsrep, "/3/", "/"+size+"/", 1) })
	}
	var away galeraNode
	foreign := but(ordered, func(n *galeraNode) { n.grastate = cluster2 + ":77:0" })
	alone := galeraNode{unit: "inactive", databases: "shop"}
	garbage := but(crashed, func(n *galeraNode) { n.grastate = "?" })
	unmounted := galeraNode{unit: "failed", unmounted: "/var/lib/mysql"}
	for _, x := range []struct {
		name                  string
		a, b, c               galeraNode
		phase, waits, refused string
	}{
		{"nothing anywhere", blank3, blank3, blank3, "start a new cluster on db1", "", ""},
		{"one is away at the start", blank3, blank3, away, "", "", "nothing is started"},
		{"one holds databases of its own", blank3, alone, blank3, "", "", "never were in a cluster"},
		{"the first is there", of("1", synced), blank3, blank3, "join db2", "", ""},
		{"killed after the first ended again", ordered, blank3, blank3, "start the cluster from db1, the only one that holds it", "", ""},
		{"killed after the first crashed", crashed, blank3, blank3, "read positions", "", ""},
		{"its position is read", but(crashed, func(n *galeraNode) { n.position = cluster1 + ":4" }), blank3, blank3, "start the cluster from db1, the only one that holds it", "", ""},
		{"the second is on its way", of("1", synced), joining, blank3, "", "db2: the server answers", ""},
		{"its donor is not Synced", donor, blank3, blank3, "", "db1 is Synced (Donor)", ""},
		{"a broken state transfer is done again", of("1", synced), but(joining, func(n *galeraNode) { n.unit = "failed" }), blank3, "join db2", "", ""},
		{"a first state transfer broken off leaves an empty file", of("1", synced), galeraNode{unit: "failed", grastate: "empty", torn: true}, blank3, "join db2", "", ""},
		{"a full copy broken off half-way", of("1", synced), galeraNode{unit: "failed", grastate: galera.ZeroUUID + ":-1:0", databases: "app", torn: true}, blank3, "join db2", "", ""},
		{"another cluster's, with an old mark of a copy", of("1", synced), but(foreign, func(n *galeraNode) { n.torn = true }), blank3, "", "", "another cluster's data"},
		{"a disk is not mounted, all are blank else", blank3, unmounted, blank3, "", "", "mount /var/lib/mysql on db2"},
		{"a disk is not mounted, one holds the cluster", ordered, unmounted, blank3, "", "", "mount /var/lib/mysql on db2"},
		{"a disk is not mounted, the others run", synced, synced, unmounted, "", "", "mount /var/lib/mysql on db3"},
		{"it runs, whatever is not mounted", synced, synced, but(synced, func(n *galeraNode) { n.unmounted = "/var/lib/mysql" }), "", "", ""},
		{"a broken copy is no start", galeraNode{unit: "failed", grastate: galera.ZeroUUID + ":-1:0", databases: "app", torn: true}, blank3, blank3, "", "", "nothing is started from it"},
		{"nor is one that says nothing of its cluster", galeraNode{unit: "failed", grastate: galera.ZeroUUID + ":-1:1", databases: "app", life: "a", position: galera.ZeroUUID + ":-1"}, blank3, blank3, "", "", "nothing is started from it"},
		{"a torn one is not the first", galeraNode{unit: "failed", grastate: "empty", torn: true}, blank3, blank3, "start a new cluster on db2", "", ""},
		{"ahead of the cluster", but(synced, func(n *galeraNode) { n.wsrep += "/9" }), synced, last, "", "", "write sets that the cluster has not"},
		{"behind the cluster", but(synced, func(n *galeraNode) { n.wsrep += "/99" }), synced, last, "join db3", "", ""},
		{"left out of a recovery, holding no more", but(of("1", synced), func(n *galeraNode) { n.before = cluster2 + ":77" }), foreign, blank3, "join db2", "", ""},
		{"left out of a recovery, holding more", but(of("1", synced), func(n *galeraNode) { n.before = cluster2 + ":76" }), foreign, blank3, "", "", "write sets beyond (77, 76)"},
		{"left out of a recovery, crashed", but(of("1", synced), func(n *galeraNode) { n.before = cluster2 + ":76" }), but(crashed, func(n *galeraNode) { n.grastate = cluster2 + ":-1:0" }), blank3, "read positions", "", ""},
		{"two of three", of("2", synced), of("2", synced), blank3, "join db3", "", ""},
		{"whole", synced, synced, synced, "", "", ""},
		{"sizes still differ", of("2", synced), synced, synced, "", "db1 sees all 3 members (2)", ""},
		{"one stopped in order", synced, synced, ordered, "join db3", "", ""},
		{"one crashed", synced, crashed, synced, "join db2", "", ""},
		{"one is away", of("2", synced), of("2", synced), away, "", "", ""},
		{"one is away, one stopped", of("1", synced), ordered, away, "join db2", "", ""},
		{"one holds another cluster", synced, synced, foreign, "", "", "another cluster's data"},
		{"one holds databases of its own, the others run", synced, synced, alone, "", "", "joining would replace them"},
		{"one cannot be read", synced, synced, garbage, "", "", "joining would replace them"},
		{"cut off", of("2", synced), of("2", synced), minority, "", "db3 is back in the primary component", ""},
		{"two clusters", synced, synced, but(synced, func(n *galeraNode) { n.wsrep = "Primary/Synced/1/" + cluster2 + "/0" }), "", "", "two clusters run at once"},
		{"two components of one cluster", but(of("2", synced), func(n *galeraNode) { n.sees = "db1 db2" }), but(of("2", synced), func(n *galeraNode) { n.sees = "db1 db2" }), but(of("1", synced), func(n *galeraNode) { n.sees = "db3" }), "", "", "two primary components"},
		{"one that joined is not told of to all yet", but(of("2", synced), func(n *galeraNode) { n.sees = "db1 db2" }), but(synced, func(n *galeraNode) { n.sees = "db1 db2 db3" }), but(synced, func(n *galeraNode) { n.sees = "db1 db2 db3" }), "", "db1 sees all 3 members (2)", ""},
		{"one hangs", synced, hung, synced, "", "db2: the server, which runs, answers", ""},
		{"nobody is primary", minority, minority, minority, "", "forms again by itself (running: db1, db2, db3;", ""},
		{"all down", crashed, crashed, crashed, "", "", "haprov recover"},
		{"all stopped in order", ordered, last, ordered, "start the cluster from db2, which left it last", "", ""},
		{"all stopped in order, and two say that they left last", last, last, ordered, "", "", "haprov recover"},
		{"all stopped in order, and nobody says that it left last", ordered, ordered, ordered, "", "", "haprov recover"},
		{"the last to leave has less than another one", but(ordered, func(n *galeraNode) { n.grastate = cluster1 + ":9000:0" }), last, ordered, "", "", "haprov recover"},
		{"one of those that left crashed", crashed, last, ordered, "", "", "haprov recover"},
		{"the last to leave is of another cluster than the others", ordered, but(last, func(n *galeraNode) { n.grastate = cluster2 + ":100:1" }), ordered, "", "", "haprov recover"},
		{"one owes a restart", writer, but(synced, func(n *galeraNode) { n.owes = "restart" }), synced, "restart the server on db2", "", ""},
		{"all owe one: the writer's comes last", but(writer, func(n *galeraNode) { n.owes = "restart" }), but(synced, func(n *galeraNode) { n.owes = "restart" }), synced, "restart the server on db2", "", ""},
		{"a restart waits for a whole cluster", but(writer, func(n *galeraNode) { n.owes = "restart" }), synced, donor, "", "db3 is Synced", ""},
		{"no restart while one is away", but(of("2", writer), func(n *galeraNode) { n.owes = "restart" }), of("2", synced), away, "", "", "no server is restarted"},
		{"a restart was broken off", synced, but(synced, func(n *galeraNode) { n.mark = restartMark }), synced, "end the maintenance of db2", "", ""},
		{"stopped for maintenance", of("2", synced), of("2", synced), but(ordered, func(n *galeraNode) { n.mark = "disk swap" }), "", "", ""},
		{"stopped for maintenance, others owe a restart", but(of("2", writer), func(n *galeraNode) { n.owes = "restart" }), of("2", synced), but(ordered, func(n *galeraNode) { n.mark = "disk swap" }), "", "", "no server is restarted"},
		{"stopped for maintenance, and owes a restart", of("2", synced), of("2", synced), but(ordered, func(n *galeraNode) { n.mark, n.owes = "disk swap", "restart" }), "", "", ""},
		{"stopped while it was restarted", of("2", synced), of("2", synced), but(ordered, func(n *galeraNode) { n.mark = restartMark }), "join db3", "", ""},
		{"maintenance by hand stays", synced, but(synced, func(n *galeraNode) { n.mark = "disk swap" }), synced, "", "", ""},
	} {
		g := threeNodes()
		ph, err := kindtest.Decide(t, g, probe.Hosts{"db1": x.a.seen(g), "db2": x.b.seen(g), "db3": x.c.seen(g)})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for _, ch := range ph.Changes {
			if a := ch.Actions[0]; strings.HasPrefix(ph.Name, "join ") && !strings.Contains(a.Guard, "grastate.dat") {
				t.Errorf("%s: a copy may go over what was not seen: %s", x.name, a.Guard)
			}
		}
		if len(ph.Changes) > 1 && ph.Name != "read positions" {
			t.Errorf("%s: %d nodes change at once", x.name, len(ph.Changes))
		}
	}
}

func TestRecoveryFailsClosed(t *testing.T) {
	var away galeraNode
	at := func(seqno string) galeraNode {
		return but(crashed, func(n *galeraNode) { n.position = cluster1 + ":" + seqno })
	}
	watched := func(n galeraNode) galeraNode { return but(n, func(n *galeraNode) { n.watched = true }) }
	one := but(synced, func(n *galeraNode) { n.wsrep = "Primary/Synced/1/" + cluster1 + "/0" })
	for _, x := range []struct {
		name                  string
		missing               []string
		a, b, c               galeraNode
		phase, waits, refused string
	}{
		{"healthy", nil, synced, synced, synced, "", "", "nothing to recover"},
		{"all crashed", nil, crashed, crashed, crashed, "read positions", "", ""},
		{"positions known", nil, at("7"), at("9"), at("8"), "start the cluster from db2 at " + cluster1 + ":9", "", ""},
		{"the last to leave", nil, ordered, ordered, last, "start the cluster from db3 at " + cluster1 + ":12", "", ""},
		{"one position is of an earlier life", nil, at("7"), but(at("9"), func(n *galeraNode) { n.life = "" }), at("8"), "start the cluster from db2 at " + cluster1 + ":9", "", ""},
		{"they may heal by themselves", nil, minority, minority, hung, "watch whether the cluster recovers by itself", "", ""},
		{"they did not", nil, watched(minority), watched(minority), watched(hung), "stop all servers", "", ""},
		{"it healed", nil, synced, synced, minority, "", "db3 is back", ""},
		{"half-way: the first is up", nil, one, crashed, crashed, "join db2", "", ""},
		{"one is away", nil, at("7"), at("9"), away, "", "", "--accept-missing db3"},
		{"one is away, accepted", []string{"db3"}, at("7"), at("9"), away, "start the cluster from db2 at " + cluster1 + ":9", "", ""},
		{"two histories", nil, at("7"), but(ordered, func(n *galeraNode) { n.grastate = cluster2 + ":77:0" }), at("9"), "", "", "different clusters"},
		{"zero history with databases", nil, but(crashed, func(n *galeraNode) { n.position = galera.ZeroUUID + ":-1" }), at("7"), at("9"), "", "", "--accept-missing db1"},
		{"the data gives no position", nil, but(crashed, func(n *galeraNode) { n.position = "nonsense" }), at("7"), at("9"), "", "", "--accept-missing db1"},
		{"a disk is not mounted", nil, at("7"), at("9"), galeraNode{unit: "failed", unmounted: "/var/lib"}, "", "", "--accept-missing db3"},
		{"a disk is not mounted, accepted", []string{"db3"}, at("7"), at("9"), galeraNode{unit: "failed", unmounted: "/var/lib"}, "start the cluster from db2 at " + cluster1 + ":9", "", ""},
		{"blank disks", nil, blank3, blank3, blank3, "", "", "nothing to recover"},
		{"one disk was replaced", nil, blank3, at("7"), at("9"), "start the cluster from db3 at " + cluster1 + ":9", "", ""},
	} {
		g := threeNodes()
		c, err := g.Intend(plan.Intent{Verb: plan.Recover, AcceptMissing: x.missing})
		if err != nil {
			t.Fatal(err)
		}
		hosts := probe.Hosts{"db1": x.a.seen(g), "db2": x.b.seen(g), "db3": x.c.seen(g)}
		ph, err := kindtest.Decide(t, c, hosts)
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for host, ch := range ph.Changes {
			for _, a := range ch.Actions {
				if anew := strings.Contains(a.Shell, "/run/haprov-anew"); anew != (len(x.missing) > 0 && strings.HasPrefix(ph.Name, "start the cluster")) {
					t.Errorf("%s: a new history: %v", x.name, anew)
				}
				if strings.Contains(a.Shell, "new-cluster") && (a.Guard == "" || len(ph.Changes) > 1) {
					t.Errorf("%s: %s is started without a guard, or not alone", x.name, host)
				}
			}
		}
	}
	if _, err := threeNodes().Intend(plan.Intent{Verb: plan.Recover, AcceptMissing: []string{"db9"}}); err == nil {
		t.Error("an unknown node was accepted as missing")
	}
}

func TestARollingRestartTakesEachServerOnceAndTheWriterLast(t *testing.T) {
	rolling(t, "db2", "db3 db1 db2")
	rolling(t, "", "db2 db3 db1")          // nobody says: the busiest
	rolling(t, "$(reboot)", "db2 db3 db1") // nor is that a member
}

func rolling(t *testing.T, says, want string) {
	g := threeNodes()
	g.Writer = "/usr/local/lib/haprov/galera-writer"
	c, err := g.Intend(plan.Intent{Verb: plan.Restart})
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]galeraNode{"db1": writer, "db2": synced, "db3": but(synced, func(n *galeraNode) { n.wsrep = strings.TrimSuffix(n.wsrep, "0") + "1" })}
	var order []string
	var begin probe.Hosts
	for range 5 {
		hosts := probe.Hosts{}
		for n, x := range nodes {
			hosts[n] = x.seen(g)
			if qs := c.Probe(n, probe.Hosts{n: hosts[n]}); len(qs) != 1 || qs[0].Key() != g.writerQuery().Key() {
				t.Fatalf("asks %v", qs)
			}
			hosts[n] = probe.HostSeen{Seen: hosts[n].With(kindtest.Answer(g.writerQuery(), 0, says+"\n"))}
		}
		if begin == nil {
			begin = hosts
		}
		ph, err := kindtest.DecideLater(t, c, begin, hosts)
		if err != nil {
			t.Fatal(err)
		}
		if ph.Empty() {
			break
		}
		for n := range ph.Changes {
			order = append(order, n)
			nodes[n] = but(nodes[n], func(n *galeraNode) { n.life = "b" })
		}
	}
	if got := strings.Join(order, " "); got != want {
		t.Errorf("%q writes: restarted %q, want %q", says, got, want)
	}
}

func TestMaintenanceNeverTakesTheLastServer(t *testing.T) {
	marked := func(n galeraNode) galeraNode { return but(n, func(n *galeraNode) { n.mark = "haprov maintenance" }) }
	for _, x := range []struct {
		name                  string
		on                    bool
		a, b, c               galeraNode
		phase, waits, refused string
	}{
		{"on", true, writer, synced, synced, "take db1 out of service", "", ""},
		{"on, sessions still there", true, marked(writer), synced, synced, "", "its sessions end (9 left)", ""},
		{"on, done", true, marked(synced), synced, synced, "", "", ""},
		{"nobody else serves", true, writer, marked(synced), crashed, "", "", "stays in service"},
		{"off", false, marked(synced), synced, synced, "end the maintenance of db1", "", ""},
		{"off, done", false, synced, synced, synced, "", "", ""},
		{"off, its server was stopped", false, ordered, synced, synced, "join db1", "", ""},
		{"off, its server starts", false, joining, synced, synced, "", "db1: the server answers", ""},
		{"off, nobody could take it in", false, ordered, minority, minority, "", "", ""},
		{"it cannot be asked", true, galeraNode{}, synced, synced, "", "", "cannot be asked"},
	} {
		g := threeNodes()
		c, err := g.Intend(plan.Intent{Verb: plan.Maintenance, Host: "db1", On: x.on})
		if err != nil {
			t.Fatal(err)
		}
		ph, err := kindtest.Decide(t, c, probe.Hosts{"db1": x.a.seen(g), "db2": x.b.seen(g), "db3": x.c.seen(g)})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
	}
}

func TestMembersLeaveOneByOneWhileTheOthersAreHealthy(t *testing.T) {
	left := galeraNode{unit: "inactive", grastate: cluster1 + ":12:0", databases: "app"}
	for _, x := range []struct {
		name           string
		a, b, c        galeraNode // c leaves
		phase, refused string
	}{
		{"it runs", writer, synced, synced, "db3 leaves the cluster", ""},
		{"it has left", writer, synced, left, "", ""},
		{"it cannot be asked", writer, synced, galeraNode{}, "", ""},
		{"one that stays is away", writer, galeraNode{}, synced, "", "no member leaves"},
		{"one that stays is a donor", writer, donor, synced, "", "no member leaves"},
	} {
		g := threeNodes()
		ph, err := kindtest.Decide(t, g.Leave([]kind.Node{{Name: "db3"}}), probe.Hosts{"db1": x.a.seen(g), "db2": x.b.seen(g), "db3": x.c.seen(g)})
		kindtest.Expect(t, x.name, ph, err, x.phase, "", x.refused)
	}
}

func TestWhatANodeKeepsIsReadOnARealHost(t *testing.T) {
	dir := t.TempDir()
	fstab := dir + "/fstab"
	kindtest.Write(t, fstab, "# "+dir+"/c\n#x "+dir+"/c ext4\n\nx\nproc /proc proc defaults 0 0\nx / ext4 defaults 0 1\nx "+dir+"/a ext4 defaults 0 2\nx "+dir+"/b ext4 defaults\nx none swap sw")
	for name, x := range map[string]struct {
		data, make string
		want       string
	}{
		"not mounted":                {"a/mysql", "mkdir -p a/mysql", "unmounted " + dir + "/a"},
		"mounted nowhere of its own": {"c", "mkdir c", ""},
		"only the server's own":      {"d", "mkdir -p d/mysql d/sys d/performance_schema d/lost+found 'd/#x' d/test; touch d/test/db.opt", ""},
		"tables in test":             {"e", "mkdir -p e/test; touch e/test/db.opt e/test/orders.ibd", "database dGVzdA=="},
		"one of a user":              {"f", "mkdir -p 'f/sh op'", "database c2ggb3A="},
	} {
		g := threeNodes()
		g.Data = dir + "/" + x.data
		if out, err := exec.Command("sh", "-c", "cd "+dir+" && "+x.make).CombinedOutput(); err != nil {
			t.Fatalf("%s: %s", name, out)
		}
		out, err := exec.Command("sh", "-c", strings.ReplaceAll(g.kept().Shell, "/etc/fstab", fstab)).Output()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, l := range strings.Split(string(out), "\n") {
			if strings.HasPrefix(l, "unmounted") || strings.HasPrefix(l, "database") {
				got = append(got, l)
			}
		}
		if strings.Join(got, "|") != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
}

func TestAServerIsStartedOnlyOnWhatWasSeen(t *testing.T) {
	g := threeNodes()
	g.Data, g.Unit = t.TempDir(), "haprov-none.service"
	if exec.Command("pgrep", "-x", "mariadbd|mysqld").Run() == nil {
		t.Skip("a server runs here")
	}
	state := func(seqno string) string {
		return "uuid:    " + cluster1 + "\nseqno:   " + seqno + "\nsafe_to_bootstrap: 0\n"
	}
	at := func(n int64) *galera.Grastate {
		return &galera.Grastate{Position: galera.Position{UUID: cluster1, Seqno: n}}
	}
	for _, x := range []struct {
		name string
		m    member
		file string // "": none
		want bool
	}{
		{"nothing, and still", member{}, "", true},
		{"nothing, and then something", member{}, state("5"), false},
		{"as it was", member{Node: galera.Node{State: at(5)}}, state("5"), true},
		{"further on", member{Node: galera.Node{State: at(5)}}, state("6"), false},
		{"unknown, and still", member{Node: galera.Node{State: at(-1)}}, state("-1"), true},
		{"empty, and still", member{Node: galera.Node{State: at(-1)}, empty: true}, "\n", true},
		{"empty, and then something", member{Node: galera.Node{State: at(-1)}, empty: true}, state("5"), false},
		{"empty, and then nothing", member{Node: galera.Node{State: at(-1)}, empty: true}, "", false},
	} {
		os.Remove(g.Data + "/grastate.dat")
		if x.file != "" {
			kindtest.Write(t, g.Data+"/grastate.dat", x.file)
		}
		if err := exec.Command("sh", "-c", g.asDecided(x.m)).Run(); (err == nil) != x.want {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

func TestARecoveryHeedsThoseThatWereAboutToLeave(t *testing.T) {
	left := but(ordered, func(n *galeraNode) { n.mark = leftMark })
	one := but(synced, func(n *galeraNode) { n.wsrep = "Primary/Synced/1/" + cluster1 + "/0" })
	for _, x := range []struct {
		name    string
		a, b, c galeraNode // c leaves
		refused string
	}{
		{"it has left", crashed, crashed, left, ""},
		{"it never had a server", crashed, crashed, blank3, ""},
		{"it was still a member", crashed, crashed, crashed, "write db3 among its hosts again"},
		{"it still runs", crashed, crashed, minority, "write db3 among its hosts again"},
		{"it cannot be asked", crashed, crashed, galeraNode{}, "write db3 among its hosts again"},
		{"the others are whole", one, crashed, crashed, ""},
	} {
		g := threeNodes()
		c, err := g.Leave([]kind.Node{{Name: "db3"}}).(kind.Intended).Intend(plan.Intent{Verb: plan.Recover})
		if err != nil {
			t.Fatal(err)
		}
		ph, err := kindtest.Decide(t, c, probe.Hosts{"db1": x.a.seen(g), "db2": x.b.seen(g), "db3": x.c.seen(g)})
		kindtest.Expect(t, x.name, ph, err, "", "", x.refused)
	}
	if _, err := threeNodes().Leave(nil).(kind.Intended).Intend(plan.Intent{Verb: plan.Restart}); !errors.Is(err, kind.ErrNoIntent) {
		t.Error(err)
	}
}

// A server that hangs keeps its sessions; it is not asked for ever.
func TestADrainEndsWhenTheServerHangs(t *testing.T) {
	bin := t.TempDir()
	for name, text := range map[string]string{"mariadb": "exec /bin/sleep 60", "sleep": ""} {
		kindtest.Write(t, bin+"/"+name, "#!/bin/sh\n"+text+"\n")
		if err := os.Chmod(bin+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	begun := time.Now()
	text := strings.ReplaceAll(threeNodes().drained(30), "timeout -k 1 5 ", "timeout -k 1 1 ")
	if out, err := exec.Command("timeout", "20", "sh", "-c", text).CombinedOutput(); err != nil || time.Since(begun) > 10*time.Second {
		t.Errorf("%s: %s %v", time.Since(begun), out, err)
	}
}

// At the first look of a first run the server's package is not there, and neither is its unit.
func TestAClusterIsMadeInARunThatBeganWithoutTheServer(t *testing.T) {
	g := threeNodes()
	bare := probe.HostSeen{Seen: probe.NewSeen(kindtest.Answer(g.unit(), 0, "LoadState=not-found\nActiveState=inactive"))}
	begin := probe.Hosts{"db1": bare, "db2": bare, "db3": bare}
	for _, b := range []probe.Hosts{begin, nil} {
		ph, err := kindtest.DecideLater(t, g, b, probe.Hosts{"db1": blank3.seen(g), "db2": blank3.seen(g), "db3": blank3.seen(g)})
		kindtest.Expect(t, "made", ph, err, "start a new cluster on db1", "", "")
	}
}

// The group lost its quorum in the middle of a full copy: the joiner ends, and is started again once
// the group is whole, a bounded number of times.
func TestAJoinThatLostItsGroupIsTriedAgain(t *testing.T) {
	g := threeNodes()
	alone := but(synced, func(n *galeraNode) { n.wsrep = strings.Replace(n.wsrep, "/3/", "/1/", 1) })
	broken := galeraNode{unit: "failed", grastate: galera.ZeroUUID + ":-1:0", torn: true, broke: true, life: "b"}
	for _, x := range []struct {
		name  string
		a, b  galeraNode
		phase string
		waits string
	}{
		{"the group is whole", alone, broken, "join db2 again, whose last join ended because the group lost its quorum", "Received NON-PRIMARY"},
		{"the group is not whole yet", but(minority, func(n *galeraNode) { n.wsrep = "non-Primary/Initialized/1/" + cluster1 + "/0" }), broken, "", "a primary component forms again by itself"},
		{"another failure", alone, but(broken, func(n *galeraNode) { n.broke = false }), "join db2", ""},
	} {
		ph, err := kindtest.Decide(t, g, probe.Hosts{"db1": x.a.seen(g), "db2": x.b.seen(g), "db3": blank3.seen(g)})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, "")
		if x.waits != "" && x.phase != "" && ph.Tries != joins {
			t.Errorf("%s: tried %d times", x.name, ph.Tries)
		}
	}
}

// The first line is as Galera 26.4 wrote it when the other machines stood still during the copy.
func TestTheStartOfAJoinerTellsALostGroupFromOtherEnds(t *testing.T) {
	for name, x := range map[string]struct {
		journal string
		ok      bool
	}{
		"a lost group": {"2026-11-24 18:57:15 0 [Note] WSREP: Received NON-PRIMARY.", true},
		"another end":  {"[ERROR] Aborting", false},
	} {
		dir := t.TempDir()
		kindtest.Write(t, dir+"/journalctl", "#!/bin/sh\necho '"+x.journal+"'\n")
		kindtest.Write(t, dir+"/systemctl", "#!/bin/sh\n[ \"$1\" != start ]\n")
		text := "PATH=" + dir + ":$PATH\nchmod 755 " + dir + "/*\n" + lenient("mariadb.service", "systemctl start mariadb.service")
		err := exec.Command("sh", "-ec", text).Run()
		if (err == nil) != x.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
