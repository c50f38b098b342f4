package vm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// gate makes a transaction of packages wait on the host for as long as its file is there.
const gate = `while [ -e /run/vm-gate ]; do touch /run/vm-gate-reached; sleep 0.2; done`

// crowd starts a run that hangs in a batch on both hosts, lets a second one come, interrupts the
// first one, and only then lets the batch go on.
func (c *two) crowd(t *testing.T) {
	both := []string{"db1", "db2"}
	for _, h := range both {
		c.run(time.Minute, "ssh", h, "--", "touch /run/vm-gate; printf '%s\\n' 'DPkg::Pre-Invoke { \""+gate+"\"; };' >/etc/apt/apt.conf.d/99vm && dpkg -r --force-depends fence-agents >/dev/null 2>&1 && rm /etc/haprov/app.cnf")
	}
	open := func() {
		for _, h := range both {
			c.run(time.Minute, "ssh", h, "--", "rm -f /run/vm-gate /run/vm-gate-reached")
		}
	}
	first := c.command(t.Context(), "up", "--yes")
	var said bytes.Buffer
	first.Stderr = &said
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- first.Wait() }()
	for _, h := range both {
		until(t, "a batch is at work on "+h, time.Minute, func() bool {
			return c.command(t.Context(), "ssh", h, "--", "test -e /run/vm-gate-reached").Run() == nil
		})
	}

	out, err := c.command(t.Context(), "up", "--yes").CombinedOutput()
	if code := exit(err); code != 13 || !strings.Contains(string(out), "process "+strconv.Itoa(first.Process.Pid)) {
		t.Errorf("a second run ended with %d and does not name the first:\n%s", code, tail(string(out)))
	}

	if err := first.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	open()
	select {
	case err := <-ended:
		if code := exit(err); code != 14 || !strings.Contains(said.String(), "interrupted: the actions that run are finished first") {
			t.Errorf("interrupted, it ended with %d:\n%s", code, tail(said.String()))
		}
	case <-time.After(3 * time.Minute):
		_ = first.Process.Kill()
		t.Fatal("an interrupted run does not end")
	}
	for _, h := range both {
		if err := c.command(t.Context(), "ssh", h, "--", "dpkg -s fence-agents | grep -q 'Status: install ok installed' && rm /etc/apt/apt.conf.d/99vm && test ! -e /etc/haprov/app.cnf").Run(); err != nil {
			t.Errorf("%s: the batch in hand was not finished, or another one was begun", h)
		}
	}
	t.Logf("converged in %.0f s", c.converges(t).Seconds())
}

// restarted kills a restart once it has begun: the server comes back by itself, and what is still
// owed is paid by the next run.
func (c *two) restarted(t *testing.T) {
	active, _ := c.sides()
	server := func() string {
		return strings.TrimSpace(c.run(time.Minute, "ssh", active, "--", "pgrep -x mariadbd || :"))
	}
	before := server()
	restart := c.command(t.Context(), "restart", "--rolling", "--yes")
	told, err := restart.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := restart.Start(); err != nil {
		t.Fatal(err)
	}
	begun := false
	for lines := bufio.NewScanner(told); lines.Scan(); {
		if strings.Contains(lines.Text(), "pacemaker.cib restart mysql-server") {
			begun = true
			_ = restart.Process.Kill()
			break
		}
	}
	_ = restart.Wait()
	if !begun {
		t.Error("the restart was never begun")
	}
	until(t, "the server serves", 5*time.Minute, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.db.ExecContext(ctx, "SELECT 1")
		return err == nil
	})
	c.converges(t)
	if now := server(); now == before || now == "" {
		t.Errorf("on %s the server was process %q, and is %q", active, before, now)
	}
	if out := c.run(time.Minute, "ssh", active, "--", "cibadmin -Q | grep -c haprov-restart || :"); strings.TrimSpace(out) != "0" {
		t.Errorf("the order to stop is still there: %s", out)
	}
}

func exit(err error) int {
	var bad *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &bad):
		return bad.ExitCode()
	}
	return -1
}
