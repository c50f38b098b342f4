package kind_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

func TestMain(m *testing.M) { os.Exit(kindtest.Main(m, os.Stderr)) }

// answered asks this machine what a removal wants to know; nothing is known of units here.
func answered(t *testing.T, r *kind.Removal, units map[string]string) probe.Seen {
	t.Helper()
	seen := probe.Seen{}
	for _, q := range r.Probe(seen) {
		a := probe.Answer{State: probe.Answered}
		if q.Kind == probe.Command {
			kindtest.NoteQueries(q)
			out, err := exec.Command("sh", "-c", q.Shell).Output()
			if err != nil {
				t.Fatal(err)
			}
			a.Out = string(out)
		} else {
			a.Out = units[q.Name]
		}
		seen = seen.With(map[probe.Key]probe.Answer{q.Key(): a})
	}
	return seen
}

func TestWhatAStepOwnsGoesAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"empty", "full"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	kindtest.Write(t, dir+"/file", "x")
	kindtest.Write(t, dir+"/full/data", "x")
	kindtest.Write(t, dir+"/target", "x")
	if err := os.Symlink(dir+"/target", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	r := &kind.Removal{Things: append(kind.Paths(dir+"/file", dir+"/link", dir+"/empty", dir+"/full", dir+"/nothing"), kind.Runs("haproxy.service", false), kind.Thing{What: "file " + dir + "/target", Path: dir + "/target", Shared: true})}
	seen := answered(t, r, map[string]string{"haproxy.service": "LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled"})
	c, err := r.Decide(seen)
	if err != nil {
		t.Fatal(err)
	}
	kindtest.Run(t, c.Actions...)
	left, _ := filepath.Glob(dir + "/*")
	if got := strings.ReplaceAll(strings.Join(left, " "), dir+"/", ""); got != "full target" {
		t.Errorf("left: %s", got)
	}
	if c, err := r.Decide(answered(t, r, map[string]string{"haproxy.service": "LoadState=not-found"})); err != nil || !c.Empty() {
		t.Errorf("the second time: %+v %v", c, err)
	}
}

func TestAUnitIsStoppedBeforeItsFileGoes(t *testing.T) {
	dir := t.TempDir()
	kindtest.Write(t, dir+"/x.service", "[Unit]")
	r := &kind.Removal{Things: append(kind.Paths(dir+"/x.service"), kind.Runs("x.service", true))}
	c, err := r.Decide(answered(t, r, map[string]string{"x.service": "LoadState=loaded\nActiveState=active\nUnitFileState=enabled"}))
	if err != nil || len(c.Actions) != 2 || c.Actions[0].Title != "stop x.service" {
		t.Fatalf("%+v %v", c, err)
	}
	kindtest.NoteActions(c.Actions...)
	if !probe.Overlap([]probe.Subject{kind.FileSubject(dir)}, c.Actions[1].Touches) {
		t.Errorf("the folder that may be empty now is not looked at again: %v", c.Actions[1].Touches)
	}
}

// What a package brought, and what the next login may need, stays.
func TestTheHostsOwnIsSpared(t *testing.T) {
	for _, p := range []string{"/etc/fstab", "/etc/hosts", "/srv", "/etc/ssh/sshd_config", "/etc/sudoers.d/haprov", "/etc/network/interfaces", "/etc/netplan/haprov.yaml", "/root/.ssh/authorized_keys", "/etc/apt/sources.list.d/site.list", "/etc/haprovision", "/boot/x"} {
		r := &kind.Removal{Things: kind.Paths(p)}
		if qs := r.Probe(probe.Seen{}); len(qs) != 0 {
			t.Errorf("%s would be removed", p)
		}
		if got := r.Spared(); len(got) != 1 || got[0] != "file "+p {
			t.Errorf("%s is not told of: %v", p, got)
		}
	}
	for _, u := range []string{"ssh.service", "ssh.socket", "systemd-networkd.service", "networking.service", "cron.service"} {
		r := &kind.Removal{Things: []kind.Thing{kind.Runs(u, false)}}
		if qs := r.Probe(probe.Seen{}); len(qs) != 0 || len(r.Spared()) != 1 {
			t.Errorf("%s would be stopped", u)
		}
	}
	for _, p := range []string{"/etc/haprov", "/etc/haprov/x", "/usr/local/lib/haprov/x", "/srv/mysql", "/usr/lib/ocf/resource.d/haprov/mariadb", "/etc/apt/apt.conf.d/52haprov", "/etc/corosync/corosync.conf"} {
		r := &kind.Removal{Things: kind.Paths(p)}
		if qs := r.Probe(probe.Seen{}); len(qs) != 1 || len(r.Spared()) != 0 {
			t.Errorf("%s would stay", p)
		}
	}
	const brought = "/usr/share/doc/base-files/README" // a file of a package that every Debian has
	if _, err := os.Stat(brought); err == nil {
		r := &kind.Removal{Things: kind.Paths(brought)}
		if c, err := r.Decide(answered(t, r, nil)); err != nil || !c.Empty() {
			t.Errorf("a package's file: %+v %v", c, err)
		}
	}
	if c, _ := (&kind.Removal{Things: kind.Paths("/srv/x/y")}).Decide(probe.Seen{}); c.Later == "" {
		t.Errorf("decided without an answer: %+v", c)
	}
}
