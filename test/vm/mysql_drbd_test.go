package vm

import (
	"database/sql"
	"testing"
	"time"
)

// TestTwoNodes takes nothing to a cluster and then pulls plugs under a writer.
func TestTwoNodes(t *testing.T) {
	p := newPlace(t)
	outer := t
	var db *sql.DB
	next := 0

	step := func(name string, f func(t *testing.T)) {
		if !t.Failed() {
			t.Run(name, func(t *testing.T) {
				outer := p.t
				p.t = t
				defer func() { p.t = outer }()
				f(t)
			})
		}
	}
	step("from nothing to ready", func(t *testing.T) {
		s := p.up(12 * time.Minute)
		if s.Failed != 0 || s.Changes == 0 || s.Hosts != 2 {
			t.Fatalf("%+v", s)
		}
		t.Logf("%d changes in %.0f s", s.Changes, s.Seconds)
	})
	step("the second run changes nothing", func(t *testing.T) {
		s := p.up(time.Minute)
		if s.Failed != 0 || s.Changes != 0 {
			t.Fatalf("%+v", s)
		}
		t.Logf("0 changes in %.1f s", s.Seconds)
	})
	step("a row through the virtual IP", func(t *testing.T) {
		if v := p.status(); !v.Healthy {
			t.Fatalf("not healthy: %v", v.Reasons)
		}
		db = p.endpoint(outer)
		until(t, "the endpoint takes a table", time.Minute, func() bool {
			_, err := db.Exec("CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
			return err == nil
		})
	})

	// under runs a fault while somebody writes, and judges.
	under := func(t *testing.T, fault func(active, standby string)) {
		v := p.status()
		standby := "db1"
		if v.Active == "db1" {
			standby = "db2"
		}
		w := write(t, db, next)
		next += 1_000_000
		begin := time.Now()
		until(t, "the writer has begun", time.Minute, func() bool { return w.since(begin) })
		fault(v.Active, standby)
		hit := time.Now()
		until(t, "rows are acknowledged again", 3*time.Minute, func() bool { return w.since(hit.Add(8 * time.Second)) })
		acked, lost, gap := w.end(t)
		t.Logf("%d rows acknowledged, %d lost, longest time without service %.1f s", acked, lost, gap.Seconds())
		if lost != 0 {
			t.Errorf("%d acknowledged rows are lost", lost)
		}
		if gap > 150*time.Second {
			t.Errorf("%s without service", gap)
		}
	}
	healthy := func(t *testing.T) {
		d := until(t, "the cluster is healthy and in sync again", 5*time.Minute, func() bool { return p.status().Healthy && p.inSync() })
		t.Logf("healthy again after %.0f s", d.Seconds())
	}
	for _, name := range []string{"the active machine loses power", "and the other way round"} {
		step(name, func(t *testing.T) {
			var off string
			under(t, func(active, standby string) {
				off = active
				p.run(time.Minute, "lab", "power-off", active)
			})
			if v := p.status(); v.Active == off {
				t.Errorf("%s is active without power", off)
			}
			p.run(time.Minute, "lab", "power-on", off)
			healthy(t)
		})
	}
	step("the wires between the two are cut", func(t *testing.T) {
		under(t, func(active, standby string) { p.run(time.Minute, "lab", "cut", active, standby) })
		p.run(time.Minute, "lab", "heal")
		healthy(t)
	})
	step("after all of it, a run changes nothing", func(t *testing.T) {
		if s := p.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// inSync reports whether both disks are current and no fence constraint is left.
func (p *place) inSync() bool {
	for _, h := range []string{"db1", "db2"} {
		if err := p.command(p.t.Context(), "ssh", h, "--", "grep -q 'cs:Connected.*ds:UpToDate/UpToDate' /proc/drbd && ! cibadmin -Q -l | grep -q drbd-fence-by-handler").Run(); err != nil {
			return false
		}
	}
	return true
}
