package vm

import (
	"strings"
	"testing"
	"time"
)

// TestALabsDisksAreKeptAndBroughtBack saves a running machine, changes it, brings it back, and makes it
// anew.
func TestALabsDisksAreKeptAndBroughtBack(t *testing.T) {
	suite(t, "core", "snapshot")
	p := newPlace(t)
	p.write("haprov.hcl", alone)
	p.up(5 * time.Minute)
	on := func(command string) string {
		t.Helper()
		return strings.TrimSpace(p.run(time.Minute, "ssh", "one", "--", command))
	}
	on("mkdir -p /mnt/kept && mount /dev/disk/by-label/kept /mnt/kept && echo before >/mnt/kept/f")
	boot := on("cat /proc/sys/kernel/random/boot_id")
	if out := p.run(time.Minute, "lab", "snapshot", "save", "ready"); !strings.Contains(out, "the machines stood still for") {
		t.Errorf("save: %s", out)
	}
	if now := on("cat /proc/sys/kernel/random/boot_id"); now != boot {
		t.Error("the machine was restarted by a snapshot")
	}
	on("echo after >/mnt/kept/f; rm /etc/hello; sync")
	t.Log(p.run(5*time.Minute, "lab", "snapshot", "restore", "ready"))
	if out := on("mount /dev/disk/by-label/kept /mnt/kept && cat /mnt/kept/f /etc/hello"); out != "before\nfrom an ordinary user" {
		t.Errorf("restored: %q", out)
	}
	if s := p.up(5 * time.Minute); s.Changes != 0 {
		t.Errorf("after a restore: %+v", s)
	}
	if out := p.run(time.Minute, "lab", "snapshot", "list"); !strings.HasPrefix(out, "ready ") {
		t.Errorf("list: %s", out)
	}

	p.run(5*time.Minute, "lab", "rebuild", "one", "--only", "root")
	if out := on("test -e /etc/hello || blkid -t LABEL=kept -o value -s TYPE"); out != "ext4" {
		t.Errorf("rebuilt with its disk: %q", out)
	}
	p.run(5*time.Minute, "lab", "rebuild", "one")
	if out := on("blkid -t LABEL=kept -o device || echo empty"); out != "empty" {
		t.Errorf("rebuilt: %q", out)
	}
	if s := p.up(5 * time.Minute); s.Changes == 0 || s.Failed != 0 {
		t.Errorf("a rebuilt machine: %+v", s)
	}
}
