// Package backup has the kind backup: what haprov backup and haprov restore ask for is done by a
// template unit of the recipe, which a timer starts, too. The package knows how copies and logs are
// written down in a repository, and so what can be restored. It must not know what is backed up, nor
// how: that is the unit's.
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
	Summary: "What `haprov backup` and `haprov restore` start: the template unit NAME@.service of the recipe, with the word of the command as its instance, on the one host that backs up. " +
		"The unit writes the file /var/lib/NAME/WORD anew when it is done. Without being asked the step does nothing; status shows up to when data can be had, from /var/lib/NAME/state.",
	Example: `backup "haprov-backup" {
  from   = "mountpoint -q /srv/mysql"
  list   = "/usr/local/lib/haprov/backup list"
  folder = "/var/lib/haprov-restored"
}`,
	New: func() any { return &Backup{} },
}

// Backup starts a unit on the host that backs up, and waits for its end. A run that its timer has
// begun is waited for instead.
type Backup struct {
	kind.Where `hcl:"-"`
	Unit       string `hcl:"unit,label" about:"Name of the template unit, without @.service"`
	From       string `hcl:"from" text:"lines" about:"Shell command that only reads and succeeds on the host that backs up"`
	List       string `hcl:"list" text:"lines" about:"Shell command that only reads and prints what is in the repository, as restic does in JSON"`
	Folder     string `hcl:"folder" about:"Where a restored server is, unless the command names another folder"`
	Use        string `hcl:"use,optional" text:"lines" about:"What a person is told of a restored server; FOLDER stands for its folder"`

	in *plan.Intent
}

var unit = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// titles are what can be asked for, and how it is called.
var titles = map[string]string{
	"now":    "back up the data",
	"logs":   "save the logs",
	"verify": "read the repository and compare it",
	"prune":  "remove the copies that need not be kept",
	"prove":  "restore the last copy and compare it",
}

// longest is how long a unit may take: a first copy of much data, or all of a repository read.
const longest = 24 * time.Hour

// Check finds a unit that cannot be, and commands that say nothing.
func (b *Backup) Check() []kind.Problem {
	var p kind.Problems
	p.Name("unit", b.Unit, unit, "unit name")
	if strings.TrimSpace(b.From) == "" {
		p.Add("from", "Command is empty", "Expected a shell command that succeeds on the host that backs up.")
	}
	if strings.TrimSpace(b.List) == "" {
		p.Add("list", "Command is empty", "Expected a shell command that prints what is in the repository.")
	}
	p.Name("folder", b.Folder, folder, "folder, of letters, digits and ._-, which is not /")
	return p
}

// folder is one that a server can keep its socket in: the path of that has at most 107 bytes (unix(7)).
var folder = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$`)

const longestFolder = 80

// Intend gives the step that starts the unit.
func (b *Backup) Intend(in plan.Intent) (kind.Cluster, error) {
	switch {
	case in.Verb != plan.Backup && in.Verb != plan.Restore:
		return nil, kind.ErrNoIntent
	case in.Folder != "" && (!folder.MatchString(in.Folder) || len(in.Folder) > longestFolder):
		return nil, fmt.Errorf("folder %.90q: expected an absolute path of letters, digits and ._-, of at most %d bytes", in.Folder, longestFolder)
	}
	x := *b
	x.in = &in
	return &x, nil
}

// word is the instance of the unit that is asked for.
func (b *Backup) word() string {
	if b.in.Verb == plan.Restore && b.in.What == "" {
		return plan.Restore
	}
	return b.in.What
}

func (b *Backup) here() probe.Query {
	return probe.Cmd("backs up "+b.Unit, b.From, b.subject())
}

// done is another text with each end of what was asked for.
func (b *Backup) done() probe.Query {
	return probe.Cmd("done "+b.Unit+" "+b.word(), "cat "+b.file(b.word())+" 2>/dev/null || true", b.subject())
}

// file is one of those that the unit keeps, quoted.
func (b *Backup) file(name string) string { return shell.Quote("/var/lib/" + b.Unit + "/" + name) }

func (b *Backup) subject() probe.Subject { return probe.Topic("backup:" + b.Unit) }

// Probe asks who backs up, and when it was done.
func (b *Backup) Probe(host string, seen probe.Hosts) []probe.Query {
	switch {
	case b.in == nil:
		return nil
	case b.in.Verb == plan.Restore:
		return b.probeRestore(seen[host].Seen)
	}
	return kind.Unread(seen[host].Seen, b.here(), b.done())
}

// Decide starts the unit on the one host that backs up, until the host says that it is done.
//
//	nobody or several back up: refused
//	as when the run began --unit--> done since
func (b *Backup) Decide(begin, now probe.Hosts) (plan.Phase, error) {
	switch {
	case b.in == nil:
		return plan.Phase{}, nil
	case b.in.Verb == plan.Restore && b.in.What == "end":
		return b.end(now)
	case b.in.Verb == plan.Restore:
		return b.restore(begin, now)
	}
	title, ok := titles[b.word()]
	if !ok {
		return plan.Phase{}, fmt.Errorf("backup %s: expected now, logs, verify, prune or prove", b.word())
	}
	if b.wasDone(begin, now) != "" {
		return plan.Phase{}, nil
	}
	host, err := b.active(now)
	if err != nil {
		return plan.Phase{}, err
	}
	return b.start(host, title, []plan.Diff{{Attribute: b.instance(), Have: strings.TrimSpace(now[host].Get(b.done()).Out), Want: "done now"}}), nil
}

func (b *Backup) instance() string { return b.Unit + "@" + b.word() + ".service" }

// wasDone is the host on which what was asked for has come to its end in this run.
func (b *Backup) wasDone(begin, now probe.Hosts) string {
	for _, n := range b.Nodes {
		if a := now[n.Name].Get(b.done()); now[n.Name].Lost == "" && a.State == probe.Answered && a.Out != begin[n.Name].Get(b.done()).Out {
			return n.Name
		}
	}
	return ""
}

// active is the one host that backs up.
func (b *Backup) active(now probe.Hosts) (string, error) {
	var from, away []string
	for _, n := range b.Nodes {
		s := now[n.Name]
		if s.Lost != "" {
			away = append(away, n.Name)
			continue
		}
		if a := s.Get(b.here()); a.State == probe.Answered && a.Exit == 0 {
			from = append(from, n.Name)
		}
	}
	slices.Sort(away)
	switch {
	case len(from) > 1:
		return "", fmt.Errorf("%s all say that they are active: nothing is done before one is (haprov status)", strings.Join(from, ", "))
	case len(from) == 0 && len(away) > 0:
		return "", fmt.Errorf("no active host; %s cannot be reached (haprov status)", strings.Join(away, ", "))
	case len(from) == 0:
		return "", errors.New("no active host: there is no server to back up, or to restore beside (haprov status)")
	}
	return from[0], nil
}

// start is the phase that starts the unit on a host, after what it is to be told was written there.
func (b *Backup) start(host, title string, diffs []plan.Diff, before ...act.Action) plan.Phase {
	return plan.Phase{Name: title, Changes: map[string]plan.Change{host: {
		Diffs: diffs,
		Actions: append(before, act.Action{Title: title, Shell: kind.Loud(b.instance(), "systemctl start "+shell.Quote(b.instance())), Guard: "( " + b.From + "\n)",
			Timeout: longest, Touches: []probe.Subject{b.subject()}})}}}
}
