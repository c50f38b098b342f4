package pacemaker

import (
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

const (
	newest = "fresh 1\nboot a\n"
	older  = newest + "Inst corosync [3.1.7-1] (3.1.7-1+deb12u1 local [all])\n"
)

// upgrading is what a pair says when apt has something on some of its hosts.
func (p pair) upgrading(t *testing.T, c kind.Cluster, says map[string]string) probe.Hosts {
	t.Helper()
	out := p.hosts(t, c)
	for h, s := range out {
		u := c.(*Pacemaker).upgrades()
		text, ok := says[h]
		if !ok {
			text = newest
		}
		out[h] = probe.HostSeen{Seen: s.With(kindtest.Answer(u.Query(h), 0, text)), Lost: s.Lost}
	}
	return out
}

func TestHostsAreUpgradedTheOneThatServesLast(t *testing.T) {
	both := map[string]string{"db1": older, "db2": older}
	one := map[string]string{"db1": older}
	boots := map[string]string{"db1": newest + "reboot a package asks for it\n"}
	resync := map[string]string{"db1": "cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent"}
	held := `<constraints>` + move2 + `</constraints>`
	standby2 := clusterNode("db1", "true", "false") + clusterNode("db2", "true", "true")
	away2 := clusterNode("db1", "true", "false") + clusterNode("db2", "false", "false")
	for _, x := range []struct {
		name                  string
		begin, now            pair
		says                  map[string]string
		reboot                bool
		phase, waits, refused string
	}{
		{"nothing is newer", pair{}, pair{}, nil, false, "", "", ""},
		{"lists that are old are read first", pair{}, pair{}, map[string]string{"db2": "fresh 0\nboot a\n"}, false, "read the package lists", "", ""},
		{"the standby first", pair{}, pair{}, both, false, "upgrade db2", "db2 has the newest versions", ""},
		{"whoever does not serve, first", pair{running: serving2}, pair{running: serving2}, both, false, "upgrade db1", "db1 has the newest versions", ""},
		{"it joins again", pair{}, pair{nodes: away2}, one, false, "", "all 2 nodes are online", ""},
		{"it is brought up to date", pair{}, pair{proc: resync}, one, false, "", "up to date", ""},
		{"then the active side moves", pair{}, pair{}, one, false, "move the active side to db2", "", ""},
		{"on its way", pair{}, pair{crm: held}, one, false, "", "db2 serves", ""},
		{"nothing holds it there", pair{}, pair{crm: held, running: serving2}, one, false, "remove the constraint", "", ""},
		{"then the host that served", pair{}, pair{running: serving2}, one, false, "upgrade db1", "db1 has the newest versions", ""},
		{"a run that was cut short goes on", pair{crm: held, running: serving2}, pair{crm: held, running: serving2}, one, false, "remove the constraint", "", ""},
		{"a kernel alone", pair{}, pair{}, boots, false, "", "", ""},
		{"a kernel, and a reboot of the active one", pair{}, pair{}, boots, true, "move the active side to db2", "", ""},
		{"a reboot", pair{running: serving2}, pair{running: serving2}, boots, true, "reboot db1", "db1 has the newest versions", ""},
		{"it goes down", pair{running: serving2}, pair{running: serving2}, map[string]string{"db1": "leaving 1\nboot a\n"}, true, "", "db1 reboots", ""},
		{"not in sync", pair{proc: resync}, pair{proc: resync}, both, false, "", "", "refused until this holds: both disks"},
		{"a node is offline", pair{nodes: away2}, pair{nodes: away2}, both, false, "", "", "db2 not yet"},
		{"a host is not reachable", pair{lost: "no route"}, pair{lost: "no route"}, both, false, "", "", "db2 is not reachable"},
		{"a host is in maintenance", pair{nodes: standby2}, pair{nodes: standby2}, both, false, "", "", "haprov maintenance db2 off"},
		{"another series", pair{}, pair{}, map[string]string{"db2": newest + "Inst corosync [3.1.7-1] (4.0.0-1 local [all])\n"}, false, "", "", "another series"},
	} {
		c, err := wantedVIP().Intend(plan.Intent{Verb: plan.Upgrade, Reboot: x.reboot, Packages: map[string][]string{"db1": {"corosync"}, "db2": {"corosync"}}})
		if err != nil {
			t.Fatal(err)
		}
		ph, err := kindtest.DecideLater(t, c, x.begin.upgrading(t, c, x.says), x.now.upgrading(t, c, x.says))
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for h, ch := range ph.Changes {
			if a := ch.Actions[0]; strings.HasPrefix(ph.Name, "upgrade ") && (!strings.Contains(a.Guard, "cs:Connected") || strings.Index(a.Shell, "stop pacemaker.service") > strings.Index(a.Shell, "get\n)")) {
				t.Errorf("%s: %s is not stopped before, or not while in sync:\n%s\n%s", x.name, h, a.Guard, a.Shell)
			}
		}
		if x.name == "a kernel alone" && !strings.Contains(ph.Note, "haprov upgrade --reboot") {
			t.Errorf("%s: %q", x.name, ph.Note)
		}
	}
}

// TestNoDataIsMadeBelowAMountPoint: Debian's mariadb-server makes data where its configuration says.
func TestNoDataIsMadeBelowAMountPoint(t *testing.T) {
	c, err := wantedVIP().Intend(plan.Intent{Verb: plan.Upgrade, Packages: map[string][]string{"db2": {"corosync"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := pair{crm: `<resources><primitive id="fs" class="ocf" provider="heartbeat" type="Filesystem"><instance_attributes id="fs-i"><nvpair id="fs-d" name="directory" value="/srv/my sql"/></instance_attributes></primitive></resources>`}
	ph, err := kindtest.Decide(t, c, p.upgrading(t, c, map[string]string{"db2": older}))
	if err != nil {
		t.Fatal(err)
	}
	kindtest.NoteActions(ph.Changes["db2"].Actions...)
	text := ph.Changes["db2"].Actions[0].Shell
	at := -1
	for _, part := range []string{"do systemctl stop", "mount -t tmpfs -o mode=0755 haprov-upgrade '/srv/my sql'", "get\n)", "umount '/srv/my sql'", "systemctl start"} {
		k := strings.Index(text, part)
		if k <= at {
			t.Fatalf("%q is not there, or not in its order:\n%s", part, text)
		}
		at = k
	}
}

func TestTheArbiterIsUpgradedWhileAllMembersAreThere(t *testing.T) {
	d := &QuorumDevice{Name: "arbiter", Cluster: "shop", Arbiter: "arb", Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}, {Name: "arb"}}}}
	c, err := d.Intend(plan.Intent{Verb: plan.Upgrade, Packages: map[string][]string{"arb": {"corosync-qnetd"}}})
	if err != nil {
		t.Fatal(err)
	}
	a := c.(arbiterUpgrade)
	due := newest + "Inst corosync-qnetd [3.0.3-1] (3.0.3-2 local [all])\n"
	for _, x := range []struct {
		name           string
		p              pair
		says           string
		phase, refused string
	}{
		{"nothing is newer", pair{}, newest, "", ""},
		{"something is", pair{}, due, "upgrade arb", ""},
		{"a member is offline", pair{nodes: clusterNode("db1", "true", "false") + clusterNode("db2", "false", "false")}, due, "", "does not see all members"},
		{"a member is not reachable", pair{lost: "no route"}, due, "", "db2 cannot be asked"},
	} {
		hosts := x.p.hosts(t, wantedVIP())
		hosts["arb"] = probe.HostSeen{Seen: probe.NewSeen(kindtest.Answer(a.upgrades().Query("arb"), 0, x.says))}
		ph, err := kindtest.Decide(t, c, hosts)
		waits := ""
		if x.phase != "" {
			waits = "newest"
		}
		kindtest.Expect(t, x.name, ph, err, x.phase, waits, x.refused)
	}
}
