package backup

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"haprov/internal/probe"
	"haprov/internal/status"
)

// view is what status shows of backups: what the host's script wrote down when it last ran there.
type view struct {
	Recoverable *time.Time `json:"recoverable_to,omitempty"`
	Copy        *time.Time `json:"last_copy,omitempty"`
	Proved      *proof     `json:"proved,omitempty"`
	Gap         *gap       `json:"gap,omitempty"`      // logs saved since then need a later copy
	Failed      []failure  `json:"failed,omitempty"`   // runs that failed when they were last tried
	Restored    string     `json:"restored,omitempty"` // the folder of a restored server
	now         time.Time  // the host's clock
}

type proof struct {
	At     time.Time `json:"at"`
	To     time.Time `json:"to"` // the data as of then was compared
	Tables int       `json:"tables_compared"`
	Of     int       `json:"tables"`
}

type gap struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

type failure struct {
	Run string    `json:"run"` // now, logs, prove, ...
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// state asks for the few lines that the script keeps on the host; nothing is asked of the repository.
func (b *Backup) state() probe.Query {
	q := probe.Cmd("backups "+b.Unit, "echo now=$(date +%s); cat "+b.file("state")+" 2>/dev/null; sed -n 's/^folder=/restored=/p' "+b.file("restored")+" 2>/dev/null || true", b.subject())
	q.Max = 16 << 10
	return q
}

// Sense shows up to when data can be had, and when that was proved.
func (b *Backup) Sense() status.Sensor {
	return status.Sense[view]{
		Layer: status.Units,
		Ask:   func(string) []probe.Query { return []probe.Query{b.state()} },
		Read: func(_ string, s probe.Seen) (*view, error) {
			text, ok, err := status.Answer(s, b.state())
			if !ok {
				return nil, status.Named("backup", err)
			}
			v, err := readView(text)
			if err != nil {
				return nil, status.Named("backup", err)
			}
			return &v, nil
		},
		Line:  func(all []status.Said[view]) (string, string) { return "backup", newest(all).String() },
		Judge: judge,
	}
}

func readView(text string) (v view, err error) {
	for l := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(l), "=")
		f := strings.Fields(value)
		at := func(n int) (t time.Time) {
			if n >= len(f) {
				err = fmt.Errorf("its state tells no time for %s", name)
				return t
			}
			secs, bad := strconv.ParseInt(f[n], 10, 64)
			if bad != nil || secs < 0 || secs > 1<<40 {
				err = fmt.Errorf("its state tells %.40q for the time of %s", f[n], name)
			}
			return time.Unix(secs, 0).UTC()
		}
		run, failed := strings.CutPrefix(name, "failed_")
		switch {
		case name == "now":
			v.now = at(0)
		case name == "recoverable":
			t := at(0)
			v.Recoverable = &t
		case name == "gap": // AT WHY
			t := at(0)
			v.Gap = &gap{At: t, Why: reason(value)}
		case name == "copy": // RUN SERIES AT FILE POSITION BYTES
			t := at(2)
			v.Copy = &t
		case name == "proved": // AT TO RUN TABLES OF
			v.Proved = &proof{At: at(0), To: at(1)}
			if len(f) > 4 {
				v.Proved.Tables, _ = strconv.Atoi(f[3])
				v.Proved.Of, _ = strconv.Atoi(f[4])
			}
		case failed && unit.MatchString(run):
			t := at(0)
			v.Failed = append(v.Failed, failure{run, t, reason(value)})
		case name == "restored" && folder.MatchString(value):
			v.Restored = value
		}
		if err != nil {
			return view{}, err
		}
	}
	return v, nil
}

// reason is what follows a time.
func reason(value string) string {
	_, why, _ := strings.Cut(value, " ")
	return fmt.Sprintf("%.300s", why)
}

// newest is what the host says that was active last: the others know what was when they were.
func newest(all []status.Said[view]) (v view) {
	for _, h := range all {
		if h.Value != nil && h.Value.last().After(v.last()) || v.now.IsZero() && h.Value != nil {
			v = *h.Value
		}
	}
	return v
}

// last is when the host has last backed up, or tried to.
func (v view) last() (t time.Time) {
	times := []*time.Time{v.Recoverable, v.Copy}
	for i := range v.Failed {
		times = append(times, &v.Failed[i].At)
	}
	for _, x := range times {
		if x != nil && x.After(t) {
			t = *x
		}
	}
	return t
}

func (v view) String() string {
	switch {
	case v.now.IsZero():
		return ""
	case v.Recoverable == nil:
		return "no copy yet"
	}
	out := "recoverable to " + show(*v.Recoverable)
	if v.Proved == nil {
		return out + ", not proved yet"
	}
	out += ", proved " + ago(v.now.Sub(v.Proved.At))
	if v.Proved.Tables < v.Proved.Of {
		out += fmt.Sprintf(" (%d/%d tables)", v.Proved.Tables, v.Proved.Of)
	}
	return out
}

// ago writes a span of time in its largest unit.
func ago(d time.Duration) string {
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		switch n := int(d / u.of); {
		case n == 1:
			return "1 " + u.name + " ago"
		case n > 1:
			return fmt.Sprintf("%d %ss ago", n, u.name)
		}
	}
	return "just now"
}

// judge: copies that cannot be made are a reason, since nobody looks for them before they are needed.
func judge(v *status.Verdict, all []status.Said[view]) {
	for _, h := range all {
		if h.Value != nil && h.Value.Restored != "" {
			v.Note("%s has a restored server in %s (haprov restore end removes it)", h.Host, h.Value.Restored)
		}
	}
	last := newest(all)
	if last.Gap != nil {
		v.Bad("backup: what was written since %s can be restored only after a new copy (haprov backup now): %s", show(last.Gap.At), last.Gap.Why)
	}
	for _, f := range last.Failed {
		switch f.Run {
		case "now", "logs":
			v.Bad("backup: %s failed at %s: %s", f.Run, show(f.At), f.Why)
		default:
			v.Note("backup: %s failed at %s: %s", f.Run, show(f.At), f.Why)
		}
	}
}
