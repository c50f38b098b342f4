package cli

import (
	"strings"
	"testing"
)

// TestABoxIsMadeOfAReleaseOnly: of Debian sid none is, since it is another one each day.
func TestABoxIsMadeOfAReleaseOnly(t *testing.T) {
	for _, release := range []string{"debian-sid", "debian-1"} {
		err := (&app{}).boxBuild(t.Context(), release, false)
		if err == nil || !strings.Contains(err.Error(), "expected debian-12 or debian-13") {
			t.Errorf("%s: %v", release, err)
		}
	}
}
