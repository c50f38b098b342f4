package drbd

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

// A volume grows when both of its disks have, and its file system after it; nothing shrinks, and a little
// more than the metadata takes is left alone.
func TestAVolumeGrowsWithItsDisks(t *testing.T) {
	const mib = 1 << 20
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Filesystem: "ext4"}
	raw := &DRBDVolume{Name: "mysql", Backing: d.Backing, Filesystem: "none"}
	xfs := &DRBDVolume{Name: "mysql", Backing: d.Backing, Filesystem: "xfs"}
	at := func(d *DRBDVolume, proc [2]string, disk [2]int64, device, extent int64) probe.Hosts {
		sides := map[string]side{}
		for i, n := range []string{"db1", "db2"} {
			magic := d.fs().magic
			if d.fsName() == none {
				magic = d.fs().zeros()
			}
			sides[n] = side{proc: kindtest.ProcLine(proc[i]), signatures: "drbd", magic: magic, label: d.label(), block: fmt.Sprintf("%d|data|", disk[i]*mib), identifiers: "032E5E8DBF46EEF3:0000000000000000:0000000000000000:0000000000000000:1:1:1:1:0:0:0"}
			sizes := fmt.Sprintf("sectors: %d\n", device*mib/512)
			if strings.Contains(proc[i], "ro:Primary") && extent > 0 {
				sizes += fmt.Sprintf("blocks: %d 4096\n", extent*mib/4096)
			}
			if !strings.Contains(proc[0]+proc[1], "Primary") && extent > 0 {
				super := make([]byte, superblock)
				binary.LittleEndian.PutUint32(super[4:], uint32(extent*mib/4096))
				binary.LittleEndian.PutUint32(super[24:], 2)
				sizes += fmt.Sprintf("superblock: %x\n", super)
			}
			s := sides[n].sized(sizes)
			s.unit = "activating" // Pacemaker
			sides[n] = s
		}
		return volumes(d, sides)
	}
	calm := [2]string{"cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate", "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate"}
	syncing := [2]string{"cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate", "cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent"}
	comparing := [2]string{"cs:VerifyT ro:Secondary/Primary ds:UpToDate/UpToDate", "cs:VerifyS ro:Primary/Secondary ds:UpToDate/UpToDate"}
	for _, c := range []struct {
		name           string
		d              *DRBDVolume
		proc           [2]string
		disk           [2]int64
		device, extent int64
		phase, do      string
	}{
		{"as they were", d, calm, [2]int64{1024, 1024}, 1023, 1023, "", ""},
		{"both disks have grown", d, calm, [2]int64{2048, 2048}, 1023, 1023, "grow the volume", "drbdadm resize mysql"},
		{"one disk has grown", d, calm, [2]int64{2048, 1024}, 1023, 1023, "", ""},
		{"both, to different sizes", d, calm, [2]int64{2048, 1536}, 1023, 1023, "grow the volume", ""},
		{"by next to nothing", d, calm, [2]int64{1040, 1040}, 1023, 1023, "", ""},
		{"the new room is copied", d, syncing, [2]int64{2048, 2048}, 2047, 1023, "wait", ""},
		{"both sides are compared", d, comparing, [2]int64{2048, 2048}, 1023, 1023, "", ""},
		{"the file system is behind", d, calm, [2]int64{2048, 2048}, 2047, 1023, "grow the file system", "resize2fs /dev/drbd0"},
		{"XFS is behind", xfs, calm, [2]int64{2048, 2048}, 2047, 1023, "grow the file system", `xfs_growfs "$at"`},
		{"all has grown", d, calm, [2]int64{2048, 2048}, 2047, 2047, "", ""},
		{"the file system is not mounted", d, calm, [2]int64{2048, 2048}, 2047, 0, "", ""},
		{"Pacemaker has not mounted it yet", d, [2]string{"cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate", "cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate"}, [2]int64{2048, 2048}, 2047, 1023, "wait", ""},
		{"without a file system", raw, calm, [2]int64{2048, 2048}, 1023, 0, "grow the volume", ""},
		{"nothing is known of the device", d, calm, [2]int64{2048, 2048}, 0, 0, "", ""},
	} {
		ph, err := kindtest.Decide(t, c.d, at(c.d, c.proc, c.disk, c.device, c.extent))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if (c.phase == "wait") != (ph.Wait != nil) || c.phase != "wait" && ph.Name != c.phase {
			t.Errorf("%s: phase %q %+v, want %q", c.name, ph.Name, ph.Wait, c.phase)
		}
		if c.phase == "" || c.phase == "wait" {
			continue
		}
		a := ph.Changes["db2"].Actions // which is Primary
		if len(a) != 1 || !strings.Contains(a[0].Shell, c.do) || a[0].Guard == "" {
			t.Errorf("%s: %+v", c.name, ph.Changes)
		}
	}
}

// Metadata lie at a disk's end: of one that has grown while the volume was down they are moved, and only
// then. A disk without any, of which nothing is known, stays what it is.
func TestMetadataFollowTheEndOfADisk(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Filesystem: "ext4"}
	down := func(signatures, sizes string) side {
		return side{proc: gone, signatures: signatures, magic: "53ef", label: "hv-mysql", block: "3221225472|data|LABEL=hv-mysql"}.sized("sectors: \n" + sizes)
	}
	const before = "known: 2147483648\n"
	for _, c := range []struct {
		name    string
		a, b    side
		moved   string
		refused string
	}{
		{"both have grown", down("ext4", before), down("ext4", before), "db1 db2", ""},
		{"one has", down("ext4", before), down("drbd ext4", "known: 3221225472\n"), "db1", ""},
		{"nothing is known of the disk", down("ext4", ""), down("ext4", ""), "", "not blank"},
		{"it was as large before", down("ext4", "known: 3221225472\n"), down("drbd ext4", "known: 3221225472\n"), "", "not blank"},
		{"a larger blank disk in its place", side{proc: gone, block: "3221225472|blank|"}.sized(before), down("drbd ext4", "known: 2147483648\n"), "", "haprov replace db1"},
		{"a larger disk of somebody else in its place", side{proc: gone, magic: "53ef", label: "home", signatures: "ext4", block: "3221225472|data|LABEL=home"}.sized(before), down("drbd ext4", ""), "", "not blank (LABEL=home)"},
		{"no number", down("ext4", "known: none\n"), down("drbd ext4", ""), "", "not blank"},
	} {
		ph, err := kindtest.Decide(t, d, volumes(d, map[string]side{"db1": c.a, "db2": c.b}))
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: %v %+v", c.name, err, ph)
			}
			continue
		}
		var moved []string
		for _, n := range []string{"db1", "db2"} {
			for _, a := range ph.Changes[n].Actions {
				if strings.Contains(a.Shell, "check-resize") && a.Guard != "" {
					moved = append(moved, n)
				}
			}
		}
		if err != nil || strings.Join(moved, " ") != c.moved {
			t.Errorf("%s: %v, moved on %v, want %s", c.name, err, moved, c.moved)
		}
	}
}

// What tells the size of a file system is asked of real ones.
func TestTheSizeOfAFileSystem(t *testing.T) {
	for name, f := range fileSystems {
		if f.blocks == "" {
			continue
		}
		image := filepath.Join(t.TempDir(), "image")
		const size = 320 << 20
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, size); err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf(f.make, "x", image) + " >/dev/null && echo \"blocks: $(" + fmt.Sprintf(f.blocks, image, image) + ")\""
		out, err := exec.Command("sh", "-e", "-c", script).CombinedOutput()
		d := &DRBDVolume{Filesystem: name}
		v := volume{formatted: true}
		d.measure(&v, string(out))
		if err != nil || v.extent < size-room || v.extent > size {
			t.Errorf("%s: %v: %d of %d: %s", name, err, v.extent, size, out)
		}
		text, err := os.ReadFile(image)
		if err != nil {
			t.Fatal(err)
		}
		d.measure(&v, fmt.Sprintf("superblock: %x\n", text[f.superAt:f.superAt+superblock]))
		if v.onDisk != v.extent {
			t.Errorf("%s: %d by the superblock, %d by its tool", name, v.onDisk, v.extent)
		}
	}
}
