package recipe

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a time of the day, on one day of the week or on each.
type Window struct {
	always   bool
	day      time.Weekday
	everyday bool
	from, to time.Duration // since midnight; to may lie on the next day
}

var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// ReadWindow reads "02:00-05:00" or "Sun 02:00-05:00"; empty is always. One that ends before it
// begins ends on the next day.
func ReadWindow(s string) (w Window, err error) {
	if s == "" {
		return Window{always: true}, nil
	}
	wrong := fmt.Errorf("found %.60q, expected a window such as \"02:00-05:00\" or \"Sun 02:00-05:00\"", s)
	w.everyday = true
	if day, rest, ok := strings.Cut(s, " "); ok {
		n := slices.Index(weekdays, day)
		if n < 0 {
			return w, wrong
		}
		w.day, w.everyday, s = time.Weekday(n), false, rest
	}
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return w, wrong
	}
	for _, x := range []struct {
		text string
		into *time.Duration
	}{{from, &w.from}, {to, &w.to}} {
		at, err := time.Parse("15:04", x.text)
		if err != nil {
			return w, wrong
		}
		*x.into = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	}
	if w.from == w.to {
		return w, wrong
	}
	if w.to < w.from {
		w.to += 24 * time.Hour
	}
	return w, nil
}

// Open tells whether a moment lies in the window.
func (w Window) Open(now time.Time) bool {
	if w.always {
		return true
	}
	clock := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute + time.Duration(now.Second())*time.Second
	on := func(day time.Weekday) bool { return w.everyday || day == w.day }
	yesterday := (now.Weekday() + 6) % 7
	return on(now.Weekday()) && clock >= w.from && clock < w.to || on(yesterday) && clock+24*time.Hour < w.to
}
