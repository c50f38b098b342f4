package transport

import (
	"context"
	"errors"
	"net"
	"os"
	"os/user"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

// Open connects and logs in; nothing runs on the host yet. It changes nothing there and may be
// repeated. Errors: ErrUnreachable, ErrAuth, ErrHostKeyUnknown, ErrHostKeyChanged, the context's,
// or a plain one when a file of t (key, known_hosts) cannot be used.
func Open(ctx context.Context, t Target) (Session, error) {
	s, err := open(ctx, t)
	if err != nil {
		return nil, plainly(err)
	}
	return s, nil
}

func open(ctx context.Context, t Target) (*session, error) {
	t, err := t.filled()
	if err != nil {
		return nil, err
	}
	hosts, err := t.hostKeys()
	if err != nil {
		return nil, err
	}
	creds, err := t.credentials()
	if err != nil {
		return nil, err
	}
	nc, via, err := t.connect(ctx)
	if err != nil {
		creds.close()
		return nil, err
	}
	w := newWire(nc)
	c, err := t.login(ctx, w, hosts, creds)
	creds.close()
	if err != nil {
		w.Close()
		if via != nil {
			via.Close()
		}
		return nil, err
	}
	w.allow(idle)
	return newSession(t, w, c, via), nil
}

// filled is t with Config's and the usual values where t says nothing.
func (t Target) filled() (Target, error) {
	var err error
	if t.Jumps != "" && t.Jump == nil && t.Dial == nil {
		c := t.Config
		if c == nil {
			c = &SSHConfig{}
		}
		if t, err = c.jump(t, t.Jumps, 0); err != nil {
			return t, err
		}
	}
	if t.Config != nil {
		if t, err = t.Config.fill(t); err != nil {
			return t, err
		}
	}
	if t.Address == "" {
		t.Address = t.Name
	}
	if t.Port == 0 {
		t.Port = 22
	}
	if t.User == "" {
		t.User = localUser()
	}
	if t.MaxAnswer == 0 {
		t.MaxAnswer = DefaultMaxAnswer
	}
	if t.Timeout == 0 {
		t.Timeout = DefaultTimeout
	}
	if t.KeepAlive == 0 {
		t.KeepAlive = DefaultKeepAlive
	}
	if t.Address == "" {
		return t, errors.New("a target needs an address")
	}
	return t, nil
}

func localUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

func (t Target) hostPort() string { return net.JoinHostPort(t.Address, strconv.Itoa(t.Port)) }

// connect reaches the SSH port; via is the jump host's session, to be closed after ours.
func (t Target) connect(ctx context.Context) (nc net.Conn, via *session, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	switch {
	case t.Jump != nil:
		j := *t.Jump
		if via, err = open(ctx, j); err != nil {
			return nil, nil, &jumpError{j, err}
		}
		nc, err = via.client.DialContext(ctx, "tcp", t.hostPort())
		if err != nil {
			via.Close()
		}
	case t.Dial != nil:
		nc, err = t.Dial(ctx, "tcp", t.hostPort())
	case t.Proxy != "":
		nc, err = dialProxy(t)
	default:
		nc, err = (&net.Dialer{}).DialContext(ctx, "tcp", t.hostPort())
	}
	if err == nil {
		return nc, via, nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, nil, ctx.Err()
	}
	return nil, nil, fail(ErrUnreachable, err, "%s", whyNot(err, t.hostPort()))
}

type jumpError struct {
	jump Target
	err  error
}

func (e *jumpError) Error() string {
	return "jump host " + e.jump.Name + e.jump.Address + ": " + e.err.Error()
}
func (e *jumpError) Unwrap() error { return e.err }

// login does key exchange and authentication within t.Timeout.
func (t Target) login(ctx context.Context, w *wire, hosts *hostKeys, creds *credentials) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { w.Close() }) // a deadline would not do: a jump host's channel has none
	defer stop()
	w.allow(maxLogin)
	creds.until(time.Now().Add(t.Timeout))

	algs := safeAlgorithms()
	cfg := &ssh.ClientConfig{
		Config:            ssh.Config{KeyExchanges: algs.KeyExchanges, Ciphers: algs.Ciphers, MACs: algs.MACs},
		User:              t.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeysCallback(creds.signers)},
		HostKeyCallback:   hosts.check,
		HostKeyAlgorithms: hosts.algorithms(algs.HostKeys),
		ClientVersion:     "SSH-2.0-haprov",
	}
	conn, chans, reqs, err := ssh.NewClientConn(w, hosts.addr, cfg)
	if err == nil {
		if !stop() { // the deadline struck in the last moment
			conn.Close()
			return nil, fail(ErrUnreachable, ctx.Err(), "login took longer than %s", t.Timeout)
		}
		return ssh.NewClient(conn, chans, reqs), nil
	}
	if w.flooded.Load() {
		return nil, fail(ErrUnreachable, err, "%s sent more than %d bytes before the login was done: it is no SSH server, or a hostile one", t.hostPort(), maxLogin)
	}
	return nil, t.explain(ctx, err, hosts, creds)
}

// explain sorts a failed login by how far it came, not by the text of its error.
func (t Target) explain(ctx context.Context, err error, hosts *hostKeys, creds *credentials) error {
	var neg *ssh.AlgorithmNegotiationError
	var ne net.Error
	switch {
	case hosts.refusal != nil:
		return hosts.refusal
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil:
		return fail(ErrUnreachable, ctx.Err(), "%s took the connection but did not finish the login in %s: the machine is booting, overloaded or asks a slow directory", t.hostPort(), t.Timeout)
	case errors.As(err, &neg) && hosts.known():
		return fail(ErrHostKeyChanged, err, "the host no longer offers the kind of key that is pinned, or only outdated algorithms")
	case errors.As(err, &neg):
		return fail(ErrUnreachable, err, "the host offers only outdated algorithms: update its sshd")
	case hosts.accepted && !errors.As(err, &ne):
		return fail(ErrAuth, err, "%s", creds.hint(t.User))
	default:
		return fail(ErrUnreachable, err, "%s ended the login: no SSH server there, or it refuses more connections (MaxStartups)", t.hostPort())
	}
}
