// Package vm proves the promises on real machines: own kernels, real DRBD, Corosync, Pacemaker and
// MariaDB, in the lab. It uses the program as its users do and knows nothing of its insides.
package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
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

// newPlace prepares a lab that is destroyed when the test ends.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, exe: program(t), state: t.TempDir(), dir: t.TempDir()}
	t.Cleanup(func() {
		if t.Failed() {
			p.evidence()
		}
		if out, err := p.command(context.Background(), "down", "--yes").CombinedOutput(); err != nil {
			t.Logf("down: %v\n%s", err, out)
		}
	})
	return p
}

func (p *place) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.exe, append(slices.Clone(p.flags), args...)...)
	c.Dir = p.dir
	c.Env = append(os.Environ(), "HAPROV_STATE="+p.state, "NO_COLOR=1")
	return c
}

// evidence shows what the machines say when a test has failed.
func (p *place) evidence() {
	for _, args := range [][]string{{"lab", "logs"}, {"status"}, {"ssh", "db1", "--", "crm_mon -1; journalctl -n 60 --no-pager"}, {"ssh", "db2", "--", "crm_mon -1; journalctl -n 60 --no-pager"}} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		out, _ := p.command(ctx, args...).CombinedOutput()
		cancel()
		p.t.Logf("%s:\n%s", strings.Join(args, " "), out)
	}
}

// run gives stdout of a command that must succeed.
func (p *place) run(d time.Duration, args ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
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
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, _ := p.command(ctx, "status", "--json").Output()
	_ = json.Unmarshal(out, &v) // no JSON: not healthy
	return v
}

// until looks again and again; it fails the test when the deadline has passed.
func until(t *testing.T, what string, d time.Duration, ok func() bool) time.Duration {
	t.Helper()
	started := time.Now()
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

func tail(s string) string {
	l := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(l[max(0, len(l)-40):], "\n")
}

// suite skips a test unless $SUITE, a list with commas, names one of its suites; none named is core,
// all runs all.
func suite(t *testing.T, names ...string) {
	t.Helper()
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
