package kind

import (
	"regexp"
	"strings"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var serviceSpec = Spec{
	Name:    "service",
	Summary: "A systemd unit is enabled or disabled, running or stopped, and restarts that changed files owe it are paid.",
	Example: `service "mariadb" { enabled = false }`,
	New:     func() any { return &Service{} },
}

// Service wants a unit's state. A name without suffix is a .service.
type Service struct {
	Where   `hcl:"-"`
	Name    string `hcl:"name,label" about:"The unit's name; .service when it has no suffix"`
	Enabled bool   `hcl:"enabled,optional" default:"true" about:"Started at boot"`
	Running bool   `hcl:"running,optional" default:"true" about:"Running now"`
}

var unitName = regexp.MustCompile(`^[A-Za-z0-9:_.@\\-]+$`)

// Check finds a name that systemd cannot know.
func (s *Service) Check() []Problem {
	if !unitName.MatchString(s.Name) {
		return []Problem{{"name", "Bad unit name", "A unit's name has letters, digits and : _ . @ - only."}}
	}
	return nil
}

func (s *Service) unit() string {
	for _, x := range []string{".service", ".socket", ".timer", ".target", ".mount", ".path"} {
		if strings.HasSuffix(s.Name, x) {
			return s.Name
		}
	}
	return s.Name + ".service"
}

// Probe asks for the unit's state and what is owed to it.
func (s *Service) Probe(probe.Seen) []probe.Query {
	return []probe.Query{{Kind: probe.Unit, Name: s.unit()}, {Kind: probe.Owed, Name: s.unit()}}
}

// Decide compares both states and the debt.
func (s *Service) Decide(seen probe.Seen) (plan.Change, error) {
	u := s.unit()
	have, ok := seen.Unit(u)
	owed, ok2 := seen.OwedTo(u)
	if !ok || !ok2 {
		return plan.Change{Later: "the unit's state is not known"}, nil
	}
	if have.Load == "not-found" {
		if !s.Enabled && !s.Running {
			return plan.Change{}, nil
		}
		return plan.Change{Later: "unit " + u + " is not there"}, nil
	}
	var c plan.Change
	var t []string
	q := shell.Quote(u)
	enabled := have.File == "enabled" || have.File == "enabled-runtime" || have.File == "static" || have.File == "alias" || have.File == "indirect" || have.File == "generated"
	running := have.Active == "active" || have.Active == "reloading" || have.Active == "activating"
	if have.Reload {
		t = append(t, "systemctl daemon-reload")
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "unit file", Have: "read before it changed", Want: "read again"})
	}
	diff := func(attr, have, want, do string) {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: attr, Have: have, Want: want})
		t = append(t, do)
	}
	switch {
	case s.Enabled && !enabled:
		diff("at boot", have.File, "enabled", "systemctl -q enable -- "+q)
	case !s.Enabled && enabled && have.File != "static":
		diff("at boot", have.File, "disabled", "systemctl -q disable -- "+q)
	}
	var pays []string
	switch {
	case s.Running && !running:
		diff("state", have.Active, "active", "systemctl start -- "+q)
		pays = []string{u}
	case !s.Running && running:
		diff("state", have.Active, "inactive", "systemctl stop -- "+q)
		pays = []string{u}
	case s.Running && len(owed) > 0:
		do := "reload-or-restart"
		for _, w := range owed {
			if w == "restart" {
				do = "restart"
			}
		}
		diff("owed", strings.Join(owed, ", "), "paid", "systemctl "+do+" -- "+q)
		pays = []string{u}
	}
	if len(t) == 0 {
		return plan.Change{}, nil
	}
	c.Actions = []act.Action{{
		Title: "service " + u + ": " + titles(c.Diffs), Shell: strings.Join(t, "\n"), Pays: pays,
		Touches: []probe.Subject{probe.Subject("unit:" + u)},
	}}
	return c, nil
}

func titles(ds []plan.Diff) string {
	w := make([]string, len(ds))
	for i, d := range ds {
		w[i] = d.Attribute + " " + d.Want
	}
	return strings.Join(w, ", ")
}
