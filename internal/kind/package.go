package kind

import (
	"regexp"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var packageSpec = Spec{
	Name:    "package",
	Summary: "A Debian package is installed. All packages of a host that stand together are one apt transaction, and no service is started by it.",
	Example: `package "socat" {}`,
	New:     func() any { return &Package{} },
}

// Package wants a package installed.
type Package struct {
	Where   `hcl:"-"`
	Name    string `hcl:"name,label" about:"The package's name"`
	Version string `hcl:"version,optional" about:"The exact version; any when left out"`
}

var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?$`)

// Check finds a name that apt cannot know.
func (p *Package) Check() []Problem {
	if !packageName.MatchString(p.Name) {
		return []Problem{{"name", "Bad package name", "A Debian package's name has lower-case letters, digits, plus, minus and full stop."}}
	}
	return nil
}

// Probe asks for the package's state.
func (p *Package) Probe(probe.Seen) []probe.Query {
	return []probe.Query{{Kind: probe.Package, Name: p.Name}}
}

// Decide installs what is not installed.
func (p *Package) Decide(seen probe.Seen) (plan.Change, error) {
	have, ok := seen.Package(p.Name)
	if !ok {
		return plan.Change{Later: "the package's state is not known"}, nil
	}
	if have.Installed && (p.Version == "" || p.Version == have.Version) {
		return plan.Change{}, nil
	}
	d := plan.Diff{Attribute: "version", Want: p.Version}
	if have.Installed {
		d.Have = have.Version
	}
	name := p.Name
	if d.Want == "" {
		d.Want = "installed"
	} else {
		name += "=" + p.Version
	}
	return plan.Change{Diffs: []plan.Diff{d}, Actions: []act.Action{{
		Title: "install " + name, Install: []string{name}, Touches: []probe.Subject{probe.All},
	}}}, nil
}
