package file_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"haprov/internal/file"
)

const limit = 1 << 16

// things are what a name may lead to; want is in the error, empty: it is read.
var things = []struct {
	name, want string
	make       func(t *testing.T, path string) error
}{
	{"a text", "", func(t *testing.T, p string) error { return os.WriteFile(p, []byte("x"), 0o600) }},
	{"a text of the whole limit", "", func(t *testing.T, p string) error { return os.WriteFile(p, make([]byte, limit), 0o600) }},
	{"one byte too many", "at most 65536 are read", func(t *testing.T, p string) error { return os.WriteFile(p, make([]byte, limit+1), 0o600) }},
	{"a sparse file of 1 TiB", "at most 65536 are read", func(t *testing.T, p string) error {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			return err
		}
		return os.Truncate(p, 1<<40)
	}},
	{"a FIFO", "is a FIFO", func(t *testing.T, p string) error { return syscall.Mkfifo(p, 0o600) }},
	{"a directory", "is a directory", func(t *testing.T, p string) error { return os.Mkdir(p, 0o700) }},
	{"a socket", "is a socket", func(t *testing.T, p string) error {
		l, err := net.Listen("unix", p)
		if err == nil {
			t.Cleanup(func() { l.Close() })
		}
		return err
	}},
	{"nothing", "no such file", func(t *testing.T, p string) error { return nil }},
	{"a link in a circle", "too many levels", func(t *testing.T, p string) error { return os.Symlink(filepath.Base(p), p) }},
}

func TestOnlyRegularFilesAreReadAndOnlyToTheLimit(t *testing.T) {
	for _, x := range things {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			p := filepath.Join(dir, "f")
			if err := x.make(t, p); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			for how, read := range map[string]func() ([]byte, error){
				"Read":        func() ([]byte, error) { return file.Read(p, limit) },
				"ReadIn":      func() ([]byte, error) { return file.ReadIn(root, "f", limit) },
				"ReadPrivate": func() ([]byte, error) { return file.ReadPrivate(p, limit) },
			} {
				bounded(t, how, func() {
					b, err := read()
					if x.want == "" && (err != nil || len(b) == 0) || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
						t.Errorf("%s: %d bytes, %v, expected %q", how, len(b), err, x.want)
					}
				})
			}
		})
	}
}

func TestDevicesAndFilesThatLieAboutTheirSize(t *testing.T) {
	for _, dev := range []string{"/dev/zero", "/dev/null", "/dev/kmsg", "/dev/tty"} {
		bounded(t, dev, func() {
			if _, err := os.Stat(dev); err != nil {
				return
			}
			if _, err := file.Read(dev, limit); !errors.Is(err, file.ErrNotRegular) {
				t.Errorf("%s: %v", dev, err)
			}
		})
	}
	if _, err := file.Read("/proc/self/environ", 1); !errors.Is(err, file.ErrTooLarge) {
		t.Errorf("a file that says it has 0 bytes: %v", err)
	}
}

func TestPrivateFilesAreTheCallersAlone(t *testing.T) {
	p := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(p, []byte("x"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := file.ReadPrivate(p, limit); err == nil || !strings.Contains(err.Error(), "chmod 600 "+p) {
		t.Errorf("read by the group: %v", err)
	}
	if err := os.Chmod(p, 0o600); err != nil {
		t.Fatal(err)
	}
	link := p + ".link"
	if err := os.Symlink(p, link); err != nil {
		t.Fatal(err)
	}
	if _, err := file.ReadPrivate(link, limit); err == nil {
		t.Error("a link was followed")
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(p, 1234, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := file.ReadPrivate(p, limit); err == nil || !strings.Contains(err.Error(), "chown 0 "+p) {
			t.Errorf("another user's: %v", err)
		}
	}
}

func TestFoldersThatOthersCanChangeAreRefused(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "state", "labs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		at   string
		mode os.FileMode
		uid  int
		want string
	}{
		{"its own", dir, 0o700, 0, ""},
		{"read by others", dir, 0o755, 0, ""},
		{"written by others", dir, 0o777, 0, "chmod go-w " + dir},
		{"written by its group", dir, 0o770, 0, "chmod go-w " + dir},
		{"sticky", dir, 0o777 | os.ModeSticky, 0, "chmod go-w " + dir},
		{"another user's", dir, 0o700, 1234, "belongs to another user"},
		{"the one above is written by others", filepath.Dir(dir), 0o777, 0, "chmod o-w " + filepath.Dir(dir)},
		{"the one above is another user's", filepath.Dir(dir), 0o755, 1234, "belongs to another user"},
		{"the one above is like /tmp", filepath.Dir(dir), 0o777 | os.ModeSticky, 0, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.uid != 0 && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			if x.name == "the one above is like /tmp" && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			defer func() { os.Chmod(x.at, 0o700); os.Chown(x.at, os.Geteuid(), -1) }()
			if err := errors.Join(os.Chmod(x.at, x.mode), os.Chown(x.at, max(x.uid, os.Geteuid()), -1)); err != nil {
				t.Fatal(err)
			}
			err := file.Folder(dir)
			if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
				t.Errorf("%v, expected %q", err, x.want)
			}
		})
	}
	if err := file.Folder(filepath.Join(dir, "not", "yet")); err != nil {
		t.Errorf("one that is not there yet: %v", err)
	}
	link := filepath.Join(top, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o777)
	if err := file.Folder(link); err == nil {
		t.Error("what a link leads to was not looked at")
	}
	p := filepath.Join(top, "fifo")
	if err := syscall.Mkfifo(p, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{p, filepath.Join(p, "below")} {
		bounded(t, d, func() {
			if err := file.Folder(d); err == nil {
				t.Errorf("%s was taken", d)
			}
		})
	}
}

func TestWhatIsBeingReadIsKnown(t *testing.T) {
	if w := file.Waits(); len(w) > 0 {
		t.Errorf("nothing is read, yet %v", w)
	}
}

// bounded fails when f does not end, or costs more memory than a few times the limit.
func bounded(t *testing.T, what string, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	done := make(chan bool)
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: no end", what)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 64*limit {
		t.Errorf("%s: %d bytes were allocated", what, got)
	}
}
