package host

import (
	"cmp"
	"fmt"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var PackageSpec = kind.Spec{
	Name:    "package",
	Summary: "Debian packages that are installed, or removed; installed ones keep their version unless they are to be upgraded.",
	Example: `package "socat" {}
`,
	New: func() any { return &Package{} },
}

// Package installs Debian packages. Those of a host that stand together join one transaction.
type Package struct {
	Name    string   `hcl:"name,label" about:"Name of the package"`
	Names   []string `hcl:"names,optional" about:"Packages to install, instead of the one named by the label"`
	Version string   `hcl:"version,optional" about:"Exact version to install"`
	Upgrade bool     `hcl:"upgrade,optional" about:"Install the newest version that the host's package lists have"`
	Hold    *bool    `hcl:"hold,optional" about:"true: apt neither upgrades nor removes it by itself (apt-mark hold); false: it may; omitted: unchanged"`
	Removed bool     `hcl:"removed,optional" about:"Not installed; its configuration and data stay. Refused when another package would go with it"`
}

// Packages are the names, without versions; see Installer.
func (p *Package) Packages() []string {
	if p.Removed {
		return nil
	}
	return p.all()
}

// Owns are the packages: several steps may want one installed, and none of them may want it removed.
func (p *Package) Owns(_ string) (out []kind.Thing) {
	for _, n := range p.all() {
		out = append(out, kind.Thing{What: "package " + n, Shared: !p.Removed})
	}
	return out
}

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
	if p.Removed && (p.Version != "" || p.Upgrade || p.Hold != nil) {
		ps.Add("removed", "Removed package is wanted", "Leave out version, upgrade and hold of a package that is not to be there.")
	}
	if p.Version != "" && p.Upgrade {
		ps.Add("upgrade", "Exact version and newest version", "Found both version and upgrade; keep one of them.")
	}
	return ps
}

// candidate asks for the version that apt would install. It depends on package lists, pins and
// sources, hence on everything.
func candidate(name string) probe.Query {
	return probe.Cmd("candidate of "+name, "LC_ALL=C apt-cache policy -- "+shell.Quote(name)+" | sed -n 's/^  Candidate: //p'")
}

// Probe asks for each package's state, and for the newest version when that is wanted.
func (p *Package) Probe(seen probe.Seen) []probe.Query {
	var qs []probe.Query
	for _, n := range p.all() {
		qs = append(qs, probe.Query{Kind: probe.Package, Name: n})
		if p.Upgrade {
			qs = append(qs, candidate(n))
		}
	}
	return kind.Unread(seen, qs...)
}

// Decide installs what is missing or of another version, in one action. A transaction may start, stop
// and write anything: it touches all.
func (p *Package) Decide(seen probe.Seen) (plan.Change, error) {
	var c plan.Change
	var install, hold, remove []string
	for _, n := range p.all() {
		have, ok := seen.Package(n)
		if !ok {
			return kind.Unknown("package " + n), nil
		}
		if !have.Installed {
			have.Version = ""
		}
		if p.Hold != nil && *p.Hold != have.Held {
			hold = append(hold, n)
		}
		if p.Removed {
			if have.Installed {
				c.Diffs = append(c.Diffs, plan.Diff{Attribute: n, Have: have.Version, Want: "removed"})
				remove = append(remove, n)
			}
			continue
		}
		want := p.Version
		if p.Upgrade && have.Installed {
			a := seen.Get(candidate(n))
			if a.State != probe.Answered || a.Exit != 0 {
				return kind.Unknown("newest version of " + n), nil
			}
			if want = strings.TrimSpace(a.Out); !versionText.MatchString(want) || want == "(none)" {
				return plan.Change{}, fmt.Errorf("apt knows no version of %s", n)
			}
		}
		if have.Installed && (want == "" || have.Version == want) {
			continue
		}
		arg := n
		if p.Version != "" {
			arg += "=" + p.Version
		}
		if have.Held && have.Installed {
			return plan.Change{}, fmt.Errorf("%s %s is on hold and %s is wanted; release it first with apt-mark unhold", n, have.Version, want)
		}
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: n, Have: have.Version, Want: cmp.Or(want, "installed")})
		install = append(install, arg)
	}
	if len(install) > 0 {
		c.Actions = append(c.Actions, act.Action{
			Title:   "install " + strings.Join(install, ", "),
			Install: install,
			Touches: []probe.Subject{probe.All},
		})
	}
	if len(remove) > 0 {
		c.Actions = append(c.Actions, removal(remove))
	}
	if len(hold) > 0 {
		p.hold(&c, hold)
	}
	return c, nil
}

// removal removes packages. The guard has apt say beforehand what it would remove: nothing else may be
// among it.
func removal(names []string) act.Action {
	list := shell.Join(names...)
	args := ""
	for _, n := range names {
		args += " -e " + shell.Quote(n)
	}
	return act.Action{
		Title:   "remove " + strings.Join(names, ", "),
		Shell:   "export DEBIAN_FRONTEND=noninteractive\napt-get -y -q -o DPkg::Lock::Timeout=300 remove -- " + list,
		Guard:   "s=$(LC_ALL=C apt-get -s -q remove -- " + list + ") && ! printf '%s\\n' \"$s\" | sed -n 's/^Remv \\([^ ]*\\).*/\\1/p' | grep -vxF" + args,
		Touches: []probe.Subject{probe.All},
	}
}

// hold sets or takes away the mark, after the installation.
func (p *Package) hold(c *plan.Change, names []string) {
	verb, have, want := "hold", "no", "yes"
	if !*p.Hold {
		verb, have, want = "unhold", "yes", "no"
	}
	a := act.Action{Title: verb + " " + strings.Join(names, ", "), Shell: "apt-mark " + verb + " -- " + shell.Join(names...)}
	for _, n := range names {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: n + " on hold", Have: have, Want: want})
		a.Touches = append(a.Touches, probe.Of(probe.Package, n))
	}
	c.Actions = append(c.Actions, a)
}
