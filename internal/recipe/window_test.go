package recipe

import (
	"testing"
	"time"
)

func TestAWindowIsOpenOnItsDayAndOverMidnight(t *testing.T) {
	for _, c := range []struct {
		window, at string
		open       bool
	}{
		{"", "2026-11-27T12:00:00Z", true},
		{"02:00-05:00", "2026-11-27T01:59:59Z", false},
		{"02:00-05:00", "2026-11-27T02:00:00Z", true},
		{"02:00-05:00", "2026-11-27T05:00:00Z", false},
		{"Sun 02:00-05:00", "2026-11-27T03:00:00Z", false}, // a Friday
		{"Fri 02:00-05:00", "2026-11-27T03:00:00Z", true},
		{"Fri 23:00-01:00", "2026-11-28T00:30:00Z", true},
		{"Fri 23:00-01:00", "2026-11-27T00:30:00Z", false},
		{"23:00-01:00", "2026-11-27T00:30:00Z", true},
	} {
		w, err := ReadWindow(c.window)
		at, e := time.Parse(time.RFC3339, c.at)
		if err != nil || e != nil || w.Open(at) != c.open {
			t.Errorf("%q at %s: %v %v %v", c.window, c.at, w.Open(at), err, e)
		}
	}
	for _, bad := range []string{"2", "02:00", "02:00-25:00", "Sunday 02:00-05:00", "02:00-02:00", "Sun", "02:00-05:00 Sun"} {
		if _, err := ReadWindow(bad); err == nil {
			t.Errorf("read: %q", bad)
		}
	}
}
