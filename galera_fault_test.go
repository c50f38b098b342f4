package haprov

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestAGaleraMemberIsIsolated brings the fault member-isolated about on a real member of two: it is seen
// when the member is left without a primary component while its port is open, and it is taken back.
func TestAGaleraMemberIsIsolated(t *testing.T) {
	t.Parallel()
	const provider = "/usr/lib/galera/libgalera_smm.so"
	if _, err := os.Stat(provider); err != nil {
		t.Fatalf("%v: make deps installs it, with mariadb-server", err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "gf") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// each member's: for clients, and for the group
	var ports []string
	for range 4 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	member := func(i int, more ...string) {
		t.Helper()
		data := fmt.Sprintf("%s/d%d", dir, i)
		if out, err := exec.Command("mariadb-install-db", "--no-defaults", "--user="+me.Username, "--datadir="+data, "--skip-test-db", "--auth-root-authentication-method=normal").CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		// The second asks for no copy: it is there for the first to lose.
		c := exec.Command("mariadbd", append([]string{"--no-defaults", "--user=" + me.Username, "--datadir=" + data, fmt.Sprintf("--socket=%s/s%d", dir, i), "--skip-networking=0",
			"--bind-address=127.0.0.1", "--port=" + ports[2*i], "--innodb-buffer-pool-size=16M", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-on=ON", "--wsrep-provider=" + provider,
			"--wsrep-cluster-address=gcomm://127.0.0.1:" + ports[1] + ",127.0.0.1:" + ports[3], "--wsrep-node-address=127.0.0.1:" + ports[2*i+1], "--wsrep-sst-method=skip",
			"--wsrep-provider-options=gcache.size=4M;gmcast.listen_addr=tcp://127.0.0.1:" + ports[2*i+1]}, more...)...)
		log, err := os.Create(filepath.Join(dir, fmt.Sprint("log", i)))
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		c.Stdout, c.Stderr = log, log
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = c.Process.Kill()
			_ = c.Wait()
			if t.Failed() {
				text, _ := os.ReadFile(log.Name())
				t.Logf("member %d: %s", i, text[max(0, len(text)-3000):])
			}
		})
	}
	// the commands' client finds the first member
	client := fmt.Sprintf("#!/bin/sh\nexec /usr/bin/mariadb --no-defaults -u root -S %s/s0 \"$@\"\n", dir)
	if err := os.WriteFile(filepath.Join(dir, "mariadb"), []byte(client), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(script string) error {
		c := exec.CommandContext(t.Context(), "sh", "-c", script)
		c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		return c.Run()
	}
	wait := func(what, script string) {
		t.Helper()
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for until := time.Now().Add(2 * time.Minute); run(script) != nil; <-tick.C {
			if time.Now().After(until) {
				t.Fatalf("not within two minutes: %s", what)
			}
		}
	}
	text, err := Shipped.ReadFile("faults/member-isolated.hcl")
	if err != nil {
		t.Fatal(err)
	}
	does := func(name string) string {
		t.Helper()
		m := regexp.MustCompile(`(?m)^\s*` + name + `\s*= (".*")$`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("the fault has no %s on one line", name)
		}
		script, err := strconv.Unquote(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		return script
	}

	member(0, "--wsrep-new-cluster")
	wait("the first member is Primary", `mariadb -N -e "SHOW STATUS LIKE 'wsrep_cluster_size'" | grep -qw 1`)
	member(1)
	wait("the second is in the group", `mariadb -N -e "SHOW STATUS LIKE 'wsrep_cluster_size'" | grep -qw 2`)
	if run(does("seen")) == nil || run(does("gone")) != nil {
		t.Error("it is in force before it was brought about")
	}
	if err := run(does("heal")); err != nil {
		t.Errorf("heal where it never was: %v", err)
	}
	if err := run(does("inject")); err != nil {
		t.Fatal(err)
	}
	wait("seen in force", does("seen"))
	if run(does("gone")) == nil {
		t.Error("gone while it is in force")
	}
	if run("mariadb -e 'CREATE DATABASE alone'") == nil {
		t.Error("the member that is alone takes writes")
	}
	if c, err := net.Dial("tcp", "127.0.0.1:"+ports[0]); err != nil {
		t.Errorf("its port: %v", err)
	} else {
		c.Close()
	}
	if err := run(does("heal")); err != nil {
		t.Fatal(err)
	}
	wait("gone", does("gone"))
	if run(does("seen")) == nil {
		t.Error("seen after it was taken back")
	}
}
