package vm

import (
	"database/sql"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// two is the two-node stack on a lab's machines, its endpoint, and the rows written so far.
type two struct {
	*place
	db   *sql.DB
	next int
}

// step runs a part of a long test, unless one before it failed.
func (c *two) step(outer *testing.T, name string, f func(t *testing.T)) {
	if outer.Failed() {
		return
	}
	outer.Run(name, func(t *testing.T) {
		before := c.t
		c.t = t
		defer func() {
			if t.Failed() {
				c.tells("pacemaker", "db1", "db2")
			}
			c.t = before
		}()
		f(t)
	})
}

// sides are the active host and the other one.
func (c *two) sides() (active, standby string) {
	if c.status().Active == "db1" {
		return "db1", "db2"
	}
	return "db2", "db1"
}

// under runs a fault while somebody writes, waits until rows come again, and judges what is lost.
// most is the longest time without service that passes.
func (c *two) under(most time.Duration, fault func(active, standby string)) (hit, back time.Time) {
	t := c.t
	t.Helper()
	active, standby := c.sides()
	w := write(t, c.db, c.next)
	c.next += 1_000_000
	begin := time.Now()
	until(t, "the writer has begun", time.Minute, func() bool { return w.since(begin) })
	hit = time.Now()
	fault(active, standby)
	done := time.Now()
	until(t, "rows are acknowledged again", 3*time.Minute, func() bool { return w.since(done.Add(8 * time.Second)) })
	acked, lost, gap := w.end(t)
	t.Logf("%d rows acknowledged, %d lost, longest time without service %.1f s", acked, lost, gap.Seconds())
	if lost != 0 {
		t.Errorf("%d acknowledged rows are lost", lost)
	}
	if gap > most {
		t.Errorf("%s without service, more than %s", gap, most)
	}
	return hit, w.back
}

// slowed measures a delay and a loss with ping, and looks at what the lab and status tell of them.
func (c *two) slowed(t *testing.T) {
	ping := func(args string) string {
		t.Helper()
		return c.run(2*time.Minute, "ssh", "db1", "--", "ping -q -n "+args+" 192.168.57.12 || :")
	}
	shows := func(want string) {
		t.Helper()
		if out := c.run(time.Minute, "lab", "status"); !strings.Contains(out, want) {
			t.Errorf("lab status does not tell %q:\n%s", want, out)
		}
	}
	c.run(time.Minute, "lab", "delay", "db1", "db2", "50ms", "--network", "replication")
	shows("50ms")
	least := regexp.MustCompile(`rtt min/avg/max/mdev = ([0-9.]+)/`).FindStringSubmatch(ping("-c 5"))
	if least == nil {
		t.Fatal("ping tells no times")
	}
	if ms, err := strconv.ParseFloat(least[1], 64); err != nil || ms < 100 {
		t.Errorf("the shortest round trip took %s ms, less than twice 50 ms", least[1])
	}
	c.run(time.Minute, "lab", "heal")
	c.run(time.Minute, "lab", "loss", "db1", "db2", "30%", "--network", "replication", "--one-way")
	shows("30%")
	lost := regexp.MustCompile(`, ([0-9.]+)% packet loss`).FindStringSubmatch(ping("-c 100 -i 0.02 -W 1"))
	if lost == nil {
		t.Fatal("ping tells no loss")
	}
	if share, err := strconv.ParseFloat(lost[1], 64); err != nil || share < 10 || share > 55 { // five standard deviations
		t.Errorf("%s%% of the frames were lost, 30%% were told", lost[1])
	}
	c.run(time.Minute, "lab", "heal")
	t.Logf("shortest round trip with 50 ms in each direction: %s ms; lost of 100 with 30%%: %s%%", least[1], lost[1])
	c.healthy()
}

func (c *two) healthy() {
	c.t.Helper()
	d := until(c.t, "the cluster is healthy and in sync again", 10*time.Minute, func() bool { return c.status().Healthy && c.inSync() })
	c.t.Logf("healthy again after %.0f s", d.Seconds())
}

// ends counts the machines' ends so far: fenced, powered off or crashed.
func (c *two) ends() int {
	out := c.run(time.Minute, "lab", "logs")
	return strings.Count(out, "reboot") + strings.Count(out, "ended")
}

// TestTwoNodes takes nothing to a cluster and then breaks one part after the other under a writer.
func TestTwoNodes(t *testing.T) {
	suite(t, "core", "mysql-drbd")
	c := &two{place: newPlace(t)}
	c.step(t, "from nothing to ready", func(t *testing.T) {
		s := c.up(30 * time.Minute)
		if s.Failed != 0 || s.Changes == 0 || s.Hosts != 2 {
			t.Fatalf("%+v", s)
		}
		t.Logf("%d changes in %.0f s", s.Changes, s.Seconds)
		c.calibrate("db1")
		log := c.run(time.Minute, "lab", "logs")
		for _, h := range []string{"db1", "db2"} {
			if !regexp.MustCompile(`(?m) fence +` + h + ` +reboot `).MatchString(log) {
				t.Errorf("the fence device of %s was not fired:\n%s", h, log)
			}
		}
	})
	c.step(t, "the second run changes nothing", func(t *testing.T) {
		s := c.up(time.Minute)
		if s.Failed != 0 || s.Changes != 0 {
			t.Fatalf("%+v", s)
		}
		t.Logf("0 changes in %.1f s", s.Seconds)
	})
	c.broken(t)
	if inSuite("mysql-drbd") || inSuite("all") {
		c.worked(t)
	}
}

// compared damages a block of the standby's disk behind DRBD's back.
func (c *two) compared(t *testing.T) {
	v := c.status()
	active, standby := v.Active, map[string]string{"db1": "db2", "db2": "db1"}[v.Active]
	c.run(10*time.Minute, "verify", "--volumes")
	if v := c.status(); !v.Healthy {
		t.Fatalf("two equal copies: %v", v.Reasons)
	}
	// the last MiB before DRBD's own metadata, which no file has yet
	c.must(standby, `d=/dev/disk/by-haprov/data
end=$(( $(cat /sys/class/block/drbd0/size) / 2048 - 1 ))
dd if=/dev/urandom of=$d bs=1M seek=$end count=1 oflag=direct conv=notrunc`)
	c.run(10*time.Minute, "verify", "--volumes")
	v = c.status()
	if v.Healthy || !strings.Contains(strings.Join(v.Reasons, "\n"), "volume mysql: 1024 KiB differ") {
		t.Fatalf("a MiB of the standby's disk was overwritten: healthy %v, %v", v.Healthy, v.Reasons)
	}
	c.must(standby, "drbdadm disconnect mysql && drbdadm connect mysql")
	c.healthy()
	if v := c.status(); v.Active != active {
		t.Errorf("the service moved to %s", v.Active)
	}
}

// broken breaks one part of a finished cluster after the other under a writer.
func (c *two) broken(t *testing.T) {
	c.step(t, "a row through the virtual IP", func(*testing.T) {
		if v := c.status(); !v.Healthy {
			c.t.Fatalf("not healthy: %v", v.Reasons)
		}
		c.db = c.endpoint(t)
		takes(c.t, c.db, "CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
	})
	for _, name := range []string{"the active machine loses power", "and the other way round"} {
		c.step(t, name, func(t *testing.T) {
			var off, left string
			hit, back := c.under(90*time.Second, func(active, standby string) {
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
			if v := c.status(); v.Active == off {
				t.Errorf("%s is active without power", off)
			}
			c.run(time.Minute, "lab", "power-on", off)
			c.healthy()
		})
	}
	c.step(t, "the wires between the two are cut", func(t *testing.T) {
		c.under(90*time.Second, func(active, standby string) { c.run(time.Minute, "lab", "cut", active, standby) })
		c.run(time.Minute, "lab", "heal")
		c.healthy()
	})
	c.step(t, "frames are delayed and lost as told", c.slowed)
	c.step(t, "the database server freezes", func(t *testing.T) {
		c.under(2*time.Minute, func(active, _ string) { c.run(time.Minute, "ssh", active, "--", "pkill -STOP -x mariadbd") })
		c.healthy()
	})
	c.step(t, "the active side is moved", func(t *testing.T) {
		before := c.status().Active
		hit, back := c.under(60*time.Second, func(_, standby string) { c.run(3*time.Minute, "switchover", standby, "--yes") })
		after := c.status().Active
		t.Log(c.outage(after, hit, back))
		if after == before {
			t.Errorf("%s is still active", before)
		}
		c.healthy()
	})
	c.step(t, "after all of it, a run changes nothing", func(t *testing.T) {
		if s := c.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// worked goes on with smaller faults, and with what users do to a cluster that serves.
func (c *two) worked(t *testing.T) {
	for _, network := range []string{"service", "replication"} {
		c.step(t, "only the wire of network "+network+" is cut", func(t *testing.T) {
			before, ends := c.status().Active, c.ends()
			c.under(60*time.Second, func(active, standby string) {
				c.run(time.Minute, "lab", "cut", active, standby, "--network", network)
			})
			c.run(time.Minute, "lab", "heal")
			c.healthy()
			if v := c.status(); v.Active != before || c.ends() != ends {
				t.Errorf("a failover: active %s, then %s; machines ended %d times, then %d", before, v.Active, ends, c.ends())
			}
		})
	}
	c.step(t, "the server is restarted, and the program killed meanwhile", c.restarted)
	c.step(t, "two runs at once, the first one interrupted", c.crowd)
	c.step(t, "halted, then brought up again", func(t *testing.T) {
		c.run(2*time.Minute, "lab", "halt")
		s := c.up(8 * time.Minute)
		if s.Failed != 0 || s.Changes != 0 {
			t.Errorf("%+v", s)
		}
		t.Logf("%d changes in %.0f s", s.Changes, s.Seconds)
		c.healthy()
	})
	c.step(t, "the disks grow, and the volume with them", c.grown)
	c.step(t, "after all of it, a run changes nothing", func(t *testing.T) {
		if s := c.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// grown gives both machines larger disks while they are off: one run later the volume and its file system
// have the new room.
func (c *two) grown(t *testing.T) {
	c.run(2*time.Minute, "lab", "halt")
	inventory := withDriver(shipped(t, "mysql-drbd"))
	larger := strings.ReplaceAll(inventory, `size = "2GiB"`, `size = "3GiB"`)
	if larger == inventory {
		t.Fatal("the shipped inventory has other disks")
	}
	c.write("haprov.hcl", larger)
	s := c.up(15 * time.Minute)
	if s.Failed != 0 || s.Changes == 0 {
		t.Errorf("%+v", s)
	}
	t.Logf("%d changes in %.0f s", s.Changes, s.Seconds)
	c.healthy()
	active, standby := c.sides()
	for _, h := range []string{active, standby} {
		if sectors, err := strconv.Atoi(strings.TrimSpace(c.must(h, "cat /sys/class/block/drbd0/size"))); err != nil || sectors < 2900<<11 {
			t.Errorf("%s: the volume has %d sectors (%v)", h, sectors, err)
		}
	}
	if kib, err := strconv.Atoi(strings.TrimSpace(c.must(active, "df -k --output=size /srv/mysql | tail -n 1"))); err != nil || kib < 2700<<10 {
		t.Errorf("the file system has %d KiB (%v)", kib, err)
	}
}

// inSync reports whether both disks are current and no fence constraint is left.
func (p *place) inSync() bool {
	for _, h := range []string{"db1", "db2"} {
		err := p.command(p.t.Context(), "ssh", h, "--", "grep -q 'cs:Connected.*ds:UpToDate/UpToDate' /proc/drbd && ! cibadmin -Q -l | grep -q drbd-fence-by-handler").Run()
		if err != nil {
			return false
		}
	}
	return true
}
