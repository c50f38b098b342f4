package transport

import (
	"strings"
	"testing"

	"haprov/internal/shell/shelltest"
)

// The loop that runs on every host is read by sh -n and shellcheck, whole.
func TestTheLoopIsLinted(t *testing.T) {
	found, err := shelltest.Lint(map[string]string{"loop": loopStart + loopRide + loopNext})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if !strings.Contains(f, "SC2046") { // od's words are wanted one by one
			t.Error(f)
		}
	}
}
