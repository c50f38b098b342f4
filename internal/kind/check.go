package kind

import (
	"path"
	"regexp"
	"strings"

	"haprov/internal/act"
)

// What may stand in a name. Everything is quoted as well; these keep surprises out of files and
// messages.
var (
	loginName  = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	modeText   = regexp.MustCompile(`^[0-7]{3,4}$`)
	moduleName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// problems collects the mistakes of one step.
type problems []Problem

func (p *problems) add(attribute, summary, detail string) {
	*p = append(*p, Problem{attribute, summary, detail})
}

// name reports a name that is missing or does not look as it must.
func (p *problems) name(attribute, value string, re *regexp.Regexp, what string) {
	if value == "" {
		p.add(attribute, "Name is empty", "Expected "+what+".")
	}
	p.matches(attribute, value, re, what)
}

// matches reports a value that is given and does not look as it must.
func (p *problems) matches(attribute, value string, re *regexp.Regexp, what string) {
	if value != "" && !re.MatchString(value) {
		p.add(attribute, "Invalid "+what, "Found "+quoted(value)+"; expected "+what+" that matches "+re.String()+".")
	}
}

// path reports a path that is not absolute and clean.
func (p *problems) path(attribute, value string) {
	switch {
	case !strings.HasPrefix(value, "/"):
		p.add(attribute, "Path is not absolute", "Found "+quoted(value)+"; write the whole path, from the first slash on.")
	case path.Clean(value) != value:
		p.add(attribute, "Path is not in its shortest form", "Found "+quoted(value)+"; write "+quoted(path.Clean(value))+".")
	case strings.ContainsAny(value, "\x00\n\r|"):
		p.add(attribute, "Path holds a line break or bar", "Found "+quoted(value)+"; neither can stand in a path here.")
	}
}

func (p *problems) mode(value string) {
	if value != "" && !modeText.MatchString(value) {
		p.add("mode", "Invalid file mode", "Found "+quoted(value)+`; expected three or four octal digits in quotes, as in "0644".`)
	}
}

func (p *problems) owners(owner, group string) {
	p.matches("owner", owner, loginName, "login name")
	p.matches("group", group, loginName, "group name")
}

func (p *problems) owes(list []string) {
	for _, o := range list {
		if _, ok := owed(o); !ok {
			p.add("owes", "Invalid restart or reload owed", "Found "+quoted(o)+`; expected a unit and what is owed to it, as in "mariadb.service:restart" or "haproxy.service:reload".`)
		}
	}
}

var owedName = regexp.MustCompile(`^[A-Za-z0-9_.@-]+$`)

// owed reads "mariadb.service:restart". A name without a dot is a cluster step's own.
func owed(s string) (act.Owed, bool) {
	unit, what, _ := strings.Cut(s, ":")
	return act.Owed{Unit: unit, What: what}, owedName.MatchString(unit) && (what == "restart" || what == "reload")
}

func owedAll(list []string) (out []act.Owed) {
	for _, s := range list {
		if o, ok := owed(s); ok {
			out = append(out, o)
		}
	}
	return out
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` }
