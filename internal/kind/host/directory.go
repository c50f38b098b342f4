package host

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var DirectorySpec = kind.Spec{
	Name:    "directory",
	Summary: "A directory with its owner and mode; missing parents are created, owned by root, mode 0755.",
	Example: `directory "/var/lib/ha" {
  owner = "hacluster"
  group = "haclient"
  mode  = "0750"
}
`,
	New: func() any { return &Directory{} },
}

// Directory is a directory. What it holds is never looked at.
type Directory struct {
	Path  string `hcl:"path,label" about:"Absolute path on the host"`
	Owner string `hcl:"owner,optional" about:"Owner by name; omitted: unchanged, root for a new one"`
	Group string `hcl:"group,optional" about:"Group by name; omitted: unchanged, root for a new one"`
	Mode  string `hcl:"mode,optional" about:"Octal mode in quotes; omitted: unchanged, 0755 for a new one"`
}

// Owns is the directory.
func (d *Directory) Owns(_ string) []kind.Thing {
	return kind.Paths(d.Path)
}

// Check finds bad paths, modes and names.
func (d *Directory) Check() []kind.Problem {
	var ps kind.Problems
	ps.Path("path", d.Path)
	ps.Mode(d.Mode)
	ps.Owners(d.Owner, d.Group)
	return ps
}

// Probe asks for type, owner and mode.
func (d *Directory) Probe(seen probe.Seen) []probe.Query {
	return kind.Unread(seen, kind.FileQuery(d.Path))
}

// Decide makes the directory or mends its attributes; anything else in its place is refused.
func (d *Directory) Decide(seen probe.Seen) (plan.Change, error) {
	have, ok := seen.File(d.Path)
	switch {
	case !ok:
		return kind.Unknown("directory " + d.Path), nil
	case have.Type == "symbolic link":
		return plan.Change{}, fmt.Errorf("%s is a symbolic link to %s; name the directory itself", d.Path, have.Target)
	case have.Exists && have.Type != "directory":
		return plan.Change{}, fmt.Errorf("%s exists as a %s", d.Path, have.Type)
	}
	var c plan.Change
	a := act.Action{Touches: []probe.Subject{kind.FileSubject(d.Path)}}
	if have.Exists {
		c.Diffs = attributeDiffs(have, d.Owner, d.Group, d.Mode)
		a.Title, a.Shell = "set owner and mode of "+d.Path, setAttributes(d.Path, have, d.Owner, d.Group, d.Mode)
	} else {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "type", Want: "directory"})
		c.Diffs = append(c.Diffs, attributeDiffs(have, d.Owner, d.Group, d.Mode)...)
		a.Title, a.Shell = "create directory "+d.Path, d.create()
		for p := path.Dir(d.Path); p != "/"; p = path.Dir(p) {
			a.Touches = append(a.Touches, kind.FileSubject(p))
		}
	}
	if len(c.Diffs) > 0 {
		c.Actions = []act.Action{a}
	}
	return c, nil
}

// create makes the directory closed and opens it when it has its owner.
func (d *Directory) create() string {
	lines := []string{
		shell.Join("mkdir", "-p", "--", path.Dir(d.Path)),
		"[ -d " + shell.Quote(d.Path) + " ] || " + shell.Join("mkdir", "-m", "0700", "--", d.Path),
	}
	mode := cmp.Or(d.Mode, "0755")
	return strings.Join(append(lines, setAttributes(d.Path, probe.FileInfo{}, d.Owner, d.Group, mode)), "\n")
}
