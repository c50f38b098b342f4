// Package transport logs in to hosts over SSH and runs scripts there, one after the other, over one
// connection and one exec a host.
//
// A script's exit status is data, a lost connection is an error. The package must not know steps,
// plans, probes or recipes: it carries text. What a script prints is hostile data and is bounded.
package transport

import (
	"context"
	"io"
	"net"
)

// Session is one open login to one host, with a POSIX shell loop there that waits for scripts.
// It serves one caller at a time; Counts and Close may be called at any time.
type Session interface {
	// Exchange sends one script, waits for its end and returns what it printed on stdout. The script
	// runs in a subshell of /bin/sh with LC_ALL=C, stdin from /dev/null. Stderr is not part of the
	// answer: redirect it in the script. got (nil is allowed) sees output as it arrives.
	//
	// Errors: ErrLost when the connection or the shell went away (whether the script ran is unknown),
	// ErrTooLarge, ErrSudo, or the context's. Each of them ends the session. On cancel a script
	// in hand is sent SIGTERM, which not every sshd passes on (OpenSSH does not for root): give slow
	// commands a timeout of their own. What was started under setsid runs on.
	// The first script is visible in the host's process list unless Target.Become is set; never put a
	// secret into it.
	Exchange(ctx context.Context, script string, got func([]byte)) (Result, error)

	// Put copies size bytes of r over SFTP into a fresh directory on the host that only the login user
	// can enter (0700, the file 0600), and returns the file's path. Close removes what is left there;
	// after a lost connection it stays, under PutGlob. The session survives an error other than ErrLost.
	Put(ctx context.Context, r io.Reader, size int64) (path string, err error)

	// Close ends the loop and the connection. It does not wait for a script in hand. It may be repeated.
	Close() error

	// Counts is what the session has cost so far.
	Counts() Counts
}

// Keeper is a session that can run a script in the loop's own shell instead of a subshell: a file
// descriptor it opens (a lock) stays open until the session ends, however it ends. A script that
// exits, or a failed redirection of exec, ends the session.
type Keeper interface {
	Keep(ctx context.Context, script string) (Result, error)
}

// Dialer is a session through which connections can be made from its host on: a tunnel, or the way
// through one jump host to many targets (Target.Dial), with one login there instead of one for each.
type Dialer interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

// Result is a script's answer.
type Result struct {
	Exit int    // the script's exit status: data, never an error here
	Out  []byte // all it printed on stdout
}

// Counts is the cost of a session. Bytes are those on the wire.
type Counts struct {
	Logins, Execs, Exchanges int
	BytesIn, BytesOut        int64
}
