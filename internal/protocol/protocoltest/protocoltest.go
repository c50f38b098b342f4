// Package protocoltest starts database servers for tests: Debian's own, on loopback, in a folder that goes
// away with the test. make deps installs their packages.
package protocoltest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"haprov/internal/protocol"
	"haprov/internal/secret/ca"
)

// place is where a server lives, and whom it runs as: no server runs as root.
type place struct {
	t    *testing.T
	dir  string
	as   *syscall.SysProcAttr
	port string
}

func newPlace(t *testing.T, server string) place {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "db") // a socket's path is short, and the server's user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		u, err := user.Lookup(server)
		if err != nil {
			if u, err = user.Lookup("nobody"); err != nil {
				t.Skipf("the server does not run as root: %v", err)
			}
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return place{t, dir, as, port}
}

// command is one of the server's programs.
func (p place) command(program string, args ...string) (c *exec.Cmd, log string) {
	c = exec.Command(program, args...)
	c.Dir, c.SysProcAttr, c.Env = p.dir, p.as, []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "PGPASSWORD=secret"}
	f, err := os.Create(filepath.Join(p.t.TempDir(), "log")) // no pipe: the server would keep it open
	if err != nil {
		p.t.Fatal(err)
	}
	c.Stdout, c.Stderr = f, f
	return c, f.Name()
}

func (p place) run(program string, args ...string) {
	p.t.Helper()
	c, log := p.command(program, args...)
	if err := c.Run(); err != nil {
		said, _ := os.ReadFile(log)
		p.t.Fatalf("%s: %v\n%s", program, err, said)
	}
}

func (p place) write(name, text string) {
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p place) login() protocol.Login {
	at := net.JoinHostPort("127.0.0.1", p.port)
	return protocol.Login{User: "app", Password: "secret", Database: "app", Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", at)
	}}
}

// Postgres starts a server until t ends. It has the user and database app, and calls itself db1.
func Postgres(t *testing.T) protocol.Login {
	t.Helper()
	programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(programs) == 0 {
		t.Fatal("no PostgreSQL here: make deps installs it")
	}
	bin := programs[len(programs)-1] + "/"
	p := newPlace(t, "postgres")
	p.write("password", "secret\n")
	p.run(bin+"initdb", "-D", "data", "-U", "app", "-A", "scram-sha-256", "--pwfile=password", "--no-sync")
	p.run(bin+"pg_ctl", "-D", "data", "-w", "-l", "log", "-o", "-F -c cluster_name=db1 -c listen_addresses=127.0.0.1 -p "+p.port+" -k "+p.dir, "start")
	t.Cleanup(func() { p.run(bin+"pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop") })
	p.run(bin+"createdb", "-h", "127.0.0.1", "-p", p.port, "-U", "app", "app")
	return p.login()
}

// MariaDB starts a server until t ends. It has the user and database app.
func MariaDB(t *testing.T) protocol.Login {
	t.Helper()
	login, _ := mariaDB(t, nil)
	return login
}

// TLS is a MariaDB server that refuses connections without TLS, but for those to its own socket.
type TLS struct {
	Login protocol.Login // verifies the server by the authority, for 127.0.0.1
	place place
}

// MariaDBTLS starts one. Authority and member are texts of package ca.
func MariaDBTLS(t *testing.T, authority, member string) TLS {
	t.Helper()
	root, _, err := ca.Split(authority)
	if err != nil {
		t.Fatal(err)
	}
	login, p := mariaDB(t, func(p place, l *protocol.Login) []string {
		p.write("ca.pem", root)
		p.certificate(member)
		l.Trust = protocol.Trust{CA: root, Name: "127.0.0.1"}
		return []string{"--ssl-ca=" + p.dir + "/ca.pem", "--ssl-cert=" + p.dir + "/cert.pem", "--ssl-key=" + p.dir + "/key.pem", "--require-secure-transport=ON"}
	})
	return TLS{login, p}
}

// Renew gives the server's files another certificate, which it reads when it is told to.
func (s TLS) Renew(member string) { s.place.certificate(member) }

func (p place) certificate(member string) {
	p.t.Helper()
	cert, key, err := ca.Split(member)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("cert.pem", cert)
	p.write("key.pem", key)
}

// mariaDB starts a server; with gives further options, and says how its clients log in.
func mariaDB(t *testing.T, with func(place, *protocol.Login) []string) (protocol.Login, place) {
	t.Helper()
	const server = "/usr/sbin/mariadbd"
	if _, err := os.Stat(server); err != nil {
		t.Fatal("no MariaDB here: make deps installs it")
	}
	p := newPlace(t, "mysql")
	p.write("init.sql", "CREATE DATABASE app;\nCREATE USER app@'%' IDENTIFIED BY 'secret';\nGRANT ALL ON app.* TO app@'%';\nGRANT RELOAD ON *.* TO app@'%';\n")
	p.run("/usr/bin/mariadb-install-db", "--no-defaults", "--datadir="+p.dir+"/data", "--tmpdir="+p.dir, "--skip-test-db", "--auth-root-authentication-method=socket")
	login := p.login()
	var further []string
	if with != nil {
		further = with(p, &login)
	}
	c, log := p.command(server, append([]string{"--no-defaults", "--datadir=" + p.dir + "/data", "--tmpdir=" + p.dir, "--socket=" + p.dir + "/s", "--pid-file=" + p.dir + "/pid",
		"--bind-address=127.0.0.1", "--port=" + p.port, "--init-file=" + p.dir + "/init.sql", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"}, further...)...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }() // it is killed in the end
	t.Cleanup(func() { _ = c.Process.Kill(); <-ended })
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(time.Minute); ; {
		client, err := open(login)
		if err == nil {
			client.Close()
			return login, p
		}
		select {
		case <-ended:
			err = os.ErrProcessDone
		case <-tick.C:
			if time.Now().Before(until) {
				continue
			}
		}
		said, _ := os.ReadFile(log)
		t.Fatalf("mariadbd: %v\n%s", err, said)
	}
}

func open(l protocol.Login) (protocol.Client, error) {
	p, _ := protocol.Lookup("mysql")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return p.Open(ctx, l)
}
