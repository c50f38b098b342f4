package hostile

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"haprov/internal/transport/sshtest"
)

// Parts of behaviours. Each ends when the connection does.

func raw(f func(net.Conn)) func(*sshtest.Server) { return func(s *sshtest.Server) { s.Raw = f } }

// held waits until the peer has gone, and takes what it says.
func held(r io.Reader) { io.Copy(io.Discard, r) }

// forever writes the same until the peer has gone.
func forever(w io.Writer, text string) {
	p := []byte(strings.Repeat(text, 1+(16<<10)/max(1, len(text))))
	for {
		if _, err := w.Write(p); err != nil {
			return
		}
	}
}

// trickle writes a byte now and then, less seldom than a keepalive.
func trickle(w io.Writer, text string) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		if _, err := w.Write([]byte{text[i%len(text)]}); err != nil {
			return
		}
		<-tick.C
	}
}

// say writes texts, then waits for the peer to go.
func say(texts ...string) func(net.Conn) {
	return func(c net.Conn) {
		go held(c)
		for _, t := range texts {
			io.WriteString(c, t)
		}
		held(c)
	}
}

func flood(first, text string) func(net.Conn) {
	return func(c net.Conn) { go held(c); io.WriteString(c, first); forever(c, text) }
}

const version = "SSH-2.0-x\r\n"

// packet is one of SSH before the keys are there.
func packet(payload ...[]byte) string {
	p := bytes.Join(payload, nil)
	pad := 8 - (5+len(p))%8
	if pad < 4 {
		pad += 8
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(1+len(p)+pad))
	return string(append(append(append(out, byte(pad)), p...), make([]byte, pad)...))
}

func field(s string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...)
}

// offer is a KEXINIT with the same list for everything.
func offer(list string) string {
	p := append([]byte{20}, make([]byte, 16)...)
	for range 10 {
		p = append(p, field(list)...)
	}
	return packet(p, make([]byte, 5))
}

// instead answers the exec request and does something else than to run a command.
func instead(f func(ch ssh.Channel, nonce string)) func(*sshtest.Server) {
	return func(s *sshtest.Server) {
		s.Exec = func(ch ssh.Channel, r *ssh.Request, line string) bool {
			r.Reply(true, nil)
			_, rest, _ := strings.Cut(line, "' sh ")
			nonce, _, _ := strings.Cut(rest, " ")
			go f(ch, nonce)
			return true
		}
	}
}

// The begin of the exchanges that take the lock and that act.
const (
	locking = `\n[0-9a-f]{32} 0 0\n([0-9a-f]{32}) 1\n`
	acting  = ` 1 0\n([0-9a-f]{32}) 2\n`
)

const host = "0123456789abcdef0123456789abcdef"

// greeted is instead, after the loop's greeting.
func greeted(f func(ch ssh.Channel)) func(*sshtest.Server) {
	return instead(func(ch ssh.Channel, nonce string) { io.WriteString(ch, nonce+" "+host+"\n"); f(ch) })
}

// when lets a real shell answer until its output matches, and has f go on from there; groups are the match's.
func when(pattern string, f func(w io.Writer, groups []string)) func(*sshtest.Server) {
	re := regexp.MustCompile(pattern)
	return func(s *sshtest.Server) {
		s.Out = func(w io.Writer) io.Writer { return &turning{w: w, re: re, f: f} }
	}
}

type turning struct {
	mu     sync.Mutex
	w      io.Writer
	re     *regexp.Regexp
	f      func(io.Writer, []string)
	seen   []byte
	turned bool
}

func (t *turning) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.turned {
		return len(p), nil
	}
	t.seen = append(t.seen, p...)
	m := t.re.FindSubmatchIndex(t.seen)
	if m == nil {
		return t.w.Write(p)
	}
	t.turned = true
	var groups []string
	for i := 0; i < len(m); i += 2 {
		groups = append(groups, string(t.seen[m[i]:m[i+1]]))
	}
	t.w.Write(p[:max(0, len(p)-(len(t.seen)-m[1]))])
	go t.f(t.w, groups)
	return len(p), nil
}

func nothing(io.Writer, []string) {}

// besides does something beside a command that is silent.
func besides(f func(ssh.Conn)) func(*sshtest.Server) {
	return func(s *sshtest.Server) {
		instead(func(ssh.Channel, string) {})(s)
		s.After = f
	}
}

func channel(f func(ssh.NewChannel)) func(*sshtest.Server) {
	return func(s *sshtest.Server) { s.Open = func(nc ssh.NewChannel) bool { f(nc); return true } }
}

// stopping is a connection that does something once n bytes were written.
type stopping struct {
	net.Conn
	left atomic.Int64
	then func(p []byte) []byte // nil: waits for its end
}

func (s *stopping) Write(p []byte) (int, error) {
	if s.left.Add(-int64(len(p))) >= 0 {
		return s.Conn.Write(p)
	}
	q := s.then(p)
	if q == nil {
		held(s.Conn)
		return 0, io.ErrClosedPipe
	}
	_, err := s.Conn.Write(q)
	return len(p), err
}

func wrap(n int64, then func(c net.Conn, p []byte) []byte) func(*sshtest.Server) {
	return func(s *sshtest.Server) {
		s.Wrap = func(c net.Conn) net.Conn {
			x := &stopping{Conn: c, then: func(p []byte) []byte { return then(c, p) }}
			x.left.Store(n)
			return x
		}
	}
}

func freeze(net.Conn, []byte) []byte                 { return nil }
func cut(c net.Conn, _ []byte) []byte                { c.Close(); return nil }
func corrupt(_ net.Conn, p []byte) []byte            { q := bytes.Clone(p); q[len(q)/2] ^= 1; return q }
func sftp(f func(ssh.Channel)) func(*sshtest.Server) { return func(s *sshtest.Server) { s.SFTP = f } }

// reply is a packet of SFTP.
func reply(payload ...[]byte) string { return string(field(string(bytes.Join(payload, nil)))) }

var hello = reply([]byte{2, 0, 0, 0, 3})

// answering says hello and answers each request by f.
func answering(f func(kind byte, id []byte) string) func(*sshtest.Server) {
	return sftp(func(ch ssh.Channel) {
		for first := true; ; first = false {
			var size [4]byte
			if _, err := io.ReadFull(ch, size[:]); err != nil {
				return
			}
			p := make([]byte, binary.BigEndian.Uint32(size[:]))
			if _, err := io.ReadFull(ch, p); err != nil || len(p) < 5 {
				return
			}
			text := hello
			if !first {
				text = f(p[0], p[1:5])
			}
			if _, err := io.WriteString(ch, text); err != nil {
				return
			}
		}
	})
}

func status(id []byte, code uint32, text string) string {
	return reply([]byte{101}, id, binary.BigEndian.AppendUint32(nil, code), field(text), field(""))
}

// silent are those that say little and go on for long.
var silent = []row{
	{"takes the connection and is silent", raw(func(c net.Conn) { held(c) }), "did not finish the login"},
	{"trickles a greeting", raw(func(c net.Conn) { go held(c); trickle(c, "x") }), "login"},
	{"trickles lines before its version", raw(func(c net.Conn) { go held(c); trickle(c, "hello\n") }), "login"},
	{"says its version and is silent", raw(say(version)), "did not finish the login"},
	{"says its version and trickles", raw(func(c net.Conn) { go held(c); io.WriteString(c, version); trickle(c, "\x00") }), "login"},
	{"offers algorithms and is silent", raw(say(version, offer("curve25519-sha256"))), "login|host key"},
	{"announces a long packet and never sends it", raw(say(version, "\x00\x03\xff\xf8\x04")), "login"},
	{"never answers the key", func(s *sshtest.Server) {
		s.Login = func(c *ssh.ServerConfig) {
			c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				time.Sleep(3 * login) // the client has gone by then
				return nil, io.EOF
			}
		}
	}, "did not finish the login"},
	{"never opens the session", channel(func(ssh.NewChannel) {}), "did not finish its answer"},
	{"never answers the exec request", channel(func(nc ssh.NewChannel) { nc.Accept() }), "did not finish its answer"},
	{"takes the exec request and is silent", instead(func(ssh.Channel, string) {}), "did not finish its answer"},
	{"takes the exec request and ends its output", instead(func(ch ssh.Channel, _ string) { ch.CloseWrite() }), "connection lost"},
	{"trickles before the shell begins", instead(func(ch ssh.Channel, _ string) { trickle(ch, "x") }), "did not finish its answer"},
	{"greets with another nonce", instead(func(ch ssh.Channel, _ string) { io.WriteString(ch, host+" "+host+"\n") }), "did not finish its answer"},
	{"greets with half a nonce", instead(func(ch ssh.Channel, n string) { io.WriteString(ch, n+" abc\n") }), "did not finish its answer"},
	{"greets with a nonce of escapes", instead(func(ch ssh.Channel, n string) { io.WriteString(ch, n+" "+evil+evil+"\n") }), "did not finish its answer"},
	{"greets and is silent", greeted(func(ssh.Channel) {}), "did not finish its answer"},
	{"greets and trickles", greeted(func(ch ssh.Channel) { trickle(ch, "x\n") }), "did not finish its answer"},
	{"trickles on stderr", greeted(func(ch ssh.Channel) { trickle(ch.Stderr(), "x\n") }), "did not finish its answer"},
	{"trickles an end marker", greeted(func(ch ssh.Channel) { io.WriteString(ch, "\n"+host+" 0 "); trickle(ch, "1") }), "broken end marker|did not finish"},
	{"stops within an answer", when(`\n[0-9a-f]{32} 1\n`, nothing), "did not finish its answer|no answer at all|not read"},
	{"is silent when the lock is taken", when(locking, nothing), "lock.*did not finish its answer"},
	{"is silent when a batch begins", when(acting, nothing), "said nothing of the batch|did not finish its answer"},
	{"is silent after an action began", when(` begin 0\n`, nothing), "said nothing of the batch|connection was lost"},
	{"is silent after an action", when(` done 0\n`, nothing), "said nothing of the batch"},
	{"is silent after the last action", when(` done 1\n`, nothing), "said nothing of the batch|did not finish"},
	{"is silent after a batch", when(` end\n`, nothing), "said nothing of the batch|did not finish"},
	{"trickles after an action", when(` done 0\n`, func(w io.Writer, _ []string) { trickle(w, "x\n") }), "said nothing of the batch"},
	{"freezes after the login", wrap(3000, freeze), "nothing heard|login|did not finish"},
	{"freezes early", wrap(500, freeze), "login"},
	{"freezes later", wrap(4200, freeze), "nothing heard|did not finish|said nothing"},
	{"answers the first question alone", when(`\n([0-9a-f]{32}) 0\n`, func(w io.Writer, g []string) { trickle(w, "\n"+g[1]+" .\n") }), "did not finish"},
}

var silentCopies = []row{
	{"SFTP: is silent", sftp(func(ch ssh.Channel) { held(ch) }), "did not finish its answer"},
	{"SFTP: trickles", sftp(func(ch ssh.Channel) { go held(ch); trickle(ch, "\x00") }), "sftp|did not finish"},
	{"SFTP: says its version and is silent", sftp(func(ch ssh.Channel) { io.WriteString(ch, hello); held(ch) }), "did not finish its answer"},
	{"SFTP: takes the folder and is silent", answering(func(kind byte, id []byte) string {
		if kind == 14 || kind == 9 {
			return status(id, 0, "")
		}
		return ""
	}), "did not finish its answer"},
	{"SFTP: answers for others", answering(func(_ byte, id []byte) string { return status([]byte{9, 9, 9, 9}, 0, "") }), "sftp|did not finish|lost"},
}

// floods say much, or something wrong and at once.
var floods = []row{
	{"is honest", func(*sshtest.Server) {}, ""},
	{"closes at once", raw(func(net.Conn) {}), "ended the login"},
	{"resets", raw(func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }), "unreachable"},
	{"is a web server", raw(say("HTTP/1.1 400 Bad Request\r\nServer: " + evil + "\r\n\r\n")), "login"},
	{"greets in lines for ever", raw(flood("", "hello\r\n")), "unreachable"},
	{"greets in one line for ever", raw(flood("", "x")), "unreachable"},
	{"sends zeros for ever", raw(flood("", "\x00")), "unreachable"},
	{"sends escapes for ever", raw(flood("", evil)), "unreachable"},
	{"speaks version 1", raw(say("SSH-1.5-x\r\n")), "unreachable"},
	{"has escapes in its version", raw(func(c net.Conn) { io.WriteString(c, "SSH-2.0-"+evil+"\r\n") }), "unreachable"},
	{"has a version of a megabyte", raw(flood("SSH-2.0-", "x")), "unreachable"},
	{"sends chance after its version", raw(func(c net.Conn) {
		go held(c)
		io.WriteString(c, version)
		io.CopyN(c, rand.Reader, 1<<16)
	}), "unreachable"},
	{"sends a packet of 4 GiB", raw(say(version, "\xff\xff\xff\xff\x04")), "unreachable"},
	{"sends a packet of nothing", raw(say(version, "\x00\x00\x00\x00\x00")), "unreachable"},
	{"takes leave with escapes", raw(say(version, packet([]byte{1, 0, 0, 0, 11}, field(strings.Repeat(evil, 500)), field("")))), "unreachable"},
	{"sends SSH_MSG_IGNORE for ever", raw(flood(version, packet([]byte{2}, field("x")))), "unreachable"},
	{"sends SSH_MSG_DEBUG for ever", raw(flood(version, packet([]byte{4, 1}, field(evil), field("")))), "unreachable"},
	{"offers no algorithm we know", raw(say(version, offer(evil+",none"))), "unreachable|host key"},
	{"offers 200 KB of algorithms", raw(say(version, offer(strings.Repeat("x,", 10000)+"x"))), "unreachable|host key"},
	{"offers algorithms for ever", raw(flood(version, offer("curve25519-sha256"))), "unreachable|host key"},
	{"refuses the key", func(s *sshtest.Server) {
		s.Login = func(c *ssh.ServerConfig) {
			c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, io.EOF }
		}
	}, "login refused"},
	{"takes passwords only", func(s *sshtest.Server) {
		s.Login = func(c *ssh.ServerConfig) {
			c.PublicKeyCallback = nil
			c.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, io.EOF }
		}
	}, "login refused"},
	{"has a banner of escapes", func(s *sshtest.Server) {
		s.Login = func(c *ssh.ServerConfig) { c.BannerCallback = func(ssh.ConnMetadata) string { return evil } }
	}, ""},
	{"has a long banner", func(s *sshtest.Server) {
		s.Login = func(c *ssh.ServerConfig) {
			c.BannerCallback = func(ssh.ConnMetadata) string { return strings.Repeat("x", 200<<10) }
		}
	}, ""},
	{"sends banners for ever", func(s *sshtest.Server) {
		s.Login = func(c *ssh.ServerConfig) {
			c.PreAuthConnCallback = func(p ssh.ServerPreAuthConn) {
				for p.SendAuthBanner(strings.Repeat("x", 10<<10)) == nil {
				}
			}
		}
	}, "unreachable"},
	{"shows another host key", func(s *sshtest.Server) {
		s.Login = func(c *ssh.ServerConfig) {
			other, _ := sshtest.NewKey(noTest{}, s.KeyFile+".other")
			c.AddHostKey(other)
		}
	}, "host key changed"},
	{"refuses a session, with escapes", channel(func(nc ssh.NewChannel) { nc.Reject(ssh.Prohibited, evil) }), "opens no session"},
	{"refuses a session, at length", channel(func(nc ssh.NewChannel) { nc.Reject(ssh.Prohibited, strings.Repeat(evil, 10000)) }), "opens no session"},
	{"asks for ever", besides(func(c ssh.Conn) {
		for _, _, err := c.SendRequest("x", false, nil); err == nil; _, _, err = c.SendRequest("x", false, nil) {
		}
	}), "more than it was asked for|lost"},
	{"asks for answers for ever", besides(func(c ssh.Conn) {
		for range 50 {
			go func() {
				for _, _, err := c.SendRequest("x", true, nil); err == nil; _, _, err = c.SendRequest("x", true, nil) {
				}
			}()
		}
	}), "more than it was asked for|lost|did not finish"},
	{"opens channels for ever", besides(func(c ssh.Conn) {
		for range 50 {
			go func() {
				for {
					_, _, err := c.OpenChannel("x11", nil)
					if _, refused := err.(*ssh.OpenChannelError); !refused {
						return
					}
				}
			}()
		}
	}), "more than it was asked for|lost|did not finish"},
	{"refuses to run anything", func(s *sshtest.Server) {
		s.Exec = func(_ ssh.Channel, r *ssh.Request, _ string) bool { r.Reply(false, nil); return true }
	}, "runs no command"},
	{"asks on the channel for ever", instead(func(ch ssh.Channel, _ string) {
		for _, err := ch.SendRequest("x", false, nil); err == nil; _, err = ch.SendRequest("x", false, nil) {
		}
	}), "more than|lost"},
	{"ends the command at once", instead(func(ch ssh.Channel, _ string) {
		ch.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
		ch.Close()
	}), "no usable shell"},
	{"closes the channel", instead(func(ch ssh.Channel, _ string) { ch.Close() }), "lost|no usable shell"},
	{"ends the command by a signal of escapes", instead(func(ch ssh.Channel, _ string) {
		ch.SendRequest("exit-signal", false, bytes.Join([][]byte{field(evil), {1}, field(strings.Repeat(evil, 1000)), field(evil)}, nil))
		ch.Close()
	}), "lost|no usable shell"},
	{"ends with stderr of escapes", instead(func(ch ssh.Channel, _ string) {
		io.WriteString(ch.Stderr(), strings.Repeat(evil, 10000))
		ch.SendRequest("exit-status", false, []byte{0, 0, 0, 9})
		ch.Close()
	}), "no usable shell"},
	{"prints lines before the shell begins for ever", instead(func(ch ssh.Channel, _ string) { forever(ch, "hello\n") }), "before it ran anything"},
	{"prints escapes before the shell begins for ever", instead(func(ch ssh.Channel, _ string) { forever(ch, evil) }), "before it ran anything"},
	{"prints on stderr for ever", instead(func(ch ssh.Channel, _ string) { forever(ch.Stderr(), "hello\n") }), "more than|did not finish"},
	{"prints on both for ever", instead(func(ch ssh.Channel, _ string) { go forever(ch, "hello\n"); forever(ch.Stderr(), evil) }), "more than|did not finish"},
	{"prints single bytes for ever", greeted(func(ch ssh.Channel) {
		for _, err := ch.Write([]byte("x")); err == nil; _, err = ch.Write([]byte("x")) {
		}
	}), "more than|did not finish"},
	{"answers for ever", greeted(func(ch ssh.Channel) { forever(ch, "x") }), "answer too large"},
	{"answers newlines for ever", greeted(func(ch ssh.Channel) { forever(ch, "\n") }), "answer too large"},
	{"answers with beginnings of end markers for ever", greeted(func(ch ssh.Channel) { forever(ch, "\n"+host+" 0") }), "answer too large"},
	{"has an end marker without end", greeted(func(ch ssh.Channel) { io.WriteString(ch, "\n"+host+" 0 "); forever(ch, "1") }), "broken end marker"},
	{"has an end marker of escapes", greeted(func(ch ssh.Channel) { io.WriteString(ch, "\n"+host+" 0 "+evil+"\n") }), "broken end marker"},
	{"has an exit status of 20 digits", greeted(func(ch ssh.Channel) { io.WriteString(ch, "\n"+host+" 0 99999999999999999999\n") }), "broken end marker"},
	{"answers nothing at all", greeted(func(ch ssh.Channel) { io.WriteString(ch, "\n"+host+" 0 0\n") }), "no answer at all"},
	{"repeats the first section for ever", when(`\n([0-9a-f]{32}) 0\n`, func(w io.Writer, g []string) { forever(w, "\n"+g[1]+" 0\n") }), "answer too large"},
	{"numbers sections for ever", when(`\n([0-9a-f]{32}) 0\n`, func(w io.Writer, g []string) { forever(w, "\n"+g[1]+" 99999\n\n"+g[1]+" -1\n\n"+g[1]+" .\n") }), "answer too large"},
	{"prints newlines within a section for ever", when(`\n([0-9a-f]{32}) 0\n`, func(w io.Writer, g []string) { forever(w, "\n") }), "answer too large"},
	{"has megabytes in each answer", when(`([0-9a-f]{32})\n[^\n]*\n+([0-9a-f]{32}) 0\n`, func(w io.Writer, g []string) {
		for i := range 4 {
			io.WriteString(w, fmt.Sprintf("\n%s %d\n%s\n%s = 0\n", g[2], i, strings.Repeat("|\n", 100<<10), g[2]))
		}
		io.WriteString(w, "\n"+g[2]+" .\n\n"+g[1]+" 0 0\n")
		held(never{})
	}), "."},
	{"has escapes in its answers", when(`([0-9a-f]{32})\n[^\n]*\n+([0-9a-f]{32}) 0\n`, func(w io.Writer, g []string) {
		for i := range 4 {
			io.WriteString(w, fmt.Sprintf("\n%s %d\nx\n%s\n%s = 0\n", g[2], i, strings.Repeat(evil+"\n", 100), g[2]))
		}
		io.WriteString(w, "\n"+g[2]+" .\n\n"+g[1]+" 0 0\n")
	}), "."},
	{"is locked by escapes", when(locking, func(w io.Writer, g []string) { io.WriteString(w, strings.Repeat(evil, 9)+"\n\n"+g[1]+" 1 5\n") }), "lock"},
	{"repeats marks of an action for ever", when(`\n([0-9a-f]{32}) begin 0\n`, func(w io.Writer, g []string) { forever(w, "\n"+g[1]+" begin 0\n\n"+g[1]+" done 0\n") }), "more than .* of a batch|answer too large|did not finish|said nothing"},
	{"prints other marks for ever", when(`\n([0-9a-f]{32}) done 0\n`, func(w io.Writer, g []string) { forever(w, "\n"+g[1]+" done 77777\n\n"+g[1]+" "+evil+"\n") }), "more than .* of a batch|answer too large|did not finish|said nothing"},
	{"prints within a batch for ever", when(` begin 0\n`, func(w io.Writer, _ []string) { forever(w, evil) }), "more than .* of a batch|answer too large|did not finish|said nothing"},
	{"fails with escapes for ever", when(`\n([0-9a-f]{32}) begin 0\n`, func(w io.Writer, g []string) {
		io.WriteString(w, "\n"+g[1]+" failed 0 3\n\n")
		forever(w, evil+"\n")
	}), "first"},
	// On a slow machine the engine looks once more before it acts: that exchange is 3 then, not 2.
	{"refuses with escapes", when(`\n([0-9a-f]{32}) ([23])\n\n([0-9a-f]{32}) begin 0\n`, func(w io.Writer, g []string) {
		io.WriteString(w, "\n"+g[3]+" refused 0\n\n"+strings.Repeat(evil+"\n", 100)+"\n"+g[3]+" end\n\n\n"+g[1]+" "+g[2]+" 1\n")
	}), "refused"},
	{"ends a batch that it did not do", when(acting, func(w io.Writer, g []string) { io.WriteString(w, "\n"+g[1]+" 2 0\n") }), "ended before all of it was done|no answer at all"},
	{"cuts the connection early", wrap(500, cut), "unreachable"},
	{"cuts the connection later", wrap(4000, cut), "lost"},
	{"corrupts a byte early", wrap(600, corrupt), "unreachable|login|host key|lost"},
	{"corrupts a byte later", wrap(4000, corrupt), "lost|nothing heard|did not finish"},
}

var copies = []row{
	{"SFTP: none", func(s *sshtest.Server) {
		s.Open = nil
		s.SFTP = func(ch ssh.Channel) { ch.Close() }
	}, "sftp"},
	{"SFTP: sends chance", sftp(func(ch ssh.Channel) { go held(ch); io.CopyN(ch, rand.Reader, 1<<20) }), "sftp"},
	{"SFTP: announces a packet of 4 GiB", sftp(func(ch ssh.Channel) { io.WriteString(ch, "\xff\xff\xff\xff\x02"); held(ch) }), "sftp"},
	{"SFTP: announces a packet of 255 KiB for ever", sftp(func(ch ssh.Channel) { go held(ch); io.WriteString(ch, "\x00\x03\xfc\x00\x02"); forever(ch, "x") }), "sftp|more than|did not finish"},
	{"SFTP: has another version", sftp(func(ch ssh.Channel) { io.WriteString(ch, reply([]byte{2, 0, 0, 0, 99})); held(ch) }), "sftp"},
	{"SFTP: has escapes in its extensions", sftp(func(ch ssh.Channel) {
		io.WriteString(ch, reply([]byte{2, 0, 0, 0, 3}, field(evil), field(evil)))
		ch.Close()
	}), "sftp|lost"},
	{"SFTP: floods after its version", sftp(func(ch ssh.Channel) {
		go held(ch)
		io.WriteString(ch, hello)
		forever(ch, status([]byte{0, 0, 0, 1}, 0, ""))
	}), "sftp|more than|lost|did not finish"},
	{"SFTP: refuses with escapes, at length", answering(func(_ byte, id []byte) string { return status(id, 4, strings.Repeat(evil, 10000)) }), "sftp"},
	{"SFTP: answers with a handle where a status belongs", answering(func(_ byte, id []byte) string { return reply([]byte{102}, id, field(evil)) }), "sftp"},
	{"SFTP: answers with half a packet", answering(func(_ byte, id []byte) string { return reply([]byte{101}, id) }), "sftp|lost|did not finish"},
	{"SFTP: answers with kinds that do not exist", answering(func(_ byte, id []byte) string { return reply([]byte{255}, id, field("x")) }), "sftp|lost|did not finish"},
	{"SFTP: says the disk is full", answering(func(kind byte, id []byte) string {
		switch kind {
		case 3:
			return reply([]byte{102}, id, field("h"))
		case 6:
			return status(id, 4, "no space left on device")
		}
		return status(id, 0, "")
	}), "no space left"},
	{"SFTP: says yes to all and copies nothing", answering(func(kind byte, id []byte) string {
		if kind == 3 {
			return reply([]byte{102}, id, field("h"))
		}
		return status(id, 0, "")
	}), "changed since it was decided|copy|sending"},
}

// never is a reader that ends at once: for places where there is nothing to wait for.
type never struct{}

func (never) Read([]byte) (int, error) { return 0, io.EOF }

// noTest makes a key where there is no test to fail.
type noTest struct{ testing.TB }

func (noTest) Helper() {}
