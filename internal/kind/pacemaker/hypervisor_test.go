package pacemaker

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"haprov/internal/kind"
)

// TestTheFenceAgentsForVirtualMachinesTakeWhatHaprovWrites: the real fence_virsh over a real sshd, and
// the real fence_virt with fence_virtd, against a libvirt daemon of this test's own, whose domain is one
// of libvirt's test driver: it has a power and nothing else.
func TestTheFenceAgentsForVirtualMachinesTakeWhatHaprovWrites(t *testing.T) {
	for _, p := range []string{"/usr/sbin/libvirtd", "virsh", "/usr/sbin/sshd", "ssh-keygen", "/usr/sbin/fence_virsh", "/usr/sbin/fence_virt", "/usr/sbin/fence_virtd"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%v: make deps installs it", err)
		}
	}
	for agent, prepare := range map[string]func(*testing.T, hypervisor) (right, wrong map[string]string){"fence_virsh": overSSH, "fence_virt": overTCP} {
		t.Run(agent, func(t *testing.T) {
			t.Parallel()
			h := hypervise(t)
			right, wrong := prepare(t, h)
			device := func(options map[string]string) *Pacemaker {
				return &Pacemaker{Where: kind.Where{Nodes: []kind.Node{{Name: "db1", Fence: []kind.Device{{ID: "fence-db1", Agent: agent, Options: options}}}}},
					Fence: &Fences{Reboot: 90 * time.Second, Delay: time.Second}}
			}
			p := device(right)
			for _, x := range []struct {
				action, power string // what is afterwards
				code          int    // 2: it is off (fence agent API)
			}{{"monitor", "running", 0}, {"status", "running", 0}, {"off", "shut off", 0}, {"status", "shut off", 2}, {"on", "running", 0}, {"reboot", "running", 0}} {
				before := h.number(t)
				if code, out := p.ask(t, x.action, h.dir); code != x.code || h.power(t) != x.power {
					t.Fatalf("%s: exit %d, power %s; want %d, %s\n%s", x.action, code, h.power(t), x.code, x.power, out)
				}
				if x.action == "reboot" && h.number(t) == before {
					t.Error("a reboot does not cut the power: the domain is the one that it was")
				}
			}
			if code, out := device(wrong).ask(t, "off", h.dir); code == 0 || h.power(t) != "running" {
				t.Errorf("with another key: exit %d, power %s\n%s", code, h.power(t), out)
			}
		})
	}
}

// hypervisor is a libvirt daemon with one domain, test, which runs.
type hypervisor struct{ dir, uri string }

// hypervise starts it as a user without rights: it leaves this machine's own libvirt and networks alone.
func hypervise(t *testing.T) hypervisor {
	t.Helper()
	dir, err := os.MkdirTemp("", "hv") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("/usr/sbin/libvirtd")
	c.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "XDG_DATA_HOME="+home)
	if os.Geteuid() == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(nobody.Uid) // Linux numbers its users
		gid, _ := strconv.Atoi(nobody.Gid)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		for path, mode := range map[string]os.FileMode{dir: 0o711, home: 0o700} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(home, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	h := hypervisor{dir, "test+unix:///default?socket=" + home + "/libvirt/libvirt-sock"}
	start(t, c)
	h.eventually(t, "libvirtd answers", func() bool { return exec.Command("virsh", "-c", h.uri, "version").Run() == nil })
	// The driver forgets all domains with its last connection.
	open := exec.Command("virsh", "-c", h.uri)
	in, err := open.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := open.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, open)
	fmt.Fprintln(in, "domstate test")
	for said := bufio.NewScanner(out); said.Scan(); {
		if strings.Contains(said.Text(), "running") {
			return h
		}
	}
	t.Fatal("virsh tells no state of the domain")
	return h
}

// overSSH is a sshd on loopback whose sessions find the hypervisor.
func overSSH(t *testing.T, h hypervisor) (right, wrong map[string]string) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		os.MkdirAll("/run/sshd", 0o755) // sshd as root insists on it; Debian's service makes it at boot
	}
	file := func(name string) string { return filepath.Join(h.dir, name) }
	for _, key := range []string{"id", "other", "host"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(key)).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	port := freePort(t)
	config := "Port " + port + "\nListenAddress 127.0.0.1\nHostKey " + file("host") + "\nAuthorizedKeysFile " + file("id.pub") +
		"\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\nSetEnv LIBVIRT_DEFAULT_URI=" + h.uri + "\n"
	if err := os.WriteFile(file("sshd_config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", file("sshd_config")))
	h.listens(t, port)
	with := func(key string) map[string]string {
		return map[string]string{"ip": "127.0.0.1", "ipport": port, "username": me.Username, "identity_file": file(key), "plug": "test"}
	}
	return with("id"), with("other")
}

// overTCP is a fence_virtd on loopback, of this hypervisor.
func overTCP(t *testing.T, h hypervisor) (right, wrong map[string]string) {
	file := func(name string) string { return filepath.Join(h.dir, name) }
	port := freePort(t)
	for name, text := range map[string]string{"key": strings.Repeat("k", 512), "other": strings.Repeat("o", 512),
		"fence_virt.conf": "fence_virtd { listener = \"tcp\"; backend = \"libvirt\"; }\n" +
			"listeners { tcp { address = \"127.0.0.1\"; port = \"" + port + "\"; key_file = \"" + file("key") + "\"; } }\n" +
			"backends { libvirt { uri = \"" + h.uri + "\"; } }\n"} {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, exec.Command("/usr/sbin/fence_virtd", "-F", "-f", file("fence_virt.conf"), "-p", file("pid")))
	h.listens(t, port)
	with := func(key string) map[string]string {
		return map[string]string{"ipaddr": "127.0.0.1", "ipport": port, "key_file": file(key), "plug": "test"}
	}
	return with("key"), with("other")
}

// start runs a program until t ends.
func start(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var out strings.Builder
	if c.Stderr = &out; c.Stdout == nil {
		c.Stdout = &out
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("%s: %s", c.Path, out.String())
		}
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (h hypervisor) listens(t *testing.T, port string) {
	t.Helper()
	h.eventually(t, "port "+port+" is listened on", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (h hypervisor) eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); time.Since(begin) < time.Minute; <-tick.C {
		if is() {
			return
		}
	}
	t.Fatalf("not within a minute: %s", what)
}

func (h hypervisor) virsh(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("virsh", append([]string{"-c", h.uri}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("virsh %v: %v %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (h hypervisor) power(t *testing.T) string { t.Helper(); return h.virsh(t, "domstate", "test") }

// number is another one after each start.
func (h hypervisor) number(t *testing.T) string { t.Helper(); return h.virsh(t, "domid", "test") }
