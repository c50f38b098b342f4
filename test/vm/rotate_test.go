package vm

import (
	"strings"
	"testing"
	"time"
)

// TestRotate rotates the passwords of both stacks while somebody writes who logs in anew for each row.
func TestRotate(t *testing.T) {
	suite(t, "rotate")
	t.Run("two nodes", func(t *testing.T) {
		c := &two{place: newPlace(t)}
		c.step(t, "from nothing to ready", func(t *testing.T) {
			if s := c.up(30 * time.Minute); s.Failed != 0 || s.Changes == 0 {
				t.Fatalf("%+v", s)
			}
		})
		c.step(t, "all passwords are rotated", func(*testing.T) { c.rotates() })
	})
	t.Run("galera", func(t *testing.T) {
		g := newGalera(t)
		g.step(t, "from nothing to ready", func(t *testing.T) {
			if s := g.up(30 * time.Minute); s.Failed != 0 || s.Changes == 0 {
				t.Fatalf("%+v", s)
			}
		})
		g.step(t, "all passwords are rotated", func(*testing.T) { g.rotates() })
	})
}

// rotates gives all passwords a new value under a writer who has the former one.
func (p *place) rotates() {
	t := p.t
	t.Helper()
	db := p.endpoint(t)
	db.SetMaxIdleConns(-1) // each row is a login
	takes(t, db, "CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
	former := strings.TrimSpace(p.run(time.Minute, "secret", "show", "app"))
	w := write(t, db, 1)
	defer w.stop()
	until(t, "the writer has begun", time.Minute, func() bool { return w.since(time.Now().Add(-time.Second)) })
	begun := time.Now()
	t.Log(tail(p.run(3*time.Minute, "secret", "rotate", "--all", "--yes")))
	t.Logf("rotated in %.1f s", time.Since(begun).Seconds())
	if now := strings.TrimSpace(p.run(time.Minute, "secret", "show", "app")); now == former {
		t.Error("the password is the former one")
	}
	p.run(time.Minute, "sql", "-e", "SELECT 1") // by the new one
	if s := p.up(time.Minute); s.Changes != 0 || s.Failed != 0 {
		t.Errorf("both are valid, and a run differs: %+v", s)
	}
	until(t, "rows are written by the former password", time.Minute, func() bool { return w.since(time.Now().Add(-time.Second)) })
	acked, lost, gap := w.end(t)
	t.Logf("%d rows acknowledged, %d lost, %d not acknowledged, at most %s between two", acked, lost, w.refused(), gap.Round(time.Millisecond))
	if lost > 0 || w.refused() > 0 {
		t.Errorf("%d rows lost, %d refused", lost, w.refused())
	}
	t.Log(tail(p.run(3*time.Minute, "secret", "rotate", "--all", "--finish", "--yes")))
	if _, err := db.Exec("SELECT 1"); err == nil {
		t.Error("the former password is still valid")
	}
	p.run(time.Minute, "sql", "-e", "SELECT 1")
	if s := p.up(time.Minute); s.Changes != 0 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
}
