package vm

import (
	"bufio"
	"context"
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
	lend(t, filepath.Join(cache, "haprov"), filepath.Join(home, "cache"))
	exe := filepath.Join(home, "haprov")
	if out, err := exec.Command("cp", program(t), exe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	inventory := "lab \"alone\" { image = \"debian-12\" }\nnetwork \"lan\" {\n  cidr = \"192.168.77.0/24\"\n}\nhost \"one\" {\n  address = \"192.168.77.11\"\n  memory  = \"512MiB\"\n}\n" +
		"cluster \"alone\" { recipe = \"hello\" }\nrecipe \"hello\" {\n  on \"all\" {\n    file \"/etc/hello\" { content = \"from an ordinary user\\n\" }\n  }\n}\n"
	if err := os.WriteFile(filepath.Join(home, "haprov.hcl"), []byte(inventory), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	run := func(d time.Duration, args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		c := exec.CommandContext(ctx, exe, args...)
		c.Dir = home
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "HAPROV_STATE=" + home + "/state", "HAPROV_CACHE=" + home + "/cache", "TMPDIR=" + os.TempDir()}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("haprov %s: %v\n%s", strings.Join(args, " "), err, tail(string(out)))
		}
		return string(out)
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
		return os.Link(path, here)
	})
	if err != nil {
		t.Fatal(err)
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
