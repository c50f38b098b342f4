package vm

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestADeadMachineIsReplaced takes the machines of both stacks' hosts away and puts new ones, or new
// disks, in their place, under a writer. No acknowledged row may be lost.
func TestADeadMachineIsReplaced(t *testing.T) {
	suite(t, "replace")
	t.Run("two nodes", replacedOfTwo)
	t.Run("galera", replacedOfGalera)
}

func replacedOfTwo(t *testing.T) {
	c := &two{place: newPlace(t)}
	c.step(t, "from nothing to ready", func(*testing.T) {
		if s := c.up(30 * time.Minute); s.Failed != 0 {
			c.t.Fatalf("%+v", s)
		}
		c.db = c.endpoint(t) // until all steps have ended
		takes(c.t, c.db, "CREATE TABLE IF NOT EXISTS rows_written (id INT PRIMARY KEY)")
	})
	c.step(t, "a snapshot under a writer, and back", func(t *testing.T) {
		c.under(30*time.Second, func(string, string) { t.Log(c.run(2*time.Minute, "lab", "snapshot", "save", "ready")) })
		if v := c.status(); !v.Healthy {
			t.Errorf("after a snapshot: %v", v.Reasons)
		}
		ends := c.ends()
		t.Log(c.run(5*time.Minute, "lab", "snapshot", "restore", "ready"))
		c.healthy()
		if s := c.up(5 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("after a restore: %+v", s)
		}
		if now := c.ends(); now != ends {
			t.Errorf("machines ended %d times more", now-ends)
		}
	})
	replace := func(t *testing.T, host string) {
		if out, err := c.command(t.Context(), "up", "--yes").CombinedOutput(); err == nil || !strings.Contains(string(out), "haprov replace "+host) {
			t.Errorf("up fills a blank disk without being told, or does not say how: %v\n%s", err, tail(string(out)))
		}
		fired := regexp.MustCompile(`(?m) fence +` + host + ` +reboot `)
		before := len(fired.FindAllString(c.run(time.Minute, "lab", "logs"), -1))
		began := time.Now()
		c.run(12*time.Minute, "replace", host, "--yes")
		t.Logf("replaced in %.0f s", time.Since(began).Seconds())
		if now := len(fired.FindAllString(c.run(time.Minute, "lab", "logs"), -1)); now != before+1 {
			t.Errorf("the fence device of the new machine was fired %d times", now-before)
		}
		c.healthy()
		if s := c.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("and then: %+v", s)
		}
	}
	c.step(t, "the standby's machine", func(t *testing.T) {
		var gone string
		c.under(60*time.Second, func(_, standby string) {
			gone = standby
			c.run(5*time.Minute, "lab", "rebuild", gone)
		})
		c.under(90*time.Second, func(string, string) { replace(t, gone) })
	})
	c.step(t, "the active side's disk", func(t *testing.T) {
		var gone string
		c.under(2*time.Minute, func(active, _ string) {
			gone = active
			c.run(5*time.Minute, "lab", "rebuild", gone, "--only", "disks")
		})
		c.under(90*time.Second, func(string, string) { replace(t, gone) })
		c.under(60*time.Second, func(string, string) { c.run(3*time.Minute, "switchover", gone, "--yes") }) // what it was given is served
	})
}

func replacedOfGalera(t *testing.T) {
	g := newGalera(t)
	g.step(t, "from nothing to ready", func(t *testing.T) {
		if s := g.up(30 * time.Minute); s.Failed != 0 {
			t.Fatalf("%+v", s)
		}
	})
	if g.down = t.Failed(); g.down {
		return
	}
	g.ready(t)
	g.step(t, "the writer's machine, then a proxy's", func(t *testing.T) {
		writer, _ := g.writerAndReaders()
		for _, host := range []string{writer, "proxy1"} {
			l := g.load()
			g.run(5*time.Minute, "lab", "rebuild", host)
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
			out, err := g.command(ctx, "replace", host, "--yes").CombinedOutput()
			cancel()
			if err != nil {
				t.Errorf("replace %s: %v\n%s", host, err, tail(string(out)))
			}
			l.end()
			if l.longest > 40*time.Second {
				t.Errorf("%s without service", l.longest)
			}
			g.healthy()
			g.compare(members...)
			g.unchanged()
		}
	})
}
