package vm

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBackups saves and restores the two-node stack's data while somebody writes, before and after a
// failover. The repository is a folder of db2 that both hosts reach over SFTP.
func TestBackups(outer *testing.T) {
	t := outer
	suite(t, "backup")
	c := &two{place: newPlace(t)}
	text, err := os.ReadFile("../../inventory/mysql-drbd.hcl")
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), `recipe = "mysql-drbd"`, "recipe = \"mysql-drbd\"\n  backup { repository = \"sftp:root@192.168.56.12:/srv/repository\" }", 1)
	c.write("haprov.hcl", withDriver(with))
	on := func(host, script string) string {
		t.Helper()
		return strings.TrimSpace(c.run(2*time.Minute, "ssh", host, "--", script))
	}
	var accident, first time.Time
	acked := map[int]time.Time{}

	c.step(t, "from nothing to a copy", func(t *testing.T) {
		c.up(30 * time.Minute)
		c.calibrate("db1")
		for _, h := range []string{"db1", "db2"} {
			key := on(h, `mkdir -p -m 700 /root/.ssh; [ -e /root/.ssh/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519; cat /root/.ssh/id_ed25519.pub`)
			on("db2", "echo '"+key+"' >>/root/.ssh/authorized_keys")
			on(h, "ssh-keyscan -t ed25519 192.168.56.12 >>/root/.ssh/known_hosts 2>/dev/null; ssh -o BatchMode=yes root@192.168.56.12 true")
		}
		c.db = c.endpoint(outer) // until the last step
		takes(t, c.db, "CREATE TABLE IF NOT EXISTS seconds (id INT PRIMARY KEY, at BIGINT NOT NULL DEFAULT UNIX_TIMESTAMP())")
		c.run(10*time.Minute, "backup", "now")
		if n := len(c.copies().Copies); n == 0 { // two when the timer was first
			t.Errorf("%d copies", n)
		}
	})
	c.step(t, "a table that was dropped under load comes back to the second", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if _, err := c.db.ExecContext(ctx, "INSERT INTO seconds (id) VALUES (?)", i); err == nil {
					acked[i] = time.Now()
				}
			}
		})
		began := time.Now()
		until(t, "somebody has written for a while", time.Minute, func() bool { return time.Since(began) > 10*time.Second })
		if _, err := c.db.Exec("DROP TABLE seconds"); err != nil {
			t.Error(err)
		}
		stop()
		all.Wait()
		secs, err := strconv.ParseInt(on(c.status().Active, `mariadb-binlog --no-defaults /srv/mysql/data/binlog.[0-9]* | grep -a -B 20 'DROP TABLE .seconds' | sed -n 's/^SET TIMESTAMP=\([0-9]*\).*/\1/p' | tail -n 1`), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		accident = time.Unix(secs, 0).UTC()
		c.run(5*time.Minute, "backup", "logs")
		t.Log(c.run(2*time.Minute, "backup", "list") + c.run(2*time.Minute, "restore", "--at", accident.Format(time.RFC3339), "--plan"))
		began = time.Now()
		t.Log(c.run(10*time.Minute, "restore", "--at", accident.Format(time.RFC3339), "--yes"))
		t.Logf("restored in %.0f s", time.Since(began).Seconds())
		c.healthy() // the restored server is beside it
		active := c.status().Active
		have := map[int]bool{}
		last := int64(0)
		for _, l := range strings.Fields(on(active, "mariadb -N -S /var/lib/haprov-restored/mysqld.sock -e \"SELECT CONCAT(id, ':', at) FROM app.seconds ORDER BY at\"")) {
			id, at, _ := strings.Cut(l, ":")
			n, _ := strconv.Atoi(id)
			have[n] = true
			last, _ = strconv.ParseInt(at, 10, 64)
		}
		lost := 0
		for i, at := range acked {
			if at.Before(accident) && !have[i] {
				lost++
			}
		}
		if lost > 0 || last >= accident.Unix() || len(have) == 0 {
			t.Errorf("%d rows that were acknowledged before %s are not restored; the last of %d restored ones is of %s", lost, accident, len(have), time.Unix(last, 0).UTC())
		}
		t.Logf("%d rows restored of %d acknowledged, all of those before the second %s", len(have), len(acked), accident.Format(time.RFC3339))
		on(active, "mariadb-dump -S /var/lib/haprov-restored/mysqld.sock app seconds | mariadb app")
		var n int
		if err := c.db.QueryRow("SELECT COUNT(*) FROM seconds").Scan(&n); err != nil || n != len(have) {
			t.Errorf("%d rows put back, of %d: %v", n, len(have), err)
		}
		c.run(2*time.Minute, "restore", "end", "--yes")
		on(active, "! systemctl is-active -q haprov-restored && ! ls -d /var/lib/haprov-restored 2>/dev/null")
	})
	c.step(t, "the copy is proved", func(t *testing.T) {
		c.run(10*time.Minute, "backup", "prove")
		out := c.run(time.Minute, "status")
		t.Log(out)
		if !regexp.MustCompile(`, proved (just now|\d+ minutes? ago)`).MatchString(out) {
			t.Errorf("status does not tell:\n%s", out)
		}
		first = c.copies().Windows[0].From
	})
	c.step(t, "after a failover the logs go on", func(t *testing.T) {
		c.run(5*time.Minute, "switchover", "--yes")
		takes(t, c.db, "CREATE TABLE IF NOT EXISTS later AS SELECT 7 AS id") // connections of before the move break
		c.run(5*time.Minute, "backup", "logs")
		s := c.copies()
		if len(s.Windows) != 1 || !s.Windows[0].From.Equal(first) {
			t.Errorf("a gap: %+v", s.Windows)
		}
		c.run(10*time.Minute, "restore", "--latest", "--in", "/srv/restored", "--yes")
		if got := on(c.status().Active, "mariadb -N -S /srv/restored/mysqld.sock -e 'SELECT id FROM app.later'"); got != "7" {
			t.Errorf("what was written after it: %q", got)
		}
		c.run(2*time.Minute, "restore", "end", "--yes")
		c.run(10*time.Minute, "backup", "prove")
	})
	c.step(t, "nothing is left", func(t *testing.T) {
		if s := c.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
		c.healthy()
	})
}

// stock is a part of what `backup list --json` writes.
type stock struct {
	Copies  []struct{ ID string }
	Windows []struct{ From, To time.Time }
}

func (p *place) copies() (s stock) {
	p.t.Helper()
	out := p.run(2*time.Minute, "backup", "list", "--json")
	if err := json.Unmarshal([]byte(out), &s); err != nil || len(s.Windows) == 0 {
		p.t.Fatal(fmt.Errorf("no list of copies: %w\n%s", err, tail(out)))
	}
	return s
}
