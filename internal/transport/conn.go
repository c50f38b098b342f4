package transport

import (
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
	return n, err
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.out.Add(int64(n))
	return n, err
}

// silent is for how long nothing has been heard.
func (w *wire) silent() time.Duration { return time.Since(time.Unix(0, w.heard.Load())) }
