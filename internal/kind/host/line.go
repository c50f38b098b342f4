package host

import (
	"regexp"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var LineSpec = kind.Spec{
	Name:    "line",
	Summary: "One line of a file that others write too: added, or replacing the lines that match.",
	Example: `line "root logs in with a key only" {
  path  = "/etc/ssh/sshd_config.d/50-ha.conf"
  line  = "PermitRootLogin prohibit-password"
  match = "^#?PermitRootLogin "
  owes  = ["ssh.service:reload"]
}
`,
	New: func() any { return &Line{} },
}

// Line is one line of a file. Afterwards the line stands there, and with Match no other line
// matches. A missing file is made, root's and 0644.
type Line struct {
	Name  string   `hcl:"name,label" about:"What the line is for; must be unique"`
	Path  string   `hcl:"path" about:"Absolute path of the file"`
	Line  string   `hcl:"line" about:"The whole line, without its end"`
	Match string   `hcl:"match,optional" about:"POSIX extended expression: the first line that matches is replaced, further ones are removed; omitted: the line is added at the end"`
	Owes  []string `hcl:"owes,optional" about:"Restarts and reloads that a change makes necessary: unit:restart or unit:reload"`
}

// Owns is the file, shared with other lines.
func (l *Line) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "file " + l.Path, Shared: true}}
}

// Check finds bad paths, lines that are several, and expressions that the host cannot read.
func (l *Line) Check() []kind.Problem {
	var ps kind.Problems
	ps.Path("path", l.Path)
	ps.Owes(l.Owes)
	if l.Line == "" || strings.ContainsAny(l.Line, "\x00\n\r") {
		ps.Add("line", "Not exactly one line", "Found "+kind.Quoted(l.Line)+"; write one line without its end, and one step for each line.")
	}
	if _, err := regexp.CompilePOSIX(l.Match); err != nil || strings.ContainsAny(l.Match, "\x00\n\r") {
		ps.Add("match", "Invalid POSIX extended expression", "Found "+kind.Quoted(l.Match)+`; write classes as [0-9] or [[:space:]], not \d or \s.`)
	}
	return ps
}

// Probe asks for the whole file.
func (l *Line) Probe(seen probe.Seen) []probe.Query { return kind.Unread(seen, kind.TextQuery(l.Path)) }

// Decide compares lines. The action looks again itself, so that several lines of one file go in
// one batch.
func (l *Line) Decide(seen probe.Seen) (plan.Change, error) {
	t, ok := seen.Text(l.Path)
	if !ok {
		return kind.Unknown("file " + l.Path), nil
	}
	old, ok := oldLines(t.Text, l.Line, l.Match)
	if ok {
		return plan.Change{}, nil
	}
	a := setLine(l.Path, l.Line, l.Match)
	a.Owes = kind.OwedAll(l.Owes)
	return plan.Change{
		Diffs:   []plan.Diff{{Attribute: "line", Have: strings.Join(old, "\n"), Want: l.Line}},
		Actions: []act.Action{a},
	}, nil
}

// oldLines are the lines that would be replaced; ok says that nothing is to be done.
func oldLines(text, line, match string) (old []string, ok bool) {
	re, err := regexp.CompilePOSIX(match)
	for s := range strings.Lines(text) {
		s = strings.TrimSuffix(s, "\n")
		switch {
		case s == line:
			ok = true
		case match != "" && err == nil && re.MatchString(s):
			old = append(old, s)
		}
	}
	return old, ok && len(old) == 0
}

// setLine is the action that puts a line in its place. It reads the file as it is when it runs,
// and the file is whole at every moment.
func setLine(path, line, match string) act.Action {
	p, l, m := shell.Quote(path), shell.Quote(line), shell.Quote(match)
	a := act.Action{
		Title:   "set a line of " + path,
		Unless:  "grep -qaxF -e " + l + " -- " + p,
		Touches: []probe.Subject{kind.FileSubject(path)},
	}
	// What tail prints is empty when the file ends with a line's end, or is empty.
	body := `{ cat -- "$f"; [ -z "$(tail -c 1 -- "$f")" ] || echo; printf '%s\n' ` + l + `; } >"$t"`
	if match != "" {
		a.Unless += " && ! grep -aE -e " + m + " -- " + p + " | grep -qavxF -e " + l
		body = `n=$(grep -naxF -m1 -e ` + l + ` -- "$f" | cut -d: -f1)
[ -n "$n" ] || n=$(grep -naE -m1 -e ` + m + ` -- "$f" | cut -d: -f1)
if [ -z "$n" ]; then ` + body + `
else { head -n $((n-1)) -- "$f" | grep -avE -e ` + m + ` || :; printf '%s\n' ` + l + `; tail -n +$((n+1)) -- "$f" | grep -avE -e ` + m + ` || :; } >"$t"
fi`
	}
	a.Shell = "[ -e " + p + " ] || : >>" + p + `
f=$(readlink -f -- ` + p + `)
t=$f.haprov-new
rm -f -- "$t"
set -C
` + body + `
chown --reference="$f" -- "$t"
chmod --reference="$f" -- "$t"
mv -fT -- "$t" "$f"`
	return a
}
