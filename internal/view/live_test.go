package view

import (
	"errors"
	"strings"
	"testing"
	"time"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/plan"
)

// glass is a terminal that knows what Screen uses: line ends, going up, clearing below, colours.
type glass struct {
	width int
	rows  []string
	at    int
}

func (g *glass) Write(p []byte) (int, error) {
	s := string(p)
	for s != "" {
		switch {
		case strings.HasPrefix(s, "\x1b[A"):
			g.at, s = max(0, g.at-1), s[3:]
		case strings.HasPrefix(s, "\x1b[J"):
			g.rows, s = g.rows[:min(g.at, len(g.rows))], s[3:]
		case strings.HasPrefix(s, "\x1b["):
			s = s[strings.IndexByte(s, 'm')+1:]
		case s[0] == '\r':
			s = s[1:]
		case s[0] == '\n':
			g.at, s = g.at+1, s[1:]
		default:
			n := strings.IndexAny(s, "\r\n\x1b")
			if n < 0 {
				n = len(s)
			}
			for _, r := range s[:n] {
				for len(g.rows) <= g.at {
					g.rows = append(g.rows, "")
				}
				if len(g.rows[g.at]) == g.width { // it wraps
					g.at++
					g.rows = append(g.rows, "")
				}
				g.rows[g.at] += string(r)
			}
			s = s[n:]
		}
	}
	return len(p), nil
}

func (g *glass) String() string { return strings.Join(g.rows, "\n") }

func livened() (*Live, *glass, *time.Time) {
	g := &glass{width: 80}
	s := &Screen{To: g, Size: func() (int, int) { return g.width, 24 }}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := &Live{Human: &Human{Out: s, Err: s, Color: true}, Screen: s, Now: func() time.Time { return now }}
	return v, g, &now
}

func TestEachHostHasALineWithItsStepAndTime(t *testing.T) {
	v, g, now := livened()
	v.Lab(lab.Event{Host: "db1", Action: "start", Text: "started"})
	v.Lab(lab.Event{Host: "db1", Action: "up", Text: "answers on SSH"})
	v.Event(engine.Connected{Host: "db1"})
	v.Event(engine.Connected{Host: "db2"})
	v.Event(engine.Started{Host: "db1", Title: "install " + strings.Repeat("a-long-name, ", 20)})
	v.Event(engine.Exchanged{Host: "db2", What: "probe"})
	*now = now.Add(72 * time.Second)
	v.Event(engine.Noted{Address: "x", Text: "said"})
	foot := g.rows[len(g.rows)-3:]
	if !strings.HasPrefix(foot[1], "db1      install a-long-name") || !strings.Contains(foot[1], "...  ") || !strings.HasSuffix(foot[1], " 1m12s") || len(foot[1]) > 79 {
		t.Errorf("db1: %q", foot[1])
	}
	if !strings.HasPrefix(foot[2], "db2      waiting for the other hosts") || !strings.HasSuffix(foot[2], " 1m12s") {
		t.Errorf("db2: %q", foot[2])
	}
	v.Event(engine.Done{Host: "db1", Title: "make it", Took: time.Minute})
	if got := g.String(); strings.Count(got, "\ndb2 ") != 1 || !strings.Contains(got, "db1      done  make it") {
		t.Errorf("the foot was drawn over what scrolls by, or left behind:\n%s", got)
	}
}

func TestAWaitShowsItsReasonAndWhatIsLeft(t *testing.T) {
	v, g, now := livened()
	v.Event(engine.Connected{Host: "db1"})
	v.Event(engine.Connected{Host: "db2"})
	wait := engine.Waiting{Hosts: []string{"db1", "db2"}, Address: "db:ring", Reason: "all see\x1b[2J each other (db1, db2 not yet)", Left: 4 * time.Minute}
	v.Event(wait)
	*now = now.Add(7 * time.Second)
	wait.Reason, wait.Left = "all see each other (db2 not yet)", 4*time.Minute-7*time.Second
	v.Event(wait)
	if got := g.String(); strings.Count(got, "waiting: all see each other (db2 not yet)") != 2 || strings.Count(got, "7s, 3m53s left") != 2 {
		t.Errorf("while it waits:\n%s", got)
	}
	v.Event(engine.Started{Host: "db1", Address: "db:ring", Title: "go on"})
	if got := g.String(); !strings.Contains(got, "db1,db2  waited 7s: all see each other (db2 not yet)\n") || strings.Contains(got, "left") {
		t.Errorf("afterwards:\n%s", got)
	}
}

func TestTheFootIsGoneAtTheEndAndWhileAQuestionStands(t *testing.T) {
	v, g, _ := livened()
	v.Event(engine.Connected{Host: "db1"})
	v.Event(engine.Planned{Plan: plan.Plan{Items: []plan.Item{{Host: "db1", Address: "a"}}}})
	if strings.Contains(g.String(), "\n-- ") || strings.HasPrefix(g.String(), "-- ") {
		t.Errorf("while a question stands:\n%s", g)
	}
	v.Event(engine.Started{Host: "db1", Address: "a", Title: "work"})
	v.Event(engine.Failed{Host: "db1", Address: "a", Err: errors.New("work: exit 1")})
	v.Summary(engine.Summary{Hosts: 1, Failed: 1, Outcomes: map[string]error{"db1": errors.New("x")}}, engine.ErrHosts)
	if got := g.String(); strings.Contains(got, "-- 0s") || !strings.Contains(got, "db1   0        0.0 s  failed") {
		t.Errorf("at the end:\n%s", got)
	}
}

func TestATerminalThatBecameNarrowIsStillErasedWhole(t *testing.T) {
	v, g, now := livened()
	v.Event(engine.Started{Host: "db1", Address: "a", Title: strings.Repeat("long ", 30)})
	// What stood there is broken anew by the terminal.
	old := g.String()
	*g = glass{width: 40}
	g.Write([]byte(old + "\n"))
	*now = now.Add(time.Second)
	v.Event(engine.Started{Host: "db1", Address: "a", Title: "short"})
	if got := g.String(); strings.Contains(got, "long") {
		t.Errorf("left behind:\n%s", got)
	}
}

func TestAFailureSaysWhereWhatAndWhatNext(t *testing.T) {
	var out strings.Builder
	v := &Human{Out: &out, Err: &out, Place: func(string) string { return "recipes/web.hcl:7" }}
	e := engine.Failed{Host: "db1", Address: "db1:package.nginxx", Err: errors.New("install nginxx: exit 100"), Command: "apt-get install nginxx",
		Output: "Reading package lists...\nE: Unable to locate package nginxx\x1b[2J"}
	v.Event(e)
	for _, want := range []string{"db1      failed install nginxx: exit 100", "step     db1:package.nginxx, recipes/web.hcl:7", "command  apt-get install nginxx",
		`| E: Unable to locate package nginxx\u001b[2J`, "cause    no package source of the host has nginxx", "next     check its spelling"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in\n%s", want, &out)
		}
	}
	e.Host, e.Address = "db2", "db2:package.nginxx"
	v.Event(e)
	if !strings.HasSuffix(out.String(), "db2      failed: same error as db1\n") {
		t.Errorf("told twice:\n%s", &out)
	}
}

// What a lab could not fetch is no misspelt name, though apt says that, too.
func TestALabThatCannotFetchPackagesSaysSo(t *testing.T) {
	cause, next := Advice("db1", errors.New("install tree: exit 100"), "W: Failed to fetch http://192.168.60.1:7411/0/dists/bookworm/InRelease  502  Bad Gateway [IP: 192.168.60.1 7411]\nE: Unable to locate package tree")
	if !strings.Contains(cause, "for its lab") || !strings.Contains(next, "haprov lab logs") {
		t.Errorf("%q, %q", cause, next)
	}
}
