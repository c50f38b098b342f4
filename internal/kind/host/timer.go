package host

import (
	"regexp"
	"slices"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

var TimerSpec = kind.Spec{
	Name:    "timer",
	Summary: "A command that systemd runs at given times.",
	Example: `timer "purge-binlogs" {
  command     = "find /srv/binlogs -name '*.gz' -mtime +30 -delete"
  on_calendar = "daily"
  persistent  = true
  user        = "mysql"
}
`,
	New: func() any { return &Timer{} },
}

// Timer is a systemd timer and the service of the same name that it starts (systemd.timer(5)). A run
// that is under way when the timer changes is not disturbed.
type Timer struct {
	Name       string `hcl:"name,label" about:"Name of both units, without a suffix"`
	Command    string `hcl:"command" text:"shell" about:"Shell command, run by sh -e"`
	OnCalendar string `hcl:"on_calendar" about:"When it runs, as systemd.time(7) writes it: daily, or Mon..Fri 03:00"`
	Persistent bool   `hcl:"persistent,optional" about:"Make up for a run that was missed while the host was off"`
	User       string `hcl:"user,optional" default:"root" about:"Login that the command runs as"`
}

var (
	timerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
	calendar  = regexp.MustCompile(`^[A-Za-z0-9*][A-Za-z0-9*:,./~ _+-]*$`)
)

// Owns are both unit files, and that the timer runs.
func (t *Timer) Owns(_ string) []kind.Thing {
	return append(kind.Paths(t.serviceFile().Path, t.timerFile().Path), kind.Runs(t.unit(), false))
}

// Check finds names and times that systemd cannot read; it reads the time itself on the host.
func (t *Timer) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("name", t.Name, timerName, "name of a timer")
	if strings.HasSuffix(t.Name, ".timer") || strings.HasSuffix(t.Name, ".service") {
		ps.Add("name", "Name has a suffix", "Found "+kind.Quoted(t.Name)+"; write it without .timer or .service.")
	}
	ps.Name("on_calendar", t.OnCalendar, calendar, "calendar time")
	ps.Matches("user", t.User, kind.LoginName, "login name")
	if strings.TrimSpace(t.Command) == "" {
		ps.Add("command", "Timer without a command", "Found an empty text; write the shell command to run.")
	}
	return ps
}

func (t *Timer) unit() string { return t.Name + ".timer" }

// unitEscapes are what systemd makes something of between double quotes in ExecStart
// (systemd.service(5), command lines).
var unitEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

func (t *Timer) serviceFile() *File {
	return unitFile(t.Name+".service", "[Unit]\nDescription=haprov: "+t.Name+"\n\n[Service]\nType=oneshot\nUser="+t.User+
		"\nExecStart=/bin/sh -ec \""+unitEscapes.Replace(t.Command)+"\"\n")
}

func (t *Timer) timerFile() *File {
	text := "[Unit]\nDescription=haprov: " + t.Name + "\n\n[Timer]\nOnCalendar=" + t.OnCalendar + "\n"
	if t.Persistent {
		text += "Persistent=true\n"
	}
	f := unitFile(t.unit(), text+"\n[Install]\nWantedBy=timers.target\n")
	f.Validate = "systemd-analyze calendar -- " + shell.Quote(t.OnCalendar)
	f.Owes = []string{t.unit() + ":restart"}
	return f
}

func unitFile(name, text string) *File {
	return &File{Path: "/etc/systemd/system/" + name, Content: secret.Plain(text), Owner: "root", Group: "root", Mode: "0644"}
}

func (t *Timer) service() *Service { return &Service{Name: t.unit(), Restarts: "now"} }

// Probe asks for both files and the timer.
func (t *Timer) Probe(seen probe.Seen) []probe.Query {
	return probe.Unique(slices.Concat(t.serviceFile().Probe(seen), t.timerFile().Probe(seen), t.service().Probe(seen)))
}

// Decide writes the files, then enables and starts the timer. A timer that runs takes up new times
// by a restart alone.
func (t *Timer) Decide(seen probe.Seen) (plan.Change, error) {
	var c plan.Change
	fresh := false
	for _, f := range []*File{t.serviceFile(), t.timerFile()} {
		part, err := f.Decide(seen)
		if err != nil || part.Later != "" {
			return part, err
		}
		for _, d := range part.Diffs {
			if d.Attribute == "mode" && d.Have == "" {
				continue
			}
			d.Attribute = f.Path + " " + d.Attribute
			c.Diffs = append(c.Diffs, d)
		}
		c.Actions = append(c.Actions, part.Actions...)
		fresh = len(part.Actions) > 0 // the timer's file is the last one
	}
	u, ok := seen.Unit(t.unit())
	if !ok {
		return kind.Unknown("unit " + t.unit()), nil
	}
	if u.Load == "not-found" {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "running", Have: "inactive", Want: "active"})
		c.Actions = append(c.Actions, act.Action{
			Title:   "enable and start " + t.unit(),
			Start:   &act.Unit{Name: t.unit(), Enable: true, Start: true},
			Pays:    []string{t.unit()},
			Touches: []probe.Subject{probe.Of(probe.Unit, t.unit())},
		})
		return c, nil
	}
	state, err := t.service().Decide(seen)
	if err != nil || state.Later != "" || state.Wait != nil && c.Empty() {
		return state, err
	}
	pays := func(a act.Action) bool { return len(a.Pays) > 0 }
	if fresh && u.Active == "active" && !slices.ContainsFunc(state.Actions, pays) {
		t.service().pay(&state, "restart "+t.unit(), "systemctl restart -- "+shell.Quote(t.unit()))
	}
	if u.Reload {
		// The files' part has systemd read them already.
		state.Diffs = slices.DeleteFunc(state.Diffs, func(d plan.Diff) bool { return d.Attribute == "systemd" })
		state.Actions = slices.DeleteFunc(state.Actions, func(a act.Action) bool { return strings.HasPrefix(a.Title, "reload systemd") })
	}
	c.Diffs = append(c.Diffs, state.Diffs...)
	c.Actions = append(c.Actions, state.Actions...)
	return c, nil
}
