package host

import (
	"fmt"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var AbsentSpec = kind.Spec{
	Name:    "absent",
	Summary: "A file, link or empty directory that is not there; a directory that holds anything is refused.",
	Example: `absent "/etc/cron.d/sysstat" {}
`,
	New: func() any { return &Absent{} },
}

// Absent is a path at which nothing is. Only names go: what a link points to stays, and so does a
// directory that holds anything.
type Absent struct {
	Path string   `hcl:"path,label" about:"Absolute path"`
	Owes []string `hcl:"owes,optional" about:"Restarts and reloads that a change makes necessary: unit:restart or unit:reload"`
}

// Owns is the path: another step that wants something there contradicts this one.
func (a *Absent) Owns(_ string) []kind.Thing {
	return kind.Settings(a.Path)
}

// Check finds bad paths.
func (a *Absent) Check() []kind.Problem {
	var ps kind.Problems
	ps.Path("path", a.Path)
	ps.Owes(a.Owes)
	return ps
}

// Probe asks what is there.
func (a *Absent) Probe(seen probe.Seen) []probe.Query {
	return kind.Unread(seen, kind.FileQuery(a.Path))
}

// Decide removes what is there, unless it is a device, a socket or the like.
func (a *Absent) Decide(seen probe.Seen) (plan.Change, error) {
	have, ok := seen.File(a.Path)
	if !ok {
		return kind.Unknown("file " + a.Path), nil
	}
	p := shell.Quote(a.Path)
	remove, guard := "rm -f -- "+p, "[ -f "+p+" ] || [ -L "+p+" ]"
	switch {
	case !have.Exists:
		return plan.Change{}, nil
	case have.Type == "directory":
		remove, guard = "rm -d -- "+p, "[ -d "+p+" ] && [ ! -L "+p+" ]"
	case have.Type != "regular file" && have.Type != "regular empty file" && have.Type != "symbolic link":
		return plan.Change{}, fmt.Errorf("%s is a %s; only files, links and empty directories are removed", a.Path, have.Type)
	}
	return plan.Change{
		Diffs: []plan.Diff{{Attribute: "type", Have: have.Type, Want: "absent"}},
		Actions: []act.Action{{
			Title:   "remove " + a.Path,
			Shell:   remove,
			Guard:   guard,
			Touches: []probe.Subject{kind.FileSubject(a.Path)},
			Owes:    kind.OwedAll(a.Owes),
		}},
	}, nil
}
