package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haprov/internal/transport/sshtest"
)

// place is a home of its own with an inventory of one host.
type place struct {
	dir, state, key string
	env             []string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{dir: dir, state: filepath.Join(dir, "state"), key: filepath.Join(dir, "key")}
	host := sshtest.New(t)
	text, err := os.ReadFile(host.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "key", string(text))
	p.write(t, "haprov.hcl", fmt.Sprintf("ssh {\n  user        = %q\n  port        = %d\n  keys        = [%q]\n  known_hosts = [%q]\n  only_known  = true\n}\nhost \"one\" { address = %q }\ncluster \"shop\" {\n  recipe = \"one\"\n  role \"db\" { hosts = [host.one] }\n}\n",
		host.User, host.Port, p.key, host.KnownHosts, host.Host))
	p.write(t, "recipes/one.hcl", "recipe \"one\" {\n  on \"db\" {\n    file \"x\" {\n      path    = \""+dir+"/out\"\n      content = secret(\"app\")\n    }\n  }\n}\n")
	p.env = append(os.Environ(), "HAPROV_STATE="+p.state, "HOME="+dir, "SSH_AUTH_SOCK=")
	return p
}

func (p *place) write(t *testing.T, name, text string) {
	t.Helper()
	f := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(f), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *place) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	c := exec.Command("haprov", args...)
	said := &bytes.Buffer{}
	c.Dir, c.Env, c.Stdout, c.Stderr = p.dir, p.env, said, said
	return c, said
}

// run gives what a command said and its exit status; one that does not end fails the test.
func (p *place) run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	c, said := p.command(args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(20*time.Second, func() { c.Process.Kill() })
	defer late.Stop()
	c.Wait()
	if c.ProcessState.ExitCode() < 0 {
		t.Fatalf("no end: %s", said)
	}
	if rss := c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; rss > 256<<10 {
		t.Errorf("%v took %d KiB of memory", args, rss)
	}
	return said.String(), c.ProcessState.ExitCode()
}

func TestFilesThatNeverEndAreRefused(t *testing.T) {
	for _, kind := range []struct {
		name, want string
		make       func(string) error
	}{
		{"FIFO", "is a FIFO", func(f string) error { return syscall.Mkfifo(f, 0o600) }},
		{"device", "is a device", func(f string) error { return os.Symlink("/dev/zero", f) }},
		{"sparse", "are read", func(f string) error {
			if err := os.WriteFile(f, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(f, 2<<30)
		}},
	} {
		for _, at := range []string{"key", "key-cert.pub", ".ssh/known_hosts", ".ssh/config", ".ssh/included", "identity", "state/secrets/shop/app"} {
			t.Run(kind.name+" "+at, func(t *testing.T) {
				p := newPlace(t)
				p.write(t, at, "")
				f := filepath.Join(p.dir, at)
				os.Remove(f)
				if err := kind.make(f); err != nil {
					t.Fatal(err)
				}
				switch at {
				case ".ssh/included":
					p.write(t, ".ssh/config", "Host x\n  Include=included\n")
				case "identity":
					p.env = append(p.env, "HAPROV_IDENTITY="+f)
				case ".ssh/known_hosts":
					text, _ := os.ReadFile(filepath.Join(p.dir, "haprov.hcl"))
					p.write(t, "haprov.hcl", strings.Replace(string(text), "only_known  = true\n", "", 1))
				}
				said, code := p.run(t, "plan")
				said = strings.Join(strings.Fields(said), " ") // where lines break depends on the path's length
				if at == "key-cert.pub" {                      // one that cannot be read is as none
					return
				}
				if code == 0 || !strings.Contains(said, kind.want) && !strings.Contains(said, "symbolic link") {
					t.Errorf("exit %d, expected %q: %s", code, kind.want, said)
				}
			})
		}
	}
}

func TestFoldersThatOthersChangeAreRefusedWithTheCommand(t *testing.T) {
	for _, at := range []string{"state", "state/secrets/shop"} {
		p := newPlace(t)
		p.write(t, "state/secrets/shop/app", "secret")
		dir := filepath.Join(p.dir, at)
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"validate", "plan", "up"} {
			if said, code := p.run(t, command); code != 10 || !strings.Contains(said, "chmod go-w "+dir) {
				t.Errorf("%s with %s open: exit %d: %s", command, at, code, said)
			}
		}
		if os.Geteuid() == 0 {
			os.Chmod(dir, 0o700)
			os.Chown(dir, 1234, -1)
			if said, code := p.run(t, "plan"); code != 10 || !strings.Contains(said, "chown 0 "+dir) {
				t.Errorf("%s of another user: exit %d: %s", at, code, said)
			}
		}
	}
}

func TestAStateFolderThatIsAFIFOIsRefused(t *testing.T) {
	for _, at := range []string{"state", "state/secrets", "state/secrets/shop"} {
		p := newPlace(t)
		os.MkdirAll(filepath.Dir(filepath.Join(p.dir, at)), 0o700)
		if err := syscall.Mkfifo(filepath.Join(p.dir, at), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"plan", "up"} {
			if said, code := p.run(t, command); code != 10 || !strings.Contains(said, "not a directory") {
				t.Errorf("%s, %s a FIFO: exit %d: %s", command, at, code, said)
			}
		}
	}
}

// A file system whose server never answers is the one thing that no look at a file's type finds.
func TestOneSignalEndsWhatWaitsForAFile(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := newPlace(t)
		p.env = append(p.env, "HAPROV_IDENTITY="+filepath.Join(frozen(t), "identity"))
		c, said := p.command("plan")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		waits(t, c.Process.Pid)
		c.Process.Signal(sig)
		select {
		case <-ended:
			if code := c.ProcessState.ExitCode(); code != 14 || !strings.Contains(said.String(), "does not answer") {
				t.Errorf("exit %d: %s", code, said)
			}
		case <-time.After(20 * time.Second):
			c.Process.Kill()
			t.Errorf("%s does not end it", sig)
		}
	}
}

// frozen mounts a file system that answers nothing.
func frozen(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	dev, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("needs FUSE: %v", err)
	}
	if err := syscall.Mount("frozen", dir, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", dev.Fd(), os.Getuid(), os.Getgid())); err != nil {
		dev.Close()
		t.Skipf("needs to mount: %v", err)
	}
	t.Cleanup(func() {
		dev.Close() // what waits gets an error
		syscall.Unmount(dir, syscall.MNT_DETACH)
	})
	return dir
}

// waits returns when a thread of the process sleeps in FUSE.
func waits(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		at, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/wchan", pid))
		for _, f := range at {
			if b, _ := os.ReadFile(f); bytes.Contains(b, []byte("fuse")) || bytes.Contains(b, []byte("request_wait")) {
				return
			}
		}
	}
	t.Skip("the kernel does not tell what a thread waits for")
}
