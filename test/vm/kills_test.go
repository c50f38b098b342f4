package vm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// number reads a setting of the test from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q: %v", name, text, err)
	}
	return n
}

// rebuilt is after how many kills the machines are thrown away and begun anew.
const rebuilt = 25

// TestKilledAtAnyMoment kills the program at random moments of its work; whoever comes next
// finishes it, and nothing that was written is lost. The first two kills of each lab hit its build
// from nothing, the others the repair of what drifted. $KILLS is how often (50), $SEED repeats a run's
// draws.
func TestKilledAtAnyMoment(t *testing.T) {
	suite(t, "kills")
	kills := number(t, "KILLS", 50)
	seed := number(t, "SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("%d kills, SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	for done := 0; done < kills; done += rebuilt {
		t.Run(fmt.Sprintf("from kill %d", done+1), func(t *testing.T) {
			c := &two{place: newPlace(t)}
			c.survive(t, random, min(rebuilt, kills-done))
		})
	}
}

// survive builds a cluster and repairs it, killed as often as said.
func (c *two) survive(t *testing.T, random *rand.Rand, kills int) {
	const build = 60 * time.Second
	early := min(2, kills)
	for range early {
		_, how := c.killed(time.Duration(random.Float64() * float64(build)))
		t.Logf("build %s", how)
	}
	t.Logf("ready %.0f s after that", c.converges(t).Seconds())
	c.mended(t, random, kills-early)
}

// mended repairs what drifted, killed each time, and counts the rows that were written in between.
func (c *two) mended(t *testing.T, random *rand.Rand, kills int) {
	c.run(time.Minute, "sql", "-e", "CREATE OR REPLACE TABLE kept (id INT PRIMARY KEY)")
	// How long a repair takes is learnt as it goes: one that ended before its kill does not count.
	repair := 20 * time.Second
	rows, done := 0, 0
	for done < kills && rows < 4*kills {
		rows++
		c.run(time.Minute, "sql", "-e", fmt.Sprintf("INSERT INTO kept VALUES (%d)", rows))
		what := c.drifted(t, random)
		hit, how := c.killed(time.Duration(random.Float64() * float64(repair)))
		begin := time.Now()
		took := c.converges(t)
		if hit {
			done++
			repair = (2*repair + took) / 3
		} else {
			repair = 2 * repair / 3
		}
		t.Logf("repair %d: %s: %s, then converged in %.0f s, looked at for %.0f s", done, what, how, took.Seconds(), (time.Since(begin) - took).Seconds())
	}
	if got := strings.Fields(c.run(time.Minute, "sql", "-e", "SELECT COUNT(*) FROM kept")); len(got) == 0 || got[len(got)-1] != strconv.Itoa(rows) {
		t.Errorf("of %d rows there are %v", rows, got)
	}
	if done < kills {
		t.Errorf("only %d of %d kills hit a run at work", done, kills)
	}
}

// killed runs up and kills it; it tells whether it was still at work then.
func (p *place) killed(after time.Duration) (hit bool, how string) {
	p.t.Helper()
	c := p.command(context.Background(), "up", "--yes")
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	begin := time.Now()
	gone := make(chan error, 1)
	go func() { gone <- c.Wait() }()
	select {
	case err := <-gone:
		var bad *exec.ExitError
		if errors.As(err, &bad) {
			p.t.Fatalf("up ended with %v before it was killed", err)
		}
		return false, fmt.Sprintf("ended in %.1f s, before it was killed", time.Since(begin).Seconds())
	case <-time.After(after):
		_ = c.Process.Kill()
		<-gone
		return true, fmt.Sprintf("killed after %.1f s", after.Seconds())
	}
}
