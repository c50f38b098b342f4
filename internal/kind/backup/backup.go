// Package backup has the kind backup: haprov backup asks for what a timer does on the hosts. It must
// not know what is backed up, or with what: that is a unit of the recipe.
package backup

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var BackupSpec = kind.Spec{
	Name: "backup",
	Summary: "What `haprov backup now`, `verify` and `prune` start: the template unit NAME@.service of the recipe, with that word as its instance, on the one host that backs up. " +
		"The unit writes the file /var/lib/NAME/WORD anew when it is done. Without being asked the step does nothing.",
	Example: `backup "haprov-backup" {
  from = "mountpoint -q /srv/mysql"
}`,
	New: func() any { return &Backup{} },
}

// Backup starts a unit on the host that backs up, and waits for its end. A run that its timer has
// begun is waited for instead.
type Backup struct {
	kind.Where `hcl:"-"`
	Unit       string `hcl:"unit,label" about:"Name of the template unit, without @.service"`
	From       string `hcl:"from" text:"lines" about:"Shell command that only reads and succeeds on the host that backs up"`

	what string // the intent's
}

var unit = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// titles are what can be asked for, and how it is called.
var titles = map[string]string{
	"now":    "back up the data",
	"verify": "read the repository and compare it",
	"prune":  "remove the copies that need not be kept",
}

// longest is how long a unit may take: a first copy of much data, or all of a repository read.
const longest = 24 * time.Hour

// Check finds a unit that cannot be, and a command that says nothing.
func (b *Backup) Check() []kind.Problem {
	var p kind.Problems
	p.Name("unit", b.Unit, unit, "unit name")
	if strings.TrimSpace(b.From) == "" {
		p.Add("from", "Command is empty", "Expected a shell command that succeeds on the host that backs up.")
	}
	return p
}

// Intend gives the step that starts the unit.
func (b *Backup) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb != plan.Backup {
		return nil, kind.ErrNoIntent
	}
	x := *b
	x.what = in.What
	return &x, nil
}

func (b *Backup) here() probe.Query {
	return probe.Cmd("backs up "+b.Unit, b.From, b.subject())
}

// done is another text with each end of what was asked for.
func (b *Backup) done() probe.Query {
	return probe.Cmd("done "+b.Unit+" "+b.what, "cat "+shell.Quote("/var/lib/"+b.Unit+"/"+b.what)+" 2>/dev/null || true", b.subject())
}

func (b *Backup) subject() probe.Subject { return probe.Subject("backup:" + b.Unit) }

// Probe asks who backs up, and when it was done.
func (b *Backup) Probe(host string, seen probe.Hosts) []probe.Query {
	if b.what == "" {
		return nil
	}
	return kind.Unread(seen[host].Seen, b.here(), b.done())
}

// Decide starts the unit on the one host that backs up, until the host says that it is done.
//
//	nobody or several back up: refused
//	as when the run began --unit--> done since
func (b *Backup) Decide(begin, now probe.Hosts) (plan.Phase, error) {
	if b.what == "" {
		return plan.Phase{}, nil
	}
	title, ok := titles[b.what]
	if !ok {
		return plan.Phase{}, fmt.Errorf("backup %s: expected now, verify or prune", b.what)
	}
	var from, away []string
	for _, n := range b.Nodes {
		s := now[n.Name]
		if s.Lost != "" {
			away = append(away, n.Name)
			continue
		}
		if a := s.Get(b.done()); a.State == probe.Answered && a.Out != begin[n.Name].Get(b.done()).Out {
			return plan.Phase{}, nil
		}
		if a := s.Get(b.here()); a.State == probe.Answered && a.Exit == 0 {
			from = append(from, n.Name)
		}
	}
	slices.Sort(away)
	switch {
	case len(from) > 1:
		return plan.Phase{}, fmt.Errorf("%s all say that they are active: nothing is backed up before one is (haprov status)", strings.Join(from, ", "))
	case len(from) == 0 && len(away) > 0:
		return plan.Phase{}, fmt.Errorf("no active host; %s cannot be reached (haprov status)", strings.Join(away, ", "))
	case len(from) == 0:
		return plan.Phase{}, errors.New("no active host: there is nothing to back up from (haprov status)")
	}
	instance := b.Unit + "@" + b.what + ".service"
	return plan.Phase{Name: title, Changes: map[string]plan.Change{from[0]: {
		Diffs: []plan.Diff{{Attribute: instance, Have: strings.TrimSpace(now[from[0]].Get(b.done()).Out), Want: "done now"}},
		Actions: []act.Action{{Title: title, Shell: kind.Loud(instance, "systemctl start "+shell.Quote(instance)), Guard: "( " + b.From + "\n)",
			Timeout: longest, Touches: []probe.Subject{b.subject()}}}}}}, nil
}
