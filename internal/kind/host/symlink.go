package host

import (
	"fmt"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var SymlinkSpec = kind.Spec{
	Name:    "symlink",
	Summary: "A symbolic link; anything in its place that is not a link is refused.",
	Example: `symlink "/etc/ha/corosync.conf" {
  target = "/etc/corosync/corosync.conf"
}
`,
	New: func() any { return &Symlink{} },
}

// Symlink is a symbolic link.
type Symlink struct {
	Path   string   `hcl:"path,label" about:"Absolute path of the link itself"`
	Target string   `hcl:"target" about:"Target of the link, absolute or relative to the link's directory; it need not exist"`
	Owes   []string `hcl:"owes,optional" about:"Restarts and reloads that a change makes necessary: unit:restart or unit:reload"`
}

// Owns is the link.
func (s *Symlink) Owns(_ string) []kind.Thing {
	return kind.Paths(s.Path)
}

// Check finds bad paths and targets.
func (s *Symlink) Check() []kind.Problem {
	var ps kind.Problems
	ps.Path("path", s.Path)
	ps.Owes(s.Owes)
	if s.Target == "" || strings.ContainsAny(s.Target, "\x00\n\r") {
		ps.Add("target", "Invalid link target", "Found "+kind.Quoted(s.Target)+"; expected a path on one line.")
	}
	return ps
}

// Probe asks for type and target.
func (s *Symlink) Probe(seen probe.Seen) []probe.Query {
	return kind.Unread(seen, kind.FileQuery(s.Path))
}

// Decide makes the link or turns it to its target, in one rename.
func (s *Symlink) Decide(seen probe.Seen) (plan.Change, error) {
	have, ok := seen.File(s.Path)
	switch {
	case !ok:
		return kind.Unknown("link " + s.Path), nil
	case have.Exists && have.Type != "symbolic link":
		return plan.Change{}, fmt.Errorf("%s exists as a %s; a link does not replace it", s.Path, have.Type)
	case have.Exists && have.Target == s.Target:
		return plan.Change{}, nil
	}
	p, fresh := shell.Quote(s.Path), shell.Quote(s.Path+".haprov-new")
	return plan.Change{
		Diffs: []plan.Diff{{Attribute: "target", Have: have.Target, Want: s.Target}},
		Actions: []act.Action{{
			Title:   "link " + s.Path + " to " + s.Target,
			Shell:   "rm -f -- " + fresh + "\nln -s -- " + shell.Quote(s.Target) + " " + fresh + "\nmv -fT -- " + fresh + " " + p,
			Guard:   "[ -L " + p + " ] || [ ! -e " + p + " ]",
			Touches: []probe.Subject{kind.FileSubject(s.Path)},
			Owes:    kind.OwedAll(s.Owes),
		}},
	}, nil
}
