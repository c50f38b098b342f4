package vm

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// galera is a lab of the shipped inventory galera.hcl, with a writer through its virtual IP.
type galera struct {
	*place
	db    *sql.DB
	next  int
	acked map[int]bool // all that was ever acknowledged
	down  bool         // there is no cluster to try anything with
}

// newGalera prepares the lab in a folder of its own, whose haprov.hcl the test may edit.
func newGalera(t *testing.T) *galera {
	t.Helper()
	g := &galera{place: newPlace(t), acked: map[int]bool{}}
	g.write(withDriver(shipped(t, "galera")))
	return g
}

func (g *galera) write(inventory string) {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, "haprov.hcl"), []byte(inventory), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func (g *galera) inventory() []byte {
	g.t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, "haprov.hcl"))
	if err != nil {
		g.t.Fatal(err)
	}
	return text
}

// step runs a named part. When one fails the next are tried all the same, unless there is no
// cluster.
func (g *galera) step(t *testing.T, name string, f func(t *testing.T)) {
	if g.down {
		return
	}
	t.Run(name, func(t *testing.T) {
		outer := g.t
		g.t = t
		defer func() {
			if t.Failed() && !g.down {
				g.tells("mariadb", members...)
				g.mend()
			}
			g.t = outer
		}()
		f(t)
	})
}

// mend gives the next steps a whole cluster after one that failed.
func (g *galera) mend() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	_ = g.command(ctx, "lab", "heal").Run()
	for _, h := range append([]string{"proxy1", "proxy2"}, members...) {
		_ = g.command(ctx, "lab", "power-on", h).Run()
	}
	_ = g.command(ctx, "up", "--yes").Run()
}

// on runs a command on a host; ok is false when it, or the way to it, failed.
func (g *galera) on(host, command string) (out string, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), scaled(time.Minute))
	defer cancel()
	b, err := g.command(ctx, "ssh", host, "--", command).CombinedOutput()
	return strings.TrimSpace(string(b)), err == nil
}

func (g *galera) must(host, command string) string {
	g.t.Helper()
	out, ok := g.on(host, command)
	if !ok {
		g.t.Fatalf("%s: %s: %s", host, command, out)
	}
	return out
}

// refused runs haprov and wants it to fail with these words.
func (g *galera) refused(words string, args ...string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), scaled(5*time.Minute))
	defer cancel()
	out, err := g.command(ctx, args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), words) {
		g.t.Errorf("haprov %s: %v, expected a refusal with %q\n%s", strings.Join(args, " "), err, words, tail(string(out)))
	}
	g.t.Logf("haprov %s:\n%s", strings.Join(args, " "), tail(string(out)))
}

// ready makes the table that writers write to.
func (g *galera) ready(t *testing.T) {
	g.db = g.endpoint(t)
	g.db.SetMaxOpenConns(1)
	takes(g.t, g.db, "CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
}

// load writes rows one after the other. Each is tried once more on a new connection when it was not
// acknowledged; only then it has failed.
type load struct {
	*galera
	stop           context.CancelFunc
	done           chan struct{}
	mu             sync.Mutex
	last           time.Time
	longest        time.Duration
	count          int
	retried, fails int
	why            []string // the first rows that failed
}

func (g *galera) load() *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{galera: g, stop: stop, done: make(chan struct{}), last: time.Now()}
	g.t.Cleanup(func() { // a step that fails half-way leaves nobody who writes
		stop()
		<-l.done
	})
	go func() {
		defer close(l.done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			g.next++
			first := l.try(g.next)
			second := first
			if first != nil {
				second = l.try(g.next)
			}
			// The first try may still be under way in the group: the server says that the transaction is
			// to be restarted (ER_LOCK_DEADLOCK), and any client of Galera does so.
			if deadlock := (*mysql.MySQLError)(nil); errors.As(second, &deadlock) && deadlock.Number == 1213 {
				second = l.try(g.next)
			}
			l.note(g.next, first, second)
		}
	}()
	until(g.t, "the writer has begun", time.Minute, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.count >= 40
	})
	return l
}

func (l *load) try(id int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := l.db.ExecContext(ctx, "INSERT INTO rows_written (id) VALUES (?) ON DUPLICATE KEY UPDATE id = id", id)
	return err
}

func (l *load) note(id int, first, second error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case second != nil:
		l.fails++
		if len(l.why) < 5 {
			l.why = append(l.why, fmt.Sprintf("%s row %d: %v; then: %v", time.Now().Format("15:04:05.0"), id, first, second))
		}
		return
	case first != nil:
		l.retried++
	}
	l.acked[id] = true
	l.count++
	now := time.Now()
	l.longest = max(l.longest, now.Sub(l.last))
	l.last = now
}

func (l *load) since(t time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last.After(t)
}

// served waits until rows have been acknowledged for some seconds after a moment.
func (l *load) served(hit time.Time) {
	l.t.Helper()
	until(l.t, "rows are acknowledged again", 2*time.Minute, func() bool { return l.since(hit.Add(8 * time.Second)) })
}

// end stops the writer and prints what it saw.
func (l *load) end() {
	l.t.Helper()
	l.stop()
	<-l.done
	l.t.Logf("%d rows acknowledged, %d after one reconnect, %d failed, longest time without service %.1f s", l.count, l.retried, l.fails, l.longest.Seconds())
	for _, w := range l.why {
		l.t.Log(w)
	}
}

// compare wants each host to hold every row that was ever acknowledged.
func (g *galera) compare(hosts ...string) {
	g.t.Helper()
	for _, h := range hosts {
		have := map[int]bool{}
		for _, l := range strings.Fields(g.must(h, "mariadb -N -B -e 'SET wsrep_sync_wait = 1; SELECT id FROM app.rows_written'")) {
			if i, err := strconv.Atoi(l); err == nil {
				have[i] = true
			}
		}
		lost := 0
		for i := range g.acked {
			if !have[i] {
				lost++
			}
		}
		if lost > 0 {
			g.t.Errorf("%s: %d of %d acknowledged rows are lost", h, lost, len(g.acked))
		}
	}
	g.t.Logf("%s: all %d acknowledged rows are there", strings.Join(hosts, ", "), len(g.acked))
}

// healthy waits until status says so.
func (g *galera) healthy() {
	g.t.Helper()
	var v verdict
	begin := time.Now()
	for !v.Healthy {
		if time.Since(begin) > scaled(10*time.Minute) {
			g.t.Fatalf("not healthy: %s", strings.Join(v.Reasons, "; "))
		}
		v = g.status()
	}
	g.t.Logf("healthy after %.0f s", time.Since(begin).Seconds())
}

// writerAndReaders asks who is who.
func (g *galera) writerAndReaders() (writer string, readers []string) {
	g.t.Helper()
	writer = g.status().Active
	for _, h := range []string{"db1", "db2", "db3"} {
		if h != writer {
			readers = append(readers, h)
		}
	}
	if len(readers) != 2 {
		g.t.Fatalf("the writer is %q", writer)
	}
	return writer, readers
}

// power does the same to several machines at once.
func (g *galera) power(what string, hosts ...string) {
	g.t.Helper()
	var all sync.WaitGroup
	errs := make([]error, len(hosts))
	for i, h := range hosts {
		all.Go(func() {
			if out, err := g.command(context.Background(), "lab", what, h).CombinedOutput(); err != nil {
				errs[i] = fmt.Errorf("%s: %w: %s", h, err, out)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			g.t.Fatal(err)
		}
	}
	if what == "power-on" {
		for _, h := range hosts {
			until(g.t, h+" answers", 3*time.Minute, func() bool { _, ok := g.on(h, "true"); return ok })
		}
	}
}
