package kind_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// aptRoot is a system of apt's own: what is installed, and what its only source has. Both are stanzas of
// "name version [depends]".
func aptRoot(t *testing.T, installed, offered []string) {
	t.Helper()
	dir := t.TempDir()
	stanza := func(l, more string) string {
		f := strings.Fields(l)
		s := "Package: " + f[0] + "\nVersion: " + f[1] + "\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n" + more
		if len(f) > 2 {
			s += "Depends: " + strings.Join(f[2:], " ") + "\n"
		}
		return s
	}
	status, packages := "", ""
	for _, l := range installed {
		state := "install ok installed"
		if rest, held := strings.CutPrefix(l, "held "); held {
			l, state = rest, "hold ok installed"
		}
		status += stanza(l, "Status: "+state+"\n") + "\n"
	}
	for _, l := range offered {
		packages += stanza(l, "Filename: ./x.deb\nSize: 1\nSHA256: "+strings.Repeat("0", 64)+"\n") + "\n"
	}
	for _, d := range []string{"state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d", "repo"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	kindtest.Write(t, filepath.Join(dir, "status"), status)
	kindtest.Write(t, filepath.Join(dir, "repo/Packages"), packages)
	kindtest.Write(t, filepath.Join(dir, "etc/sources.list"), "deb [trusted=yes] file:"+dir+"/repo ./\n")
	kindtest.Write(t, filepath.Join(dir, "apt.conf"), `Dir::State "`+dir+`/state"; Dir::State::status "`+dir+`/status"; Dir::Cache "`+dir+`/cache"; Dir::Etc "`+dir+`/etc"; Dir::Etc::parts "apt.conf.d"; APT::Sandbox::User "root";`)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("APT_CONFIG", filepath.Join(dir, "apt.conf"))
	if out, err := exec.Command("apt-get", "-q", "update").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// asked runs the question here.
func asked(t *testing.T, u kind.Upgrade) probe.Seen {
	t.Helper()
	kindtest.NoteQueries(u.Query("db1"))
	out, err := exec.Command("sh", "-c", u.Query("db1").Shell).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return probe.NewSeen(kindtest.Answer(u.Query("db1"), 0, string(out)))
}

// TestAptIsAskedWhatAnUpgradeWouldDo has the real apt-get say it, of systems of its own.
func TestAptIsAskedWhatAnUpgradeWouldDo(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("no apt-get here")
	}
	installed := []string{"mariadb-server 1:10.11.6-0+deb12u1 mariadb-server-core (>= 1:10.11.6-0+deb12u1)", "mariadb-server-core 1:10.11.6-0+deb12u1", "corosync 3.1.7-1", "other 1.0-1"}
	for _, x := range []struct {
		name      string
		installed []string
		offered   []string
		all       bool
		want      string
		refused   string
	}{
		{"nothing is newer", installed, []string{"corosync 3.1.7-1"}, false, "", ""},
		{"an update, and what it needs", installed, []string{"mariadb-server 1:10.11.14-0+deb12u2 mariadb-server-core (= 1:10.11.14-0+deb12u2)", "mariadb-server-core 1:10.11.14-0+deb12u2", "other 1.1-1"}, false,
			"mariadb-server-core 1:10.11.6-0+deb12u1 -> 1:10.11.14-0+deb12u2, mariadb-server 1:10.11.6-0+deb12u1 -> 1:10.11.14-0+deb12u2", ""},
		{"all packages", installed, []string{"corosync 3.1.7-1+deb12u1", "other 2.0-1"}, true, "corosync 3.1.7-1 -> 3.1.7-1+deb12u1, other 1.0-1 -> 2.0-1", ""},
		{"another series", installed, []string{"mariadb-server 1:11.8.3-0+deb13u1 mariadb-server-core", "mariadb-server-core 1:11.8.3-0+deb13u1"}, false, "", "another series"},
		{"held", append([]string{"held corosync 3.1.7-1"}, installed[:2]...), []string{"corosync 3.1.7-1+deb12u1"}, true, "", ""},
		{"one is not installed", installed[2:], []string{"corosync 3.1.7-1+deb12u1", "mariadb-server 1:10.11.6-0+deb12u1"}, false, "corosync 3.1.7-1 -> 3.1.7-1+deb12u1", ""},
		{"a package that apt does not know", installed[3:], nil, false, "", "apt-get cannot tell"},
	} {
		t.Run(x.name, func(t *testing.T) {
			aptRoot(t, x.installed, x.offered)
			u := kind.Upgrade{Intent: plan.Intent{Verb: plan.Upgrade, All: x.all, Packages: map[string][]string{"db1": {"corosync", "mariadb-server"}}}}
			p, err := u.Read("db1", asked(t, u))
			if x.refused != "" {
				if err == nil || !strings.Contains(err.Error(), x.refused) {
					t.Errorf("want %q, got %v %+v", x.refused, err, p)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range p.Updates {
				got = append(got, i.String())
			}
			if diff := cmp.Diff(x.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatAHostSaysOfItsUpgradeIsRead(t *testing.T) {
	u := kind.Upgrade{Intent: plan.Intent{Verb: plan.Upgrade, Reboot: true, Packages: map[string][]string{"db1": {"corosync"}}}, Units: []string{"corosync.service"}}
	says := func(out string) probe.Hosts {
		return probe.Hosts{"db1": {Seen: probe.NewSeen(kindtest.Answer(u.Query("db1"), 0, out))}}
	}
	boots := "fresh 1\nleaving 0\nboot a\nreboot a kernel was installed since it booted: vmlinuz-6.1.0-40-amd64 \nstale corosync.service\nstale sshd.service\n"
	for _, x := range []struct {
		name       string
		begin, now string
		want       kind.Pending
		refused    string
	}{
		{"quiet", "boot a\nfresh 0\n", "boot a\nfresh 0\n", kind.Pending{}, ""},
		{"a kernel, and a replaced program of ours", boots, boots, kind.Pending{Fresh: true, Stale: []string{"corosync.service"}, Boots: "a kernel was installed since it booted: vmlinuz-6.1.0-40-amd64", Reboot: true}, ""},
		{"rebooted in this run, and asks again", boots, "boot b\nreboot a package asks for it\n", kind.Pending{Boots: "a package asks for it"}, ""},
		{"on its way down", boots, "boot a\nleaving 1\n", kind.Pending{Leaving: true}, ""},
		{"something would go", "boot a\n", "boot a\nRemv galera-4 [26.4.13-1]\n", kind.Pending{}, "would remove"},
		{"no line of apt's", "boot a\n", "boot a\nInst $(reboot) [x] (y z)\n", kind.Pending{}, "expected"},
	} {
		got, err := u.Hosts([]string{"db1"}, says(x.begin), says(x.now))
		if x.refused != "" {
			if err == nil || !strings.Contains(err.Error(), x.refused) {
				t.Errorf("%s: want %q, got %v", x.name, x.refused, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
		if diff := cmp.Diff(x.want, got["db1"], cmpopts.IgnoreUnexported(kind.Pending{})); diff != "" {
			t.Errorf("%s: %s", x.name, diff)
		}
	}
}

// TestAHostIsTakenBackWhenItsUpgradeFails runs the job here, apt-get being what fails.
func TestAHostIsTakenBackWhenItsUpgradeFails(t *testing.T) {
	u := kind.Upgrade{Intent: plan.Intent{Verb: plan.Upgrade, Packages: map[string][]string{"db1": {"corosync"}}}}
	dir := t.TempDir()
	ph := u.Phase("db1", kind.Pending{Updates: []kind.Update{{Name: "corosync", Have: "1", Want: "2"}}},
		kind.Job{Out: "echo out >>" + dir + "/log", Back: "echo back >>" + dir + "/log"}, nil)
	a := ph.Changes["db1"].Actions[0]
	kindtest.NoteActions(a)
	for _, tool := range []string{"dpkg", "apt-get"} {
		if err := os.WriteFile(filepath.Join(dir, tool), []byte("#!/bin/sh\necho "+tool+" >>"+dir+"/log\ntest "+tool+" = dpkg\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("sh", "-e", "-c", strings.ReplaceAll(a.Shell, "/usr/sbin/policy-rc.d", dir+"/policy-rc.d"))
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if out, err := c.CombinedOutput(); err == nil {
		t.Errorf("succeeds: %s", out)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	if got := strings.Join(strings.Fields(string(log)), " "); got != "out dpkg apt-get back" {
		t.Errorf("did %q", got)
	}
	if _, err := os.Lstat(filepath.Join(dir, "policy-rc.d")); err == nil {
		t.Error("services are still held back")
	}
}
