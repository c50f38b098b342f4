package load

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/protocol"
	"haprov/internal/protocol/protocoltest"
)

// way counts connections and can break them all at once.
type way struct {
	dial Dial
	mu   sync.Mutex
	open []net.Conn
}

func (w *way) Dial(ctx context.Context) (net.Conn, error) {
	c, err := w.dial(ctx)
	if err == nil {
		w.mu.Lock()
		w.open = append(w.open, c)
		w.mu.Unlock()
	}
	return c, err
}

func (w *way) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		c.Close()
	}
	w.open = nil
}

// Every workload does its work on a real server of each protocol; connections that break in the middle
// leave a history that no judge takes for a fault of the server's.
func TestWorkloadsOnRealServers(t *testing.T) {
	servers := map[string]func(*testing.T) protocol.Login{"mysql": protocoltest.MariaDB, "postgres": protocoltest.Postgres}
	for _, name := range Protocols() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			login := servers[name](t)
			w := &way{dial: login.Dial}
			began := time.Now()
			target := Target{Protocol: name, Dial: w.Dial, Readers: w.Dial, Members: []Dial{w.Dial}, User: login.User, Password: login.Password, Database: login.Database, Run: began.Unix()}
			for range 2 { // tables of an earlier run are no hindrance
				if err := Prepare(t.Context(), target); err != nil {
					t.Fatal(err)
				}
			}
			log := history.NewWriter(io.Discard, nil, history.Header{Drill: "x", Cluster: "x", Began: began})
			l := Start(target, log, Rate{Add: 100, Probe: 20, Register: 100, Bank: 100, Append: 100, Session: 20, Member: 20}, 1)
			for _, rows := range []int64{100, 200, 400} {
				acked(t, l, rows)
				w.cut()
			}
			acked(t, l, 500)
			l.Stop()

			scan := func(of string, read func(context.Context, Target) ([]string, error)) {
				values, err := read(t.Context(), target)
				if err != nil {
					t.Fatal(err)
				}
				log.Scanned(history.Scan{Of: of, Values: values})
			}
			scan("balance", Balances)
			scan("append", Lists)
			scan("add", func(ctx context.Context, to Target) ([]string, error) {
				return read(ctx, to, "SELECT id FROM added", "")
			})
			h, err := log.End()
			if err != nil {
				t.Fatal(err)
			}
			for _, do := range []string{"add", "member", "probe", "read", "write", "cas", "transfer", "balance", "append", "put", "get"} {
				n := 0
				for _, o := range h.Of(do) {
					if o.Outcome == history.OK {
						n++
						if o.Server == "" {
							t.Fatalf("nobody knows who answered: %+v", o)
						}
					}
				}
				if n == 0 {
					t.Errorf("no %s was done of %d", do, len(h.Of(do)))
				}
			}
			for _, name := range []string{"acked", "append", "bank", "reads", "register", "session", "writers"} {
				if v := judge.All[name](&h, judge.Expect{}); v.Word != judge.Pass {
					t.Errorf("%s: %+v", name, v)
				}
			}
			broken := 0
			for _, o := range h.Ops {
				if o.Outcome == history.Info {
					broken++
				}
				if o.Class == "server" && o.Code == 0 && o.State == "" {
					t.Errorf("the server's answer is not told: %+v", o)
				}
			}
			if broken == 0 {
				t.Error("connections were cut, and no outcome is unknown")
			}
			t.Logf("%d operations, %d unknown", len(h.Ops), broken)
		})
	}
}

func acked(t *testing.T, l *Load, rows int64) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(time.Minute); l.Seen().Acked < rows; <-tick.C {
		if time.Now().After(until) {
			t.Fatalf("%d rows within a minute, %d are wanted", l.Seen().Acked, rows)
		}
	}
}

// What a server answers is done, surely not done, or unknown; PostgreSQL's 57P01 is unknown, since a
// commit that waits for its standby is done when it comes.
func TestWhatIsKnownAfterAnError(t *testing.T) {
	code := func(c string) error { return &protocol.Refused{Err: io.EOF, Code: c} }
	for _, c := range []struct {
		sql     string
		err     error
		outcome history.Outcome
		class   string
		keep    bool
	}{
		{"mysql", nil, history.OK, "", true},
		{"mysql", io.EOF, history.Info, "lost", false},
		{"mysql", connect{io.EOF}, history.Fail, "refused", false},
		{"mysql", connect{context.DeadlineExceeded}, history.Fail, "timeout", false},
		{"mysql", context.DeadlineExceeded, history.Info, "timeout", false},
		{"mysql", undone{context.DeadlineExceeded}, history.Fail, "timeout", false},
		{"mysql", undone{errUnmet}, history.Fail, "unmet", true},
		{"mysql", code("1213"), history.Fail, "server", true},
		{"mysql", code("1047"), history.Fail, "server", false},
		{"mysql", code("1180"), history.Info, "server", false},
		{"mysql", undone{code("1180")}, history.Fail, "server", false},
		{"postgres", code("40001"), history.Fail, "server", true},
		{"postgres", code("25006"), history.Fail, "server", false},
		{"postgres", code("57P01"), history.Info, "server", false},
		{"postgres", connect{code("57P03")}, history.Fail, "server", false},
	} {
		var o history.Op
		keep := dialects[c.sql].judge(c.err, &o)
		if o.Outcome != c.outcome || o.Class != c.class || keep != c.keep {
			t.Errorf("%s: %v: %s, %q, session goes on: %v", c.sql, c.err, o.Outcome, o.Class, keep)
		}
	}
}
