package host

import (
	"strconv"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var GroupSpec = kind.Spec{
	Name:    "group",
	Summary: "A group of the host's own database (/etc/group).",
	Example: `group "haclient" {
  gid = 5001
}
`,
	New: func() any { return &Group{} },
}

// Group is a local group. Its members are said by the users.
type Group struct {
	Name   string `hcl:"name,label" about:"Name of the group"`
	GID    int    `hcl:"gid,optional" about:"Number; omitted: unchanged, the next free one for a new group"`
	System bool   `hcl:"system,optional" about:"A new group takes its number from the system's range"`
}

// Owns is the group.
func (g *Group) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "group " + g.Name}}
}

// Check finds names and numbers that no group can have.
func (g *Group) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("name", g.Name, kind.LoginName, "group name")
	ps.Number("gid", g.GID)
	return ps
}

// Probe asks for the entry.
func (g *Group) Probe(seen probe.Seen) []probe.Query {
	return kind.Unread(seen, probe.Query{Kind: probe.Group, Name: g.Name})
}

// Decide makes the group or changes its number. Files of the old number are not looked for.
func (g *Group) Decide(seen probe.Seen) (plan.Change, error) {
	e, ok := seen.Entry(probe.Group, g.Name)
	if !ok {
		return kind.Unknown("group " + g.Name), nil
	}
	a := act.Action{Touches: []probe.Subject{probe.Of(probe.Group, g.Name)}}
	if len(e) < 3 {
		args := []string{"groupadd"}
		if g.System {
			args = append(args, "-r")
		}
		d := plan.Diff{Attribute: "group", Want: g.Name}
		if g.GID != 0 {
			args = append(args, "-g", strconv.Itoa(g.GID))
			d.Want += ", gid " + strconv.Itoa(g.GID)
		}
		a.Title, a.Shell = "add group "+g.Name, shell.Join(append(args, "--", g.Name)...)
		a.Unless = "getent group -- " + shell.Quote(g.Name)
		return plan.Change{Diffs: []plan.Diff{d}, Actions: []act.Action{a}}, nil
	}
	if g.GID == 0 || e[2] == strconv.Itoa(g.GID) {
		return plan.Change{}, nil
	}
	a.Title = "change the number of group " + g.Name
	a.Shell = shell.Join("groupmod", "-g", strconv.Itoa(g.GID), "--", g.Name)
	return plan.Change{Diffs: kind.DiffOf("gid", e[2], strconv.Itoa(g.GID)), Actions: []act.Action{a}}, nil
}
