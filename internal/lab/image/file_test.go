package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// disk is a qcow2 header of version 3, of a disk of 1 GiB that stands by itself, and some data.
func disk(change func(b []byte)) []byte {
	b := make([]byte, 200<<10)
	binary.BigEndian.PutUint32(b, qcow2Magic)
	binary.BigEndian.PutUint32(b[4:], 3)
	binary.BigEndian.PutUint64(b[24:], 1<<30)
	copy(b[150<<10:], "data")
	if change != nil {
		change(b)
	}
	return b
}

func TestADiskThatNeedsOtherFilesIsRefused(t *testing.T) {
	for _, x := range []struct {
		name, want string
		disk       []byte
	}{
		{"version 3", "", disk(nil)},
		{"version 2", "", disk(func(b []byte) { b[7] = 2 })},
		{"version 2 has no features, only what looks like them", "", disk(func(b []byte) { b[7] = 2; b[79] = 4 })},
		{"compressed with zstd", "", disk(func(b []byte) { b[79] = 8 })},
		{"a base", "difference to another disk", disk(func(b []byte) { b[15] = 112 })},
		{"data elsewhere", "data lies in another file", disk(func(b []byte) { b[79] = 4 })},
		{"marked as corrupt", "not known here, or is damaged (0x2)", disk(func(b []byte) { b[79] = 2 })},
		{"a feature of the future", "not known here", disk(func(b []byte) { b[72] = 1 })},
		{"encrypted", "encrypted", disk(func(b []byte) { b[35] = 2 })},
		{"huge", "at most 8 TiB", disk(func(b []byte) { b[24] = 1 })},
		{"empty", "at most 8 TiB", disk(func(b []byte) { clear(b[24:32]) })},
		{"version 4", "version is 4", disk(func(b []byte) { b[7] = 4 })},
		{"raw", "no disk in the format qcow2", make([]byte, 4096)},
		{"nothing", "no disk in the format qcow2", nil},
		{"cut off", "no disk in the format qcow2", disk(nil)[:71]},
		{"cut off in version 3's part", "version is 3: expected 2 or 3", disk(nil)[:100]},
	} {
		err := checkQcow2(bytes.NewReader(x.disk))
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
		}
	}
}

type member struct {
	name string
	data []byte
	kind byte
	size int64 // as the header tells it; 0: data's
}

func box(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.data)), Typeflag: tar.TypeReg}
		if m.kind != 0 {
			h.Typeflag, h.Linkname, h.Size = m.kind, "/etc/passwd", 0
		}
		if m.size != 0 {
			h.Size = m.size
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if m.kind == 0 {
			if _, err := w.Write(m.data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Flush(); err == nil {
		_ = w.Close()
	}
	return b.Bytes()
}

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestABoxesDiskIsFoundAndNothingElseIsWritten(t *testing.T) {
	meta := func(text string) member { return member{name: "metadata.json", data: []byte(text)} }
	old := meta(`{"provider":"libvirt","format":"qcow2","virtual_size":6}`)
	good := member{name: "box.img", data: disk(nil)}
	many := []member{old, good}
	for i := range maxBoxFiles {
		many = append(many, member{name: fmt.Sprint("f", i)})
	}
	for _, x := range []struct {
		name, want string
		box        []byte
	}{
		{"as haprov makes it", "", box(t, old, member{name: "Vagrantfile", data: []byte("x")}, good)},
		{"packed", "", gzipped(t, box(t, old, good))},
		{"the disk first, and names with ./", "", box(t, member{name: "./box.img", data: disk(nil)}, meta(`{"provider":"libvirt"}`))},
		{"a list of disks", "", box(t, meta(`{"provider":"libvirt","disks":[{"format":"qcow2","path":"root.qcow2"}]}`), member{name: "root.qcow2", data: disk(nil)})},
		{"names that lead out", "", box(t, old, member{name: "../../escaped", data: []byte("x")}, member{name: "/escaped", data: []byte("x")}, good)},
		{"links", "has no disk", box(t, old, member{name: "box.img", kind: tar.TypeSymlink}, member{name: "box.img", kind: tar.TypeLink})},
		{"of VirtualBox", `provider "virtualbox": expected libvirt`, box(t, meta(`{"provider":"virtualbox"}`), good)},
		{"two disks", "2 disks: expected one", box(t, meta(`{"provider":"libvirt","disks":[{"path":"a"},{"path":"b"}]}`), good)},
		{"the same disk twice", "more than one disk", box(t, old, good, good)},
		{"a raw disk", `format "raw": expected qcow2`, box(t, meta(`{"provider":"libvirt","format":"raw"}`), good)},
		{"a disk with a base", "difference to another disk", box(t, old, member{name: "box.img", data: disk(func(b []byte) { b[15] = 112 })})},
		{"no disk", "has no disk", box(t, old)},
		{"no metadata", "no metadata.json", box(t, good)},
		{"metadata of another kind", "metadata.json:", box(t, meta(`[1]`), good)},
		{"metadata without end", "metadata.json: 70000 bytes", box(t, meta(strings.Repeat(" ", 70000)), good)},
		{"very many files", "more than 100 files", box(t, many...)},
		{"cut off in the disk", "too early", box(t, old, good)[:100<<10]},
		{"cut off when packed", "unexpected EOF", gzipped(t, box(t, old, good))[:300]},
		{"no tar", "no box, or a damaged one", bytes.Repeat([]byte("x"), 5000)},
		{"empty", "no metadata.json", nil},
	} {
		dir := t.TempDir()
		into := filepath.Join(dir, "in")
		if err := os.Mkdir(into, 0o700); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(into, "base.qcow2")
		err := unbox(t.Context(), bytes.NewReader(x.box), to)
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
		}
		if x.want == "" {
			if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, disk(nil)) {
				t.Errorf("%s: another disk: %v", x.name, err)
			}
		}
		for at, most := range map[string]int{dir: 1, into: 1} {
			if all, err := os.ReadDir(at); err != nil || len(all) > most {
				t.Errorf("%s: written: %v %v", x.name, all, err)
			}
		}
	}
}

// TestADiskIsTakenByItsEnding: a qcow2 as it is, a box by what is in it, and neither for the other.
func TestADiskIsTakenByItsEnding(t *testing.T) {
	packed := box(t, member{name: "metadata.json", data: []byte(`{"provider":"libvirt"}`)}, member{name: "box.img", data: disk(nil)})
	for _, x := range []struct {
		name, want string
		text       []byte
	}{
		{"a.qcow2", "", disk(nil)},
		{"a.box", "", packed},
		{"based.qcow2", "difference to another disk", disk(func(b []byte) { b[15] = 112 })},
		{"box.qcow2", "no disk in the format qcow2", packed},
		{"disk.box", "no box, or a damaged one", disk(nil)},
	} {
		dir := t.TempDir()
		from, to := filepath.Join(dir, x.name), filepath.Join(dir, "base.qcow2")
		if err := os.WriteFile(from, x.text, 0o600); err != nil {
			t.Fatal(err)
		}
		err := take(t.Context(), from, to)
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
		}
		if got, err := os.ReadFile(to); x.want == "" && (err != nil || !bytes.Equal(got, disk(nil))) {
			t.Errorf("%s: another disk: %v", x.name, err)
		}
	}
	if err := take(t.Context(), t.TempDir(), filepath.Join(t.TempDir(), "x")); err == nil {
		t.Error("a folder is taken for a disk")
	}
}

// zeros is a disk of very many bytes that a box of a few stands for.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestADiskOfNothingButZerosTakesNoRoom(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := copyHoles(f, io.MultiReader(bytes.NewReader(disk(nil)), zeros{}), 256<<20); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("du", "-k", f.Name()).Output()
	var kib int
	if _, bad := fmt.Sscan(string(out), &kib); err != nil || bad != nil || kib > 1024 {
		t.Errorf("it takes %q KiB: %v", out, err)
	}
}

func TestUnpackingEndsWithTheContextAndAtTheBound(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := io.Copy(io.Discard, &bounded{ctx: ctx, from: zeros{}, left: 1 << 60}); err == nil {
		t.Error("it goes on")
	}
	n, err := io.Copy(io.Discard, &bounded{ctx: t.Context(), from: zeros{}, left: 1 << 20})
	if n != 1<<20 || err == nil || !strings.Contains(err.Error(), "unpacked") {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestTheCacheNamesAFileByItsContent: another content is another image, another name is not.
func TestTheCacheNamesAFileByItsContent(t *testing.T) {
	dir := t.TempDir()
	name := func(file, text string) string {
		t.Helper()
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := digestOf(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if a, b := name("a.box", "1"), name("b.box", "1"); a != b {
		t.Error("the same content has two names")
	}
	if a, b := name("a.box", "1"), name("a.box", "2"); a == b {
		t.Error("two contents have one name")
	}
	if _, err := digestOf(t.Context(), filepath.Join(dir, "none.box")); err == nil {
		t.Error("a file that is not there has a name")
	}
}

// TestSystemdTakesThePreparation: systemd-tmpfiles reads each line, and makes the files as they are
// here.
func TestSystemdTakesThePreparation(t *testing.T) {
	program, err := exec.LookPath("systemd-tmpfiles")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("needs systemd-tmpfiles and root, who owns what it makes")
	}
	lines, err := preparation()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	serial := filepath.Join(root, "dev/ttyS0")
	for path, text := range map[string]string{
		filepath.Join(root, "lines.conf"): lines,
		serial:                            "",
		filepath.Join(root, "etc/systemd/system/networking.service"): "of the disk's maker\n",
		filepath.Join(root, "etc/passwd"):                            "root:x:0:0::/root:/bin/sh\n",
		filepath.Join(root, "etc/group"):                             "root:x:0:\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(program, "--create", "--root="+root, filepath.Join(root, "lines.conf")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v %s", err, out)
	}
	for path, from := range map[string]string{
		"usr/lib/haprov/seed":                                         "seed",
		"etc/systemd/system/haprov-seed.service":                      "seed.service",
		"etc/systemd/system/sysinit.target.wants/haprov-seed.service": "seed.service",
		"etc/ssh/sshd_config.d/00-haprov.conf":                        "sshd.conf",
	} {
		got, err := os.ReadFile(filepath.Join(root, path))
		want, _ := prepare.ReadFile("prepare/" + from)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, or another text", path, err)
		}
	}
	if info, err := os.Stat(filepath.Join(root, "usr/lib/haprov/seed")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the script: %v %v", info, err)
	}
	if to, err := os.Readlink(filepath.Join(root, "etc/systemd/system/networking.service")); err != nil || to != "/dev/null" {
		t.Errorf("ifupdown is not masked: %q %v", to, err)
	}
	if said, err := os.ReadFile(serial); err != nil || !strings.Contains(string(said), prepared) {
		t.Errorf("it says %q %v", said, err)
	}
}

// FuzzUnbox: whatever a box holds, what is kept of it is a disk that stands by itself, or nothing.
func FuzzUnbox(f *testing.F) {
	plain := func(members ...member) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, m := range members {
			if err := w.WriteHeader(&tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.data))}); err != nil {
				f.Fatal(err)
			}
			if _, err := w.Write(m.data); err != nil {
				f.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	small := disk(nil)[:4096]
	f.Add(plain(member{name: "metadata.json", data: []byte(`{"provider":"libvirt","format":"qcow2"}`)}, member{name: "box.img", data: small}))
	f.Add(plain(member{name: "x.qcow2", data: small}, member{name: "metadata.json", data: []byte(`{"provider":"libvirt","disks":[{"path":"x.qcow2"}]}`)}))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		to := filepath.Join(dir, "base.qcow2")
		err := unbox(t.Context(), bytes.NewReader(b), to)
		if all, _ := os.ReadDir(dir); len(all) > 1 {
			t.Fatalf("written: %v", all)
		}
		if err == nil {
			kept, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkQcow2(bytes.NewReader(kept)); err != nil {
				t.Fatalf("kept, though %v", err)
			}
		}
	})
}
