package transport

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// wire is a connection that counts, remembers when the peer was last heard and acknowledges quickly.
type wire struct {
	net.Conn
	ack     func()
	in, out atomic.Int64
	heard   atomic.Int64 // unix nanoseconds
	limit   atomic.Int64 // of in; 0: none
	flooded atomic.Bool  // the peer sent more than the limit
}

// errFlood ends a connection whose peer sends more than it may.
var errFlood = errors.New("the host sends more than it was asked for")

// allow lets the peer send n more bytes, of whatever kind: SSH has many messages that need no
// question, and each is read, decrypted and thrown away at our cost. 0 lifts the limit.
func (w *wire) allow(n int64) {
	if n > 0 {
		n += w.in.Load()
	}
	w.limit.Store(n)
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c, ack: quick(c)}
	w.heard.Store(time.Now().UnixNano())
	w.ack()
	return w
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.ack()
	w.in.Add(int64(n))
	w.heard.Store(time.Now().UnixNano())
	if limit := w.limit.Load(); limit > 0 && w.in.Load() > limit {
		w.flooded.Store(true)
		return 0, errFlood
	}
	return n, err
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.out.Add(int64(n))
	return n, err
}

// silent is for how long nothing has been heard.
func (w *wire) silent() time.Duration { return time.Since(time.Unix(0, w.heard.Load())) }
