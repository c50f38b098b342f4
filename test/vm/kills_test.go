package vm

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
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

// TestKilledAtAnyMoment kills the program at random moments while it builds the two-node cluster
// from nothing; whoever comes next finishes it. $KILLS is how often (5; 50 in the suite kills),
// $SEED repeats a run.
func TestKilledAtAnyMoment(t *testing.T) {
	suite(t, "core", "kills")
	kills := 5
	if os.Getenv("SUITE") == "kills" {
		kills = 50
	}
	kills = number(t, "KILLS", kills)
	seed := number(t, "SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("%d kills, SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	for done := 0; done < kills; {
		p := newPlace(t)
		// Some builds are hit once, some again and again before they come to an end.
		for range min(1+random.IntN(8), kills-done) {
			at := time.Duration(random.Float64() * float64(45*time.Second))
			ended := p.killed(at)
			t.Logf("kill %d after %.1f s%s", done+1, at.Seconds(), map[bool]string{true: ": it was ready before", false: ""}[ended])
			done++
		}
		if s := p.up(12 * time.Minute); s.Failed != 0 {
			t.Fatalf("after kill %d: %+v", done, s)
		}
		if s := p.up(2 * time.Minute); s.Failed != 0 || s.Changes != 0 {
			t.Fatalf("after kill %d, the second run: %+v", done, s)
		}
		if v := p.status(); !v.Healthy || !p.inSync() {
			t.Fatalf("after kill %d: not healthy: %v", done, v.Reasons)
		}
		p.run(time.Minute, "sql", "-e", "CREATE TABLE IF NOT EXISTS kills (id INT PRIMARY KEY); INSERT INTO kills VALUES (1)")
		p.run(5*time.Minute, "down", "--yes")
	}
}

// killed runs up and kills it; it tells whether the run had ended before.
func (p *place) killed(after time.Duration) (ended bool) {
	p.t.Helper()
	c := p.command(context.Background(), "up", "--yes")
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- c.Wait() }()
	select {
	case err := <-gone:
		var bad *exec.ExitError
		if errors.As(err, &bad) {
			p.t.Fatalf("up ended with %v before it was killed", err)
		}
		return true
	case <-time.After(after):
		_ = c.Process.Kill()
		<-gone
		return false
	}
}
