package cli

import (
	"strings"
	"testing"
	"time"
)

func TestATimeToRestoreToIsOneSecond(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	for _, x := range []struct{ text, want string }{
		{"2026-01-31T14:03:07Z", "2026-01-31T14:03:07Z"},
		{"2026-01-31T14:03:07+01:00", "2026-01-31T13:03:07Z"},
		{"2026-01-31 14:03:07Z", "2026-01-31T14:03:07Z"},
		{"2026-01-31 14:03:07 -05:00", "2026-01-31T19:03:07Z"},
		{"2026-01-31 14:03:07", "2026-01-31T13:03:07Z"},
		{"2026-07-31T14:03:07", "2026-07-31T12:03:07Z"},
		{"2026-03-29 02:30:00", "never shown"},
		{"2026-10-25 02:30:00", "shown twice"},
		{"2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"},
		{"2026-01-31T14:03:07.5Z", "parts of a second"},
		{"2026-01-31 14:03:07.5", "parts of a second"},
		{"2026-01-31", "is no time"},
		{"14:03:07", "is no time"},
		{"2026-02-30 14:03:07", "is no time"},
		{"yesterday", "is no time"},
		{"", "is no time"},
	} {
		at, err := readTime(x.text, zone)
		if err == nil && second(at) != x.want || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %s %v, want %s", x.text, second(at), err, x.want)
		}
	}
}
