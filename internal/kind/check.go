package kind

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"haprov/internal/act"
)

// What may stand in a name. Everything is quoted as well; these keep surprises out of files and
// messages.
var (
	LoginName  = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	ModeText   = regexp.MustCompile(`^[0-7]{3,4}$`)
	ModuleName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// Problems collects the mistakes of one step.
type Problems []Problem

// Add reports one mistake; no attribute means the whole step.
func (p *Problems) Add(attribute, summary, detail string) {
	*p = append(*p, Problem{Attribute: attribute, Summary: summary, Detail: detail})
}

// Risk reports what is taken all the same, and why it should not be.
func (p *Problems) Risk(attribute, summary, detail string) {
	*p = append(*p, Problem{Attribute: attribute, Summary: summary, Detail: detail, Risk: true})
}

// Settings are files that a host has in any case, of which a step is alone with the content.
func Settings(paths ...string) []Thing {
	out := Paths(paths...)
	for i := range out {
		out[i].Path = ""
	}
	return out
}

// Paths are files that a step is alone with.
func Paths(paths ...string) (out []Thing) {
	for _, p := range paths {
		if p != "" {
			out = append(out, Thing{What: "file " + p, Path: p})
		}
	}
	return out
}

// Name reports a name that is missing or does not look as it must.
func (p *Problems) Name(attribute, value string, re *regexp.Regexp, what string) {
	if value == "" {
		p.Add(attribute, "Name is empty", "Expected "+what+".")
	}
	p.Matches(attribute, value, re, what)
}

// Matches reports a value that is given and does not look as it must.
func (p *Problems) Matches(attribute, value string, re *regexp.Regexp, what string) {
	if value != "" && !re.MatchString(value) {
		p.Add(attribute, "Invalid "+what, "Found "+Quoted(value)+"; expected a text that matches "+re.String()+".")
	}
}

// Path reports a path that is not absolute and clean.
func (p *Problems) Path(attribute, value string) {
	switch {
	case !strings.HasPrefix(value, "/"):
		p.Add(attribute, "Path is not absolute", "Found "+Quoted(value)+"; write the whole path, from the first slash on.")
	case path.Clean(value) != value:
		p.Add(attribute, "Path is not in its shortest form", "Found "+Quoted(value)+"; write "+Quoted(path.Clean(value))+".")
	case strings.ContainsAny(value, "\x00\n\r|"):
		p.Add(attribute, "Path holds a line break or bar", "Found "+Quoted(value)+"; a path here cannot contain either.")
	}
}

// Mode reports a file mode that is no octal number.
func (p *Problems) Mode(value string) {
	if value != "" && !ModeText.MatchString(value) {
		p.Add("mode", "Invalid file mode", "Found "+Quoted(value)+`; expected three or four octal digits in quotes, as in "0644".`)
	}
}

// Owners reports an owner or group that can be no login name.
func (p *Problems) Owners(owner, group string) {
	p.Matches("owner", owner, LoginName, "login name")
	p.Matches("group", group, LoginName, "group name")
}

// Owes reports restarts and reloads owed that cannot be read.
func (p *Problems) Owes(list []string) {
	for _, o := range list {
		if _, ok := owed(o); !ok {
			p.Add("owes", "Invalid restart or reload owed", "Found "+Quoted(o)+`; expected a unit and what is owed to it, as in "mariadb.service:restart" or "haproxy.service:reload".`)
		}
	}
}

var owedName = regexp.MustCompile(`^[A-Za-z0-9_.@-]+$`)

// owed reads "mariadb.service:restart". A name without a dot is a cluster step's own.
func owed(s string) (act.Owed, bool) {
	unit, what, _ := strings.Cut(s, ":")
	return act.Owed{Unit: unit, What: what}, owedName.MatchString(unit) && (what == "restart" || what == "reload")
}

// OwedAll reads a list of restarts and reloads owed; what Owes reports is left out.
func OwedAll(list []string) (out []act.Owed) {
	for _, s := range list {
		if o, ok := owed(s); ok {
			out = append(out, o)
		}
	}
	return out
}

// Quoted shows a value in a message, on one line.
func Quoted(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` }

// Number reports a user or group number that Linux cannot have.
func (p *Problems) Number(attribute string, n int) {
	if n < 0 || n > 1<<32-2 {
		p.Add(attribute, "Number out of range", "Found "+strconv.Itoa(n)+"; expected 1 to 4294967294, or nothing for the next free one.")
	}
}
