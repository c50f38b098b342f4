package transport

import (
	"bytes"
	"strconv"
	"strings"
)

// answer finds one script's output in the stream of a session. Bytes before the begin marker are
// noise (a message of the day, what .bashrc prints, late output of an earlier script).
//
//	noise* begin output "\n" host-nonce " " number " " status "\n"
//
// begin is the greeting (session nonce, host nonce) for the first, "host-nonce number\n" later.
type answer struct {
	nonce string // the session's; looked for only while host is empty
	host  string // the host's nonce
	k     int    // which exchange
	begun bool
	max   int
	got   func([]byte)

	buf  []byte // begun: output, else noise
	sent int    // bytes of output given to got
	seen int    // bytes of output known to hold no end marker
	lost int    // bytes of noise that were thrown away
}

// keptNoise is how much of the noise is kept, to tell of it when the shell ends.
const keptNoise = 64 << 10

// feed takes what came; done when the end marker has.
func (a *answer) feed(p []byte) (r Result, done bool, err error) {
	a.buf = append(a.buf, p...)
	if !a.begun && !a.begin() {
		if a.lost+len(a.buf) > maxNoise {
			return Result{}, false, fail(ErrTooLarge, nil, "the login shell printed more than %d bytes before it ran anything; check what its startup files print", maxNoise)
		}
		if len(a.buf) > keptNoise {
			a.lost += len(a.buf) - keptNoise/2
			a.buf = append(a.buf[:0], a.buf[len(a.buf)-keptNoise/2:]...)
		}
		return Result{}, false, nil
	}
	mark := []byte("\n" + a.host + " " + strconv.Itoa(a.k) + " ")
	if i := bytes.Index(a.buf[a.seen:], mark); i >= 0 {
		i += a.seen
		if status, _, whole := bytes.Cut(a.buf[i+len(mark):], []byte("\n")); whole {
			exit, err := strconv.Atoi(string(status))
			if err != nil {
				return Result{}, false, fail(ErrLost, err, "the host's shell sent a broken end marker")
			}
			a.give(i)
			return Result{Exit: exit, Out: a.buf[:i:i]}, true, nil
		}
		if len(a.buf)-i-len(mark) > 16 { // longer than any status
			return Result{}, false, fail(ErrLost, nil, "the host's shell sent a broken end marker")
		}
		a.seen = i
	} else {
		a.seen = len(a.buf) - held(a.buf, mark)
	}
	if a.seen > a.max {
		return Result{}, false, fail(ErrTooLarge, nil, "more than %d bytes", a.max)
	}
	a.give(a.seen)
	return Result{}, false, nil
}

// held is how many last bytes may be the start of the mark, whose only newline is its first byte.
func held(b, mark []byte) int {
	b = b[max(0, len(b)-len(mark)):] // no more, since an answer may be one long line
	i := bytes.LastIndexByte(b, '\n')
	if i >= 0 && bytes.HasPrefix(mark, b[i:]) {
		return len(b) - i
	}
	return 0
}

// give shows new output up to n.
func (a *answer) give(n int) {
	if a.got != nil && n > a.sent {
		a.got(a.buf[a.sent:n])
	}
	a.sent = max(a.sent, n)
}

func (a *answer) begin() bool {
	if a.host != "" {
		_, rest, ok := bytes.Cut(a.buf, []byte(a.host+" "+strconv.Itoa(a.k)+"\n"))
		if ok {
			a.buf, a.begun = rest, true
		}
		return ok
	}
	_, rest, ok := bytes.Cut(a.buf, []byte(a.nonce+" "))
	if !ok {
		return false
	}
	host, rest, ok := bytes.Cut(rest, []byte("\n"))
	if !ok || len(host) != 32 || strings.Trim(string(host), "0123456789abcdef") != "" {
		return false
	}
	a.buf, a.host, a.begun = rest, string(host), true
	return true
}
