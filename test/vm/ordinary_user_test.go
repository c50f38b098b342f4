package vm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobody is an account without any right of its own.
const nobody = 65534

// TestAnOrdinaryUserBootsAMachine needs root only to stop being root: machine, switch and SSH are
// an ordinary user's, and nothing that user's processes listen on is reachable from outside.
func TestAnOrdinaryUserBootsAMachine(t *testing.T) {
	suite(t, "core", "user")
	if os.Getuid() != 0 {
		t.Skip("all of these tests run as an ordinary user already")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp("", "haprov-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	shared := t.TempDir()
	if err := os.WriteFile(filepath.Join(shared, "haprov.hcl"), []byte(alone), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command(program(t), "lab", "image") // root's image: nobody has no ids of its own to build with
	build.Dir = shared
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lend(t, filepath.Join(cache, "haprov"), filepath.Join(home, "cache"))
	exe := filepath.Join(home, "haprov")
	if out, err := exec.Command("cp", program(t), exe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	inventory := filepath.Join(home, "haprov.hcl")
	if err := os.WriteFile(inventory, []byte(alone), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	haprov := func(d time.Duration, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		c := exec.CommandContext(ctx, exe, args...)
		c.Dir = home
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "HAPROV_STATE=" + home + "/state", "HAPROV_CACHE=" + home + "/cache", "TMPDIR=" + home}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	run := func(d time.Duration, args ...string) string {
		t.Helper()
		out, err := haprov(d, args...)
		if err != nil {
			t.Fatalf("haprov %s: %v\n%s", strings.Join(args, " "), err, tail(out))
		}
		return out
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := filepath.Glob(home + "/state/labs/alone/*.log")
			for _, f := range log {
				text, _ := os.ReadFile(f)
				t.Logf("%s:\n%s", f, tail(string(text)))
			}
		}
		run(time.Minute, "down", "--yes")
	})
	begin := time.Now()
	run(5*time.Minute, "up", "--yes")
	t.Logf("a machine in %.0f s", time.Since(begin).Seconds())
	if out := run(time.Minute, "ssh", "one", "--", "cat /etc/hello"); !strings.Contains(out, "from an ordinary user") {
		t.Errorf("%q", out)
	}
	for _, s := range listening(t, nobody) {
		t.Errorf("reachable from outside: %s", s)
	}
	sockets := socketsUnder(t, home, fmt.Sprintf("/tmp/haprov-%d", nobody))
	if len(sockets) == 0 {
		t.Error("found none of the lab's sockets")
	}
	for _, s := range sockets {
		if !private(s) {
			t.Errorf("%s is reachable by other users", s)
		}
	}

	// What is on a disk is not destroyed, unless somebody names it.
	if err := os.WriteFile(inventory, []byte(strings.Replace(alone, `"ext4"`, `"ext3"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := haprov(time.Minute, "up", "--yes"); exit(err) != 15 || !strings.Contains(out, "destroy") {
		t.Errorf("another filesystem is wanted: exit %d\n%s", exit(err), tail(out))
	}
	if out := run(time.Minute, "ssh", "one", "--", "blkid -t LABEL=kept -o value -s TYPE"); strings.TrimSpace(out) != "ext4" {
		t.Errorf("the disk holds %q", out)
	}
}

const alone = `
lab "alone" {
  image  = "debian-12"
  driver = "uml"
}
network "lan" {
  cidr = "192.168.77.0/24"
}
host "one" {
  address = "192.168.77.11"
  memory  = "512MiB"
  disk "data" { size = "64MiB" }
}
cluster "alone" { recipe = "hello" }
recipe "hello" {
  on "all" {
    file "/etc/hello" { content = "from an ordinary user\n" }
    filesystem "data" {
      device = each.host.disk.data.device
      type   = "ext4"
      label  = "kept"
    }
  }
}
`

// socketsUnder are those with a name below one of some folders.
func socketsUnder(t *testing.T, folders ...string) (out []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		w := strings.Fields(line)
		for _, f := range folders {
			if name := w[len(w)-1]; strings.HasPrefix(name, f+"/") {
				out = append(out, name)
			}
		}
	}
	return out
}

// private reports whether a folder above a socket keeps others out.
func private(socket string) bool {
	for d := filepath.Dir(socket); d != "/"; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err == nil && info.Mode().Perm()&0o077 == 0 {
			return true
		}
	}
	return false
}

// lend gives the user a cache of its own with the same images: links to files that nobody writes.
func lend(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		here := filepath.Join(to, rel)
		switch {
		case rel == "works" && d.IsDir(): // what works for root need not work for others
			return fs.SkipDir
		case d.IsDir():
			if err := os.MkdirAll(here, 0o755); err != nil {
				return err
			}
			return os.Chown(here, nobody, nobody)
		case strings.HasSuffix(rel, ".lock"):
			return nil
		}
		if err := os.Link(path, here); !errors.Is(err, syscall.EXDEV) {
			return err
		}
		if out, err := exec.Command("cp", "--sparse=always", "--preserve=mode", path, here).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// The kernel names its C library by an absolute path, which is another one here.
	kept := filepath.Join(to, "uml/kept")
	kernel := filepath.Join(kept, "linux")
	for _, c := range [][]string{
		{"cp", "--remove-destination", filepath.Join(from, "uml/kept/linux"), kernel},
		{"patchelf", "--set-interpreter", kept + "/lib/ld-linux-x86-64.so.2", "--set-rpath", kept + "/lib", kernel},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", c, err, out)
		}
	}
}

// listening are the TCP and UDP sockets of a user's processes that others can reach: not on
// loopback, and not connected.
func listening(t *testing.T, uid int) (out []string) {
	t.Helper()
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		f, err := os.Open("/proc/net/" + name)
		if err != nil {
			continue
		}
		defer f.Close()
		s := bufio.NewScanner(f)
		s.Scan() // the header
		for s.Scan() {
			w := strings.Fields(s.Text())
			if len(w) < 8 || w[7] != strconv.Itoa(uid) || strings.HasPrefix(w[1], "0100007F:") || strings.HasPrefix(w[1], "00000000000000000000000001000000:") {
				continue
			}
			if strings.HasPrefix(name, "tcp") && w[3] != "0A" || strings.HasPrefix(name, "udp") && w[3] != "07" {
				continue
			}
			out = append(out, name+" "+w[1])
		}
	}
	return out
}
