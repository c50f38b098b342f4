package vm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestALibvirtDaemonRunsTheMachine boots a machine as a domain of libvirt, reaches it, freezes it,
// cuts its power, and holds that nothing of it stays with the daemon.
func TestALibvirtDaemonRunsTheMachine(t *testing.T) {
	suite(t, "libvirt")
	daemon(t)
	p := newPlace(t)
	p.write("haprov.hcl", `lab "lv" { driver = "libvirt" }
network "n" { cidr = "192.168.77.0/24" }
host "n1" {
  address = "192.168.77.11"
  disk "data" { size = "64MiB" }
}
cluster "one" { recipe = "one" }
`)
	p.write("recipes/one.hcl", `recipe "one" {
  about = "One file"
  on "all" {
    file "/etc/hello" { content = "hello\n" }
  }
}
`)
	if s := p.up(40 * time.Minute); s.Changes != 1 || s.Failed != 0 {
		t.Errorf("the first run: %+v", s)
	}
	if s := p.up(5 * time.Minute); s.Changes != 0 || s.Failed != 0 {
		t.Errorf("the second run: %+v", s)
	}
	if out := p.run(5*time.Minute, "ssh", "n1", "--", "cat /etc/hello; blockdev --getsize64 /dev/disk/by-haprov/data"); out != "hello\n67108864\n" {
		t.Errorf("the machine says %q", out)
	}
	is := func(want string) {
		t.Helper()
		until(t, "libvirt says "+want, time.Minute, func() bool { return domains(t) == want })
	}
	is("running")
	p.run(time.Minute, "lab", "pause", "n1")
	is("paused")
	p.run(time.Minute, "lab", "resume", "n1")
	is("running")
	p.run(2*time.Minute, "lab", "power-off", "n1")
	is("")
	p.run(2*time.Minute, "lab", "power-on", "n1")
	is("running")
	until(t, "the machine answers again", 20*time.Minute, func() bool { return p.status().Healthy })
	if out, err := exec.Command("virsh", "-c", "qemu:///system", "destroy", name(t)).CombinedOutput(); err != nil {
		t.Fatalf("virsh destroy: %v %s", err, out)
	}
	until(t, "the diary tells of a power-off that nobody ordered", time.Minute, func() bool {
		return strings.Contains(p.run(time.Minute, "lab", "logs"), "went off by itself")
	})
	p.run(2*time.Minute, "lab", "power-on", "n1")
	is("running")
	p.killSupervisor()
	is("") // nobody is left who could switch it off
	p.run(2*time.Minute, "down", "--yes")
	is("")
}

// killSupervisor ends the lab's supervisor without a word.
func (p *place) killSupervisor() {
	p.t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range lines {
		text, _ := os.ReadFile(f)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err == nil && strings.Contains(string(text), "supervise\x00"+p.state) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				p.t.Fatal(err)
			}
			return
		}
	}
	p.t.Fatal("the lab has no supervisor")
}

// daemon makes sure that libvirt's daemons run; those that it starts end with the test.
func daemon(t *testing.T) {
	t.Helper()
	if out, err := exec.Command(program(t), "lab", "needs", "--install", "--driver", "libvirt").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for _, d := range []string{"/usr/sbin/virtlogd", "/usr/sbin/libvirtd"} {
		if exec.Command("pidof", d).Run() == nil || exec.Command("pidof", d[len("/usr/sbin/"):]).Run() == nil {
			continue
		}
		c := exec.Command(d)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = c.Process.Kill()
			_ = c.Wait()
		})
	}
	until(t, "libvirt answers", time.Minute, func() bool {
		return exec.Command("virsh", "-c", "qemu:///system", "version").Run() == nil
	})
}

// name is the lab's only domain; empty when there is none.
func name(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("virsh", "-c", "qemu:///system", "list", "--all", "--name").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range strings.Fields(string(out)) {
		if strings.HasPrefix(n, "haprov-n1-") {
			return n
		}
	}
	return ""
}

// domains is the state of the lab's only domain; empty when there is none.
func domains(t *testing.T) string {
	t.Helper()
	n := name(t)
	if n == "" {
		return ""
	}
	out, err := exec.Command("virsh", "-c", "qemu:///system", "domstate", n).Output()
	if err != nil {
		return "" // gone since
	}
	return strings.TrimSpace(string(out))
}
