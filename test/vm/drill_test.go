package vm

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ran is what a drill's evidence says.
type ran struct {
	Verdict              string
	Acknowledged, Lost   float64
	LongestOutageSeconds float64 `json:"longest_outage_seconds"`
	Drills               []struct{ Drill, Verdict, Why string }
}

// drills runs some and reads their evidence; the exit code is the command's.
func (p *place) drills(d time.Duration, args ...string) (r ran, code int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), scaled(d))
	defer cancel()
	c := p.command(ctx, append([]string{"drill", "run"}, args...)...)
	out, err := c.CombinedOutput()
	p.t.Logf("%s", out)
	if err != nil {
		code = exit(err)
	}
	all, _ := filepath.Glob(filepath.Join(p.state, "drills", "*", "run.json"))
	if len(all) == 0 {
		p.t.Fatalf("no evidence: %v", err)
	}
	text, err := os.ReadFile(all[len(all)-1])
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return r, code
}

// TestDrillsProveBothStacks runs the quick drills, with DRILLS=full all, of the shipped recipes, and sees
// each fault gone. A program that is killed in the middle leaves a fault that is taken back without it.
func TestDrillsProveBothStacks(t *testing.T) {
	suite(t, "drills")
	which, least := "quick", 3
	if os.Getenv("DRILLS") == "full" {
		which, least = "full", 7
	}
	for name, inventory := range map[string]string{"mysql-drbd": "mysql-drbd.hcl", "galera": "galera-3.hcl"} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			text, err := os.ReadFile(filepath.Join("..", "..", "inventory", inventory))
			if err != nil {
				t.Fatal(err)
			}
			p.write("haprov.hcl", withDriver(string(text)))
			p.comesUp()
			r, code := p.drills(40*time.Minute, "--suite", which)
			if code != 0 || r.Verdict != "pass" || r.Lost != 0 || r.Acknowledged < 1000 || len(r.Drills) < least {
				t.Errorf("exit %d: %+v", code, r)
			}
			if out := p.run(time.Minute, "drill", "verify"); !strings.Contains(out, "the same verdicts") {
				t.Error(out)
			}
			if s := p.up(3 * time.Minute); s.Changes != 0 || s.Failed != 0 {
				t.Errorf("after the drills: %+v", s)
			}
			if name == "mysql-drbd" {
				p.killedInADrill(t)
			}
		})
	}
}

// killedInADrill kills the program while its fault is in force: up refuses, heal takes the fault back.
func (p *place) killedInADrill(t *testing.T) {
	c := p.command(context.Background(), "drill", "run", "standby-power-cut")
	defer started(t, c)()
	leases := func() bool {
		out, _ := p.command(context.Background(), "lab", "status", "--json").Output()
		return strings.Contains(string(out), `"leases"`) && strings.Contains(string(out), "off-by-user")
	}
	until(t, "the fault is in force", 3*time.Minute, leases)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	up := p.command(context.Background(), "up", "--yes")
	if out, err := up.CombinedOutput(); exit(err) != 15 || !strings.Contains(string(out), "haprov drill heal") {
		t.Errorf("up while a drill is at work: %v\n%s", err, out)
	}
	p.run(2*time.Minute, "drill", "heal")
	until(t, "healthy again", 10*time.Minute, func() bool { return p.status().Healthy })
}

// TestDrillsNoticeWhatIsBroken builds the recipes' mutants; each drill must find the promise broken.
func TestDrillsNoticeWhatIsBroken(t *testing.T) {
	suite(t, "calibrate")
	for _, name := range []string{"mysql-drbd", "galera-3"} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			text, err := os.ReadFile(filepath.Join("..", "..", "inventory", name+".hcl"))
			if err != nil {
				t.Fatal(err)
			}
			p.write("haprov.hcl", withDriver(string(text)))
			ctx, cancel := context.WithTimeout(context.Background(), scaled(75*time.Minute))
			defer cancel()
			out, err := p.command(ctx, "drill", "calibrate").CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
