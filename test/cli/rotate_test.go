package cli

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const rotating = `
cluster "shop" { recipe = "sql" }
recipe "sql" {
  on "all" {
    mysql_user "app" {
      password = secret("app")
      former   = former("app")
      database = "app"
      place    = "one"
    }
    file "WORK/host/key" { content = secret("shared") }
    file "WORK/host/app.cnf" { content = secret("app") }
  }
}
`

// A password is rotated on a real server while a writer who logs in anew for each row uses it: none
// of its rows is refused until the rotation is finished. A run that fails half-way goes on with the
// same two values.
func TestARotatedPasswordRefusesNobodyUntilItIsFinished(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the server's data is its user's, which root alone can make it")
	}
	c := newCanaries(t, "root")
	one, _, _ := strings.Cut(c.read(t, "sql.hcl"), "\ncluster ")
	c.write(t, "haprov.hcl", one+rotating)
	c.server(t)
	if err := os.Mkdir(c.path("host"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.run(t, 10, "secret", "rotate", "app", "--yes") // there is none yet
	c.run(t, 0, "up", "--yes")
	first := c.read(t, "state/secrets/shop/app")
	c.accepts(t, first, true)

	for _, no := range [][]string{{"shared"}, {"ipmi"}, {"app", "--finish"}, {"--all", "--finish"}, {"none"}, {}, {"app", "--all"}} {
		c.run(t, 10, append([]string{"secret", "rotate", "--yes"}, no...)...)
	}
	c.run(t, 0, "secret", "rotate", "app", "--plan")
	c.run(t, 10, "secret", "rotate", "app", "--finish", "--plan")
	if c.read(t, "state/secrets/shop/app") != first {
		t.Fatal("a plan changed the store")
	}

	end := c.writer(t, first)
	c.write(t, "refuse", "") // the server takes no statement that changes something
	c.run(t, 12, "secret", "rotate", "app", "--yes")
	second := c.read(t, "state/secrets/shop/app")
	if second == first || c.read(t, "state/secrets/shop/app.former") != first {
		t.Fatal("the store has not both values")
	}
	c.accepts(t, first, true)
	c.accepts(t, second, false)
	c.run(t, 10, "secret", "rotate", "app", "--finish", "--yes") // the server lacks the new one
	c.accepts(t, first, true)
	if err := os.Remove(c.path("refuse")); err != nil {
		t.Fatal(err)
	}
	c.run(t, 0, "secret", "rotate", "app", "--yes")
	if c.read(t, "state/secrets/shop/app") != second {
		t.Fatal("a rotation that went on has a third value")
	}
	c.accepts(t, first, true)
	c.accepts(t, second, true)
	c.says(t, "0 changes on 1 hosts", "secret", "rotate", "--all", "--yes")
	c.says(t, "not rotated, since hosts know one value of it at a time: ipmi of the inventory, shared of cluster shop", "secret", "rotate", "--all", "--yes")
	c.says(t, "until haprov secret rotate app --finish", "secret", "list")
	c.says(t, "0 changes on 1 hosts", "up", "--yes")
	if written, failed := end(); failed != "" || written < 2 {
		t.Errorf("%d rows written, and then: %s", written, failed)
	}

	c.says(t, "app of cluster shop: the former value is not valid any more", "secret", "rotate", "--all", "--finish", "--yes")
	c.accepts(t, first, false)
	c.accepts(t, second, true)
	c.says(t, "0 changes on 1 hosts", "up", "--yes")
	c.run(t, 10, "secret", "rotate", "app", "--finish", "--yes")
	for where, text := range c.seen {
		if strings.Contains(text, first) || strings.Contains(text, second) {
			t.Errorf("%s shows a password", where)
		}
	}
}

func (c *canaries) read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(c.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

// says runs a command that succeeds, and wants a text of it.
func (c *canaries) says(t *testing.T, want string, args ...string) {
	t.Helper()
	before := maps.Clone(c.seen)
	c.run(t, 0, args...)
	said := ""
	for where, text := range c.seen {
		if _, had := before[where]; !had {
			said += text
		}
	}
	if !strings.Contains(said, want) {
		t.Errorf("haprov %s does not say %q: %s", strings.Join(args, " "), want, said)
	}
}

// server starts a real one, which the host's client asks.
func (c *canaries) server(t *testing.T) {
	t.Helper()
	sock := c.path("db/s")
	client, err := exec.LookPath("mariadb")
	if err != nil {
		t.Fatalf("%v: make deps installs it", err)
	}
	c.write(t, "bin/mariadb", "#!/bin/sh\ncase \"$*\" in *\" -e \"*) ;; *) if [ -e WORK/refuse ]; then exit 1; fi;; esac\nexec "+client+" \"$@\" --socket="+sock+"\n")
	for _, d := range []string{c.dir, filepath.Dir(c.dir)} { // the server's user goes through them
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// two servers of two tests use the same names in a common one
	if err := os.Mkdir(c.path("tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(c.path("tmp"), 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mariadb-install-db", "--no-defaults", "--user=mysql", "--datadir="+c.path("db"), "--tmpdir="+c.path("tmp"), "--skip-test-db", "--auth-root-authentication-method=socket").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := exec.Command("mariadbd", "--no-defaults", "--user=mysql", "--datadir="+c.path("db"), "--tmpdir="+c.path("tmp"), "--socket="+sock, "--pid-file="+c.path("db/pid"), "--skip-networking",
		"--log-error="+c.path("db/error.log"), "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=2")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out, err := exec.Command(client, "--no-defaults", "--socket="+sock, "-e", "CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT)").CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(c.path("db/error.log"))
			t.Fatalf("the server does not start: %v %s\n%s", err, out, log)
		}
	}
}

// insert logs in with a password and writes a row.
func (c *canaries) insert(ctx context.Context, password string) ([]byte, error) {
	p := exec.CommandContext(ctx, "mariadb", "--no-defaults", "--user=app", "--socket="+c.path("db/s"), "-e", "INSERT INTO app.t VALUES ()")
	p.Env = append(os.Environ(), "MYSQL_PWD="+password)
	return p.CombinedOutput()
}

func (c *canaries) accepts(t *testing.T, password string, want bool) {
	t.Helper()
	if out, err := c.insert(t.Context(), password); (err == nil) != want {
		t.Errorf("accepted %v, want %v: %s", err == nil, want, out)
	}
}

// writer writes rows until its end is asked for, which gives how many there were and the first error.
func (c *canaries) writer(t *testing.T, password string) (end func() (int, string)) {
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	written, failed := 0, ""
	all.Go(func() {
		for ctx.Err() == nil && failed == "" {
			if out, err := c.insert(context.WithoutCancel(ctx), password); err != nil {
				failed = string(out)
			} else {
				written++
			}
		}
	})
	return func() (int, string) {
		stop()
		all.Wait()
		return written, failed
	}
}
