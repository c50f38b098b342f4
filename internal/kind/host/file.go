// Package host has the kinds of step that work on one host alone: packages, files, services, users,
// mounts and the like. One file a kind. It must not know any cluster software.
package host

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

var FileSpec = kind.Spec{
	Name:    "file",
	Summary: "A complete file: content, owner and mode, validated before it replaces the old one.",
	Example: `file "/etc/haproxy/haproxy.cfg" {
  content  = "global\n  daemon\n"
  mode     = "0644"
  validate = "haproxy -c -f %s"
  owes     = ["haproxy.service:reload"]
}
`,
	New: func() any { return &File{} },
}

// File is a whole file. Template and Source are for the decoder alone: whoever builds the step
// renders or reads them into Content after Check and before Probe.
type File struct {
	Path     string      `hcl:"path,label" about:"Absolute path on the host"`
	Content  secret.Text `hcl:"content,optional" text:"any" about:"The text itself"`
	Template string      `hcl:"template,optional" about:"Template to render, a name below templates/"`
	Source   string      `hcl:"source,optional" about:"File below files/ beside the inventory that is copied as it is"`
	Owner    string      `hcl:"owner,optional" default:"root" about:"Owner by name"`
	Group    string      `hcl:"group,optional" default:"root" about:"Group by name"`
	Mode     string      `hcl:"mode,optional" about:"Octal mode in quotes; omitted: unchanged, 0644 for a new file"`
	Validate string      `hcl:"validate,optional" text:"shell" about:"Shell command that must succeed before the new file replaces the old one; %s is the path of the new file"`
	Owes     []string    `hcl:"owes,optional" about:"Restarts and reloads that a change makes necessary: unit:restart or unit:reload"`
	Blob     *act.Blob   // a large source, instead of Content
}

// sum is the digest of the wanted text.
func (f *File) sum() string {
	if f.Blob != nil {
		return f.Blob.SHA256
	}
	return kind.Digest(f.Content.Reveal())
}

func (f *File) size() int64 {
	if f.Blob != nil {
		return f.Blob.Size
	}
	return int64(len(f.Content.Reveal()))
}

// slowest is how fast a host reads a file to digest it, at the least, in bytes a second.
const slowest = 20 << 20

// maxShown is how large a text may be to be read for a diff.
const maxShown = 256 << 10

// Owns is the file.
func (f *File) Owns(_ string) []kind.Thing {
	return kind.Paths(f.Path)
}

// Writes is the file's path and text.
func (f *File) Writes() (path string, text secret.Text) { return f.Path, f.Content }

// Check finds bad paths, modes and names, and a text that is said twice or not at all.
func (f *File) Check() []kind.Problem {
	var ps kind.Problems
	ps.Path("path", f.Path)
	ps.Mode(f.Mode)
	ps.Owners(f.Owner, f.Group)
	ps.Owes(f.Owes)
	given := 0
	for _, has := range []bool{!f.Content.Empty() || f.Content.IsSensitive(), f.Template != "", f.Source != ""} {
		if has {
			given++
		}
	}
	if given > 1 {
		ps.Add("", "More than one content", "Found more than one of content, template and source; keep one of them.")
	}
	if given == 0 {
		ps.Add("", "File without content", "Expected one of content, template and source; leaving them out does not empty a file.")
	}
	return ps
}

// Probe asks for type, owner, mode and digest, and of a unit file whether systemd has read it; then
// for the old text when a diff is to be shown.
func (f *File) Probe(seen probe.Seen) []probe.Query {
	q := kind.FileQuery(f.Path)
	q.Timeout = time.Duration(f.size()/slowest) * time.Second
	qs := []probe.Query{q}
	if u := unitOfPath(f.Path); u != "" {
		qs = append(qs, kind.UnitQuery(u))
	}
	if have, ok := seen.File(f.Path); ok && f.shows(have) {
		qs = append(qs, kind.TextQuery(f.Path))
	}
	return kind.Unread(seen, qs...)
}

// shows reports whether the old text is needed for a diff.
func (f *File) shows(have probe.FileInfo) bool {
	return have.Exists && have.Type == "regular file" && have.SHA256 != "" && have.SHA256 != f.sum() && !f.Content.IsSensitive() &&
		have.Size < maxShown && f.size() < maxShown
}

// Decide compares digests on this side: the text itself is sent only when it differs.
func (f *File) Decide(seen probe.Seen) (plan.Change, error) {
	have, ok := seen.File(f.Path)
	if !ok {
		return kind.Unknown("file " + f.Path), nil
	}
	if from := f.Template + f.Source; from != "" && f.Content.Empty() && f.Blob == nil {
		return plan.Change{}, fmt.Errorf("%s: nothing was made of %s", f.Path, from)
	}
	var c plan.Change
	write := true
	switch {
	case !have.Exists:
	case have.Type == "symbolic link":
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "type", Have: "symbolic link to " + have.Target, Want: "regular file"})
	case have.Type != "regular file":
		return c, fmt.Errorf("%s exists as a %s", f.Path, have.Type)
	case have.SHA256 == "":
		return c, fmt.Errorf("%s cannot be read", f.Path)
	default:
		write = have.SHA256 != f.sum()
	}
	if have.SHA256 != f.sum() {
		c.Diffs = append(c.Diffs, f.contentDiff(have, seen))
	}
	if have.Exists && have.Type == "regular file" {
		c.Diffs = append(c.Diffs, attributeDiffs(have, f.Owner, f.Group, f.Mode)...)
	} else if f.Mode != "" {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "mode", Want: mode4(f.Mode)})
	}
	if len(c.Diffs) > 0 {
		a := f.mend(write, have)
		a.Owes = kind.OwedAll(f.Owes)
		c.Actions = []act.Action{a}
	}
	return f.reload(c, seen)
}

// mend writes the file, or only sets its owner and mode when the text is right.
func (f *File) mend(write bool, have probe.FileInfo) act.Action {
	touches := []probe.Subject{kind.FileSubject(f.Path)}
	if u := unitOfPath(f.Path); u != "" {
		touches = append(touches, probe.Of(probe.Unit, u))
	}
	if !write {
		return act.Action{Title: "set owner and mode of " + f.Path, Shell: setAttributes(f.Path, have, f.Owner, f.Group, f.Mode), Touches: touches}
	}
	mode := f.Mode
	if have.Type == "symbolic link" {
		mode = cmp.Or(mode, "0644") // not that of the file it points to
	}
	return act.Action{
		Title:   "write " + f.Path,
		Write:   &act.File{Path: f.Path, Owner: f.Owner, Group: f.Group, Mode: mode, Content: f.Content, Blob: f.Blob, Validate: f.Validate},
		Touches: touches,
	}
}

// reload lets systemd read a unit file that changed, now or in a run that was cut short.
func (f *File) reload(c plan.Change, seen probe.Seen) (plan.Change, error) {
	unit := unitOfPath(f.Path)
	if unit == "" {
		if inUnitDir(f.Path) && len(c.Actions) > 0 {
			c.Actions = append(c.Actions, templateReload(f.Path))
		}
		return c, nil
	}
	u, ok := seen.Unit(unit)
	if !ok {
		return kind.Unknown("unit " + unit), nil
	}
	if u.Reload && len(c.Actions) == 0 {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "systemd", Have: "an older " + unit, Want: "this file"})
	}
	if u.Reload || len(c.Actions) > 0 {
		c.Actions = append(c.Actions, daemonReload(unit, f.Path))
	}
	return c, nil
}

func (f *File) contentDiff(have probe.FileInfo, seen probe.Seen) plan.Diff {
	d := plan.Diff{Attribute: "content"}
	want := f.Content.Reveal()
	old, read := seen.Text(f.Path)
	switch {
	case f.Content.IsSensitive():
		d.Want = "(sensitive, fingerprint " + secret.Fingerprint(f.sum()) + ")"
		if have.SHA256 != "" {
			d.Have = "(sensitive, fingerprint " + secret.Fingerprint(have.SHA256) + ")"
		}
	case f.Blob == nil && len(want) < maxShown && isText(want) && !have.Exists:
		d.Want, d.Text = want, true
	case f.Blob == nil && len(want) < maxShown && isText(want) && f.shows(have) && read && isText(old.Text):
		d.Have, d.Want, d.Text = old.Text, want, true
	default:
		d.Want = kind.ByteCount(f.size()) + ", sha256 " + f.sum()[:16]
		if have.SHA256 != "" {
			d.Have = kind.ByteCount(have.Size) + ", sha256 " + have.SHA256[:16]
		}
	}
	return d
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// attributeDiffs compares owner, group and mode; what is empty is not wanted to be anything.
func attributeDiffs(have probe.FileInfo, owner, group, mode string) (out []plan.Diff) {
	out = append(out, kind.DiffOf("owner", have.Owner, owner)...)
	out = append(out, kind.DiffOf("group", have.Group, group)...)
	return append(out, kind.DiffOf("mode", have.Mode, mode4(mode))...)
}

// setAttributes is the shell text that sets what differs.
func setAttributes(p string, have probe.FileInfo, owner, group, mode string) string {
	var lines []string
	if owner != "" && owner != have.Owner || group != "" && group != have.Group {
		o := owner
		if group != "" {
			o += ":" + group
		}
		lines = append(lines, shell.Join("chown", "--", o, p))
	}
	// chown clears set-user-ID bits, hence chmod after it.
	if mode != "" && (mode4(mode) != have.Mode || len(lines) > 0) {
		// Five digits: with fewer, chmod keeps the set-group-ID bit of a directory.
		lines = append(lines, shell.Join("chmod", "--", "0"+mode4(mode), p))
	}
	return strings.Join(lines, "\n")
}
