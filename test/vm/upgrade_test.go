package vm

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// offers gives a host an apt repository with a newer version of installed packages: they are packed again
// under a higher version. The server's package needs the program of the same version, as Debian's does.
const offers = `set -e
umask 022
rm -rf /srv/newer
mkdir -p /srv/newer
cd /srv/newer
apt-get -q update >/dev/null
for p in %s; do
  v=$(dpkg-query -W -f='${Version}' $p)
  apt-get -q download $p=$v >/dev/null
  dpkg-deb -R ${p}_*.deb d
  rm ${p}_*.deb
  sed -i -E "s/^Version: .*/Version: $v+haprov1/; s/mariadb-server-core \([^)]*\)/mariadb-server-core (>= $v+haprov1)/" d/DEBIAN/control
  dpkg-deb -b -Znone d $p.deb >/dev/null
  rm -rf d
  { dpkg-deb -f $p.deb; printf 'Filename: ./%%s.deb\nSize: %%s\nSHA256: %%s\n\n' $p $(stat -c %%s $p.deb) $(sha256sum $p.deb | cut -d ' ' -f 1); } >>Packages
done
echo 'deb [trusted=yes] file:/srv/newer ./' >/etc/apt/sources.list.d/newer.list`

// old lists the packages of the repository that a host does not have in its version.
const old = `for p in $(sed -n 's/^Package: //p' /srv/newer/Packages); do dpkg-query -W -f='${Package} ${Version}\n' $p; done | grep -v 'haprov1$' || :`

// stale lists the processes that run a replaced program.
const stale = `for p in /proc/[0-9]*; do case $(readlink $p/exe) in *mariadbd*deleted*|*corosync*deleted*|*pacemaker*deleted*|*haproxy*deleted*|*keepalived*deleted*) readlink $p/exe ;; esac; done`

// upgraded upgrades all hosts under a writer, then has one rebooted, and holds that nothing is lost.
func (p *place) upgraded(t *testing.T, packages map[string]string) {
	db := p.endpoint(t)
	takes(t, db, "CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
	for h, list := range packages {
		p.must(h, fmt.Sprintf(offers, list))
	}
	if out := p.run(time.Minute, "upgrade", "--plan"); !strings.Contains(out, "read the package lists") {
		t.Errorf("the lists are old, and the plan says:\n%s", out)
	}
	under := func(from int, args ...string) {
		t.Helper()
		w := write(t, db, from)
		defer w.stop()
		until(t, "the writer has begun", time.Minute, func() bool { return w.since(time.Now().Add(-time.Second)) })
		begun := time.Now()
		t.Log(tail(p.run(10*time.Minute, append([]string{"upgrade", "--yes"}, args...)...)))
		took := time.Since(begun)
		until(t, "rows are acknowledged", time.Minute, func() bool { return w.since(time.Now().Add(-time.Second)) })
		acked, lost, gap := w.end(t)
		t.Logf("upgrade %v in %.0f s: %d rows acknowledged, %d lost, %d not acknowledged, at most %s between two", args, took.Seconds(), acked, lost, w.refused(), gap.Round(time.Millisecond))
		if lost > 0 {
			t.Errorf("%d acknowledged rows are lost", lost)
		}
	}
	under(1)
	for h := range packages {
		if out := p.must(h, old+"; "+stale); strings.TrimSpace(out) != "" {
			t.Errorf("%s is not upgraded:\n%s", h, out)
		}
	}
	if v := p.status(); !v.Healthy {
		t.Errorf("not healthy: %v", v.Reasons)
	}
	before := p.status().Active
	if out := p.run(2*time.Minute, "upgrade", "--yes"); p.status().Active != before {
		t.Errorf("nothing is newer, and the active side has moved:\n%s", out)
	}
	boot := p.must("db1", "touch /run/reboot-required; cat /proc/sys/kernel/random/boot_id")
	under(1_000_000, "--reboot")
	if now := p.must("db1", "cat /proc/sys/kernel/random/boot_id"); now == boot {
		t.Error("db1 asked for a reboot and was not rebooted")
	}
	if s := p.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
		t.Errorf("a run differs: %+v", s)
	}
}

// TestUpgrade upgrades the packages of both stacks while somebody writes.
func TestUpgrade(t *testing.T) {
	suite(t, "upgrade")
	t.Run("two nodes", func(t *testing.T) {
		c := &two{place: newPlace(t)}
		c.step(t, "from nothing to ready", func(t *testing.T) {
			if s := c.up(30 * time.Minute); s.Failed != 0 || s.Changes == 0 {
				t.Fatalf("%+v", s)
			}
		})
		c.step(t, "all hosts are upgraded", func(t *testing.T) {
			all := "mariadb-server-core mariadb-server pacemaker corosync"
			c.upgraded(t, map[string]string{"db1": all, "db2": all})
		})
	})
	t.Run("galera", func(t *testing.T) {
		g := newGalera(t)
		g.step(t, "from nothing to ready", func(t *testing.T) {
			if s := g.up(30 * time.Minute); s.Failed != 0 || s.Changes == 0 {
				t.Fatalf("%+v", s)
			}
		})
		g.step(t, "all hosts are upgraded", func(t *testing.T) {
			db := "mariadb-server-core mariadb-server"
			g.upgraded(t, map[string]string{"db1": db, "db2": db, "db3": db})
		})
	})
}
