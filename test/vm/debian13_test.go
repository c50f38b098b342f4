package vm

import (
	"strings"
	"testing"
	"time"
)

// TestTwoNodesOnDebian13 is the core of TestTwoNodes with the next release's programs: Pacemaker 3,
// MariaDB 11.8.
func TestTwoNodesOnDebian13(t *testing.T) {
	suite(t, "debian13")
	c := &two{place: newPlace(t)}
	c.write("haprov.hcl", on13(t, withDriver(shipped(t, "mysql-drbd"))))
	c.passes(t, func() { c.runs13("db1", "db2") })
	c.step(t, "nothing in haprov's part of the cluster's configuration is complained of", func(t *testing.T) {
		for _, h := range []string{"db1", "db2"} {
			// DRBD's fence handler, not haprov, still writes of the role Master.
			if out := c.run(time.Minute, "ssh", h, "--", "crm_verify -L -V 2>&1; journalctl -q -b --no-pager | grep -E 'pcmk_|(deprecated|removed in a future)' | grep -v 'the Master role' || :"); strings.TrimSpace(out) != "" {
				t.Errorf("%s: %s", h, tail(out))
			}
		}
	})
}

// passes is the core of TestTwoNodes for other programs than those of Debian 12, which is looks for.
func (c *two) passes(t *testing.T, is func()) {
	c.step(t, "from nothing to ready", func(t *testing.T) {
		s := c.up(30 * time.Minute)
		if s.Failed != 0 || s.Changes == 0 || s.Hosts != 2 {
			t.Fatalf("%+v", s)
		}
		t.Logf("%d changes in %.0f s", s.Changes, s.Seconds)
		c.calibrate("db1")
		is()
	})
	c.step(t, "the second run changes nothing", func(t *testing.T) {
		if s := c.up(time.Minute); s.Failed != 0 || s.Changes != 0 {
			t.Fatalf("%+v", s)
		}
	})
	c.step(t, "a row through the virtual IP", func(*testing.T) {
		c.healthy()
		c.db = c.endpoint(t)
		takes(c.t, c.db, "CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
	})
	c.step(t, "the active machine loses power", func(t *testing.T) {
		var off, left string
		// DRBD's fence handler alone takes 90 s when it cannot tell that the peer was fenced.
		hit, back := c.under(60*time.Second, func(active, standby string) {
			off, left = active, standby
			c.run(time.Minute, "lab", "power-off", active)
		})
		told := c.outage(left, hit, back)
		t.Log(told)
		for _, p := range parts {
			if !strings.Contains(told, p.name) {
				t.Errorf("the journal of %s does not tell when it came to %s", left, p.name)
			}
		}
		c.run(time.Minute, "lab", "power-on", off)
		c.healthy()
	})
	c.step(t, "the active side is moved", func(t *testing.T) {
		c.under(60*time.Second, func(_, standby string) { c.run(3*time.Minute, "switchover", standby, "--yes") })
		c.healthy()
	})
	c.step(t, "after all of it, a run changes nothing", func(t *testing.T) {
		if s := c.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestGaleraOnDebian13 takes nothing to three members and two proxies with the next release's
// programs, and cuts the writer's power.
func TestGaleraOnDebian13(t *testing.T) {
	suite(t, "debian13")
	g := newGalera(t)
	g.write(on13(t, string(g.inventory())))
	g.made(t)
	g.opened(t)
	g.step(t, "it is Debian 13", func(*testing.T) { g.runs13("db1", "proxy1") })
	g.step(t, "the writer's machine loses power", g.writerLosesPower)
	g.step(t, "after all of it, a run changes nothing", func(t *testing.T) { g.unchanged() })
}

// on13 is an inventory of Debian 12 with the next release's image.
func on13(t *testing.T, inventory string) string {
	t.Helper()
	if strings.Count(inventory, `"debian-12"`) != 1 {
		t.Fatal("the shipped inventory has no image debian-12")
	}
	return strings.Replace(inventory, `"debian-12"`, `"debian-13"`, 1)
}

func (p *place) runs13(hosts ...string) {
	p.t.Helper()
	for _, h := range hosts {
		if out := p.run(time.Minute, "ssh", h, "--", "cat /etc/debian_version"); !strings.HasPrefix(out, "13.") {
			p.t.Errorf("%s runs Debian %s", h, out)
		}
	}
}
