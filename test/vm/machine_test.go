// Package vm proves the promises on real machines: own kernels, real DRBD, Corosync, Pacemaker and
// MariaDB, in the lab. It uses the program as its users do and knows nothing of its insides, beside
// how it measures what this machine has to do.
package vm

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"haprov/internal/lab/pace"
)

// program is bin/haprov of this checkout; `make test-vm` builds it first.
func program(t *testing.T) string {
	t.Helper()
	p, err := filepath.Abs("../../bin/haprov")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%v: run `make build` first", err)
	}
	return p
}

// place is one lab: a state folder of its own, and the shipped inventory.
type place struct {
	t     *testing.T
	exe   string
	state string
	dir   string
	flags []string // of every command
}

// newPlace prepares a lab that is destroyed when the test ends; with KEEP=1 one that failed stays.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, exe: program(t)}
	keep := os.Getenv("KEEP") != ""
	if keep {
		p.state, p.dir = temporary(t, "haprov-state-"), temporary(t, "haprov-kept-")
	} else {
		p.state, p.dir = t.TempDir(), t.TempDir()
	}
	if d := driver(); d != "" {
		if d == "libvirt" {
			daemon(t)
		}
		p.write("haprov.hcl", withDriver(shipped(t, "mysql-drbd")))
	}
	t.Cleanup(func() {
		if t.Failed() {
			p.evidence()
			if keep {
				t.Logf("KEEP: the machines run; cd %s; export HAPROV_STATE=%s; haprov down --yes ends them", p.dir, p.state)
				return
			}
		}
		if out, err := p.command(context.Background(), "down", "--yes").CombinedOutput(); err != nil {
			t.Logf("down: %v\n%s", err, out)
		}
		if keep {
			_, _ = os.RemoveAll(p.state), os.RemoveAll(p.dir) // they are temporary
		}
	})
	return p
}

// shipped is an inventory of the checkout.
func shipped(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../inventory/" + name + ".hcl")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func temporary(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// driver is the lab driver that $DRIVER asks for; empty is the inventory's own.
func driver() string {
	if d := os.Getenv("DRIVER"); d != "auto" {
		return d
	}
	return ""
}

// withDriver is a shipped inventory whose lab has $DRIVER.
func withDriver(inventory string) string {
	if driver() == "" {
		return inventory
	}
	return regexp.MustCompile(`(?m)^lab "[^"]*" \{$`).ReplaceAllString(inventory, "$0\n  driver = \""+driver()+"\"")
}

func (p *place) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.exe, append(slices.Clone(p.flags), args...)...)
	c.Dir = p.dir
	c.Env = append(os.Environ(), "HAPROV_STATE="+p.state, "NO_COLOR=1")
	return c
}

// tells prints what a cluster says of itself in the moment that a step has failed: where only a
// test's output is kept, it is all there is.
func (p *place) tells(unit string, hosts ...string) {
	p.t.Helper()
	ask := func(args ...string) {
		ctx, cancel := context.WithTimeout(context.Background(), scaled(30*time.Second))
		defer cancel()
		out, err := p.command(ctx, args...).CombinedOutput()
		p.t.Logf("haprov %s: %v\n%s", strings.Join(args, " "), err, tail(string(out)))
	}
	ask("status")
	for _, h := range hosts {
		ask("ssh", h, "--", "uptime; systemctl is-active "+unit+"; journalctl -u "+unit+" -n 15 --no-pager -o short-precise")
	}
}

// evidence keeps what the machines say when a test has failed: one folder, whose path is printed.
func (p *place) evidence() {
	dir := temporary(p.t, "haprov-failed-")
	p.t.Logf("what the machines say is in %s", dir)
	save := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			p.t.Log(err)
		}
	}
	ask := func(name string, args ...string) {
		ctx, cancel := context.WithTimeout(context.Background(), scaled(20*time.Second))
		defer cancel()
		out, err := p.command(ctx, args...).CombinedOutput()
		save(name, fmt.Appendf(out, "%v\n", err))
	}
	ask("lab-logs.txt", "lab", "logs")
	ask("status.txt", "status")
	consoles, _ := filepath.Glob(filepath.Join(p.state, "labs/*/m/*/console.log")) // the pattern is good
	for _, f := range consoles {
		host := filepath.Base(filepath.Dir(f))
		if text, err := os.ReadFile(f); err == nil {
			save(host+"-console.txt", text)
		}
		ask(host+"-journal.txt", "ssh", host, "--", "crm_mon -1; cat /var/lib/mysql/grastate.dat; journalctl -n 2000 --no-pager")
	}
	if err := os.CopyFS(filepath.Join(dir, "runs"), os.DirFS(filepath.Join(p.state, "journal"))); err != nil {
		p.t.Log(err)
	}
}

// How much longer waits are here: by what this machine has to do, and by how much slower than this
// machine the lab's are, which each place measures once they run.
var (
	watch  = pace.NewWatch()
	slower atomic.Uint64 // hundredths
)

func scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * watch.Now().Factor * float64(max(slower.Load(), 100)) / 100)
}

// calibrate measures a host's shell against this machine's. What is less than four times as slow is
// usual for a lab, and within the tests' own deadlines.
func (p *place) calibrate(host string) {
	p.t.Helper()
	const work = `a=$(date +%s%N); i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; echo $(($(date +%s%N) - a))`
	took := func(out []byte, err error) float64 {
		n, bad := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil || bad != nil || n <= 0 {
			p.t.Logf("not measured: %v %v %q", err, bad, out)
			return 1
		}
		return n
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	here := took(exec.CommandContext(ctx, "sh", "-c", work).Output())
	there := took(p.command(ctx, "ssh", host, "--", work).Output())
	by := min(max(there/here/4, 1), 10)
	slower.Store(uint64(by * 100))
	p.t.Logf("%s is %.1f times as slow as this machine: waits are %.1f times as long", host, there/here, by)
}

// run gives stdout of a command that must succeed.
func (p *place) run(d time.Duration, args ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), scaled(d))
	defer cancel()
	c := p.command(ctx, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		p.t.Fatalf("haprov %s: %v\n%s\n%s", strings.Join(args, " "), err, tail(out.String()), tail(errs.String()))
	}
	return out.String()
}

// summary is the last line of `up --json`.
type summary struct {
	Type                   string
	Changes, Hosts, Failed int
	Seconds                float64
}

func (p *place) up(d time.Duration) summary {
	p.t.Helper()
	out := strings.TrimSpace(p.run(d, "up", "--yes", "--json"))
	var s summary
	last := out[strings.LastIndexByte(out, '\n')+1:]
	if err := json.Unmarshal([]byte(last), &s); err != nil || s.Type != "summary" {
		p.t.Fatalf("the last line is no summary: %v\n%s", err, tail(out))
	}
	return s
}

type verdict struct {
	Healthy          bool
	Reasons          []string
	Endpoint, Active string
}

// status asks once; an unhealthy cluster is an answer too.
func (p *place) status() (v verdict) {
	ctx, cancel := context.WithTimeout(context.Background(), scaled(2*time.Minute))
	defer cancel()
	out, err := p.command(ctx, "status", "--json").Output()
	if bad := json.Unmarshal(out, &v); bad != nil {
		v = verdict{Reasons: []string{fmt.Sprintf("status --json: %v: %v", err, bad)}}
	}
	return v
}

// until looks again and again; it fails the test when the deadline has passed.
func until(t *testing.T, what string, d time.Duration, ok func() bool) time.Duration {
	t.Helper()
	started := time.Now()
	d = scaled(d)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for !ok() {
		if time.Since(started) > d {
			t.Fatalf("waited %s in vain until %s", d, what)
		}
		<-tick.C
	}
	return time.Since(started)
}

// takes waits until the server takes a statement, and tells why it did not.
func takes(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	var last error
	defer func() {
		if last != nil {
			t.Logf("%s: %v", statement, last)
		}
	}()
	until(t, "the endpoint takes a statement", time.Minute, func() bool {
		_, last = db.Exec(statement)
		return last == nil
	})
}

func tail(s string) string {
	l := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(l[max(0, len(l)-40):], "\n")
}

// suite skips a test unless $SUITE, a list with commas, names one of its suites; none named is core,
// all runs all. Those of the suite that $WITHOUT names have run already.
func suite(t *testing.T, names ...string) {
	t.Helper()
	if without := os.Getenv("WITHOUT"); slices.Contains(names, without) {
		t.Skipf("suite %s has run", without)
	}
	if !slices.ContainsFunc(names, inSuite) && !inSuite("all") {
		t.Skipf("suite %s: run it with make test-vm SUITE=%s", strings.Join(names, ", "), names[0])
	}
}

func inSuite(name string) bool {
	want := os.Getenv("SUITE")
	if want == "" {
		want = "core"
	}
	return slices.Contains(strings.Split(want, ","), name)
}
