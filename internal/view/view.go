// Package view draws what happens, for people and as JSON lines.
//
// It turns events into text and decides nothing. Results go to the first writer, progress and
// errors to the second.
package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/diff"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/plan"
)

// View draws one run.
type View interface {
	Lab(lab.Event)
	Event(engine.Event)
	Summary(s engine.Summary, err error)
}

// Human draws for a person: plain lines, quiet when nothing changes.
type Human struct {
	Out, Err io.Writer
	Color    bool
	Verbose  bool
	PlanOnly bool
	// Brief makes a plan that nobody is asked about short.
	Brief bool
	// Place says where a step is written, as FILE:LINE; nil: nobody knows.
	Place func(address string) string

	waiting  string
	since    time.Time
	last     string // the failure shown last, and whose it was
	lastHost string
	tally    tally
}

func (v *Human) paint(code, s string) string {
	if !v.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Lab draws what the lab reports.
func (v *Human) Lab(e lab.Event) {
	name := e.Host
	if name == "" {
		name = "lab"
	}
	text := Clean(e.Text)
	if room := 70 - len(e.Action); !v.Verbose && len(text) > room { // a driver's whole complaint stands in the journal
		text = fit(text, room)
	}
	if !strings.HasPrefix(text, e.Action) {
		text = e.Action + " " + text
	}
	fmt.Fprintf(v.Err, "%-8s %s\n", name, text)
}

// Event draws one event of the engine.
func (v *Human) Event(e engine.Event) {
	v.tally.count(e)
	switch e := e.(type) {
	case engine.Connected:
		if v.Verbose {
			fmt.Fprintf(v.Err, "%-8s logged in, %s\n", e.Host, short(e.Took))
		}
	case engine.Exchanged:
		if v.Verbose {
			fmt.Fprintf(v.Err, "%-8s exchange: %s, %s\n", e.Host, e.What, short(e.Took))
		}
	case engine.Planned:
		v.plan(e.Plan)
	case engine.Phase:
		fmt.Fprintf(v.Err, "%s %s\n", v.paint("1", e.Address), Clean(e.Name))
	case engine.Noted:
		fmt.Fprintf(v.Err, "%s %s: %s\n", v.paint("33", "note"), e.Address, Clean(e.Text))
	case engine.Done:
		v.done(e)
	case engine.Failed:
		v.failed(e)
	case engine.Waiting:
		if e.Reason != v.waiting || time.Since(v.since) > 10*time.Second {
			v.waiting, v.since = e.Reason, time.Now()
			fmt.Fprintf(v.Err, "%-8s waiting: %s (at most %s more)\n", who(strings.Join(e.Hosts, ",")), Clean(e.Reason), short(e.Left))
		}
	case engine.Checked:
		if e.Err == nil {
			fmt.Fprintf(v.Err, "check    %s  %s (%s)\n", v.paint("32", "pass"), e.Text, short(e.Took))
			return
		}
		fmt.Fprintf(v.Err, "check    %s  %s: %s\n", v.paint("1;31", "fail"), e.Text, Clean(e.Err.Error()))
		for _, l := range tail(e.Output, 15) {
			fmt.Fprintf(v.Err, "         | %s\n", Clean(l))
		}
	}
}

func (v *Human) plan(p plan.Plan) {
	w := v.Err
	if v.PlanOnly {
		w = v.Out
	}
	if v.Brief {
		v.brief(w, p)
		return
	}
	for _, it := range p.Items {
		at := it.Address
		if it.Phase != "" {
			at += " " + it.Host + ": " + Clean(it.Phase)
		}
		note := ""
		if it.Provisional {
			note = " (known after apply)"
		}
		fmt.Fprintf(w, "%s %s%s\n", v.paint("33", "~"), v.paint("1", at), note)
		if it.Change.Later != "" {
			fmt.Fprintf(w, "    %s\n", Clean(it.Change.Later))
		}
		if it.Change.Wait != nil {
			fmt.Fprintf(w, "    waiting for: %s\n", Clean(it.Change.Wait.Text()))
		}
		for _, d := range it.Change.Diffs {
			v.diff(w, d)
		}
		if len(it.Then) > 0 {
			fmt.Fprintf(w, "    then: %s\n", Clean(strings.Join(it.Then, ", ")))
		}
	}
	fmt.Fprintln(w, toChange(p))
}

func (v *Human) diff(w io.Writer, d plan.Diff) {
	if d.Danger != "" {
		fmt.Fprintf(w, "    %s %s\n", v.paint("1;31", "destroys:"), Clean(d.Danger))
	}
	if !d.Text {
		have := d.Have
		if have == "" {
			have = "(absent)"
		}
		fmt.Fprintf(w, "    %s: %s -> %s\n", Clean(d.Attribute), Clean(clip(have)), Clean(d.Want))
		return
	}
	if d.Have == "" { // nothing to compare with
		for _, l := range strings.Split(strings.TrimSuffix(d.Want, "\n"), "\n") {
			fmt.Fprintf(w, "    %s\n", v.paint("32", "+"+Clean(l)))
		}
		return
	}
	text := string(diff.Diff("have", []byte(d.Have), "want", []byte(d.Want)))
	theirs, hidden := 0, 0
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if i == 0 && strings.HasPrefix(l, "diff ") {
			continue
		}
		if !strings.HasPrefix(l, "+") {
			if theirs++; theirs > maxTheirs {
				hidden++
				continue
			}
			l = clip(l)
		}
		l = Clean(l)
		switch {
		case strings.HasPrefix(l, "+"):
			l = v.paint("32", l)
		case strings.HasPrefix(l, "-"):
			l = v.paint("31", l)
		}
		fmt.Fprintf(w, "    %s\n", l)
	}
	if hidden > 0 {
		fmt.Fprintf(w, "    ... and %d more lines that the host has\n", hidden)
	}
}

// Bounds of what is shown of a host's own text: it may be of any size.
const (
	maxTheirs = 400  // lines of one difference
	maxLine   = 1000 // bytes of one line
)

func clip(l string) string {
	if len(l) > maxLine {
		l = fmt.Sprintf("%s... (%d bytes)", l[:maxLine], len(l))
	}
	return l
}

// Summary draws the end of a run.
func (v *Human) Summary(s engine.Summary, err error) {
	if v.Verbose {
		hosts := make([]string, 0, len(s.Counts))
		for h := range s.Counts {
			hosts = append(hosts, h)
		}
		sort.Strings(hosts)
		for _, h := range hosts {
			c := s.Counts[h]
			fmt.Fprintf(v.Err, "%-8s %d login, %d exec, %d exchanges, %d bytes out, %d in\n", h, c.Logins, c.Execs, c.Exchanges, c.BytesOut, c.BytesIn)
		}
	}
	if v.PlanOnly {
		fmt.Fprintf(v.Out, "%d hosts checked, %d failed, nothing was changed, %s\n", s.Hosts, s.Failed, short(s.Took))
		return
	}
	v.table(s, err)
	stopped := ""
	n := interrupted(s)
	if n > 0 {
		stopped = fmt.Sprintf(", %d interrupted", n)
	}
	fmt.Fprintf(v.Out, "%d changes on %d hosts, %d failed%s, %s\n", s.Changes, s.Hosts, s.Failed-n, stopped, short(s.Took))
}

// interrupted counts the hosts that stopped because the user said so.
func interrupted(s engine.Summary) (n int) {
	for _, why := range s.Outcomes {
		if errors.Is(why, context.Canceled) {
			n++
		}
	}
	return n
}

// Said is an error in one text. An interrupt is called by its name.
func Said(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return err.Error()
}

// who names whom a wait is about; a check is nobody's own.
func who(hosts string) string {
	if hosts == "" {
		return "check"
	}
	return hosts
}

// Clean makes remote text safe for a terminal: control characters and direction overrides are
// shown as escapes.
func Clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func tail(s string, n int) []string {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil
	}
	l := strings.Split(s, "\n")
	return l[max(0, len(l)-n):]
}

func short(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// done draws the line of an action; packages of one transaction share the first one's.
func (v *Human) done(e engine.Done) {
	if e.Nth > 1 {
		return
	}
	what, more := v.paint("32", "done"), ""
	if e.Unchanged {
		what = "same"
	}
	if e.Of > 1 {
		more = fmt.Sprintf(" and %d more", e.Of-1)
	}
	fmt.Fprintf(v.Err, "%-8s %s  %s%s (%s)\n", e.Host, what, Clean(e.Title), more, short(e.Took))
}
