package transport_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/transport"
	"haprov/internal/transport/sshtest"
)

// openssh starts a real sshd on loopback, in a mode that needs no privileges.
func openssh(t testing.TB, lines ...string) (transport.Target, func() net.Conn) {
	t.Helper()
	const sshd = "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		t.Fatal("the transport is tested against a real OpenSSH server: apt-get install openssh-server")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		os.MkdirAll("/run/sshd", 0o755) // sshd as root insists on it; Debian's service makes it at boot
	}
	dir := t.TempDir()
	host, _ := sshtest.NewKey(t, filepath.Join(dir, "host"))
	sshtest.NewKey(t, filepath.Join(dir, "id"))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	conf := fmt.Sprintf(`Port %d
ListenAddress 127.0.0.1
HostKey %s/host
PidFile none
AuthorizedKeysFile %s/id.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
%s
`, port, dir, dir, strings.Join(lines, "\n"))
	file := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", file)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("sshd: %s", text)
		}
	})
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	dial := func() net.Conn {
		for end := time.Now().Add(10 * time.Second); ; {
			c, err := net.DialTimeout("tcp", addr, time.Second)
			if err == nil {
				return c
			}
			if time.Now().After(end) {
				t.Fatal("sshd does not listen: ", err)
			}
			<-time.After(5 * time.Millisecond)
		}
	}
	dial().Close()
	known := filepath.Join(dir, "known_hosts")
	sshtest.Pin(t, known, addr, host.PublicKey())
	return transport.Target{Name: "real", Address: "127.0.0.1", Port: port, User: me.Username, OnlyKnown: true,
		KeyFiles: []string{filepath.Join(dir, "id")}, KnownHosts: []string{known}}, dial
}
