package vm

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestRepair ends a split brain that a fence device which lies has made, and takes clusters off their
// machines and brings them back.
func TestRepair(t *testing.T) {
	suite(t, "repair")
	t.Run("two nodes", repairedOfTwo)
	t.Run("galera", removedGalera)
}

// on runs a command on a host, as root.
func (p *place) on(host, command string) (string, error) {
	out, err := p.command(p.t.Context(), "ssh", host, "--", command).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (p *place) must(host, command string) string {
	p.t.Helper()
	out, err := p.on(host, command)
	if err != nil {
		p.t.Fatalf("%s: %s: %v\n%s", host, command, err, tail(out))
	}
	return out
}

// liar is a fence agent that says yes and does nothing.
const liar = `mv /usr/sbin/fence_haprov /usr/sbin/fence_haprov.real && cat >/usr/sbin/fence_haprov <<'X' && chmod 755 /usr/sbin/fence_haprov
#!/bin/sh
in=$(cat)
case $in in *action=reboot* | *action=off*) exit 0 ;; esac
printf '%s\n' "$in" | /usr/sbin/fence_haprov.real "$@"
X`

func repairedOfTwo(t *testing.T) {
	c := &two{place: newPlace(t)}
	c.step(t, "from nothing to ready", func(*testing.T) {
		if s := c.up(30 * time.Minute); s.Failed != 0 {
			c.t.Fatalf("%+v", s)
		}
	})
	c.step(t, "no split brain is refused", func(t *testing.T) {
		if out, err := c.command(t.Context(), "recover", "--discard", "db2", "--yes").CombinedOutput(); err == nil || !strings.Contains(string(out), "no split brain") {
			t.Errorf("%v\n%s", err, tail(string(out)))
		}
	})
	c.step(t, "copies that differ are found, and repaired as the document says", c.compared)
	c.step(t, "a fence device lies, and both sides write", c.torn)
	c.step(t, "removed, and up again with its rows", func(t *testing.T) {
		c.removed(t, "remove", "--yes")
		if s := c.up(8 * time.Minute); s.Failed != 0 {
			t.Fatalf("%+v", s)
		}
		c.healthy()
		if n := c.must(c.status().Active, "mariadb -N app -e 'SELECT COUNT(*) FROM orders'"); n == "0" {
			t.Error("the rows are gone")
		}
	})
	c.step(t, "removed with its data, and up from nothing", func(t *testing.T) {
		c.removed(t, "remove", "--destroy-data", "mysql", "--yes")
		if s := c.up(8 * time.Minute); s.Failed != 0 {
			t.Fatalf("%+v", s)
		}
		c.healthy()
		if _, err := c.on(c.status().Active, "mariadb -N app -e 'SELECT COUNT(*) FROM orders'"); err == nil {
			t.Error("the rows are still there")
		}
	})
}

// torn makes a split brain, discards the side that has fewer rows, and looks for those in the copy.
func (c *two) torn(t *testing.T) {
	active, standby := c.sides()
	c.must(active, "mariadb app -e 'CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, host VARCHAR(20)); INSERT INTO orders (host) VALUES (\"before\")'")
	for _, h := range []string{active, standby} {
		c.must(h, liar)
	}
	c.run(time.Minute, "lab", "cut", active, standby)
	until(t, "both sides serve", 3*time.Minute, func() bool {
		for _, h := range []string{active, standby} {
			if _, err := c.on(h, "mariadb app -e 'INSERT INTO orders (host) VALUES (\"try\")'"); err != nil {
				return false
			}
		}
		return true
	})
	for i, h := range []string{active, standby} {
		c.must(h, fmt.Sprintf("for i in $(seq %d); do mariadb app -e 'INSERT INTO orders (host) VALUES (\"%s\")'; done", 10-5*i, h))
	}
	c.run(time.Minute, "lab", "heal")
	for _, h := range []string{active, standby} {
		c.must(h, "mv /usr/sbin/fence_haprov.real /usr/sbin/fence_haprov")
	}
	until(t, "both sides are disconnected", 5*time.Minute, func() bool {
		for _, h := range []string{active, standby} {
			if _, err := c.on(h, "grep -q StandAlone /proc/drbd"); err != nil {
				return false
			}
		}
		return true
	})
	refused := func(want string, args ...string) {
		out, err := c.command(t.Context(), args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v, want %q\n%s", args, err, want, tail(string(out)))
		}
	}
	until(t, "up says what it is", 5*time.Minute, func() bool {
		out, err := c.command(t.Context(), "up", "--yes").CombinedOutput()
		return err != nil && strings.Contains(string(out), "haprov recover --discard HOST")
	})
	refused(standby+" alone has: ", "recover")
	refused("no room for a copy", "recover", "--discard", standby, "--in", "/run/kept", "--yes") // in memory, too small
	began := time.Now()
	out := c.run(10*time.Minute, "recover", "--discard", standby, "--yes")
	t.Logf("ended in %.0f s\n%s", time.Since(began).Seconds(), tail(out))
	c.healthy()
	kept := regexp.MustCompile(`/var/lib/haprov-discarded/mysql-[0-9A-F]{16}`).FindString(c.must(standby, "ls -d /var/lib/haprov-discarded/*"))
	if kept == "" {
		t.Fatal("no copy")
	}
	if n := c.must(standby, "mariadb-binlog --no-defaults -v --base64-output=DECODE-ROWS "+kept+"/data/binlog.0* | grep -c \"'"+standby+"'\" || :"); n != "5" {
		t.Errorf("%s of the 5 rows that were discarded are in the copy", n)
	}
	if n := c.must(c.status().Active, "mariadb -N app -e 'SELECT CONCAT(SUM(host = \""+active+"\"), \" \", SUM(host = \""+standby+"\")) FROM orders'"); n != "10 0" {
		t.Errorf("the rows of %s and %s that are there now: %s", active, standby, n)
	}
	refused("no split brain", "recover", "--discard", standby, "--yes")
	if s := c.up(3 * time.Minute); s.Failed != 0 {
		t.Errorf("%+v", s)
	}
}

// removed takes the cluster off, and looks at what is left of it.
func (c *two) removed(t *testing.T, args ...string) {
	began := time.Now()
	out := c.run(8*time.Minute, args...)
	t.Logf("removed in %.0f s\n%s", time.Since(began).Seconds(), tail(out))
	for _, h := range []string{"db1", "db2"} {
		if said, err := c.on(h, "for u in corosync pacemaker mariadb; do ! systemctl -q is-active $u || echo $u runs; ! systemctl -q is-enabled $u || echo $u starts at boot; done 2>/dev/null; find /etc/haprov -type f ! -name fence.conf 2>/dev/null; ls -d /usr/local/lib/haprov /etc/drbd.d/mysql.res /etc/corosync/authkey /srv/mysql 2>/dev/null; grep '^ 0:' /proc/drbd"); said != "" {
			t.Errorf("%s: left (%v): %s", h, err, said)
		}
	}
	if out := c.run(3*time.Minute, "remove", "--yes"); !strings.Contains(out, "0 changes") {
		t.Errorf("removed again: %s", tail(out))
	}
}

func removedGalera(t *testing.T) {
	g := newGalera(t)
	g.fresh(t)
	if g.down = t.Failed(); g.down {
		return
	}
	g.step(t, "removed, and up again with its rows", func(t *testing.T) {
		g.must("db1", "mariadb -e 'CREATE TABLE app.orders (id INT PRIMARY KEY); INSERT INTO app.orders VALUES (1)'")
		began := time.Now()
		t.Logf("%s\nremoved in %.0f s", tail(g.run(8*time.Minute, "remove", "--yes")), time.Since(began).Seconds())
		for _, h := range []string{"db1", "db2", "db3", "proxy1", "proxy2"} {
			if said, _ := g.on(h, "for u in mariadb haproxy keepalived haprov-health; do ! systemctl -q is-active $u || echo $u runs; done 2>/dev/null; find /etc/haprov -type f ! -name fence.conf 2>/dev/null; ls -d /etc/mysql/tls 2>/dev/null || :"); strings.TrimSpace(said) != "" {
				t.Errorf("%s: left: %s", h, said)
			}
		}
		if s := g.up(10 * time.Minute); s.Failed != 0 {
			t.Fatalf("%+v", s)
		}
		g.healthy()
		g.compare(members...)
		if n := strings.TrimSpace(g.must("db1", "mariadb -N -e 'SELECT COUNT(*) FROM app.orders'")); n != "1" {
			t.Errorf("%s rows", n)
		}
	})
}
