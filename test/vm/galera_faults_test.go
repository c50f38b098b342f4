package vm

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestGaleraFaults does to one cluster, under a writer, what can happen to it.
func TestGaleraFaults(t *testing.T) {
	suite(t, "galera")
	g := newGalera(t)
	g.fresh(t)

	// under runs a fault while somebody writes; heal ends the fault, nothing else is done by hand.
	under := func(t *testing.T, most time.Duration, fault func(writer string, readers []string), heal func()) {
		writer, readers := g.writerAndReaders()
		l := g.load()
		fault(writer, readers)
		l.served(time.Now())
		l.end()
		if l.longest > most {
			t.Errorf("%s without service", l.longest)
		}
		heal()
		g.healthy()
		g.compare(members...)
	}
	server := func(host, signal string) {
		g.must(host, "systemctl kill -s "+signal+" --kill-who=main mariadb")
	}

	g.step(t, "all members lose power within a second, and no server starts by itself", g.allLosePower)
	g.step(t, "a reader's machine loses power", func(t *testing.T) {
		var off string
		under(t, 40*time.Second, func(_ string, readers []string) { off = readers[0]; g.power("power-off", off) }, func() { g.power("power-on", off) })
		g.transfer(off, "IST")
	})
	g.step(t, "the writer's server is killed", func(t *testing.T) {
		var was string
		under(t, 30*time.Second, func(writer string, _ []string) { was = writer; server(writer, "KILL") }, func() {})
		g.transfer(was, "IST")
	})
	g.step(t, "the writer's server is frozen", func(t *testing.T) {
		var was string
		under(t, 40*time.Second, func(writer string, _ []string) { was = writer; server(writer, "STOP") }, func() {
			if now := g.status().Active; now == was {
				t.Errorf("%s is the writer, frozen", was)
			}
			server(was, "CONT")
		})
	})
	g.step(t, "the writer is cut from the other members", func(t *testing.T) {
		under(t, 40*time.Second, func(writer string, readers []string) {
			for _, r := range readers {
				g.run(time.Minute, "lab", "cut", writer, r)
			}
			until(t, "the minority refuses writes", time.Minute, func() bool {
				out, ok := g.on(writer, "timeout 10 mariadb -e 'INSERT INTO app.rows_written VALUES (-1)'")
				return !ok && strings.Contains(out, "WSREP has not yet prepared")
			})
			until(t, "the proxies have left it", time.Minute, func() bool {
				out, ok := g.on("proxy1", "echo 'show stat writers 6 -1; show stat writer 6 -1' | socat - /run/haproxy/admin.sock | grep ^writer,"+writer+",")
				return ok && strings.Contains(out, ",DOWN,")
			})
		}, func() { g.run(time.Minute, "lab", "heal") })
	})
	g.step(t, "the proxy with the virtual IP loses power", func(t *testing.T) {
		var off string
		under(t, 20*time.Second, func(string, []string) {
			for _, p := range []string{"proxy1", "proxy2"} {
				if _, ok := g.on(p, "ip -o addr show | grep -qF ' 192.168.58.100/'"); ok {
					off = p
				}
			}
			g.power("power-off", off)
		}, func() { g.power("power-on", off) })
	})
	g.step(t, "a return after the cache has overrun is a full copy, from no writer", func(t *testing.T) {
		writer, readers := g.writerAndReaders()
		g.power("power-off", readers[0])
		until(t, "the cluster goes on with two", time.Minute, func() bool {
			_, ok := g.on(writer, "mariadb -e 'CREATE TABLE IF NOT EXISTS app.ballast (id INT AUTO_INCREMENT PRIMARY KEY, x LONGBLOB)'")
			return ok
		})
		for range 24 { // 96 MiB through a cache of 64
			g.must(writer, "mariadb app -e 'INSERT INTO app.ballast (x) SELECT RANDOM_BYTES(1024) FROM seq_1_to_1024; INSERT INTO app.ballast (x) SELECT REPEAT(RANDOM_BYTES(1024), 1024) FROM seq_1_to_3'")
		}
		l := g.load()
		g.power("power-on", readers[0])
		donor := ""
		until(t, "a donor is out of the proxies", 2*time.Minute, func() bool {
			for _, h := range members {
				out, _ := g.on("proxy1", "echo 'show stat' | socat - /run/haproxy/admin.sock | grep ^writer,"+h+",")
				if said, ok := g.on(h, `printf 'GET / HTTP/1.0\r\n\r\n' | socat -t5 - TCP:`+h+`:9200`); ok && strings.Contains(said, "503 donor") {
					donor = h
					t.Logf("donor %s: %s", h, out)
					return strings.Contains(out, ",DOWN")
				}
			}
			return false
		})
		l.end()
		if donor == writer || donor == readers[0] {
			t.Errorf("the donor is %s, the writer %s", donor, writer)
		}
		g.healthy()
		g.transfer(readers[0], "SST")
		g.compare(members...)
		g.must(writer, "mariadb -e 'DROP TABLE app.ballast'")
	})
	g.step(t, "a join whose group is lost half-way", func(t *testing.T) { g.joinLosesGroup() })
	g.step(t, "a healthy cluster is not recovered", func(t *testing.T) { g.refused("nothing to recover", "recover", "--yes") })
	g.step(t, "a member without the cluster's certificate cannot join", func(t *testing.T) { g.rogue() })
	g.step(t, "the writer is moved, then taken out of service", func(t *testing.T) {
		_, readers := g.writerAndReaders()
		l := g.load()
		g.run(2*time.Minute, "switchover", readers[0], "--yes")
		l.served(time.Now())
		if now := g.status().Active; now != readers[0] {
			t.Errorf("the writer is %s, not %s", now, readers[0])
		}
		g.run(3*time.Minute, "maintenance", readers[0], "on", "--yes")
		if now := g.status().Active; now == readers[0] {
			t.Errorf("the writer is %s, in maintenance", now)
		}
		g.run(2*time.Minute, "maintenance", readers[0], "off", "--yes")
		l.end()
		if l.fails > 0 {
			t.Errorf("%d rows failed", l.fails)
		}
		g.healthy()
		g.compare(members...)
	})
	g.step(t, "a rolling restart", func(t *testing.T) {
		before := g.lives()
		l := g.load()
		g.run(8*time.Minute, "restart", "--rolling", "--yes")
		l.end()
		if l.fails > 0 {
			t.Errorf("%d rows failed", l.fails)
		}
		for h, life := range g.lives() {
			if life == before[h] {
				t.Errorf("%s was not restarted", h)
			}
		}
		g.healthy()
		g.compare(members...)
	})
	g.step(t, "the servers end one after the other: the last one is chosen", func(t *testing.T) {
		writer, readers := g.writerAndReaders()
		l := g.load()
		for _, h := range []string{readers[1], readers[0]} {
			g.must(h, "systemctl stop mariadb")
			at := time.Now()
			until(t, "rows are written without "+h, time.Minute, func() bool { return l.since(at.Add(3 * time.Second)) })
		}
		server(writer, "KILL")
		g.must(writer, "systemctl stop mariadb")
		l.end()
		out, err := g.command(t.Context(), "recover", "--yes").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "start the cluster from "+writer) {
			t.Errorf("%s was not chosen: %v\n%s", writer, err, out)
		}
		t.Log(tail(string(out)))
		g.healthy()
		g.compare(members...)
	})
	g.step(t, "one of three is gone: refused, then done without it", func(t *testing.T) {
		writer, readers := g.writerAndReaders()
		for _, h := range members {
			g.must(h, "systemctl disable -q mariadb")
		}
		l := g.load()
		g.power("power-off", members...)
		l.end()
		g.power("power-on", writer, readers[0])
		g.refused("--accept-missing "+readers[1], "recover", "--yes")
		t.Log(tail(g.run(6*time.Minute, "recover", "--yes", "--accept-missing", readers[1])))
		g.compare(writer, readers[0])
		g.power("power-on", readers[1])
		if s := g.up(5 * time.Minute); s.Failed != 0 {
			t.Errorf("%+v", s)
		}
		g.healthy()
		g.compare(members...)
	})
	g.step(t, "from three members to five and back", func(t *testing.T) { g.scale() })
	g.step(t, "a proxy leaves and comes back", func(t *testing.T) { g.proxyLeaves() })
	g.step(t, "after all of it, a run changes nothing", func(t *testing.T) { g.unchanged() })
}

// transfer wants the way a member got what it missed, since its server's last start. With IST the
// scripts of a full copy run too, and are told to copy nothing.
func (g *galera) transfer(host, want string) {
	g.t.Helper()
	out := g.must(host, "journalctl -q -b --no-pager -o cat --since @$(date +%s -d \"$(systemctl show -P InactiveExitTimestamp mariadb)\") | grep -E 'Receiving IST: |Preparing the backup at' | tail -n 3; true")
	got := "nothing"
	switch {
	case strings.Contains(out, "Preparing the backup"):
		got = "SST"
	case strings.Contains(out, "Receiving IST"):
		got = "IST"
	}
	if got != want {
		g.t.Errorf("%s got %s, expected %s: %s", host, got, want, out)
	}
	g.t.Logf("%s: %s: %s", host, got, out)
}

func (g *galera) lives() map[string]string {
	g.t.Helper()
	out := map[string]string{}
	for _, h := range members {
		out[h] = g.must(h, "systemctl show -P InvocationID mariadb")
	}
	return out
}

// joinLosesGroup lets `haprov up` take back a member that was away for more than the cache holds, and
// stops the other machines in the middle of its full copy, until it knows that the group has no quorum
// any more. It is joined again, by systemd or by the same run, which ends well.
func (g *galera) joinLosesGroup() {
	g.t.Helper()
	writer, readers := g.writerAndReaders()
	joiner, others := readers[0], []string{writer, readers[1]}
	g.must(joiner, "systemctl stop mariadb")
	g.must(writer, "mariadb -e 'CREATE TABLE app.ballast (id INT AUTO_INCREMENT PRIMARY KEY, x LONGBLOB)'")
	for range 32 { // 128 MiB through a cache of 64
		g.must(writer, "mariadb app -e 'INSERT INTO app.ballast (x) SELECT RANDOM_BYTES(1024) FROM seq_1_to_1024; INSERT INTO app.ballast (x) SELECT REPEAT(RANDOM_BYTES(1024), 1024) FROM seq_1_to_3'")
	}
	since := g.must(joiner, "date +%s")
	type end struct {
		out []byte
		err error
	}
	done := make(chan end, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	go func() {
		out, err := g.command(ctx, "up", "--yes").CombinedOutput()
		done <- end{out, err}
	}()
	until(g.t, "the full copy has begun", 3*time.Minute, func() bool {
		_, ok := g.on(joiner, "pgrep -f 'wsrep_sst_mariabackup.*--role joiner' && test -n \"$(ls /var/lib/mysql/.sst 2>/dev/null)\"")
		return ok
	})
	g.power("pause", others...)
	defer g.power("resume", others...)
	until(g.t, "the joiner has lost its group", time.Minute, func() bool {
		_, ok := g.on(joiner, "journalctl -q -u mariadb --since @"+since+" -o cat --no-pager | grep -qF 'Received NON-PRIMARY'")
		return ok
	})
	g.power("resume", others...)
	e := <-done
	if e.err != nil {
		g.t.Errorf("haprov up: %v\n%s", e.err, e.out)
	}
	g.t.Logf("haprov up:\n%s", tail(string(e.out)))
	g.healthy()
	g.compare(members...)
	g.must(writer, "mariadb -e 'DROP TABLE app.ballast'")
	g.unchanged()
}

// rogue tries to take part from a member's own address: with no TLS, and with a certificate of
// another authority.
func (g *galera) rogue() {
	g.t.Helper()
	g.must("proxy1", "set -e; apt-get -q update >/dev/null; apt-get -y -q install galera-arbitrator-4 openssl >/dev/null; systemctl disable -q --now garb 2>/dev/null || :; openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=db1 -days 2 -keyout /root/key.pem -out /root/cert.pem 2>/dev/null")
	for name, options := range map[string]string{
		"without TLS":                   "",
		"with a certificate of its own": "socket.ssl=yes;socket.ssl_key=/root/key.pem;socket.ssl_cert=/root/cert.pem;socket.ssl_ca=/root/cert.pem",
	} {
		out, _ := g.on("proxy1", fmt.Sprintf("timeout 12 garbd -a gcomm://192.168.58.11,192.168.58.12 -g shop -o %q 2>&1 | tail -n 40", options))
		if strings.Contains(out, "Quorum results") && strings.Contains(out, "primary    = yes") || strings.Contains(out, "SYNCED") {
			g.t.Errorf("%s: it joined:\n%s", name, out)
		}
		if !strings.Contains(out, "gcomm") {
			g.t.Errorf("%s: it was not tried: %s", name, tail(out))
		}
		g.t.Logf("%s: %s", name, tail(out))
	}
	if n := g.must("db1", `mariadb -N -B -e "SHOW STATUS LIKE 'wsrep_cluster_size'"`); !strings.HasSuffix(n, "\t3") {
		g.t.Errorf("%s", n)
	}
	g.healthy()
}

// proxyLeaves takes the proxy that holds the address out of its role under a writer, and takes it back.
// At no look do two hosts hold the address, and afterwards exactly the other one does.
func (g *galera) proxyLeaves() {
	g.t.Helper()
	whole := string(g.inventory())
	holders := func() (all []string) {
		for _, p := range []string{"proxy1", "proxy2"} {
			if _, ok := g.on(p, "ip -o addr show | grep -qF ' 192.168.58.100/'"); ok {
				all = append(all, p)
			}
		}
		return all
	}
	before := holders()
	if len(before) != 1 {
		g.t.Fatalf("the address is held by %q", before)
	}
	leaves, stays := before[0], "proxy1"
	if leaves == stays {
		stays = "proxy2"
	}
	l := g.load()
	g.write(strings.Replace(whole, `role "proxy" { hosts = [host.proxy1, host.proxy2] }`, "role \"proxy\" {\n    hosts   = [host."+stays+"]\n    leaving = [host."+leaves+"]\n  }", 1))
	if s := g.up(5 * time.Minute); s.Failed != 0 {
		g.t.Errorf("%+v", s)
	}
	if now := holders(); len(now) != 1 || now[0] != stays {
		g.t.Errorf("%s has left, and the address is held by %q", leaves, now)
	}
	if out, ok := g.on(leaves, "systemctl is-active haproxy keepalived"); ok || strings.Contains(strings.ReplaceAll(out, "inactive", ""), "active") {
		g.t.Errorf("%s has left and still runs: %s", leaves, out)
	}
	g.unchanged()
	l.end()
	g.t.Logf("%s has left: %d rows failed", leaves, l.fails)
	g.write(whole)
	if s := g.up(5 * time.Minute); s.Failed != 0 {
		g.t.Errorf("%+v", s)
	}
	if now := holders(); len(now) != 1 {
		g.t.Errorf("%s is back, and the address is held by %q", leaves, now)
	}
	g.healthy()
}

// scale adds two hosts to the inventory and takes them out again, under a writer.
func (g *galera) scale() {
	g.t.Helper()
	small := string(g.inventory())
	large := strings.Replace(small, `host "proxy1"`, "host \"db4\" { address = \"192.168.58.14\" }\nhost \"db5\" { address = \"192.168.58.15\" }\nhost \"proxy1\"", 1)
	large = strings.Replace(large, "host.db3]", "host.db3, host.db4, host.db5]", 1)
	lives := g.lives()
	l := g.load()
	g.write(large)
	s := g.up(10 * time.Minute)
	if s.Failed != 0 || s.Hosts != 7 {
		g.t.Errorf("%+v", s)
	}
	l.end()
	if l.fails > 0 {
		g.t.Errorf("%d rows failed", l.fails)
	}
	for h, life := range g.lives() {
		if life != lives[h] {
			g.t.Errorf("%s was restarted", h)
		}
	}
	g.compare("db4", "db5")
	g.unchanged()
	l = g.load()
	leave := strings.Replace(large, "role \"db\" { hosts = [host.db1, host.db2, host.db3, host.db4, host.db5] }", "role \"db\" {\n    hosts   = [host.db1, host.db2, host.db3]\n    leaving = [host.db4, host.db5]\n  }", 1)
	g.write(leave)
	if s := g.up(5 * time.Minute); s.Failed != 0 {
		g.t.Errorf("%+v", s)
	}
	g.power("power-off", "db4", "db5")
	g.write(small)
	if s := g.up(5 * time.Minute); s.Failed != 0 || s.Hosts != 5 {
		g.t.Errorf("%+v", s)
	}
	l.end()
	if l.fails > 0 {
		g.t.Errorf("%d rows failed", l.fails)
	}
	g.healthy()
	g.compare(members...)
}
