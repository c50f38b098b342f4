// Package sshtest is an SSH server inside a test's process: it takes one key, runs each request by
// the real /bin/sh as the test's user, and serves SFTP. It knows nothing of haprov. What it runs
// touches the real machine: scripts in tests name only paths below a test's own folder.
package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Server is one running host. Fields may be changed before the first login.
type Server struct {
	Addr       string // 127.0.0.1:PORT
	Host       string
	Port       int
	User       string // any user is taken
	KnownHosts string // file that pins this server
	KeyFile    string // private key that it takes

	Shell []string // the login shell and how it takes a command; default /bin/sh -c
	Noise string   // printed on stdout before each command, as a loud .bashrc does
	Env   []string // added to the environment of commands

	Hooks

	key   ssh.Signer
	user  ssh.PublicKey
	ln    net.Listener
	mu    sync.Mutex
	conns map[net.Conn]bool
	execs []string
	wg    sync.WaitGroup
}

// New starts a server that lives as long as the test. set changes it before it takes connections.
func New(t testing.TB, set ...func(*Server)) *Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &Server{Addr: ln.Addr().String(), Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, User: "root", ln: ln,
		KnownHosts: filepath.Join(dir, "known_hosts"), KeyFile: filepath.Join(dir, "id_ed25519"),
		Shell: []string{"/bin/sh", "-c"}, conns: map[net.Conn]bool{}}
	s.key, _ = NewKey(t, filepath.Join(dir, "host_key"))
	var user ssh.Signer
	user, _ = NewKey(t, s.KeyFile)
	s.user = user.PublicKey()
	Pin(t, s.KnownHosts, s.Addr, s.key.PublicKey())
	for _, f := range set {
		f(s)
	}
	s.wg.Add(1)
	go s.accept()
	t.Cleanup(func() {
		ln.Close()
		s.Drop()
		s.wg.Wait()
	})
	return s
}

// NewKey makes an ed25519 key, writes it to file (OpenSSH format, 0600) and its public half to file.pub.
func NewKey(t testing.TB, file string) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".pub", ssh.MarshalAuthorizedKey(signer.PublicKey()), 0o644); err != nil {
		t.Fatal(err)
	}
	return signer, priv
}

// Pin writes a known_hosts file of one line.
func Pin(t testing.TB, file, addr string, key ssh.PublicKey) {
	t.Helper()
	if err := os.WriteFile(file, []byte(knownhosts.Line([]string{addr}, key)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Drop cuts all connections without a word.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

// Execs are the requests seen so far.
func (s *Server) Execs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.execs...)
}

func (s *Server) accept() {
	defer s.wg.Done()
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			s.serve(c)
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		}()
	}
}

func (s *Server) serve(c net.Conn) {
	defer c.Close()
	if s.Raw != nil {
		s.Raw(c)
		return
	}
	if s.Wrap != nil {
		c = s.Wrap(c)
	}
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if string(k.Marshal()) == string(s.user.Marshal()) {
			return nil, nil
		}
		return nil, errors.New("not that key")
	}}
	cfg.AddHostKey(s.key)
	if s.Login != nil {
		s.Login(cfg)
	}
	conn, chans, reqs, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		return
	}
	if s.After != nil {
		go s.After(conn)
	}
	go ssh.DiscardRequests(reqs)
	for nc := range chans {
		if s.Open != nil && s.Open(nc) {
			continue
		}
		switch nc.ChannelType() {
		case "session":
			go s.session(nc)
		case "direct-tcpip":
			go forward(nc)
		default:
			nc.Reject(ssh.UnknownChannelType, "not here")
		}
	}
}

func (s *Server) session(nc ssh.NewChannel) {
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	var run *exec.Cmd
	done := make(chan uint32, 1)
	for {
		select {
		case code := <-done:
			ch.SendRequest("exit-status", false, ssh.Marshal(struct{ C uint32 }{code}))
			return
		case r, ok := <-reqs:
			if !ok { // the running command notices by its closed stdin
				if run != nil {
					run.Process.Kill()
				}
				return
			}
			var text struct{ S string }
			ssh.Unmarshal(r.Payload, &text)
			switch {
			case r.Type == "exec" && s.Exec != nil && s.Exec(ch, r, text.S):
			case r.Type == "subsystem" && s.SFTP != nil:
				r.Reply(true, nil)
				go s.SFTP(ch)
			case r.Type == "exec" && run == nil:
				s.mu.Lock()
				s.execs = append(s.execs, text.S)
				s.mu.Unlock()
				run = s.start(ch, text.S, done)
				r.Reply(run != nil, nil)
			case r.Type == "subsystem" && text.S == "sftp":
				r.Reply(true, nil)
				if fs, err := sftp.NewServer(ch); err == nil {
					go func() { fs.Serve(); done <- 0 }()
				}
			case r.Type == "signal" && run != nil:
				syscall.Kill(-run.Process.Pid, syscall.SIGTERM)
			default:
				r.Reply(false, nil)
			}
		}
	}
}

func (s *Server) start(ch ssh.Channel, line string, done chan<- uint32) *exec.Cmd {
	// As with sshd, the command's parent is a process that goes with the session.
	const parent = `exec 3<&0; "$@" <&3 3<&- & wait $!`
	cmd := exec.Command("sh", append([]string{"-c", parent, "session", s.Shell[0]}, append(append([]string(nil), s.Shell[1:]...), line)...)...)
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	if s.Out != nil {
		cmd.Stdout = s.Out(ch)
	}
	cmd.Env = append(os.Environ(), s.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil
	}
	io.WriteString(ch, s.Noise)
	if err := cmd.Start(); err != nil {
		return nil
	}
	go func() { io.Copy(in, ch); in.Close() }()
	go func() {
		err := cmd.Wait()
		code := uint32(0)
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			code = uint32(exit.ExitCode())
		}
		done <- code
	}()
	return cmd
}

func forward(nc ssh.NewChannel) {
	var to struct {
		Host   string
		Port   uint32
		Origin string
		From   uint32
	}
	ssh.Unmarshal(nc.ExtraData(), &to)
	addr := net.TCPAddr{IP: net.ParseIP(strings.Trim(to.Host, "[]")), Port: int(to.Port)}
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		c.Close()
		return
	}
	go ssh.DiscardRequests(reqs)
	go func() { io.Copy(c, ch); c.Close() }()
	io.Copy(ch, c)
	ch.Close()
}
