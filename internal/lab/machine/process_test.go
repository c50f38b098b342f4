package machine

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A shell that has children and grandchildren, as a machine has helpers.
func family(t *testing.T) *tree {
	t.Helper()
	p, err := start(exec.Command("sh", "-c", "sleep 600 & (sleep 600 & sleep 600 & wait) & wait"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		pids, err := members(p.session)
		if err != nil {
			t.Fatal(err)
		}
		if len(pids) >= 5 {
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %v came up", pids)
		}
	}
}

func TestKillReturnsWhenEveryProcessOfTheMachineIsGone(t *testing.T) {
	p := family(t)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if left, _ := members(p.session); len(left) != 0 {
		t.Errorf("%v still live", left)
	}
	select {
	case <-p.Done():
	default:
		t.Error("killed, but not done")
	}
	if err := p.Kill(); err != nil {
		t.Errorf("killing the dead: %v", err)
	}
	if p.Pause() == nil {
		t.Error("a dead machine was paused")
	}
}

func TestAPausedMachineCanBeKilledAndResumed(t *testing.T) {
	p := family(t)
	for range 2 {
		if err := p.Pause(); err != nil {
			t.Fatal(err)
		}
		if err := p.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

func TestATrialSaysWhatTheConsoleShowed(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := trial(ctx, exec.Command("echo", "Linux version 1"), t.TempDir(), "Linux version"); err != nil {
		t.Error(err)
	}
	err := trial(ctx, exec.Command("sh", "-c", "echo Kernel panic; exit 1"), t.TempDir(), "Linux version")
	if err == nil || !strings.Contains(err.Error(), "Kernel panic") {
		t.Error(err)
	}
	short, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err = trial(short, exec.Command("sleep", "60"), t.TempDir(), "Linux version")
	if err == nil || !strings.Contains(err.Error(), "nothing was printed") {
		t.Error(err)
	}
}
