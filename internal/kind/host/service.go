package host

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

var ServiceSpec = kind.Spec{
	Name:    "service",
	Summary: "A systemd unit: whether it starts at boot and runs now, and its overrides.",
	Example: `service "haproxy" {
  enabled = true
  running = true
  drop_in = "[Service]\nLimitNOFILE=65536\n"
}
`,
	New: func() any { return &Service{} },
}

// Service is a systemd unit. With neither Enabled nor Running it is wanted both; with one of them
// the other is left as it is. Only a service that is wanted running pays restarts owed to it: one
// that a cluster manager runs is not started, stopped or restarted here.
type Service struct {
	Name    string `hcl:"name,label" about:"Unit; .service is added when it has no suffix"`
	Enabled *bool  `hcl:"enabled,optional" about:"Started at boot; omitted: unchanged, or true when running is omitted too"`
	Running *bool  `hcl:"running,optional" about:"Running now; omitted: unchanged, or true when enabled is omitted too"`
	DropIn  string `hcl:"drop_in,optional" text:"lines" about:"Text of a drop-in file that overrides parts of the unit"`

	Masked *bool `hcl:"masked,optional" about:"true: stopped, and nothing can start it; false: a mask is taken away; omitted: a mask is an error when the unit is wanted"`

	Restarts string `hcl:"restarts,optional" default:"now" oneof:"now,rolling" about:"When restarts owed to a running unit are done: now, on all hosts at once, or by a rolling step, one host after the other"`
}

func (s *Service) unit() string {
	if i := strings.LastIndexByte(s.Name, '.'); i >= 0 && unitName.MatchString(s.Name) {
		return s.Name
	}
	return s.Name + ".service"
}

func (s *Service) wants() (enabled, running *bool) {
	if isTrue(s.Masked) {
		no := false
		return nil, &no
	}
	if s.Enabled == nil && s.Running == nil {
		yes := true
		return &yes, &yes
	}
	return s.Enabled, s.Running
}

// dropIn is the drop-in as a file step; nil when none is wanted.
func (s *Service) dropIn() *File {
	if s.DropIn == "" {
		return nil
	}
	return &File{
		Path: "/etc/systemd/system/" + s.unit() + ".d/haprov.conf", Content: secret.Plain(s.DropIn),
		Owner: "root", Group: "root", Mode: "0644",
	}
}

// Owns is the drop-in file, and whether the unit runs when that is said. A step whose arguments wait for
// facts has no default in Restarts yet: nothing is known of it then.
func (s *Service) Owns(_ string) (out []kind.Thing) {
	if d := s.dropIn(); d != nil {
		out = kind.Paths(d.Path)
	}
	if _, running := s.wants(); running != nil && s.Restarts != "" {
		out = append(out, kind.Runs(s.unit(), s.Restarts == "rolling"))
	}
	return out
}

// Check finds names that no unit can have.
func (s *Service) Check() []kind.Problem {
	var ps kind.Problems
	ps.Matches("name", s.unit(), unitName, "unit name")
	if strings.Contains(s.Name, "@.") {
		ps.Add("name", "A template is not a unit", "Found "+kind.Quoted(s.Name)+"; name an instance of it, as in getty@tty1.service.")
	}
	if isTrue(s.Masked) && (isTrue(s.Enabled) || isTrue(s.Running) || s.DropIn != "") {
		ps.Add("masked", "Masked unit is wanted", "A masked unit neither runs nor starts at boot; leave out enabled, running and drop_in.")
	}
	return ps
}

// Probe asks for the unit, what is owed to it, and its drop-in.
func (s *Service) Probe(seen probe.Seen) []probe.Query {
	qs := []probe.Query{kind.UnitQuery(s.unit())}
	if _, running := s.wants(); running != nil {
		qs = append(qs, probe.Query{Kind: probe.Owed, Name: s.unit()})
	}
	qs = kind.Unread(seen, qs...)
	if d := s.dropIn(); d != nil {
		qs = probe.Unique(append(qs, d.Probe(seen)...))
	}
	return qs
}

// Decide puts the definition right first, then boot, then now.
func (s *Service) Decide(seen probe.Seen) (plan.Change, error) {
	var c plan.Change
	name := s.unit()
	u, ok := seen.Unit(name)
	if !ok {
		return kind.Unknown("unit " + name), nil
	}
	enabled, running := s.wants()
	up, boot := isTrue(running), isTrue(enabled)
	switch {
	case isTrue(s.Masked):
		return s.mask(u), nil
	case u.Load == "not-found" && !up && !boot && s.DropIn == "":
		return c, nil // what is not there neither runs nor starts at boot
	case u.Load == "not-found":
		c.Later = "unit " + name + " is not there"
		return c, nil
	case u.Load == "masked" && (up || boot) && s.Masked == nil:
		return c, fmt.Errorf("unit %s is masked; unmask it first", name)
	}
	fresh, err := s.define(&c, u, seen)
	if err != nil || c.Later != "" {
		return c, err
	}
	if u.Load == "masked" && s.Masked != nil {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "masked", Have: "yes", Want: "no"})
		c.Actions = append(c.Actions, s.act("unmask "+name, "systemctl -q unmask -- "+shell.Quote(name)+"\nsystemctl -q unmask --runtime -- "+shell.Quote(name)))
	}
	var owes []string
	if running != nil {
		if owes, ok = seen.OwedTo(name); !ok {
			return kind.Unknown("restarts owed to " + name), nil
		}
	}
	enable := enabled != nil && boot && !bootable(u.File)
	if enable {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "enabled", Have: cmp.Or(u.File, "disabled"), Want: "enabled"})
	}
	if enabled != nil && !boot && (u.File == "enabled" || u.File == "enabled-runtime") {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "enabled", Have: u.File, Want: "disabled"})
		c.Actions = append(c.Actions, s.act("disable "+name, act.Offline("disable", name)))
	}
	active := u.Active == "active" || u.Active == "reloading"
	start := up && !active
	if start && u.Job && c.Empty() && !enable {
		// As at boot: systemd is about to, when what it waits for has come.
		c.Wait = &plan.Wait{Reason: "systemd, which was told to, starts " + name, Deadline: 5 * time.Minute, Evidence: "  " + name + ": " + u.Active + ", " + u.Sub}
		return c, nil
	}
	if start {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "running", Have: cmp.Or(u.Active, "inactive"), Want: "active"})
	}
	if start && u.Active == "failed" {
		c.Actions = append(c.Actions, s.act("forget the failure of "+name, "systemctl reset-failed -- "+shell.Quote(name)))
	}
	if enable || start {
		a := s.act(title(enable, start, name), "")
		a.Start = &act.Unit{Name: name, Enable: enable, Start: start}
		if start {
			a.Pays = []string{name}
		}
		c.Actions = append(c.Actions, a)
	}
	s.now(&c, running, active, fresh, owes)
	return c, nil
}

// mask has nothing start the unit any more, then stops it: the other way round, a socket could start
// it in between. A unit that is not there can be masked, before its package is installed.
func (s *Service) mask(u probe.UnitInfo) (c plan.Change) {
	q := shell.Quote(s.unit())
	if u.Load != "masked" || u.File == "masked-runtime" {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "masked", Have: "no", Want: "yes"})
		c.Actions = append(c.Actions, s.act("mask "+s.unit(), "systemctl -q mask -- "+q))
	}
	if slices.Contains([]string{"active", "reloading", "activating"}, u.Active) {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "running", Have: u.Active, Want: "inactive"})
		a := s.act("stop "+s.unit(), "systemctl stop -- "+q)
		a.Pays = []string{s.unit()}
		c.Actions = append(c.Actions, a)
	}
	return c
}

// define mends the drop-in and lets systemd read what changed on the disk. It reports whether the
// definition is new, which a running service takes up only by a restart.
func (s *Service) define(c *plan.Change, u probe.UnitInfo, seen probe.Seen) (fresh bool, err error) {
	d := s.dropIn()
	if d == nil {
		if u.Reload {
			c.Diffs = append(c.Diffs, plan.Diff{Attribute: "systemd", Have: "an older definition", Want: "as on the disk"})
			c.Actions = append(c.Actions, daemonReload(s.unit(), ""))
		}
		return false, nil
	}
	ch, err := d.Decide(seen)
	if err != nil {
		return false, err
	}
	ch.Diffs = slices.DeleteFunc(ch.Diffs, func(x plan.Diff) bool { return x.Attribute == "mode" && x.Have == "" })
	for i := range ch.Diffs {
		if ch.Diffs[i].Attribute == "content" {
			ch.Diffs[i].Attribute = "drop_in"
		}
	}
	for i, a := range ch.Actions {
		if a.Write == nil {
			continue
		}
		fresh = true
		if u.Active == "active" {
			// The mark outlives a run that is cut short between the file and the restart.
			ch.Actions[i].Owes = []act.Owed{{Unit: s.unit(), What: "restart"}}
		}
		ch.Actions = slices.Insert(ch.Actions, i, s.act("create the drop-in folder of "+s.unit(), "mkdir -p -- "+shell.Quote(path.Dir(a.Write.Path))))
		break
	}
	*c = ch
	return fresh, nil
}

// now stops, restarts or reloads what runs.
func (s *Service) now(c *plan.Change, running *bool, active, fresh bool, owes []string) {
	name := s.unit()
	q := shell.Quote(name)
	switch {
	case running == nil:
	case !*running && active:
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "running", Have: "active", Want: "inactive"})
		a := s.act("stop "+name, "systemctl stop -- "+q)
		a.Pays = []string{name}
		c.Actions = append(c.Actions, a)
	case *running && active && s.Restarts == "rolling" && (fresh || slices.Contains(owes, "restart")):
		// the rolling step finds the mark
	case *running && active && (fresh || slices.Contains(owes, "restart")):
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "restart", Have: "owed", Want: "done"})
		s.pay(c, "restart "+name, "systemctl restart -- "+q)
	case *running && active && slices.Contains(owes, "reload"):
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "reload", Have: "owed", Want: "done"})
		s.pay(c, "reload "+name, "systemctl reload-or-restart -- "+q)
	}
}

func (s *Service) pay(c *plan.Change, title, command string) {
	a := s.act(title, command+" || { rc=$?; systemctl --no-pager -n 20 status -- "+shell.Quote(s.unit())+"; exit $rc; }")
	a.Pays = []string{s.unit()}
	c.Actions = append(c.Actions, a)
}

func (s *Service) act(title, text string) act.Action {
	return act.Action{Title: title, Shell: text, Touches: []probe.Subject{probe.Of(probe.Unit, s.unit())}}
}

// bootable reports whether systemctl enable would have nothing to add: the unit is enabled, or it
// has no install section and is pulled in by others.
func bootable(file string) bool {
	return slices.Contains([]string{"enabled", "alias", "static", "indirect", "generated", "transient"}, file)
}

func title(enable, start bool, name string) string {
	switch {
	case enable && start:
		return "enable and start " + name
	case enable:
		return "enable " + name
	}
	return "start " + name
}

func isTrue(b *bool) bool { return b != nil && *b }
