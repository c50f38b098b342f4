package drbd

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
)

func TestAVolumeIsTakenDownAndItsDataStaysUnlessNamed(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}}}}
	at := func(proc, block, mounted string) torn {
		s := torn{side: side{proc: "version: 8.4.11 (api:1/proto:86-101)\n", block: block}, mounted: mounted}
		if proc != "" {
			s.proc = kindtest.ProcLine(proc)
		}
		return s
	}
	up, down, blank := at("cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate", used, ""), at("", used, ""), at("", clean, "")
	for _, c := range []struct {
		name                  string
		destroy               bool
		a, b                  torn
		phase, waits, refused string
		on                    string
		dangers               int
	}{
		{"up on both", false, up, up, "take the volume down", "", "", "db1 db2", 0},
		{"up on one", false, down, up, "take the volume down", "", "", "db2", 0},
		{"down", false, down, down, "", "", "", "", 0},
		{"primary", false, up, at("cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", used, "/srv/mysql\n"), "", "nothing uses mysql on db2", "", "", 0},
		{"a host is away", false, up, torn{}, "", "", "not removed while one side is missing", "", 0},
		{"named", true, up, down, "destroy the volume", "", "", "db1 db2", 2},
		{"named, and one is blank already", true, blank, down, "destroy the volume", "", "", "db2", 1},
		{"named, and both are blank", true, blank, blank, "", "", "", "", 0},
		{"named, and in use", true, down, at("cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", used, "/srv/mysql\n"), "", "nothing uses mysql on db2", "", "", 0},
	} {
		r := d.Remove(c.destroy)
		seen := tornHosts(&volumeRecover{DRBDVolume: *d, folder: keptFolder}, map[string]torn{"db1": c.a, "db2": c.b})
		for n, s := range map[string]torn{"db1": c.a, "db2": c.b} {
			if s != (torn{}) {
				if qs := r.Probe(n, seen); len(qs) != 0 {
					t.Errorf("%s: %s is asked for more: %+v", c.name, n, qs)
				}
			}
		}
		ph, err := kindtest.Decide(t, r, seen)
		kindtest.Expect(t, c.name, ph, err, c.phase, c.waits, c.refused)
		var on []string
		dangers := 0
		for _, n := range []string{"db1", "db2"} {
			if ch, ok := ph.Changes[n]; ok {
				on = append(on, n)
				dangers += len(ch.Dangers())
				if a := ch.Actions[0]; a.Guard == "" || strings.Contains(a.Shell, "wipefs") != c.destroy {
					t.Errorf("%s: %+v", c.name, a)
				}
			}
		}
		if strings.Join(on, " ") != c.on || dangers != c.dangers {
			t.Errorf("%s: on %v with %d dangers", c.name, on, dangers)
		}
	}
	if d.Holds("db2") != "volume mysql on /dev/disk/by-id/b" {
		t.Error(d.Holds("db2"))
	}
}

func TestAnErasedDiskIsBlank(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	disk := t.TempDir() + "/disk"
	for _, text := range []string{strings.Repeat("x", 8<<20), strings.Repeat("x", 1<<20), strings.Repeat("x", 5<<20+512)} {
		kindtest.Write(t, disk, text)
		programs(t, map[string]string{"wipefs": "exit 0", "blockdev": `case $1 in --getsize64) stat -c %s "$2" ;; esac`})
		if out, err := exec.Command("sh", "-e", "-c", erase(disk)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		b, err := os.ReadFile(disk)
		if err != nil {
			t.Fatal(err)
		}
		if end := b[max(0, len(text)-1<<20):len(text)]; strings.Trim(string(end), "\x00") != "" || strings.Trim(string(b[:min(1<<20, len(text))]), "\x00") != "" {
			t.Errorf("%d bytes: something is left at an end", len(text))
		}
	}
}
