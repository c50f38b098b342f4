package machine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// trial runs a machine until its console shows want, and ends it. The error carries the end of
// what the console did show.
func trial(ctx context.Context, cmd *exec.Cmd, dir, want string) error {
	path := filepath.Join(dir, "console")
	console, err := os.Create(path)
	if err != nil {
		return err
	}
	defer console.Close()
	cmd.Stdout, cmd.Stderr = console, console
	t, err := start(cmd)
	if err != nil {
		return err
	}
	defer t.Kill()
	return shows(ctx, path, t.Done(), want)
}

// shows waits until a console's file shows want; it is an error that the machine ends before.
func shows(ctx context.Context, path string, done <-chan struct{}, want string) error {
	begin := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ended := false; ; {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte(want)) {
			return nil
		}
		if ended {
			return fmt.Errorf("%s (the machine ended after %s)", tail(text), time.Since(begin).Round(time.Second/10))
		}
		select {
		case <-done:
			ended = true
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no %q on the console within %s: %s", want, time.Since(begin).Round(time.Second), tail(text))
		}
	}
}

// lasts runs a machine until ctx ends, which is well; that it ends before is the error.
func lasts(ctx context.Context, cmd *exec.Cmd, dir string) error {
	if err := trial(ctx, cmd, dir, "\x00 never printed"); ctx.Err() == nil {
		return err
	}
	return nil
}

func tail(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) > 3 {
		lines = lines[len(lines)-3:]
	}
	if s := strings.TrimSpace(strings.Join(lines, " | ")); s != "" {
		return s
	}
	return "nothing was printed"
}
