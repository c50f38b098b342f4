package host

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/kind/kindtest"
)

// loop makes a disk of a file; grow makes it larger.
func loop(t *testing.T, size int64) (disk string, grow func(int64)) {
	t.Helper()
	img := t.TempDir() + "/disk"
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, size); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "-f", "--show", img).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	disk = strings.TrimSpace(string(out))
	t.Cleanup(func() { exec.Command("losetup", "-d", disk).Run() })
	return disk, func(size int64) {
		t.Helper()
		if err := os.Truncate(img, size); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("losetup", "-c", disk).CombinedOutput(); err != nil {
			t.Fatalf("losetup: %v: %s", err, out)
		}
	}
}

func TestVolumesAreMadeAndGrowOnARealHost(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	t.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	if out, err := exec.Command("dmsetup", "version").CombinedOutput(); err != nil {
		t.Skipf("no LVM or no device mapper here, test/vm does the like: %v %s", err, out)
	}
	one, grow := loop(t, 64<<20)
	two, _ := loop(t, 64<<20)
	const name = "haprovtest"
	t.Cleanup(func() { exec.Command("vgremove", "-f", "-y", name).Run() })
	size := func() string {
		t.Helper()
		out, err := exec.Command("lvs", "--noheadings", "--units", "m", "-o", "lv_name,lv_size", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	group := &VolumeGroup{Name: name, Disks: []string{one}}
	mysql := &LogicalVolume{Name: "mysql", Group: name, Size: 10 << 20}
	rest := &LogicalVolume{Name: "rest", Group: name}
	if c, err := mysql.Decide(look(t, mysql)); err != nil || c.Later == "" {
		t.Errorf("a volume without its group: %+v %v", c, err)
	}
	mend(t, group)
	mend(t, mysql)
	mend(t, &Filesystem{Device: "/dev/" + name + "/mysql", Type: "ext4"})
	mend(t, rest)
	if got := size(); got != "mysql 12.00m rest 48.00m" {
		t.Error(got)
	}
	mysql.Size = 20 << 20
	if _, err := mysql.Decide(look(t, mysql)); err == nil || !strings.Contains(err.Error(), "has 0 MiB free; haprovtest/mysql needs 8 MiB more") {
		t.Errorf("more than there is: %v", err)
	}
	group.Disks = []string{one, two}
	mend(t, group)
	mend(t, mysql)
	mend(t, rest)
	grow(128 << 20)
	mend(t, group)
	mend(t, rest)
	if got := size(); got != "mysql 20.00m rest 164.00m" {
		t.Error(got)
	}
	mysql.Size = 1 << 20
	if c, err := mysql.Decide(look(t, mysql)); err != nil || !c.Empty() {
		t.Errorf("a volume that is larger than wanted: %+v %v", c, err)
	}
	if out, err := exec.Command("lvchange", "-a", "n", name+"/mysql").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	mend(t, mysql)

	// Disks of others are not taken, neither now nor when they have come to hold something meanwhile.
	three, _ := loop(t, 64<<20)
	other := &VolumeGroup{Name: name + "2", Disks: []string{three}}
	fresh, err := other.Decide(look(t, other))
	if err != nil {
		t.Fatal(err)
	}
	mend(t, &Filesystem{Device: three, Type: "ext4"})
	if rs := kindtest.Try(t, fresh.Actions...); rs[0].State != act.Refused {
		t.Errorf("a file system that came in between: %+v", rs)
	}
	for _, d := range []string{one, three} {
		other.Disks = []string{d}
		if c, err := other.Decide(look(t, other)); err == nil {
			t.Errorf("%s is taken: %+v", d, c)
		} else {
			t.Log(err)
		}
	}
	four, _ := loop(t, 64<<20)
	t.Cleanup(func() { exec.Command("vgremove", "-f", "-y", name+"2").Run() })
	if out, err := exec.Command("pvcreate", four).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	other.Disks = []string{four} // as a run that was cut short leaves it
	mend(t, other)
}
