package machine

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestAMachineThatEndsAtOnceIsRefusedWithItsLastWords(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := lasts(ctx, exec.Command("sh", "-c", "echo error: failed to set MSR >&2; exit 134"), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "failed to set MSR") {
		t.Errorf("%v", err)
	}
}

func TestAMachineThatLastsIsFit(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := lasts(ctx, exec.Command("sleep", "60"), t.TempDir()); err != nil {
		t.Error(err)
	}
}
