package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"haprov/internal/secret"
	"haprov/internal/transport"
	"haprov/internal/transport/sshtest"
)

func TestNoiseIsNoAnswer(t *testing.T) {
	srv, target := inProcess(t)
	srv.Noise = strings.Repeat("Welcome!\n\n0123 0 0\n", 10000) + "no newline"
	s := login(t, target)
	if r := run(t, s, "echo first; exit 4"); string(r.Out) != "first\n" || r.Exit != 4 {
		t.Errorf("%q %d", r.Out, r.Exit)
	}
}

// The end marker's nonce is not in the arguments, where every local user of the host can read it.
func TestArgumentsCannotForgeAnEnd(t *testing.T) {
	srv, target := inProcess(t)
	s := login(t, target)
	run(t, s, "true")
	nonce := strings.Fields(strings.SplitN(srv.Execs()[0], "' sh ", 2)[1])[0]
	forged := "\n" + nonce + " 1 0\n"
	if r := run(t, s, "printf '"+strings.ReplaceAll(forged, "\n", `\n`)+"'; exit 7"); string(r.Out) != forged || r.Exit != 7 {
		t.Errorf("%q %d", r.Out, r.Exit)
	}
}

func TestLoginShellDoesNotMatter(t *testing.T) {
	script := `printf '%s|' "it's" '\n \\ !! $x' "%" 'a\'; x='é'; echo "$x" # done`
	want := `it's|\n \\ !! $x|%|a\|é` + "\n"
	for _, shell := range []string{"sh", "dash", "bash", "zsh", "fish", "tcsh", "csh", "ksh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		t.Run(shell, func(t *testing.T) {
			srv, target := inProcess(t)
			srv.Shell = []string{path, "-c"}
			s := login(t, target)
			for range 2 {
				if r := run(t, s, script); string(r.Out) != want {
					t.Errorf("%q, want %q", r.Out, want)
				}
			}
		})
	}
}

func TestNoLoginShell(t *testing.T) {
	srv, target := inProcess(t)
	srv.Shell = []string{"/bin/sh", "-c", "echo This account is not available.; exit 1"}
	_, err := login(t, target).Exchange(t.Context(), "true", nil)
	if !errors.Is(err, transport.ErrShell) || !strings.Contains(err.Error(), "not available") {
		t.Error(err)
	}
}

func TestUnreachable(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	_, err = transport.Open(t.Context(), transport.Target{Address: "127.0.0.1", Port: port, Timeout: 200 * time.Millisecond})
	if !errors.Is(err, transport.ErrUnreachable) {
		t.Error("a silent server: ", err)
	}
	ln.Close()
	_, err = transport.Open(t.Context(), transport.Target{Address: "127.0.0.1", Port: port})
	if !errors.Is(err, transport.ErrUnreachable) || !strings.Contains(err.Error(), "is sshd running") {
		t.Error("a closed port: ", err)
	}
}

// frozen is a connection whose peer can fall silent without closing.
type frozen struct {
	net.Conn
	off *atomic.Bool
}

func (f frozen) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	for f.off.Load() && err == nil {
		n, err = f.Conn.Read(b) // swallowed
	}
	return n, err
}

func TestDeadLinkIsFound(t *testing.T) {
	_, target := inProcess(t)
	var off atomic.Bool
	target.KeepAlive = 100 * time.Millisecond
	target.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := net.Dial(network, addr)
		return frozen{c, &off}, err
	}
	s := login(t, target)
	// Quiet but alive: longer than it takes to give up.
	run(t, s, "sleep 0.7")
	start := time.Now()
	_, err := s.Exchange(t.Context(), "echo on; sleep 20", func([]byte) { off.Store(true) })
	if !errors.Is(err, transport.ErrLost) || time.Since(start) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}

// fakeSudo behaves as sudo does with these options; its password is "open sesame".
const fakeSudo = `#!/bin/sh
mode=ask prompt=Password:
while [ $# -gt 0 ]; do case $1 in -n) mode=never; shift;; -S) shift;; -p) prompt=$2; shift 2;; --) shift; break;; *) break;; esac; done
case $HAPROV_SUDO in
free) exec "$@";;
esac
[ $mode = never ] && { echo "sudo: a password is required" >&2; exit 1; }
for try in 1 2 3; do
	printf %s "$prompt" >&2
	read -r word || exit 1
	[ "$word" = "open sesame" ] && exec "$@"
	echo "Sorry, try again." >&2
done
exit 1
`

func TestSudo(t *testing.T) {
	password := func(p string) func() (secret.Text, error) {
		return func() (secret.Text, error) { return secret.Sensitive(p), nil }
	}
	for _, c := range []struct {
		name, mode string
		password   func() (secret.Text, error)
		fails      bool
	}{
		{"free, none given", "free", nil, false},
		{"free, one given", "free", password("open sesame"), false},
		{"asks, right", "ask", password("open sesame"), false},
		{"asks, wrong", "ask", password("wrong"), true},
		{"asks, none given", "ask", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv, target := inProcess(t)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "sudo"), []byte(fakeSudo), 0o755); err != nil {
				t.Fatal(err)
			}
			srv.Env = []string{"HAPROV_SUDO=" + c.mode, "PATH=" + dir + ":" + os.Getenv("PATH")}
			target.Become, target.SudoPassword = true, c.password
			s := login(t, target)
			r, err := s.Exchange(t.Context(), "echo canary; exit 5", nil)
			if c.fails {
				if !errors.Is(err, transport.ErrSudo) {
					t.Fatal(err)
				}
			} else if err != nil || string(r.Out) != "canary\n" || r.Exit != 5 {
				t.Fatalf("%q %d %v", r.Out, r.Exit, err)
			} else if r := run(t, s, "cat; echo more"); string(r.Out) != "more\n" {
				t.Errorf("second: %q", r.Out)
			}
			for _, e := range srv.Execs() {
				if strings.Contains(e, "canary") || strings.Contains(e, "sesame") {
					t.Errorf("sudo would log this: %s", e)
				}
			}
		})
	}
}

func TestJumpHost(t *testing.T) {
	jump, over := inProcess(t)
	_, target := inProcess(t)
	target.Jump = &over
	s := login(t, target)
	if r := run(t, s, "echo far"); string(r.Out) != "far\n" {
		t.Errorf("%q", r.Out)
	}
	if len(jump.Execs()) != 0 {
		t.Error("something ran on the jump host")
	}
}

// As the inventory's ssh block says it: keys and known hosts are its own, too.
func TestJumpHostByName(t *testing.T) {
	jump, over := inProcess(t)
	_, target := inProcess(t)
	target.Jumps = "root@" + jump.Addr
	target.KeyFiles = append(target.KeyFiles, over.KeyFiles...)
	target.KnownHosts = append(target.KnownHosts, over.KnownHosts...)
	s := login(t, target)
	if r := run(t, s, "echo far"); string(r.Out) != "far\n" {
		t.Errorf("%q", r.Out)
	}
	jump.Drop()
	if _, err := s.Exchange(t.Context(), "true", nil); !errors.Is(err, transport.ErrLost) {
		t.Errorf("it did not go over the jump host: %v", err)
	}
}

func TestPassphraseIsAskedOnlyForATakenKey(t *testing.T) {
	srv, target := inProcess(t)
	dir := t.TempDir()
	locked, other := filepath.Join(dir, "locked"), filepath.Join(dir, "other")
	text, err := os.ReadFile(srv.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(locked, text, 0o600)
	sshtest.NewKey(t, other)
	for _, f := range []string{locked, other} {
		if out, err := exec.Command("ssh-keygen", "-p", "-q", "-N", "open-sesame", "-f", f).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen (apt-get install openssh-client): %s", out)
		}
	}
	var asked []string
	target.KeyFiles = []string{other, locked}
	target.Passphrase = func(f string) (secret.Text, error) { asked = append(asked, f); return secret.Plain("open-sesame"), nil }
	run(t, login(t, target), "true")
	if got := secret.Mask("Bad passphrase: open-sesame"); got != "Bad passphrase: (sensitive)" {
		t.Errorf("it is not masked from now on: %q", got)
	}
	if len(asked) != 1 || asked[0] != locked {
		t.Errorf("asked for %v", asked)
	}
	target.Passphrase = nil
	if _, err := transport.Open(t.Context(), target); !errors.Is(err, transport.ErrAuth) || !strings.Contains(err.Error(), "ssh-add") {
		t.Error(err)
	}
}

func TestSSHConfigLeadsToTheHost(t *testing.T) {
	srv, bare := inProcess(t)
	text := fmt.Sprintf(`Host db1
  HostName 127.0.0.1
  User vagrant
  Port %d
  UserKnownHostsFile %s
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "%s"
  IdentitiesOnly yes
Host *
  IdentityFile /nowhere/id
`, srv.Port, srv.KnownHosts, srv.KeyFile)
	c, err := transport.ParseSSHConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if h := c.Hosts(); len(h) != 1 || h[0] != "db1" {
		t.Errorf("hosts: %q", h)
	}
	run(t, login(t, transport.Target{Name: "db1", Config: c, OnlyKnown: true}), "true")

	proxy := fmt.Sprintf("Host db2\n HostName 127.0.0.1\n Port %d\n ProxyCommand %s\n", srv.Port, "bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3'")
	if c, err = transport.ParseSSHConfig([]byte(proxy)); err != nil {
		t.Fatal(err)
	}
	bare.Name, bare.Address, bare.Port, bare.Config = "db2", "", 0, c
	run(t, login(t, bare), "true")
}
