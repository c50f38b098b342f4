package host

import (
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var PackageSpec = kind.Spec{
	Name:    "package",
	Summary: "Debian packages that are installed; installed ones keep their version.",
	Example: `package "socat" {}
`,
	New: func() any { return &Package{} },
}

// Package installs Debian packages. Those of a host that stand together join one transaction.
type Package struct {
	Name    string   `hcl:"name,label" about:"Name of the package"`
	Names   []string `hcl:"names,optional" about:"Packages to install, instead of the one named by the label"`
	Version string   `hcl:"version,optional" about:"Exact version to install"`
}

// Packages are the names, without versions; see Installer.
func (p *Package) Packages() []string { return p.all() }

func (p *Package) all() []string {
	if len(p.Names) > 0 {
		return p.Names
	}
	return []string{p.Name}
}

// Check finds names that no package can have.
func (p *Package) Check() []kind.Problem {
	var ps kind.Problems
	for _, n := range p.all() {
		attribute := "name"
		if len(p.Names) > 0 {
			attribute = "names"
		}
		ps.Name(attribute, n, packageName, "package name")
	}
	ps.Matches("version", p.Version, versionText, "package version")
	if p.Version != "" && len(p.Names) > 1 {
		ps.Add("version", "One version for several packages", "Write one package block for each package whose version is fixed.")
	}
	return ps
}

// Probe asks for each package's state.
func (p *Package) Probe(seen probe.Seen) []probe.Query {
	var qs []probe.Query
	for _, n := range p.all() {
		qs = append(qs, probe.Query{Kind: probe.Package, Name: n})
	}
	return kind.Unread(seen, qs...)
}

// Decide installs what is missing, in one action. A transaction may start, stop and write
// anything: it touches all.
func (p *Package) Decide(seen probe.Seen) (plan.Change, error) {
	var c plan.Change
	var install []string
	for _, n := range p.all() {
		have, ok := seen.Package(n)
		if !ok {
			return kind.Unknown("package " + n), nil
		}
		if !have.Installed {
			have.Version = ""
		}
		want, arg := "installed", n
		if p.Version != "" {
			want, arg = p.Version, n+"="+p.Version
		}
		if have.Installed && (p.Version == "" || have.Version == p.Version) {
			continue
		}
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: n, Have: have.Version, Want: want})
		install = append(install, arg)
	}
	if len(install) > 0 {
		c.Actions = []act.Action{{
			Title:   "install " + strings.Join(install, ", "),
			Install: install,
			Touches: []probe.Subject{probe.All},
		}}
	}
	return c, nil
}
