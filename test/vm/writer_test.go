package vm

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// writer inserts one row after the other through the cluster's endpoint and remembers which were
// acknowledged, and the longest time without one.
type writer struct {
	db      *sql.DB
	stop    context.CancelFunc
	done    chan struct{}
	mu      sync.Mutex
	acked   map[int]bool
	failed  int // rows that were not acknowledged
	last    time.Time
	longest time.Duration
	back    time.Time // when the row after the longest time without one was acknowledged
}

// endpoint serves the cluster on loopback through `haprov forward` until t ends, and gives a pool.
func (p *place) endpoint(t *testing.T) *sql.DB {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := p.command(context.Background(), "forward", "--listen", addr)
	t.Cleanup(started(t, c))
	password := strings.TrimSpace(p.run(time.Minute, "secret", "show", "app"))
	_ = mysql.SetLogger(&mysql.NopLogger{}) // that connections break is what these tests are about
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(p.run(time.Minute, "ca")))
	if err := mysql.RegisterTLSConfig(addr, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}); err != nil {
		p.t.Fatal(err)
	}
	db, err := sql.Open("mysql", fmt.Sprintf("app:%s@tcp(%s)/app?timeout=2s&readTimeout=4s&writeTimeout=4s&tls=%s", password, addr, url.QueryEscape(addr)))
	if err != nil {
		p.t.Fatal(err)
	}
	db.SetMaxOpenConns(2)
	t.Cleanup(func() { db.Close() })
	return db
}

func started(t *testing.T, c *exec.Cmd) (end func()) {
	t.Helper()
	errs, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(errs); s.Scan(); {
		}
	}()
	return func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

func write(t *testing.T, db *sql.DB, from int) *writer {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w := &writer{db: db, stop: stop, done: make(chan struct{}), acked: map[int]bool{}, last: time.Now()}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := from; ctx.Err() == nil; i++ {
			<-tick.C
			c, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, err := db.ExecContext(c, "INSERT INTO rows_written (id) VALUES (?)", i)
			cancel()
			if err != nil { // unknown: it may or may not be there
				w.mu.Lock()
				w.failed++
				w.mu.Unlock()
				continue
			}
			w.mu.Lock()
			w.acked[i] = true
			now := time.Now()
			if gap := now.Sub(w.last); gap > w.longest {
				w.longest, w.back = gap, now
			}
			w.last = now
			w.mu.Unlock()
		}
	}()
	return w
}

// since reports whether a row was acknowledged after a moment.
func (w *writer) since(t time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.After(t)
}

// refused is how many rows were not acknowledged.
func (w *writer) refused() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// end stops the writer and counts the acknowledged rows that are not there.
func (w *writer) end(t *testing.T) (acked, lost int, gap time.Duration) {
	t.Helper()
	w.stop()
	<-w.done
	rows, err := w.db.Query("SELECT id FROM rows_written")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	have := map[int]bool{}
	for rows.Next() {
		var i int
		if err := rows.Scan(&i); err != nil {
			t.Fatal(err)
		}
		have[i] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range w.acked {
		if !have[i] {
			lost++
		}
	}
	return len(w.acked), lost, w.longest
}
