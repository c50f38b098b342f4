package vm

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"
)

// arbitrated is the shipped inventory of two nodes, with a third host for the third vote.
func arbitrated(t *testing.T) (with, without string) {
	without = withDriver(shipped(t, "mysql-drbd"))
	with = strings.Replace(without, "cluster \"shop\" {", "host \"arb1\" {\n  network \"service\" { address = \"192.168.56.13\" }\n}\n\ncluster \"shop\" {", 1)
	with = strings.Replace(with, "  role \"db\"", "  role \"arbiter\" { hosts = [host.arb1] }\n  role \"db\"", 1)
	return with, strings.Replace(with, "  role \"arbiter\" { hosts = [host.arb1] }\n", "", 1)
}

// votes is what corosync-quorumtool says on a host of its quorum and its votes: "Yes 3 of 3".
func (p *place) votes(host string) string {
	ctx, cancel := context.WithTimeout(context.Background(), scaled(20*time.Second))
	defer cancel()
	out, _ := p.command(ctx, "ssh", host, "--", "corosync-quorumtool -s").Output()
	field := func(name string) string {
		m := regexp.MustCompile(`(?m)^` + name + `: +(\S+)`).FindStringSubmatch(string(out))
		if m == nil {
			return "?"
		}
		return m[1]
	}
	return field("Quorate") + " " + field("Total votes") + " of " + field("Expected votes")
}

// TestAnArbiter has a third vote for the two nodes, loses it, and takes it out and in again.
func TestAnArbiter(t *testing.T) {
	suite(t, "arbiter")
	outer := t
	c := &two{place: newPlace(t)}
	with, without := arbitrated(t)
	c.place.write("haprov.hcl", with)
	both := func(want string) bool { return c.votes("db1") == want && c.votes("db2") == want }
	told := func(want string) func() bool {
		return func() bool { return strings.Contains(strings.Join(c.status().Reasons, "\n"), want) }
	}
	c.step(t, "from nothing to ready, and again", func(t *testing.T) {
		s := c.up(30 * time.Minute)
		if s.Failed != 0 || s.Hosts != 3 {
			t.Fatalf("%+v", s)
		}
		t.Logf("%d changes in %.0f s", s.Changes, s.Seconds)
		if s := c.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("and again: %+v", s)
		}
		until(t, "both have three votes", time.Minute, func() bool { return both("Yes 3 of 3") })
		c.db = c.endpoint(outer) // until all steps have ended
		takes(t, c.db, "CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
		c.healthy()
		t.Logf("\n%s", c.run(time.Minute, "status"))
	})
	for _, name := range []string{"the active machine loses power", "and the other way round"} {
		c.step(t, name, func(t *testing.T) {
			var off, left string
			hit, back := c.under(60*time.Second, func(active, standby string) {
				off, left = active, standby
				c.run(time.Minute, "lab", "power-off", active)
			})
			t.Log(c.outage(left, hit, back))
			c.run(time.Minute, "lab", "power-on", off)
			c.healthy()
			until(t, "both have three votes", time.Minute, func() bool { return both("Yes 3 of 3") })
		})
	}
	c.step(t, "the wires between the two are cut: the one that serves goes on", func(t *testing.T) {
		before, _ := c.sides()
		c.under(60*time.Second, func(active, standby string) { c.run(time.Minute, "lab", "cut", active, standby) })
		c.run(time.Minute, "lab", "heal")
		c.healthy()
		if now, _ := c.sides(); now != before {
			t.Errorf("%s was active, and then %s", before, now)
		}
	})
	c.step(t, "without the arbiter nothing moves, and it is told", func(t *testing.T) {
		before, ends := c.status().Active, c.ends()
		c.under(10*time.Second, func(string, string) {
			c.run(time.Minute, "lab", "power-off", "arb1")
			until(t, "the votes are two", time.Minute, func() bool { return both("Yes 2 of 3") })
		})
		until(t, "status tells it", time.Minute, told("the arbiter does not vote"))
		if now := c.status().Active; now != before || c.ends() != ends+1 {
			t.Errorf("active %s, then %s; machines ended %d times more", before, now, c.ends()-ends)
		}
	})
	c.step(t, "without the standby, too, nothing is served", func(t *testing.T) {
		active, standby := c.sides()
		c.run(time.Minute, "lab", "power-off", standby)
		until(t, "status tells it", 2*time.Minute, told(active+": no quorum (1 of 3 votes): neither the arbiter nor another host votes with it, so it serves nothing"))
		until(t, "no row is acknowledged", time.Minute, func() bool {
			_, err := c.db.Exec("REPLACE INTO rows_written VALUES (-1)")
			return err != nil
		})
		c.run(time.Minute, "lab", "power-on", "arb1")
		until(t, "with the arbiter back, rows are acknowledged", 3*time.Minute, func() bool {
			_, err := c.db.Exec("REPLACE INTO rows_written VALUES (-1)")
			return err == nil
		})
		c.run(time.Minute, "lab", "power-on", standby)
		c.healthy()
	})
	c.step(t, "a member that starts alone does not serve what may be old", func(t *testing.T) {
		active, standby := c.sides()
		c.run(time.Minute, "lab", "power-off", standby)
		if _, err := c.db.Exec("REPLACE INTO rows_written VALUES (-2)"); err != nil {
			until(t, "a row without the standby", time.Minute, func() bool {
				_, err := c.db.Exec("REPLACE INTO rows_written VALUES (-2)")
				return err == nil
			})
		}
		c.run(time.Minute, "lab", "power-off", active)
		c.run(time.Minute, "lab", "power-on", standby)
		until(t, "it is up", 3*time.Minute, func() bool { return strings.HasPrefix(c.votes(standby), "No 1 of ") })
		if v := c.status(); v.Active != "" {
			t.Errorf("%s serves", v.Active)
		}
		c.run(time.Minute, "lab", "power-on", active)
		c.healthy()
		var n int
		if err := c.db.QueryRow("SELECT count(*) FROM rows_written WHERE id = -2").Scan(&n); err != nil || n != 1 {
			t.Errorf("the row of the one that was alone: %d %v", n, err)
		}
	})
	c.step(t, "taken out and put in again under a writer", func(t *testing.T) {
		for _, x := range []struct{ inventory, votes string }{{without, "Yes 2 of 2"}, {with, "Yes 3 of 3"}} {
			// the ring changes without a restart; then the lab's hosts are fenced once more, as after any
			// change of corosync.conf
			c.under(60*time.Second, func(string, string) {
				c.place.write("haprov.hcl", x.inventory)
				s := c.up(6 * time.Minute)
				t.Logf("%+v", s)
				until(t, "the votes are "+x.votes, time.Minute, func() bool { return both(x.votes) })
			})
			c.healthy()
			if s := c.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
				t.Errorf("and again: %+v", s)
			}
		}
	})
}
