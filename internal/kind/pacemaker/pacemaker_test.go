package pacemaker

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
)

func wantedVIP() *Pacemaker {
	return &Pacemaker{Name: "cib", Primitives: []Primitive{{ID: "vip", Agent: "ocf:heartbeat:IPaddr2"}}}
}

// record is the list of ids that stands in the CIB as ours.
func record(ids string) string {
	return `<crm_config><cluster_property_set id="haprov-record"><nvpair id="haprov-record-owned" name="haprov-owned" value="` + ids + `"/></cluster_property_set></crm_config>`
}

const move2 = `<rsc_location id="haprov-switchover" rsc="mysql"><rule id="r"><expression id="e" attribute="#uname" operation="eq" value="db2"/></rule></rsc_location>`

func TestACIBIsPatchedThenWaitedFor(t *testing.T) {
	p := wantedVIP()
	vip := `<resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/></resources>`
	foreign := `<constraints><rsc_location id="drbd-fence-by-handler-x" rsc="vip"/><rsc_location id="cli-prefer-x" rsc="vip"/></constraints>`
	stopped := `<resource id="vip" resource_agent="ocf:heartbeat:IPaddr2" active="false" role="Stopped"/>`
	oneAway := clusterNode("db1", "true", "false") + clusterNode("db2", "false", "false")
	for _, x := range []struct {
		name                  string
		p                     pair
		phase, waits, refused string
		drops                 string
	}{
		{"nothing configured", pair{running: stopped}, "configure the cluster", "", "", ""},
		{"a node is not online", pair{nodes: oneAway}, "", "db2 not yet", "", ""},
		{"configured, not started", pair{crm: record("vip") + vip, running: stopped}, "", "vip not yet", "", ""},
		{"all runs, foreign constraints stand", pair{crm: record("vip") + vip + foreign}, "", "", "", ""},
		{"a host is away", pair{lost: "no route"}, "", "", "not configured while a member is missing", ""},
		{"an element of ours is wanted no longer", pair{crm: record("old old-op gone vip") + `<resources><primitive id="old"><operations><op id="old-op"/></operations></primitive><primitive id="theirs"/></resources>` + vip}, "configure the cluster", "", "", "old"},
		{"the record names what others made", pair{crm: record("vip cli-prefer-x drbd-fence-by-handler-x x']") + vip + foreign}, "configure the cluster", "", "", ""},
		{"a switchover was cut short", pair{crm: record("vip") + vip + `<constraints>` + move2 + `</constraints>`}, "configure the cluster", "", "", "haprov-switchover"},
	} {
		if x.p.running == "" {
			x.p.running = strings.ReplaceAll(stopped, `active="false" role="Stopped"/>`, `active="true" role="Started"><node name="db1"/></resource>`)
		}
		x.p.commands = map[string]string{"simulation": "x\nTransition Summary:\n  * Start  vip  ( db1 )\n\nExecuting"}
		ph, err := kindtest.Decide(t, p, x.p.hosts(t, p))
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for _, ch := range ph.Changes {
			a := ch.Actions[0]
			if !strings.Contains(a.Guard, `epoch="12"`) || strings.Contains(a.Shell, "--replace") {
				t.Errorf("%s: not held to the version that was read, or replaces: %s", x.name, a.Guard)
			}
			verified, sent := strings.Index(a.Shell, "crm_verify"), strings.Index(a.Shell, "cibadmin --patch")
			if verified < 0 || sent < verified {
				t.Errorf("%s: sent before it was verified:\n%s", x.name, a.Shell)
			}
			if n := strings.Count(a.Shell, "--delete"); n != len(strings.Fields(x.drops)) || x.drops != "" && !strings.Contains(a.Shell, "@id='\\''"+x.drops+"'\\''") && !strings.Contains(a.Shell, `@id='"'"'`+x.drops) {
				t.Errorf("%s: removes other than %q:\n%s", x.name, x.drops, a.Shell)
			}
			if last := ch.Diffs[len(ch.Diffs)-1]; last.Want != "Pacemaker would: Start vip ( db1 )\n" {
				t.Errorf("%s: the effect is shown as %q", x.name, last.Want)
			}
		}
	}
}

func TestTheActiveSideMovesAndNothingIsLeft(t *testing.T) {
	resync := map[string]string{"db1": "cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent"}
	holding := pair{crm: `<constraints>` + move2 + `</constraints>`}
	moving := holding
	moving.running = strings.ReplaceAll(serving2, `id="vip" resource_agent="ocf:heartbeat:IPaddr2" role="Started" active="true"`, `id="vip" resource_agent="ocf:heartbeat:IPaddr2" role="Stopped" active="false"`)
	moved := holding
	moved.running = serving2
	standby2 := clusterNode("db1", "true", "false") + clusterNode("db2", "true", "true")
	rest2 := strings.NewReplacer(`<resource id="drbd" resource_agent="ocf:linbit:drbd" role="Unpromoted" active="true"><node name="db2"/></resource>`, "",
		`<resource id="fence-db1" resource_agent="stonith:fence_x" role="Started" active="true"><node name="db2"/></resource>`, "").Replace(serving1)
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
		{"to the standby", over(""), pair{}, "move the active side to db2", "", ""},
		{"to the one that is named", over("db2"), pair{}, "move the active side to db2", "", ""},
		{"where it is already", over("db1"), pair{}, "", "", ""},
		{"not in sync", over(""), pair{proc: resync}, "", "", "cannot take over"},
		{"a node is away", over(""), pair{nodes: clusterNode("db1", "true", "false") + clusterNode("db2", "false", "false")}, "", "", "db2 not yet"},
		{"the other one is in maintenance", over(""), pair{nodes: standby2, running: rest2}, "", "", "haprov maintenance db2 off"},
		{"asked for, not there yet", over("db2"), holding, "", "db2 serves", ""},
		{"on its way", over("db2"), moving, "", "db2 serves", ""},
		{"arrived", over("db2"), moved, "remove the constraint", "", ""},
		{"an earlier run was moving", over(""), moving, "", "db2 serves", ""},
		{"an earlier run was moving elsewhere", over("db1"), moved, "cancel an earlier move", "", ""},
		{"done", over("db2"), pair{running: serving2}, "", "", ""},
		{"rest for the standby", rest("db2", true), pair{}, "take db2 out of service", "", ""},
		{"rest for the standby, though not in sync", rest("db2", true), pair{proc: resync}, "take db2 out of service", "", ""},
		{"rest for the active side", rest("db1", true), pair{}, "move the active side to db2", "", ""},
		{"rest for the active side, not in sync", rest("db1", true), pair{proc: resync}, "", "", "cannot take over"},
		{"moved, held", rest("db1", true), moved, "remove the constraint", "", ""},
		{"moved", rest("db1", true), pair{running: serving2}, "take db1 out of service", "", ""},
		{"stopping", rest("db2", true), pair{nodes: standby2}, "", "nothing runs on db2", ""},
		{"at rest", rest("db2", true), pair{nodes: standby2, running: rest2}, "", "", ""},
		{"rest for both", rest("db1", true), pair{nodes: standby2, running: rest2}, "", "", "one host must serve"},
		{"back", rest("db2", false), pair{nodes: standby2, running: rest2}, "take db2 back into service", "", ""},
		{"back, not in sync", rest("db2", false), pair{proc: resync}, "", "up to date", ""},
		{"back and well", rest("db2", false), pair{}, "", "", ""},
	} {
		c, err := wantedVIP().Intend(x.in)
		if err != nil {
			t.Fatal(err)
		}
		ph, err := kindtest.Decide(t, c, x.p.hosts(t, c))
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		for host, ch := range ph.Changes {
			if strings.HasPrefix(ph.Name, "move") && (host != "db1" || !strings.Contains(ch.Actions[0].Guard, "UpToDate/UpToDate") || !strings.Contains(ch.Actions[0].Shell, "+15 min")) {
				t.Errorf("%s: on %s, guarded by %s\n%s", x.name, host, ch.Actions[0].Guard, ch.Actions[0].Shell)
			}
		}
	}
}

func TestARestartThatIsOwedIsPaidThroughPacemaker(t *testing.T) {
	p := wantedVIP()
	primitive := func(inside string) string {
		return record("vip") + `<resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2">` + inside + `</primitive></resources>`
	}
	stop := `<meta_attributes id="haprov-restart"><nvpair id="haprov-restart-target-role" name="target-role" value="Stopped"/></meta_attributes>`
	runs := `<resource id="vip" resource_agent="ocf:heartbeat:IPaddr2" active="true" role="Started"><node name="db1"/></resource>`
	stopped := `<resource id="vip" resource_agent="ocf:heartbeat:IPaddr2" active="false" role="Stopped"/>`
	for _, x := range []struct {
		name         string
		p            pair
		phase, waits string
		pays         int
	}{
		{"owed and running", pair{crm: primitive(""), running: runs, owed: "restart"}, "restart vip", "", 1},
		{"owed, and not running yet", pair{crm: primitive(""), running: stopped, owed: "restart"}, "nothing to restart for vip", "", 2},
		{"told to stop by a run that was cut short", pair{crm: primitive(stop), running: runs, owed: "restart"}, "cancel an earlier stop of vip", "", 0},
		{"stopped by a run that was cut short", pair{crm: primitive(stop), running: stopped, owed: "restart"}, "start vip again", "", 2},
		{"stopped by a run that was cut short before a reboot paid the mark", pair{crm: primitive(stop), running: stopped}, "start vip again", "", 0},
		{"nothing owed", pair{crm: primitive(""), running: runs}, "", "", 0},
	} {
		ph, err := kindtest.Decide(t, p, x.p.hosts(t, p))
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, "")
		pays := 0
		for _, ch := range ph.Changes {
			for _, a := range ch.Actions {
				pays += len(a.Pays)
			}
		}
		if pays != x.pays {
			t.Errorf("%s: pays %d marks, want %d", x.name, pays, x.pays)
		}
	}
}

// A controller that goes away in between must not leave the service stopped: the host itself starts
// it again, and if that host dies, too, the order to stop ends by the clock.
func TestTheHostItselfStartsAgainWhatItWasToldToStop(t *testing.T) {
	p := wantedVIP()
	runs := pair{crm: record("vip") + `<resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/></resources>`, owed: "restart",
		running: `<resource id="vip" resource_agent="ocf:heartbeat:IPaddr2" active="true" role="Started"><node name="db2"/></resource>`}
	ph, err := kindtest.Decide(t, p, runs.hosts(t, p))
	if err != nil || len(ph.Changes["db2"].Actions) != 1 {
		t.Fatalf("%+v %v", ph, err)
	}
	a := ph.Changes["db2"].Actions[0]
	stdin := a.Stdin.Reveal()
	if !strings.Contains(stdin, `operation="lt"`) || !strings.Contains(stdin, `end="`+until+`"`) || !strings.Contains(stdin, `id="haprov-restart"`) {
		t.Errorf("the order to stop does not end by itself: %s", stdin)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"cibadmin":     "case \"$*\" in *--delete*) echo deleted >>" + dir + "/log;; *--patch*) echo patched >>" + dir + "/log;; *-Q*) echo '<cib/>';; esac",
		"crm_verify":   "exit 78",
		"crm_simulate": "",
		"crm_diff":     "exit 1",
		"crm_resource": "n=$(cat " + dir + "/n); echo $((n+1)) >" + dir + "/n; echo located >>" + dir + "/log\ncase $n in 0) echo 'resource vip is running on: db2';; 1) echo 'Could not connect' >&2; exit 102;; *) echo 'resource vip is NOT running' >&2;; esac",
		"sleep":        "",
	} {
		kindtest.Write(t, dir+"/"+name, "#!/bin/sh\n"+text+"\n")
		if err := os.Chmod(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	kindtest.Write(t, dir+"/n", "0")
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	a.Guard = ""
	if rs := kindtest.Run(t, a); rs[0].State != act.Done {
		t.Fatalf("%+v", rs)
	}
	log, err := os.ReadFile(dir + "/log")
	if want := "patched located located located deleted"; err != nil || strings.Join(strings.Fields(string(log)), " ") != want {
		t.Errorf("%q, want %q %v", log, want, err)
	}
}

func TestAServerIsRestartedWhenAsked(t *testing.T) {
	p := wantedVIP()
	if _, err := p.Intend(plan.Intent{Verb: plan.Restart}); err == nil {
		t.Error("a restart of nothing was accepted")
	}
	p.Servers = []string{"vip"}
	c, err := p.Intend(plan.Intent{Verb: plan.Restart})
	if err != nil {
		t.Fatal(err)
	}
	runs := pair{crm: record("vip"), running: `<resource id="vip" resource_agent="ocf:heartbeat:IPaddr2" active="true" role="Started"><node name="db1"/></resource>`, starts: 1}
	owed, restarted := runs, runs
	owed.owed, restarted.starts = "restart", 2
	for _, x := range []struct {
		begin, now pair
		phase      string
	}{{runs, runs, "ask for the restart"}, {runs, owed, "restart vip"}, {runs, restarted, ""}, {owed, owed, "restart vip"}, {owed, restarted, ""}} {
		ph, err := kindtest.DecideLater(t, c, x.begin.hosts(t, c), x.now.hosts(t, c))
		kindtest.Expect(t, "then", ph, err, x.phase, "", "")
	}
}

// crm_verify ends with the same status for warnings, which the state of a running cluster gives
// reason for, and for a configuration that is wrong (seen with 2.1.5).
func TestAWrongConfigurationIsNotSent(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for name, x := range map[string]struct {
		verify string
		good   bool
	}{
		"right":        {"exit 0", true},
		"warnings":     {"echo 'crm_verify: Warnings found during check: config may not be valid' >&2; exit 78", true},
		"wrong":        {"echo '(x) error: m2 is duplicate' >&2; echo 'crm_verify: Errors found during check: config not valid' >&2; exit 78", false},
		"not verified": {"echo 'no such file' >&2; exit 66", false},
	} {
		kindtest.Write(t, dir+"/crm_verify", "#!/bin/sh\n"+x.verify+"\n")
		if err := os.Chmod(dir+"/crm_verify", 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", "-e", "-c", cibEdit{}.apply()+" || exit 1").CombinedOutput()
		if (err == nil) != x.good || !x.good && len(out) == 0 {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
}
