package vm

import (
	"strings"
	"testing"
	"time"
)

// TestGalera takes nothing to three members and two proxies, and then takes power away.
func TestGalera(t *testing.T) {
	suite(t, "core", "galera")
	g := newGalera(t)
	g.made(t)
	g.opened(t)

	g.step(t, "the writer's machine loses power", g.writerLosesPower)
	g.step(t, "after all of it, a run changes nothing", func(t *testing.T) { g.unchanged() })
}

func (g *galera) writerLosesPower(t *testing.T) {
	writer, readers := g.writerAndReaders()
	l := g.load()
	g.power("power-off", writer)
	l.served(time.Now())
	l.end()
	if l.longest > 40*time.Second {
		t.Errorf("%s without service", l.longest)
	}
	if now := g.status().Active; now == writer || now == "" {
		t.Errorf("the writer is %q, it was %s", now, writer)
	}
	g.compare(readers...)
	g.power("power-on", writer)
	g.healthy()
	g.compare(writer)
}

func (g *galera) allLosePower(t *testing.T) {
	for _, h := range members {
		g.must(h, "systemctl disable -q mariadb")
	}
	l := g.load()
	begin := time.Now()
	g.power("power-off", members...)
	t.Logf("all off within %.1f s", time.Since(begin).Seconds())
	l.end()
	g.power("power-on", members...)
	g.refused("haprov recover", "up", "--yes")
	begin = time.Now()
	out := g.run(5*time.Minute, "recover", "--yes")
	t.Logf("recovered in %.0f s:\n%s", time.Since(begin).Seconds(), tail(out))
	if s := g.up(3 * time.Minute); s.Failed != 0 {
		t.Errorf("%+v", s)
	}
	g.healthy()
	g.compare(members...)
}

var members = []string{"db1", "db2", "db3"}

// fresh is made, and what is done once to a new database.
func (g *galera) fresh(outer *testing.T) {
	g.made(outer)
	g.step(outer, "a dump is read in once", func(*testing.T) { g.imported() })
	g.opened(outer)
}

// opened lets rows be written through the virtual IP.
func (g *galera) opened(outer *testing.T) {
	g.step(outer, "a table through the virtual IP", func(t *testing.T) { g.ready(outer) })
	g.down = outer.Failed()
}

// made brings the cluster up from nothing, once more to see no change, and looks at what it is.
func (g *galera) made(outer *testing.T) {
	g.step(outer, "from nothing to ready", func(t *testing.T) {
		s := g.up(30 * time.Minute)
		if s.Failed != 0 || s.Changes == 0 || s.Hosts != 5 {
			t.Fatalf("%+v", s)
		}
		t.Logf("%d changes in %.0f s", s.Changes, s.Seconds)
	})
	if g.down = outer.Failed(); g.down {
		return
	}
	g.step(outer, "the second run changes nothing", func(t *testing.T) { g.unchanged() })
	g.step(outer, "the cluster is of one piece", func(t *testing.T) {
		g.healthy()
		ids := map[string]bool{}
		for _, h := range members {
			ids[g.must(h, "mariadb -N -B -e 'SELECT @@server_id'")] = true
			said := g.must(h, `mariadb -N -B -e "SHOW STATUS LIKE 'wsrep_cluster_size'; SHOW VARIABLES LIKE 'wsrep_provider_options'; SELECT @@innodb_flush_log_at_trx_commit, @@binlog_format, @@wsrep_sst_method, @@log_bin, @@log_slave_updates, @@wsrep_gtid_mode"`)
			for _, want := range []string{"wsrep_cluster_size\t3", "socket.ssl = YES", "gcache.recover = yes", "1\tROW\tmariabackup\t1\t1\t1"} {
				if !strings.Contains(said, want) {
					t.Errorf("%s: no %q in %s", h, want, said)
				}
			}
			// The account of the responder sees no data, the one for copies changes none.
			if out, ok := g.on(h, "runuser -u clustercheck -- mariadb -e 'SELECT * FROM mysql.global_priv'"); ok {
				t.Errorf("%s: clustercheck reads %s", h, out)
			}
			if out, ok := g.on(h, "runuser -u mysql -- mariadb -e 'CREATE DATABASE x'"); ok {
				t.Errorf("%s: mysql makes databases: %s", h, out)
			}
		}
		if at := g.must("db1", "mariadb -N -B -e 'SELECT @@gtid_binlog_pos'"); !strings.HasPrefix(at, "0-") {
			t.Errorf("position in the binary log: %q", at)
		}
		if len(ids) != len(members) {
			t.Errorf("server ids: %v", ids)
		}
		for _, h := range []string{"proxy1", "proxy2"} {
			if m := g.must(h, "stat -c %a%U /run/haproxy/admin.sock"); m != "600root" {
				t.Errorf("%s: runtime socket %s", h, m)
			}
			if out := g.must(h, `exec 3<>/dev/tcp/127.0.0.1/8404; printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; grep -c ^haproxy_ <&3`); out == "0" {
				t.Errorf("%s: no metrics", h)
			}
		}
	})
	g.down = outer.Failed()
}

// imported lets a compressed dump be read into the new database, and looks what a record without an
// end does to the next run.
func (g *galera) imported() {
	g.t.Helper()
	g.must("db2", "{ echo 'CREATE TABLE goods (id INT PRIMARY KEY, name TEXT);'; for i in $(seq 500); do echo \"INSERT INTO goods VALUES ($i, 'a \\\\! name');\"; done; } | gzip >/root/goods.sql.gz")
	g.write(strings.Replace(string(g.inventory()), "gcache ", "import      = \"/root/goods.sql.gz\"\n    gcache ", 1))
	if s := g.up(3 * time.Minute); s.Failed != 0 || s.Changes != 1 {
		g.t.Errorf("%+v", s)
	}
	for _, h := range members {
		if n := g.must(h, "mariadb -N -B -e 'SET wsrep_sync_wait = 1; SELECT COUNT(*) FROM app.goods'"); n != "500" {
			g.t.Errorf("%s has %s of 500 rows", h, n)
		}
	}
	g.must("db2", "rm /root/goods.sql.gz")
	g.unchanged()
	g.must("db1", "mariadb -e 'UPDATE haprov.import SET done = NULL'")
	g.refused("did not end", "up", "--yes")
	g.must("db1", "mariadb -e 'UPDATE haprov.import SET done = UTC_TIMESTAMP()'")
	g.unchanged()
}

func (g *galera) unchanged() {
	g.t.Helper()
	s := g.up(4 * time.Minute)
	if s.Failed != 0 || s.Changes != 0 {
		g.t.Errorf("%+v", s)
	}
	g.t.Logf("0 changes in %.1f s", s.Seconds)
}
