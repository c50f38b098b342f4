package protocol

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// result is one result as it is handed out.
type result struct {
	Columns []string
	Rows    [][]string // NULL is written so
}

// collect keeps results.
func collect(all *[]result) Results {
	return Results{
		Columns: func(names []string) { *all = append(*all, result{Columns: names}) },
		Row: func(values []*string) {
			row := []string{}
			for _, v := range values {
				if v == nil {
					row = append(row, "NULL")
					continue
				}
				row = append(row, *v)
			}
			last := &(*all)[len(*all)-1]
			last.Rows = append(last.Rows, row)
		},
	}
}

func TestPostgresAnswersAsPsqlWouldPrintIt(t *testing.T) {
	for k, v := range map[string]string{"PGHOST": "192.0.2.9", "PGUSER": "nobody", "PGSSLMODE": "require", "PGOPTIONS": "-c nonsense=1", "PGTARGETSESSIONATTRS": "standby"} {
		t.Setenv(k, v) // of the user's own environment: none of it is this server's business
	}
	login := postgresServer(t)
	c, err := openPostgres(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got []result
	run := func(text string) error { got = nil; return c.Run(t.Context(), text, collect(&got)) }

	if err := run("CREATE TEMPORARY TABLE t (n int, at timestamp, b boolean); INSERT INTO t VALUES (1, '2026-02-01 03:04:05', true), (2, NULL, false); SELECT * FROM t ORDER BY n; SELECT 'a' || E'\\tb' AS x WHERE false;"); err != nil {
		t.Fatal(err)
	}
	want := []result{{}, {}, {[]string{"n", "at", "b"}, [][]string{{"1", "2026-02-01 03:04:05", "t"}, {"2", "NULL", "f"}}}, {Columns: []string{"x"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}

	var no *Refused
	if err := run("SELECT 1 AS one; SELECT nothing FROM nowhere"); !errors.As(err, &no) || no.Login || !strings.Contains(err.Error(), `"nowhere" does not exist`) {
		t.Errorf("a mistake: %v", err)
	}
	if err := run("SELECT n FROM t WHERE n = 2"); err != nil || len(got) != 1 || got[0].Rows[0][0] != "2" {
		t.Errorf("after a mistake the session goes on: %v %v", got, err)
	}

	login.Password = "another"
	if _, err := openPostgres(t.Context(), login); !errors.As(err, &no) || !no.Login {
		t.Errorf("another password: %v", err)
	}
	login.Password, login.Database = "secret", "none"
	if _, err := openPostgres(t.Context(), login); !errors.As(err, &no) || no.Login {
		t.Errorf("another database: %v", err)
	}
}

// postgresServer starts a server of its own until t ends, which has the user and database app.
func postgresServer(t *testing.T) Login {
	t.Helper()
	programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(programs) == 0 {
		t.Skip("no PostgreSQL here: Debian's package postgresql has it")
	}
	bin := programs[len(programs)-1]
	dir, err := os.MkdirTemp("/tmp", "pg") // a socket's path is short, and the server's user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // it does not run as root
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skipf("the server does not run as root: %v", err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	run := func(program string, args ...string) {
		c := exec.Command(filepath.Join(bin, program), args...)
		c.Dir, c.SysProcAttr, c.Env = dir, as, []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "PGPASSWORD=secret"}
		log, err := os.Create(filepath.Join(t.TempDir(), "log")) // no pipe: the server would keep it open
		if err != nil {
			t.Fatal(err)
		}
		c.Stdout, c.Stderr = log, log
		if err := c.Run(); err != nil {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("%s: %v\n%s", program, err, said)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_, port, _ := net.SplitHostPort(at)
	l.Close()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run("initdb", "-D", "data", "-U", "app", "-A", "scram-sha-256", "--pwfile=password", "--no-sync")
	run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", "-F -c listen_addresses=127.0.0.1 -p "+port+" -k "+dir, "start")
	t.Cleanup(func() { run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop") })
	run("createdb", "-h", "127.0.0.1", "-p", port, "-U", "app", "app")
	return Login{User: "app", Password: "secret", Database: "app", Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", at)
	}}
}
