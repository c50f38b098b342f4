package host

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/kind/kindtest"
	"haprov/internal/secret"
)

// packs makes archives of the same entries: name, and text, "-> target" of a link, "=> target" of a
// hard link, or "device".
func packs(t *testing.T, entries ...string) (tarball, zipped string) {
	t.Helper()
	var tb, zb bytes.Buffer
	tw, zw := tar.NewWriter(&tb), zip.NewWriter(&zb)
	ok := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(entries); i += 2 {
		name, text := entries[i], entries[i+1]
		h := &tar.Header{Name: name, Mode: 0o4775, Typeflag: tar.TypeReg, Size: int64(len(text))}
		zh := &zip.FileHeader{Name: name, Method: zip.Deflate}
		zh.SetMode(0o755)
		if to, link := strings.CutPrefix(text, "-> "); link {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, to, 0
			zh.SetMode(os.ModeSymlink | 0o777)
			text = to
		} else if to, link := strings.CutPrefix(text, "=> "); link {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, to, 0
		} else if text == "device" {
			h.Typeflag, h.Devmajor, h.Devminor, h.Size = tar.TypeChar, 1, 3, 0
		}
		ok(tw.WriteHeader(h))
		if h.Size > 0 {
			_, err := tw.Write([]byte(text))
			ok(err)
		}
		w, err := zw.CreateHeader(zh)
		ok(err)
		_, err = w.Write([]byte(text))
		ok(err)
	}
	ok(tw.Close())
	ok(zw.Close())
	return tb.String(), zb.String()
}

func squeezed(t *testing.T, s string, tool ...string) string {
	t.Helper()
	if len(tool) == 0 {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	c := exec.Command(tool[0], tool[1:]...)
	c.Stdin = strings.NewReader(s)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// inFolder gives an archive step for a new folder, and forgets what it noted of it on this machine.
func inFolder(t *testing.T) *Archive {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	t.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	dir, err := os.MkdirTemp("/tmp", "haprov-archive")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	a := &Archive{Path: dir + "/it's here", Source: "x", Owner: "root", Group: "root"}
	t.Cleanup(func() { _, _ = os.RemoveAll(dir), os.RemoveAll(a.state()) })
	return a
}

func TestAnArchiveIsUnpackedAndReplacedOnARealHost(t *testing.T) {
	inFolder(t) // and its tools
	tarball, zipped := packs(t, "tool-1/bin/run", "#!/bin/sh\n", "tool-1/lib/a b.so", "one", "tool-1/lib/cur", "-> a b.so", "tool-1/old", "x")
	newer, _ := packs(t, "tool-2/bin/run", "#!/bin/sh -e\n", "tool-2/lib/a b.so", "one", "tool-2/lib/more", "=> tool-2/lib/a b.so")
	for name, text := range map[string]string{
		"tar": tarball, "gzip": squeezed(t, tarball), "xz": squeezed(t, tarball, "xz"), "bzip2": squeezed(t, tarball, "bzip2"), "zstd": squeezed(t, tarball, "zstd"), "zip": zipped,
	} {
		t.Run(name, func(t *testing.T) {
			a := inFolder(t)
			a.Packed, a.Strip = secret.Plain(text), 1
			mend(t, a)
			holds := func(path, want string) {
				t.Helper()
				if got, err := os.ReadFile(filepath.Join(a.Path, path)); err != nil || string(got) != want {
					t.Errorf("%s: %q %v", path, got, err)
				}
			}
			holds("bin/run", "#!/bin/sh\n")
			holds("lib/cur", "one")
			if i, err := os.Stat(a.Path + "/bin/run"); err != nil || i.Mode() != 0o755 {
				t.Errorf("%v %v", i.Mode(), err)
			}
			kindtest.Write(t, a.Path+"/lib/mine", "mine")
			drift := []string{"rm bin/run", "echo >>'lib/a b.so'", "chmod 0700 bin/run", "ln -sfT /etc/passwd lib/cur", "rm -r bin lib/cur", "touch -d 2001-01-01 old"}
			if name != "tar" {
				drift = drift[:1] // the same for all formats
			}
			for _, do := range drift {
				c := exec.Command("sh", "-c", do)
				c.Dir = a.Path
				if out, err := c.CombinedOutput(); err != nil {
					t.Fatalf("%v %s", err, out)
				}
				mend(t, a)
				holds("bin/run", "#!/bin/sh\n")
				holds("lib/a b.so", "one")
			}
			a.Packed = secret.Plain(newer)
			mend(t, a)
			holds("bin/run", "#!/bin/sh -e\n")
			holds("lib/more", "one")
			holds("lib/mine", "mine")
			for _, gone := range []string{"old", "lib/cur", ".haprov-new"} {
				if _, err := os.Lstat(a.Path + "/" + gone); err == nil {
					t.Errorf("%s is still there", gone)
				}
			}
		})
	}
}

func TestAnArchiveNeverReachesOutOfItsFolder(t *testing.T) {
	for name, entries := range map[string][]string{
		"a name that climbs":          {"a/../../out", "x", "ok", "x"},
		"an absolute name":            {"/tmp/haprov-archive-out", "x", "ok", "x"},
		"an absolute link":            {"link", "-> /etc", "ok", "x"},
		"a link that climbs":          {"d/link", "-> ../..", "ok", "x"},
		"links that climb together":   {"a/b/up", "-> ..", "out", "-> a/b/up/../../x"},
		"a file through a link":       {"link", "-> ../", "link/out", "x"},
		"a file through a whole link": {"link", "-> /tmp", "link/haprov-archive-out", "x"},
		"a device":                    {"null", "device"},
		"a line break":                {"a\nb", "x"},
		"no file":                     {},
	} {
		t.Run(name, func(t *testing.T) {
			tarball, zipped := packs(t, entries...)
			for form, text := range map[string]string{"tar": tarball, "zip": zipped} {
				if form == "zip" && (name == "a device" || name == "no file") {
					continue
				}
				a := inFolder(t)
				a.Packed = secret.Plain(text)
				c, err := a.Decide(look(t, a))
				if err != nil {
					t.Fatal(err)
				}
				rs := kindtest.Try(t, c.Actions...)
				last := rs[len(rs)-1]
				t.Logf("%s: %d %s", form, last.Exit, last.Output)
				// The tools take names that climb as names below the folder, and unzip a line break as "?".
				harmless := strings.HasPrefix(name, "a name") || strings.HasPrefix(name, "an absolute name") || name == "a line break" && form == "zip"
				if last.State == act.Done && !harmless {
					t.Errorf("%s: taken", form)
				}
				for _, out := range []string{"/tmp/haprov-archive-out", filepath.Dir(a.Path) + "/out", a.Path + "/.haprov-new"} {
					if _, err := os.Lstat(out); err == nil {
						t.Errorf("%s: %s is there", form, out)
					}
				}
			}
		})
	}
}

func TestWhatAnArchiveDidNotBringStays(t *testing.T) {
	a := inFolder(t)
	tarball, _ := packs(t, "etc/conf", "new", "same", "x")
	a.Packed = secret.Plain(tarball)
	outside := filepath.Dir(a.Path) + "/outside"
	for name, prepare := range map[string]string{
		"a file with another text": `mkdir -p etc; echo mine >etc/conf`,
		"a link":                   `mkdir -p etc; ln -s ../../outside/conf etc/conf`,
		"a folder that is a link":  `ln -s ../outside etc`,
		"a file for a folder":      `echo mine >etc`,
		"a folder for a file":      `mkdir -p etc/conf`,
		"somebody else's folder":   `mkdir -p etc; chown nobody etc`,
	} {
		t.Run(name, func(t *testing.T) {
			c := exec.Command("sh", "-ec", `rm -rf -- "$0" "$1"; mkdir -p -- "$0" "$1"; echo mine >"$1/conf"; cd -- "$0"; `+prepare, a.Path, outside)
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
			ch, err := a.Decide(look(t, a))
			if err != nil {
				t.Fatal(err)
			}
			rs := kindtest.Try(t, ch.Actions...)
			if last := rs[len(rs)-1]; last.State != act.Failed || !strings.Contains(last.Output, "there already") {
				t.Errorf("%+v", last)
			}
			if got, err := os.ReadFile(outside + "/conf"); err != nil || string(got) != "mine\n" {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	// A file with the same text is taken over; one that was unpacked and is not in the next archive goes,
	// unless its folder has become a link since.
	if err := os.RemoveAll(a.Path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(a.Path, 0o755); err != nil {
		t.Fatal(err)
	}
	kindtest.Write(t, a.Path+"/same", "x")
	mend(t, a)
	if err := os.RemoveAll(a.Path + "/etc"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, a.Path+"/etc"); err != nil {
		t.Fatal(err)
	}
	next, _ := packs(t, "same", "x")
	a.Packed = secret.Plain(next)
	mend(t, a)
	if _, err := os.Stat(outside + "/conf"); err != nil {
		t.Error(err)
	}
}

func TestARunThatWasCutShortFindsItsOwnFiles(t *testing.T) {
	a := inFolder(t)
	a.Owner, a.Group = "nobody", "nogroup"
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(closed) // as /root, where a login begins, which is closed to others
	tarball, _ := packs(t, "a", "1", "b", "2")
	a.Packed = secret.Plain(tarball)
	c, err := a.Decide(look(t, a))
	if err != nil {
		t.Fatal(err)
	}
	n := len(c.Actions) - 1
	cut := c.Actions[n]
	cut.Shell = strings.Replace(cut.Shell, "cd -- \"$folder\"\n", "exit 1\n", 1)
	if cut.Shell == c.Actions[n].Shell {
		t.Fatal("not cut")
	}
	c.Actions[n] = cut
	if rs := kindtest.Try(t, c.Actions...); rs[n].State != act.Failed {
		t.Fatalf("%+v", rs)
	}
	newer, _ := packs(t, "a", "3")
	a.Packed = secret.Plain(newer)
	mend(t, a)
	if got, err := os.ReadFile(a.Path + "/a"); err != nil || string(got) != "3" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := os.Stat(a.Path + "/b"); err == nil {
		t.Error("a file of the archive that was cut short stays for ever")
	}
}

func TestAnArchiveIsFetchedAndItsDigestCompared(t *testing.T) {
	a := inFolder(t)
	tarball, _ := packs(t, "a", strings.Repeat("1", 4096))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(squeezed(t, tarball))) }))
	t.Cleanup(srv.Close)
	sum := sha256.Sum256([]byte(squeezed(t, tarball)))
	a.Source, a.URL, a.SHA256 = "", srv.URL+"/a.tar.gz?x=1", hex.EncodeToString(sum[:])
	mend(t, a)
	if i, err := os.Stat(a.Path + "/a"); err != nil || i.Size() != 4096 {
		t.Errorf("%v %v", i, err)
	}
	for name, change := range map[string]func(){
		"another digest":        func() { a.SHA256 = strings.Repeat("0", 64) },
		"more than is accepted": func() { a.SHA256, a.Strip, a.Limit = hex.EncodeToString(sum[:]), 0, 2048 },
	} {
		change()
		a.Path += "x"
		t.Cleanup(func() { _ = os.RemoveAll(a.state()) })
		c, err := a.Decide(look(t, a))
		if err != nil {
			t.Fatal(err)
		}
		rs := kindtest.Try(t, c.Actions...)
		if _, err := os.Stat(a.Path + "/a"); err == nil {
			t.Errorf("%s: taken: %+v", name, rs)
		}
		t.Logf("%+v", rs)
		_ = os.RemoveAll(a.state())
	}
}
