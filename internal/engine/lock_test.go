package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/plan"
	"haprov/internal/recipe"
)

// left waits until the shell that had the lock has gone.
func (l *lab) left(t *testing.T, host string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(l.state(host), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	pid, _, _ := strings.Cut(string(b), " ")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat("/proc/" + pid); err != nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %s is still there", pid)
		}
	}
}

// TestWhatAnotherRunDidMeanwhileIsSeen lets a whole run take place while this one waits for its
// approval: what it left is looked at, and not written again.
func TestWhatAnotherRunDidMeanwhileIsSeen(t *testing.T) {
	l, p := newLab(t), filepath.Join(t.TempDir(), "x")
	chain := recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db1:content.x", Step: content{path: p, text: "x"}}}}
	probes := func(o Options) (n int, s Summary) {
		t.Helper()
		o.Hosts, o.Open, o.Holder = []recipe.Chain{chain}, l.open, "test"
		o.Events = func(e Event) {
			if x, ok := e.(Exchanged); ok && x.What == "probe" {
				n++
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 60e9)
		defer cancel()
		s, err := Run(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		return n, s
	}
	l.state("db1")
	for _, name := range []string{"the first lock since boot", "a lock that another run had"} {
		if n, s := probes(Options{}); n != 1 || s.Changes != 1 {
			t.Errorf("%s: looked %d times, %d changes", name, n, s.Changes)
		}
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
		l.left(t, "db1")
	}
	n, s := probes(Options{Approve: func(plan.Plan) bool {
		if _, s := probes(Options{}); s.Changes != 1 {
			t.Errorf("the other run: %d changes", s.Changes)
		}
		return true
	}})
	if n != 2 || s.Changes != 0 {
		t.Errorf("after another run: looked %d times, %d changes", n, s.Changes)
	}
}
