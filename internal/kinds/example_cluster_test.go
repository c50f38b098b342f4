package kinds

import (
	"fmt"
	"slices"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// The code between the two marks is the second example of docs/kinds.md, word for word.

// begin

var LeaderSpec = kind.Spec{
	Name:    "leader",
	Summary: "A file that one host of the role has, the first one, and no other.",
	Example: `leader "/etc/leader" {}
`,
	New: func() any { return &Leader{} },
}

// Leader is a file by which a program knows that it leads. Two leaders are worse than none: it is taken
// away everywhere else before it is given.
//
//	one cannot be asked --refused; another one has it --> take it away --> give it to the first
type Leader struct {
	kind.Where `hcl:"-"`
	Path       string `hcl:"path,label" about:"The file that the leader alone has"`
}

// Owns is the file.
func (l *Leader) Owns(_ string) []kind.Thing { return kind.Paths(l.Path) }

// Probe asks every host for the file.
func (l *Leader) Probe(host string, seen probe.Hosts) []probe.Query {
	return kind.Unread(seen[host].Seen, kind.FileQuery(l.Path))
}

// Decide gives the next phase alone: it is called again when that is done.
func (l *Leader) Decide(_, now probe.Hosts) (plan.Phase, error) {
	var have []string
	for _, n := range l.Nodes {
		if why := now[n.Name].Lost; why != "" {
			return plan.Phase{}, fmt.Errorf("%s cannot be asked and may have %s: %s", n.Name, l.Path, why)
		}
		f, ok := now[n.Name].File(l.Path)
		if !ok {
			return kind.Wait(n.Name+" answers", time.Minute), nil
		}
		if f.Exists {
			have = append(have, n.Name)
		}
	}
	first := l.Nodes[0].Name
	others := slices.DeleteFunc(slices.Clone(have), func(n string) bool { return n == first })
	switch {
	case len(others) > 0:
		return l.phase("take "+l.Path+" away", "rm -f -- "+shell.Quote(l.Path), "give "+l.Path+" to "+first, others...), nil
	case len(have) == 0:
		return l.phase("give "+l.Path+" to "+first, ": >"+shell.Quote(l.Path), "", first), nil
	}
	return plan.Phase{}, nil
}

// phase runs one command on some hosts.
func (l *Leader) phase(name, command, then string, hosts ...string) plan.Phase {
	ph := plan.Phase{Name: name, Changes: map[string]plan.Change{}}
	if then != "" {
		ph.Then = []string{then}
	}
	for _, h := range hosts {
		ph.Changes[h] = plan.Change{
			Diffs:   []plan.Diff{{Attribute: "leader", Want: name}},
			Actions: []act.Action{{Title: name, Shell: command, Touches: []probe.Subject{kind.FileSubject(l.Path)}}},
		}
	}
	return ph
}

// end
