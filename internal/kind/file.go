package kind

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strings"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var fileSpec = Spec{
	Name:    "file",
	Summary: "A file has this content, owner and mode. It is written beside its place, validated, and renamed.",
	Example: `file "/etc/motd" { content = "welcome\n" }`,
	New:     func() any { return &File{} },
}

// File wants a whole file. The decoder resolves template and source into Content.
type File struct {
	Where    `hcl:"-"`
	Path     string      `hcl:"path,label" about:"Where the file stands"`
	Content  secret.Text `hcl:"content,optional" about:"The file's text; with a secret in it no diff is shown"`
	Owner    string      `hcl:"owner,optional" default:"root" about:"The owner's name"`
	Group    string      `hcl:"group,optional" default:"root" about:"The group's name"`
	Mode     string      `hcl:"mode,optional" default:"0644" about:"The mode in octal"`
	Validate string      `hcl:"validate,optional" about:"A command that must succeed before the file takes its place; %s is the new text's path"`
	Owes     []string    `hcl:"owes,optional" about:"What a change of the file makes necessary: UNIT:restart or UNIT:reload"`
}

var (
	octal = regexp.MustCompile(`^[0-7]{3,4}$`)
	owes  = regexp.MustCompile(`^[A-Za-z0-9:_.@-]+:(restart|reload)$`)
)

// Check finds bad paths, modes and debts.
func (f *File) Check() (out []Problem) {
	out = append(out, checkPath("path", f.Path)...)
	out = append(out, checkMode(f.Mode)...)
	for _, o := range f.Owes {
		if !owes.MatchString(o) {
			out = append(out, Problem{"owes", "Bad debt", fmt.Sprintf("%q: expected UNIT:restart or UNIT:reload.", o)})
		}
	}
	return out
}

func checkPath(attr, p string) []Problem {
	if !path.IsAbs(p) || path.Clean(p) != p || strings.ContainsAny(p, "\n|") {
		return []Problem{{attr, "Bad path", fmt.Sprintf("%q: expected an absolute path without . and .. in it.", p)}}
	}
	return nil
}

func checkMode(m string) []Problem {
	if m != "" && !octal.MatchString(m) {
		return []Problem{{"mode", "Bad mode", fmt.Sprintf("%q: expected octal digits like 0644.", m)}}
	}
	return nil
}

// maxDiff is the size up to which a text is fetched to show how it differs.
const maxDiff = 256 << 10

// Probe asks for the digest, and for the text when it differs and may be shown.
func (f *File) Probe(seen probe.Seen) []probe.Query {
	qs := []probe.Query{{Kind: probe.File, Name: f.Path}}
	if have, ok := seen.File(f.Path); ok && have.Type == "regular file" && have.SHA256 != f.digest() && !f.Content.IsSensitive() && have.Size <= maxDiff {
		qs = append(qs, probe.Query{Kind: probe.Text, Name: f.Path, Max: maxDiff})
	}
	return qs
}

func (f *File) digest() string {
	s := sha256.Sum256([]byte(f.Content.Reveal()))
	return hex.EncodeToString(s[:])
}

// Decide compares content, owner and mode.
func (f *File) Decide(seen probe.Seen) (plan.Change, error) {
	have, ok := seen.File(f.Path)
	if !ok {
		return plan.Change{Later: "the file's state is not known"}, nil
	}
	if have.Exists && have.Type != "regular file" {
		return plan.Change{}, fmt.Errorf("%s is a %s; remove it first", f.Path, have.Type)
	}
	var c plan.Change
	if !have.Exists || have.SHA256 != f.digest() {
		d := plan.Diff{Attribute: "content", Want: f.Content.String(), Text: true}
		if t, ok := seen.Text(f.Path); ok {
			d.Have = t.Text
		}
		if f.Content.IsSensitive() {
			d = plan.Diff{Attribute: "content", Want: "(sensitive, fingerprint " + secret.Fingerprint(f.Content.Reveal()) + ")"}
		}
		c.Diffs = append(c.Diffs, d)
	}
	if have.Exists {
		c.Diffs = append(c.Diffs, ownership(have, f.Owner, f.Group, f.Mode)...)
	}
	if len(c.Diffs) == 0 {
		return c, nil
	}
	a := act.Action{
		Title:   "write " + f.Path,
		Write:   &act.File{Path: f.Path, Owner: f.Owner, Group: f.Group, Mode: f.Mode, Content: f.Content, Validate: f.Validate},
		Touches: pathTouches(f.Path),
	}
	for _, o := range f.Owes {
		i := strings.LastIndexByte(o, ':')
		a.Owes = append(a.Owes, act.Owed{Unit: o[:i], What: o[i+1:]})
	}
	c.Actions = []act.Action{a}
	return c, nil
}

// ownership compares owner, group and mode; empty wants whatever is there.
func ownership(have probe.FileInfo, owner, group, mode string) (out []plan.Diff) {
	add := func(attr, have, want string) {
		if want != "" && have != want {
			out = append(out, plan.Diff{Attribute: attr, Have: have, Want: want})
		}
	}
	add("owner", have.Owner, owner)
	add("group", have.Group, group)
	if mode != "" {
		add("mode", have.Mode, fmt.Sprintf("%04s", mode))
	}
	return out
}

// pathTouches are the subjects of a path; a unit file is its unit's too.
func pathTouches(p string) []probe.Subject {
	out := []probe.Subject{probe.Subject("file:" + p)}
	if strings.Contains(p, "/systemd/system/") {
		u := path.Base(p)
		if d := path.Base(path.Dir(p)); strings.HasSuffix(d, ".d") {
			u = strings.TrimSuffix(d, ".d")
		}
		out = append(out, probe.Subject("unit:"+u))
	}
	return out
}
