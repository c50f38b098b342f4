package haprov

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/cluster/corosync"
	"haprov/internal/template"
)

func rendered(t *testing.T, name string, values map[string]any) string {
	t.Helper()
	text, err := Shipped.ReadFile("templates/" + name)
	if err != nil {
		t.Fatal(err)
	}
	tm, err := template.Parse(name, string(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := tm.Render(values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run gives what a script prints, with programs of its own before all others.
func run(t *testing.T, script, stdin string, programs map[string]string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("sh", "-c", script)
	c.Stdin = strings.NewReader(stdin)
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := c.Output()
	return string(out), err
}

// TestVersionsBelowTheFloorAreRefused lets dpkg-query and apt-cache say what is there.
func TestVersionsBelowTheFloorAreRefused(t *testing.T) {
	script := rendered(t, "floor.tmpl", map[string]any{"package": "mariadb-server", "floors": []any{"10.6.27", "10.11.18", "11.4.12"}})
	for _, x := range []struct{ name, installed, candidate, refused string }{
		{"good, to be installed", "", "1:10.11.19-0+deb12u1", ""},
		{"good, installed", "ii 1:10.11.18-0+deb12u1", "1:10.11.19-0+deb12u1", ""},
		{"of a vendor", "", "1:11.4.12+maria~deb12", ""},
		{"of a later series", "", "1:12.1.2+maria~deb12", ""},
		{"old, installed", "ii 1:10.11.6-0+deb12u1", "1:10.11.19-0+deb12u1", "10.11.18 is the first"},
		{"old, to be installed", "", "1:10.6.9-1", "10.6.27 is the first"},
		{"of a series that nobody looks after", "", "1:11.2.9-1", "not known to be maintained"},
		{"removed, its files left", "rc 1:10.11.6-0+deb12u1", "1:10.11.19-0+deb12u1", ""},
		{"unknown to apt", "", "(none)", "run apt-get update"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			out, err := run(t, script, "", map[string]string{"dpkg-query": "echo '" + x.installed + "'", "apt-cache": "echo '  Candidate: " + x.candidate + "'"})
			if (err != nil) != (x.refused != "") || !strings.Contains(out, x.refused) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestTheWriterIsTheLastDonor asks who would give a full copy.
func TestTheWriterIsTheLastDonor(t *testing.T) {
	text := rendered(t, "galera-donors.tmpl", map[string]any{"others": []any{map[string]any{"name": "db1"}, map[string]any{"name": "db3"}}})
	for writer, want := range map[string]string{"db1": "db3,db1,", "db3": "db1,db3,", "db9": "db1,db3,", "": "db1,db3,"} {
		dir := t.TempDir()
		script := strings.NewReplacer("/usr/local/lib/haprov/", "", "/run/", dir+"/", "/var/lib/mysql/", dir+"/").Replace(text)
		view := filepath.Join(dir, "gvwstate.dat")
		if err := os.WriteFile(view, []byte(map[string]string{"db1": "my_uuid: 1\n"}[writer]), 0o600); err != nil {
			t.Fatal(err)
		}
		// Nobody answers at first, as on a busy machine.
		programs := map[string]string{"sleep": "echo >>" + dir + "/slept", "galera-writer": "[ -e " + dir + "/slept ] && test -n '" + writer + "' && echo " + writer}
		if _, err := run(t, script, "", programs); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "haprov-galera-donors"))
		if err != nil || string(got) != "MYSQLD_OPTS=--wsrep-sst-donor="+want+"\n" {
			t.Errorf("writer %q: %q %v", writer, got, err)
		}
		if _, err := os.Stat(view); (err == nil) != (writer == "db1") {
			t.Errorf("a view is kept when it is whole, and only then: %v", err)
		}
	}
}

// TestTimersLeaveTheClustersServersAlone has apt and Perl read what unattended-upgrades and
// needrestart would.
func TestTimersLeaveTheClustersServersAlone(t *testing.T) {
	for _, p := range []string{"apt-config", "perl"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%v: it is on every Debian", err)
		}
	}
	conf := filepath.Join(t.TempDir(), "52haprov")
	if err := os.WriteFile(conf, []byte(rendered(t, "unattended.conf.tmpl", map[string]any{"packages": []any{"mariadb-", "corosync"}})), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("apt-config", "-c", conf, "dump", "Unattended-Upgrade").CombinedOutput(); err != nil || !strings.Contains(string(out), `Blacklist:: "^mariadb-"`) || !strings.Contains(string(out), `Blacklist:: "^corosync"`) {
		t.Errorf("%v: %s", err, out)
	}
	perl := "my %nrconf;\n" + rendered(t, "needrestart.conf.tmpl", map[string]any{"services": []any{"mariadb", "corosync"}}) +
		`for my $rc (qw(mariadb.service corosync.service corosync-qnetd.service ssh.service)) { print "$rc " if grep { $rc =~ /$_/ && !$nrconf{override_rc}{$_} } keys %{$nrconf{override_rc}} }`
	if out, err := exec.Command("perl", "-we", perl).CombinedOutput(); err != nil || string(out) != "mariadb.service corosync.service " {
		t.Errorf("%v: %s", err, out)
	}
}

// TestAServerWithDatabasesOfItsOwnIsNotConfiguredForACluster looks at folders as servers leave them.
func TestAServerWithDatabasesOfItsOwnIsNotConfiguredForACluster(t *testing.T) {
	text, err := Shipped.ReadFile("templates/galera-strange.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ name, make, found string }{
		{"no server yet", "rmdir .", ""},
		{"a new one", "mkdir mysql sys performance_schema test; touch ibdata1 test/db.opt", ""},
		{"one in use", "mkdir mysql sys shop test; touch test/orders.ibd", " shop test"},
		{"a member", "mkdir mysql shop; touch grastate.dat", ""},
		{"a member whose state was taken away", "mkdir mysql shop; touch galera.cache", ""},
		{"a first copy that was broken off", "mkdir mysql shop; touch sst_in_progress", ""},
	} {
		dir := t.TempDir() + "/data"
		if out, err := exec.Command("sh", "-c", "mkdir "+dir+" && cd "+dir+" && "+strings.Replace(x.make, "rmdir .", "rmdir "+dir, 1)).CombinedOutput(); err != nil {
			t.Fatalf("%s: %s", x.name, out)
		}
		for _, elsewhere := range []string{"", "echo --user=mysql; echo --datadir=" + dir} {
			looked, programs := dir, map[string]string{"my_print_defaults": elsewhere}
			if elsewhere != "" {
				looked = dir + "-none"
			}
			out, err := run(t, strings.ReplaceAll(string(text), "/var/lib/mysql", looked), "", programs)
			if (err != nil) != (x.found != "") || x.found != "" && !strings.HasSuffix(strings.TrimSpace(out), "replace:"+x.found) {
				t.Errorf("%s: %q %v", x.name, out, err)
			}
		}
	}
}

// TestAClusterOfSomebodyElseIsNotBuiltUpon looks at what Pacemaker and Galera have on their disks.
func TestAClusterOfSomebodyElseIsNotBuiltUpon(t *testing.T) {
	const ours = `<nvpair id="haprov-record-owned" name="haprov-owned" value="mysql-fs"/>`
	resource := func(id, class string) string {
		return `    <primitive id="` + id + `" class="` + class + `" type="x">` + "\n"
	}
	pacemaker := rendered(t, "other-pacemaker.tmpl", map[string]any{"resources": []any{"drbd-mysql", "mysql-fs"}})
	for _, x := range []struct{ name, cib, found string }{
		{"no cluster", "", ""},
		{"a new cluster", "<cib><configuration><resources/></configuration></cib>", ""},
		{"one of haprov, with more resources", "<cib>" + ours + resource("mysql-fs", "ocf") + resource("web", "ocf"), ""},
		{"one of somebody else", "<cib>" + resource("p_fs", "ocf") + resource("p_ip", "ocf"), "p_fs p_ip"},
		{"the id stands last", "<cib>\n<primitive class=\"ocf\" type=\"x\" id=\"p_fs\"/>\n", "p_fs"},
		{"of somebody else, called as the recipe's", "<cib>" + resource("mysql-fs", "ocf") + resource("st-db1", "stonith"), ""},
		{"an id that would move the cursor", "<cib>" + resource("a\x1b[2Jb", "ocf"), "a[2Jb"},
	} {
		dir := t.TempDir()
		if x.cib != "" {
			if err := os.WriteFile(dir+"/cib.xml", []byte(x.cib), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := run(t, strings.ReplaceAll(pacemaker, "/var/lib/pacemaker/cib", dir), "", nil)
		want := ""
		if x.found != "" {
			want = "Pacemaker has resources here that haprov did not make: " + x.found
		}
		if (err != nil) != (x.found != "") || strings.TrimSpace(out) != want {
			t.Errorf("%s: %q %v, want %q", x.name, out, err, want)
		}
	}
	galera := rendered(t, "other-galera.tmpl", map[string]any{"cluster": "shop"})
	const member = "uuid:    88a6cc73-eb5e-11f1-8838-c3e4a9441bd0\nseqno: 5\n"
	for _, x := range []struct {
		name, state, options string
		ours, refused        bool
	}{
		{"no server", "", "", false, false},
		{"never a member", "uuid:    00000000-0000-0000-0000-000000000000\n", "--wsrep_cluster_name=old", false, false},
		{"of another group", member, "--wsrep_cluster_name=old", false, true},
		{"of another group, in the other spelling", member, "--wsrep-cluster-name=old", false, true},
		{"of this group", member, "--wsrep_cluster_name=shop", false, false},
		{"of haprov, under its former name", member, "--wsrep_cluster_name=old", true, false},
		{"the last name counts", member, "--wsrep_cluster_name=old\n--wsrep_cluster_name=shop", false, false},
	} {
		dir := t.TempDir()
		if x.state != "" {
			if err := os.WriteFile(dir+"/grastate.dat", []byte(x.state), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if x.ours {
			if err := os.WriteFile(dir+"/90-haprov.cnf", nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		script := strings.NewReplacer("/var/lib/mysql", dir, "/etc/mysql/mariadb.conf.d", dir).Replace(galera)
		out, err := run(t, script, "", map[string]string{"my_print_defaults": "printf -- '" + x.options + "\\n'"})
		if (err != nil) != x.refused || x.refused && !strings.Contains(out, "member of the Galera group old,") {
			t.Errorf("%s: %q %v", x.name, out, err)
		}
	}
}

// TestAVirtualIPOfAnotherMachineIsRefused plays the neighbours.
func TestAVirtualIPOfAnotherMachineIsRefused(t *testing.T) {
	text := rendered(t, "vip-free.tmpl", map[string]any{"vip": "10.0.0.100", "members": []any{"10.0.0.11", "10.0.0.12"}})
	neigh := func(vip string) string {
		return "case \"$*\" in *addr*) echo '2: eth0 inet 10.0.0.11/24';; *10.0.0.100) " + vip + ";; *10.0.0.12) echo '10.0.0.12 dev eth0 lladdr 52:54:00:00:00:02 STALE';; esac"
	}
	for _, x := range []struct {
		name, ip, ping string
		refused        bool
	}{
		{"nobody answers", neigh("true"), "exit 1", false},
		{"it is here", "echo '2: eth0    inet 10.0.0.100/24 scope global secondary eth0'", "true", false},
		{"its neighbour has it", neigh("echo '10.0.0.100 dev eth0 lladdr 52:54:00:00:00:02 REACHABLE'"), "true", false},
		{"a stranger has it", neigh("echo '10.0.0.100 dev eth0 lladdr 52:54:00:00:00:99 REACHABLE'"), "true", true},
		{"its address is not known", neigh("echo '10.0.0.100 dev eth0 FAILED'"), "true", false},
		{"a longer address is here", strings.Replace(neigh("echo '10.0.0.100 dev eth0 lladdr 52:54:00:00:00:99 REACHABLE'"), "10.0.0.11/24", "10.0.0.100.1/24", 1), "true", true},
	} {
		out, err := run(t, text, "", map[string]string{"ip": x.ip, "ping": x.ping})
		if (err != nil) != x.refused || x.refused && !strings.Contains(out, "answers from 52:54:00:00:00:99") {
			t.Errorf("%s: %q %v", x.name, out, err)
		}
	}
}

// TestOnlyTwoNodesMayGoOnAlone: two_node is for exactly two (votequorum(5)); with three it would be
// refused by corosync.
func TestOnlyTwoNodesMayGoOnAlone(t *testing.T) {
	nodes := []any{map[string]any{"name": "a", "id": 1, "links": []any{"192.0.2.1"}}, map[string]any{"name": "b", "id": 2, "links": []any{"192.0.2.2"}}, map[string]any{"name": "c", "id": 3, "links": []any{"192.0.2.3"}}}
	for n := 2; n <= 3; n++ {
		text := rendered(t, "corosync.conf.tmpl", map[string]any{"cluster": "x", "token": 3000, "consensus": 600, "nodes": nodes[:n]})
		if got := strings.Contains(text, "two_node: 1"); got != (n == 2) || !strings.Contains(text, "provider: corosync_votequorum\n") {
			t.Errorf("%d nodes:\n%s", n, text)
		}
	}
}

// TestWithAnArbiterNoNodeGoesOnAlone: two_node beside a device is refused by lint, and wait_for_all lets one
// node and the arbiter go on; the device is read back by the parser that lint has.
func TestWithAnArbiterNoNodeGoesOnAlone(t *testing.T) {
	nodes := []any{map[string]any{"name": "a", "id": 1, "links": []any{"192.0.2.1"}}, map[string]any{"name": "b", "id": 2, "links": []any{"192.0.2.2"}}}
	text := rendered(t, "corosync.conf.tmpl", map[string]any{"cluster": "x", "token": 3000, "consensus": 600, "nodes": nodes, "arbiter": "192.0.2.9"})
	c, err := corosync.ParseConf(text)
	if err != nil || strings.Contains(text, "two_node:") || strings.Contains(text, "wait_for_all:") {
		t.Fatalf("%v\n%s", err, text)
	}
	for path, want := range map[string]string{"votes": "1", "timeout": "1250", "sync_timeout": "3000", "net host": "192.0.2.9", "net tls": "required", "net algorithm": "ffsplit"} {
		if k, _ := c.Get(append([]string{"quorum", "device"}, strings.Fields(path)...)...); k.Value != want {
			t.Errorf("%s is %q, want %q", path, k.Value, want)
		}
	}
}

// TestAMemberThatStartsAloneAsksForNoVote runs the unit's script with tools in place of Corosync's.
func TestAMemberThatStartsAloneAsksForNoVote(t *testing.T) {
	dir := t.TempDir()
	conf, mark := dir+"/corosync.conf", dir+"/mark"
	script := strings.NewReplacer("/etc/corosync/corosync.conf", conf, "/run/haprov-ring-was-whole", mark, "/usr/sbin/", "").Replace(deviceScript(t))
	write := func(file, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	device := "quorum {\n  device {\n  }\n}\n"
	for _, x := range []struct{ name, conf, mark, want string }{
		{"alone", device, "", "sleep 1\nvotes of 2\n"},
		{"alone, and this start of corosync has seen both", device, "this\n", "votes\n"},
		{"alone, and only an earlier one has", device, "earlier\n", "sleep 1\nvotes of 2\n"},
		{"no device any more", "quorum {\n}\n", "", ""},
	} {
		write(conf, x.conf)
		write(mark, x.mark)
		write(dir+"/nodes", "1")
		said, err := run(t, script, "", map[string]string{
			"systemctl":           "echo this",
			"corosync-quorumtool": "echo \"Nodes:            $(cat " + dir + "/nodes)\"",
			"sleep":               "echo sleep $1; echo 2 >" + dir + "/nodes",
			"corosync-qdevice":    "[ $(cat " + dir + "/nodes) = 2 ] && echo votes of 2 || echo votes",
		})
		if err != nil || said != x.want {
			t.Errorf("%s: %q %v, want %q", x.name, said, err, x.want)
		}
	}
}

// TestDRBDsFenceHandlerSeesAPeerThatPacemaker3HasFenced: the node states are as cibadmin wrote them on
// Debian 13 (Pacemaker 3.0.0) after the power of db1 was cut, and on Debian 12 (2.1.5).
func TestDRBDsFenceHandlerSeesAPeerThatPacemaker3HasFenced(t *testing.T) {
	text, err := Shipped.ReadFile("templates/drbd-cibadmin")
	if err != nil {
		t.Fatal(err)
	}
	ours := t.TempDir()
	if err := os.WriteFile(filepath.Join(ours, "cibadmin"), text, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ name, said, want string }{
		{"13: fenced", `<node_state id="1" uname="db1" in_ccm="0" crmd="0" crm-debug-origin="do_state_transition" join="down" expected="down"/>`,
			`<node_state id="1" uname="db1" in_ccm="false" crmd="offline" crm-debug-origin="do_state_transition" join="down" expected="down"/>`},
		{"13: online", `<node_state id="2" uname="db2" in_ccm="1795826884" crmd="1795826884" join="member" expected="member">`,
			`<node_state id="2" uname="db2" in_ccm="true" crmd="online" join="member" expected="member">`},
		{"12", `<node_state id="1" uname="db1" in_ccm="false" crmd="offline" join="down" expected="down"/>`,
			`<node_state id="1" uname="db1" in_ccm="false" crmd="offline" join="down" expected="down"/>`},
		{"not of a node's state", `<nvpair id="x" name="y" value="0" crmd="0"/>`, `<nvpair id="x" name="y" value="0" crmd="0"/>`},
		{"nothing", "", ""},
	} {
		out, err := run(t, `PATH="`+ours+`:$PATH" cibadmin -Q -t 1`, "", map[string]string{"cibadmin": `[ "$*" = "-Q -t 1" ] || exit 9
printf '%s' '` + x.said + `'; exit 3`})
		var ended *exec.ExitError
		if !errors.As(err, &ended) || ended.ExitCode() != 3 {
			t.Errorf("%s: the exit code is not the program's: %v", x.name, err)
		}
		if strings.TrimSuffix(out, "\n") != x.want {
			t.Errorf("%s: %q, want %q", x.name, out, x.want)
		}
	}
}
