package transport

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// session is a Session over SSH. Its life: new -> started (first Exchange) -> dead (why is set).
type session struct {
	t      Target
	wire   *wire
	client *ssh.Client
	via    *session // the jump host's
	alive  chan struct{}

	nonce string
	host  string // the host's nonce, known after the greeting
	k     int
	ch    *ssh.Session
	in    io.WriteCloser
	out   io.Reader
	errs  *tail
	buf   []byte

	sftp *sftp.Client
	puts []string

	execs, exchanges atomic.Int64
	tunnels          atomic.Bool
	mu               sync.Mutex
	why              error // first reason the session ended
	once             sync.Once
}

func newSession(t Target, w *wire, c *ssh.Client, via *session) *session {
	var n [16]byte
	rand.Read(n[:]) // never fails
	s := &session{t: t, wire: w, client: c, via: via, nonce: hex.EncodeToString(n[:]), alive: make(chan struct{}), errs: &tail{max: 16 << 10}, buf: make([]byte, 32<<10)}
	go s.watch()
	return s
}

// watch asks a silent host whether it still lives and gives the connection up when it does not answer.
func (s *session) watch() {
	tick := time.NewTicker(s.t.KeepAlive)
	defer tick.Stop()
	asking := make(chan struct{}, 1)
	for {
		select {
		case <-s.alive:
			return
		case <-tick.C:
		}
		switch quiet := s.wire.silent(); {
		case quiet >= 3*s.t.KeepAlive:
			s.kill(fail(ErrLost, nil, "nothing heard from the host for %s: it is down, frozen or cut off", quiet.Round(time.Second)))
			return
		case quiet >= s.t.KeepAlive/2:
			select {
			case asking <- struct{}{}:
				go func() {
					s.client.SendRequest("keepalive@openssh.com", true, nil) // any answer counts, even "no"
					<-asking
				}()
			default: // one is still on its way
			}
		}
	}
}

// kill ends the session for the given reason, unless it has ended before.
func (s *session) kill(why error) {
	s.mu.Lock()
	if s.why == nil {
		s.why = why
	}
	s.mu.Unlock()
	s.once.Do(func() {
		close(s.alive)
		s.wire.Close()
		s.client.Close()
		if s.via != nil {
			s.via.Close()
		}
	})
}

func (s *session) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

func (s *session) Close() error {
	if s.reason() == nil {
		s.sweep()
	}
	s.kill(errors.New("session closed"))
	return nil
}

func (s *session) Counts() Counts {
	return Counts{Logins: 1, Execs: int(s.execs.Load()), Exchanges: int(s.exchanges.Load()), BytesIn: s.wire.in.Load(), BytesOut: s.wire.out.Load()}
}

// DialContext opens a connection from the host on, to whatever it can reach.
func (s *session) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	s.tunnels.Store(true)
	s.wire.allow(0)
	c, err := s.client.DialContext(ctx, network, addr)
	return c, plainly(err)
}

// allow bounds what the host may send from now on, unless the session carries other connections.
func (s *session) allow(n int64) {
	if !s.tunnels.Load() {
		s.wire.allow(n)
	}
}

func (s *session) Exchange(ctx context.Context, script string, got func([]byte)) (Result, error) {
	return s.exchange(ctx, script, "", got)
}

func (s *session) Keep(ctx context.Context, script string) (Result, error) {
	return s.exchange(ctx, script, "keep", nil)
}

func (s *session) exchange(ctx context.Context, script, mode string, got func([]byte)) (Result, error) {
	if strings.IndexByte(script, 0) >= 0 {
		return Result{}, errors.New("script holds a NUL byte")
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if why := s.reason(); why != nil {
		return Result{}, plainly(fail(ErrLost, why, ""))
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var done context.CancelFunc
		ctx, done = context.WithTimeoutCause(ctx, longest, fail(ErrLost, nil, "no answer within %s", longest))
		defer done()
	}
	stop := context.AfterFunc(ctx, func() { s.cancel(context.Cause(ctx)) })
	defer stop()
	s.allow(s.t.budget())
	defer s.allow(idle)
	r, err := s.talk(script, mode, got)
	if err == nil {
		s.exchanges.Add(1)
		return r, nil
	}
	s.kill(err)
	if why := s.reason(); why != nil {
		err = why
	}
	return Result{}, plainly(err)
}

// cancel stops the script in hand: the process group gets SIGTERM, then the connection goes.
func (s *session) cancel(why error) {
	s.mu.Lock()
	if s.why == nil {
		s.why = why
	}
	ch := s.ch
	s.mu.Unlock()
	if ch != nil {
		told := make(chan struct{})
		go func() { ch.Signal(ssh.SIGTERM); close(told) }() // blocks on a full, dead link until kill
		select {
		case <-told:
		case <-time.After(time.Second / 5):
		}
	}
	s.kill(why)
}

func (s *session) talk(script, mode string, got func([]byte)) (Result, error) {
	var early []byte
	if s.ch == nil {
		rode, err := s.start(script, mode)
		if err != nil {
			return Result{}, err
		}
		first := &answer{nonce: s.nonce, max: s.t.MaxAnswer, got: got}
		if rode {
			return s.read(first)
		}
		s.k++
		if s.asks() { // the frame must wait for sudo
			if err := s.greet(first); err != nil {
				return Result{}, err
			}
		}
		_, werr := io.WriteString(s.in, frame(s.nonce, script, mode))
		if s.host == "" { // also when the write failed: this tells why
			if err := s.greet(first); err != nil {
				return Result{}, err
			}
		}
		if werr != nil {
			return Result{}, s.ended(werr, nil)
		}
		early = first.buf
	} else {
		s.k++
		if _, err := io.WriteString(s.in, frame(s.nonce, script, mode)); err != nil {
			return Result{}, s.ended(err, nil)
		}
	}
	a := &answer{host: s.host, k: s.k, max: s.t.MaxAnswer, got: got}
	if r, done, err := a.feed(early); done || err != nil {
		return r, err
	}
	return s.read(a)
}

// start runs the loop; rode says that the script went with it.
func (s *session) start(script, mode string) (rode bool, err error) {
	ch, err := s.client.NewSession()
	if err != nil {
		return false, fail(ErrLost, err, "the host opens no session: MaxSessions in its sshd_config?")
	}
	if s.in, err = ch.StdinPipe(); err != nil {
		return false, err
	}
	if s.out, err = ch.StdoutPipe(); err != nil {
		return false, err
	}
	ch.Stderr = s.errs // its own buffer: x/crypto copies both streams at once without a lock
	s.mu.Lock()
	s.ch = ch
	s.mu.Unlock()
	req, rode := "", false
	if !s.t.Become && mode == "" {
		req, rode = ride(s.nonce, script)
	}
	if !rode {
		req = plain(s.nonce, s.sudo()...)
	}
	s.execs.Add(1)
	if err := ch.Start(req); err != nil {
		return false, fail(ErrLost, err, "the host runs no command: is the key restricted by command= in authorized_keys?")
	}
	return rode, nil
}

// read collects one answer.
func (s *session) read(a *answer) (Result, error) {
	for {
		n, err := s.out.Read(s.buf)
		if n > 0 {
			r, done, ferr := a.feed(s.buf[:n])
			if a.host != "" {
				s.host = a.host
			}
			if done || ferr != nil {
				return r, ferr
			}
		}
		if err != nil {
			return Result{}, s.ended(err, a)
		}
	}
}

// ended says why the loop is gone, from its exit status and what it last said.
func (s *session) ended(err error, a *answer) error {
	if why := s.reason(); why != nil {
		return why
	}
	if s.wire.flooded.Load() {
		return fail(ErrTooLarge, errFlood, "more than %d bytes for one answer", s.t.budget())
	}
	status := make(chan error, 1)
	go func() { status <- s.ch.Wait() }()
	select {
	case werr := <-status:
		var exit *ssh.ExitError
		if errors.As(werr, &exit) || werr == nil {
			code := 0
			if exit != nil {
				code = exit.ExitStatus()
			}
			return s.quit(code, a)
		}
	case <-time.After(2 * time.Second): // the channel's end and no status: take it as lost
	}
	return fail(ErrLost, err, "the connection ended in the middle of an answer")
}

func (s *session) quit(code int, a *answer) error {
	said := strings.TrimSpace(s.errs.String())
	if s.host != "" {
		return fail(ErrLost, fmt.Errorf("the shell on the host ended with status %d: %s", code, said), "")
	}
	if a != nil && said == "" {
		said = strings.TrimSpace(string(a.buf[max(0, len(a.buf)-500):]))
	}
	if s.t.Become {
		return fail(ErrSudo, fmt.Errorf("exit %d: %s", code, s.clean(said)), "user %s needs sudo for /bin/sh: without a password (NOPASSWD), or with the one that sudo_password gives", s.t.User)
	}
	return fail(ErrShell, fmt.Errorf("exit %d: %s", code, said), "user %s needs a login shell that runs commands", s.t.User)
}

// tail keeps the end of a stream.
type tail struct {
	mu  sync.Mutex
	max int
	b   []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > t.max {
		t.b = append([]byte(nil), t.b[len(t.b)-t.max:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
