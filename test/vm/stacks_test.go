package vm

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stack copies a stack of test/stacks, which is no shipped recipe, beside the lab.
func stack(t *testing.T, name string) *place {
	t.Helper()
	p := newPlace(t)
	root := filepath.Join("..", "stacks", name)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			rel, _ := filepath.Rel(root, path)
			p.write(rel, string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// comesUp brings a stack up from nothing; a second run finds nothing to do, and status agrees.
func (p *place) comesUp() {
	p.t.Helper()
	if s := p.up(15 * time.Minute); s.Changes == 0 || s.Failed != 0 {
		p.t.Fatalf("the first run: %+v", s)
	}
	if s := p.up(3 * time.Minute); s.Changes != 0 || s.Failed != 0 {
		p.t.Errorf("the second run: %+v", s)
	}
	if v := p.status(); !v.Healthy {
		p.t.Errorf("not healthy: %v", v.Reasons)
	}
}

// TestThreeNodesWithADummy runs Pacemaker on three hosts: one loses power, another takes over with
// quorum, and the active side goes where it is told.
func TestThreeNodesWithADummy(t *testing.T) {
	suite(t, "stacks")
	p := stack(t, "dummy")
	p.comesUp()
	if log := p.run(time.Minute, "lab", "logs"); strings.Count(log, " reboot ") < 3 {
		t.Errorf("not every host's fence device was fired:\n%s", log)
	}
	off := p.status().Active
	p.run(time.Minute, "lab", "power-off", off)
	until(t, "another host serves", 3*time.Minute, func() bool { a := p.status().Active; return a != "" && a != off })
	p.run(time.Minute, "lab", "power-on", off)
	until(t, "the cluster is whole again", 5*time.Minute, func() bool { return p.status().Healthy })
	p.run(3*time.Minute, "switchover", off, "--yes")
	if a := p.status().Active; a != off {
		t.Errorf("%s is active, not %s", a, off)
	}
	p.run(3*time.Minute, "maintenance", off, "on", "--yes")
	if a := p.status().Active; a == off || a == "" {
		t.Errorf("with %s in maintenance %q is active", off, a)
	}
	p.run(3*time.Minute, "maintenance", off, "off", "--yes")
	until(t, "the cluster is healthy", 2*time.Minute, func() bool { return p.status().Healthy })
}

// loses powers the active host off and gives its name.
func (p *place) loses() string {
	p.t.Helper()
	off := p.status().Active
	if off == "" {
		p.t.Fatal("no host is active")
	}
	p.run(time.Minute, "lab", "power-off", off)
	return off
}

// gets powers the host on and waits until the stack is whole; there is nothing to do then.
func (p *place) gets(off string) {
	p.t.Helper()
	p.run(time.Minute, "lab", "power-on", off)
	until(p.t, "the stack is whole again", 5*time.Minute, func() bool { return p.status().Healthy })
	if s := p.up(3 * time.Minute); s.Changes != 0 || s.Failed != 0 {
		p.t.Errorf("after the failover: %+v", s)
	}
}

// tries gives what a command prints, and whether it succeeds.
func (p *place) tries(d time.Duration, args ...string) (string, bool) {
	ctx, cancel := context.WithTimeout(p.t.Context(), scaled(d))
	defer cancel()
	out, err := p.command(ctx, args...).Output()
	return strings.TrimSpace(string(out)), err == nil
}

// TestPostgreSQLOnAVolume loses the active machine with rows in it; a changed setting is taken up by
// the restart that it owes.
func TestPostgreSQLOnAVolume(t *testing.T) {
	suite(t, "stacks")
	p := stack(t, "pg")
	p.comesUp()
	p.run(time.Minute, "sql", "-e", "CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept SELECT generate_series(1, 1000)")
	off := p.loses()
	took := until(t, "the rows are read from the other machine", 4*time.Minute, func() bool {
		n, ok := p.tries(20*time.Second, "sql", "-N", "-e", "SELECT count(*) FROM kept")
		return ok && n == "1000"
	})
	t.Logf("%s lost power, the rows were read again %.0f s later", off, took.Seconds())
	p.gets(off)

	const conf = "templates/postgresql.conf.tmpl"
	text, err := os.ReadFile(filepath.Join(p.dir, conf))
	if err != nil {
		t.Fatal(err)
	}
	p.write(conf, string(text)+"work_mem = 5MB\n")
	p.up(5 * time.Minute)
	if got := strings.TrimSpace(p.run(time.Minute, "sql", "-N", "-e", "SHOW work_mem")); got != "5MB" {
		t.Errorf("work_mem is %s, not 5MB", got)
	}
}

// TestAnNFSServerOnTwoVolumes has a third machine that mounts the export: it waits while the active
// server is lost, and goes on.
func TestAnNFSServerOnTwoVolumes(t *testing.T) {
	suite(t, "stacks")
	p := stack(t, "nfs")
	p.comesUp()
	const write = "echo %s | dd of=/mnt/share/%[1]s conv=fsync status=none"
	p.run(time.Minute, "ssh", "desk", "--", fmt.Sprintf(write, "before"))
	off := p.loses()
	began := time.Now()
	p.run(5*time.Minute, "ssh", "desk", "--", fmt.Sprintf(write, "after"))
	t.Logf("%s lost power, a file was written again %.0f s later", off, time.Since(began).Seconds())
	for _, name := range []string{"before", "after"} {
		if got := p.run(time.Minute, "ssh", "desk", "--", "dd if=/mnt/share/"+name+" iflag=direct status=none"); strings.TrimSpace(got) != name {
			t.Errorf("the file %s holds %q", name, got)
		}
	}
	p.gets(off)
}

// TestRabbitMQLosesOneOfThree has no cluster manager: the brokers keep a confirmed message by a majority,
// and are restarted one after the other.
func TestRabbitMQLosesOneOfThree(t *testing.T) {
	suite(t, "stacks")
	p := stack(t, "rabbit")
	p.comesUp()
	put := func(host, text string) { p.t.Helper(); p.run(2*time.Minute, "ssh", host, "--", "queue put kept "+text) }
	got := func(host, text string) func() bool {
		return func() bool {
			out, ok := p.tries(40*time.Second, "ssh", host, "--", "queue get kept")
			return ok && out == text
		}
	}
	put("mq1", "first")
	p.run(time.Minute, "lab", "power-off", "mq1")
	took := until(t, "the message is got from another member", 3*time.Minute, got("mq2", "first"))
	t.Logf("the message was got %.0f s after its member lost power", took.Seconds())
	put("mq3", "second")
	if v := p.status(); v.Healthy {
		t.Error("with one of three members lost the stack is called healthy")
	}
	p.gets("mq1")
	p.run(10*time.Minute, "restart", "--rolling", "--yes")
	until(t, "the second message is got from the member that was away", 2*time.Minute, got("mq1", "second"))
}
