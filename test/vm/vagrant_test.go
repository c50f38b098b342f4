package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// namespace is where Vagrant's machines, libvirt and an SSH server run: their addresses meet nobody's.
const namespace = "haprov-vagrant"

// TestVagrantsMachinesBecomeACluster goes the way of docs/vagrant.md: a box, vagrant up, haprov up
// --vagrant with fencing proved through the hypervisor, no change the second time, the active machine
// destroyed under a writer, and nothing left after vagrant destroy. As root: it makes a network
// namespace, and itself again in there.
func TestVagrantsMachinesBecomeACluster(t *testing.T) {
	suite(t, "vagrant")
	if os.Getenv("HAPROV_IN") == namespace {
		inNamespace(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes a network namespace")
	}
	do := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, tail(string(out)))
		}
	}
	do("../../tools/deps.sh", "vagrant", "vagrant-libvirt", "libvirt-daemon-system", "libvirt-clients", "dnsmasq-base", "iptables", "openssh-server")
	home := t.TempDir()
	began := time.Now()
	build := exec.Command(program(t), "box", "build", "--add")
	build.Env = append(os.Environ(), "VAGRANT_HOME="+filepath.Join(home, "vagrant.d"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("box build: %v\n%s", err, tail(string(out)))
	}
	t.Logf("box built and added in %.0f s", time.Since(began).Seconds())
	do("ip", "netns", "add", namespace)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", namespace).Run() })
	do("ip", "-n", namespace, "link", "set", "lo", "up")
	again := exec.Command("ip", "netns", "exec", namespace, os.Args[0], "-test.v", "-test.timeout=110m", "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), "HAPROV_IN="+namespace, "HOME="+home, "VAGRANT_HOME="+filepath.Join(home, "vagrant.d"))
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	if err := again.Run(); err != nil {
		t.Errorf("in the namespace: %v", err)
	}
}

// inNamespace is the test in its namespace. $HOME is a folder of its own, which is the user's home, too,
// to all that runs in there: SSH servers ask the system where that is.
func inNamespace(t *testing.T) {
	daemon(t)
	home := os.Getenv("HOME")
	me, err := user.Current()
	if err == nil {
		err = syscall.Mount(home, me.HomeDir, "", syscall.MS_BIND, "") // ip netns exec gave us mounts of our own
	}
	if err != nil {
		t.Fatal(err)
	}
	sshd(t, filepath.Join(home, ".ssh", "authorized_keys"))
	p := &place{t: t, exe: program(t), state: t.TempDir(), dir: t.TempDir(), flags: []string{"--vagrant"}}
	t.Setenv("HAPROV", p.exe)
	if os.Getenv("HAPROV_LIBVIRT") == "" {
		t.Setenv("HAPROV_LIBVIRT", "qemu") // kvm where it is known to boot
	}
	vagrant := func(d time.Duration, args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), d) // t's has ended when the machines are destroyed
		defer cancel()
		c := exec.CommandContext(ctx, "vagrant", args...)
		c.Dir = p.dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("vagrant %s: %v\n%s", strings.Join(args, " "), err, tail(string(out)))
		}
		return string(out)
	}
	timed := func(what string, do func()) {
		began := time.Now()
		do()
		t.Logf("%s: %.0f s", what, time.Since(began).Seconds())
	}
	p.run(time.Minute, "init") // with --vagrant, as every command here
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := p.command(context.Background(), "status").CombinedOutput()
			t.Logf("status:\n%s", out)
		}
		vagrant(10*time.Minute, "destroy", "-f")
		if out, err := exec.Command("virsh", "-c", "qemu:///system", "list", "--all", "--name").Output(); err != nil || strings.TrimSpace(string(out)) != "" {
			t.Errorf("left behind: %q %v", out, err)
		}
	})
	timed("vagrant up", func() { vagrant(40*time.Minute, "up", "--provider=libvirt") })

	out, err := p.command(t.Context(), "up", "--yes").CombinedOutput()
	var ended *exec.ExitError
	line := regexp.MustCompile(`(?m)^restrict,command="[^"\n]* fence-gate [^"\n]*" ssh-ed25519 \S+ haprov-fence-shop$`).FindString(string(out))
	if !errors.As(err, &ended) || ended.ExitCode() != 15 || line == "" {
		t.Fatalf("before this machine allows it: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(home, ".ssh", "authorized_keys"), []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	timed("haprov up", func() {
		out := p.run(60*time.Minute, "up", "--yes")
		if !strings.Contains(out, "\nready: 192.168.56.100:3306") || strings.Contains(out, "not proved") {
			t.Errorf("up ends with\n%s", tail(out))
		}
	})
	timed("again", func() {
		if s := p.up(10 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("the second run: %+v", s)
		}
	})
	v := p.status()
	if !v.Healthy || v.Active == "" {
		t.Fatalf("status: %+v", v)
	}

	db := p.endpoint(t)
	until(t, "the endpoint takes a table", 5*time.Minute, func() bool {
		_, err := db.Exec("CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
		return err == nil
	})
	w := write(t, db, 0)
	begin := time.Now()
	until(t, "the writer has begun", 5*time.Minute, func() bool { return w.since(begin) })
	domain := filepath.Base(p.dir) + "_" + v.Active
	if out, err := exec.Command("virsh", "-c", "qemu:///system", "destroy", domain).CombinedOutput(); err != nil {
		t.Fatalf("virsh destroy %s: %v %s", domain, err, out)
	}
	off := time.Now()
	until(t, "rows are acknowledged again", 15*time.Minute, func() bool { return w.since(off.Add(4 * time.Second)) })
	until(t, "both machines are back", 40*time.Minute, func() bool { return p.status().Healthy })
	acked, lost, gap := w.end(t)
	t.Logf("%s destroyed: longest time without service %.0f s, healthy after %.0f s, %d rows acknowledged, %d lost", v.Active, gap.Seconds(), time.Since(off).Seconds(), acked, lost)
	if lost != 0 || acked == 0 {
		t.Errorf("%d of %d acknowledged rows are lost", lost, acked)
	}
}

// sshd serves logins of this machine's users in the namespace, with the keys of one file.
func sshd(t *testing.T, keys string) {
	t.Helper()
	for _, dir := range []string{"/run/sshd", filepath.Dir(keys)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("/usr/sbin/sshd", "-D", "-o", "AuthorizedKeysFile="+keys, "-o", "StrictModes=no", "-o", "PermitRootLogin=prohibit-password", "-o", "PidFile=none")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	until(t, "the SSH server answers", time.Minute, func() bool {
		return exec.Command("ssh-keyscan", "-T", "2", "127.0.0.1").Run() == nil
	})
	if _, err := os.Stat("/etc/ssh/ssh_host_ed25519_key.pub"); err != nil {
		t.Fatal(fmt.Errorf("the SSH server has no host key: %w", err))
	}
}
