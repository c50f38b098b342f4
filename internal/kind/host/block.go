package host

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

var BlockSpec = kind.Spec{
	Name:    "block",
	Summary: "Several lines between two marks, in a file that others write too.",
	Example: `block "backup user" {
  path     = "/etc/ssh/sshd_config"
  content  = "Match User backup\n  PasswordAuthentication no\n"
  validate = "sshd -t -f %s"
  owes     = ["ssh.service:reload"]
}
`,
	New: func() any { return &Block{} },
}

// Block is a part of a file, after a line "# BEGIN haprov NAME" and before "# END haprov NAME". It
// stays where its marks are; a new one is added at the end. A missing file is made, root's and 0644,
// or 0600 when the text is a secret.
type Block struct {
	Name     string      `hcl:"name,label" about:"What the block is for; it stands in the marks and must be unique in the file"`
	Path     string      `hcl:"path" about:"Absolute path of the file"`
	Content  secret.Text `hcl:"content" text:"any" about:"The lines; the last one's end may be left out"`
	Comment  string      `hcl:"comment,optional" default:"#" about:"What begins a comment in the file, such as # or ; or //"`
	Validate string      `hcl:"validate,optional" text:"shell" about:"Shell command that must succeed before the new file replaces the old one; %s is the path of the new file"`
	Owes     []string    `hcl:"owes,optional" about:"Restarts and reloads that a change makes necessary: unit:restart or unit:reload"`
}

var (
	blockName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]*$`)
	commentSign = regexp.MustCompile(`^[!-/:-@\[-` + "`" + `{-~]{1,4}$`)
)

// Owns is the block; the file is shared with other blocks and lines.
func (b *Block) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "file " + b.Path, Shared: true}, {What: "block " + b.Name + " of " + b.Path}}
}

// Check finds bad paths, and texts that would end the block before its end.
func (b *Block) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("name", b.Name, blockName, "name of a block")
	ps.Path("path", b.Path)
	ps.Owes(b.Owes)
	ps.Matches("comment", b.Comment, commentSign, "sign that begins a comment")
	text := b.Content.Reveal()
	if strings.Contains(text, "\x00") {
		ps.Add("content", "Block is no text", "Found a zero byte.")
	}
	for l := range strings.Lines(text) {
		if l = strings.TrimSuffix(l, "\n"); l == b.begin() || l == b.end() {
			ps.Add("content", "Block holds its own marks", "Write the lines between the marks only.")
		}
	}
	return ps
}

func (b *Block) begin() string { return b.Comment + " BEGIN haprov " + b.Name }
func (b *Block) end() string   { return b.Comment + " END haprov " + b.Name }

func (b *Block) text() string {
	t := b.Content.Reveal()
	if t != "" && !strings.HasSuffix(t, "\n") {
		t += "\n"
	}
	return t
}

// Probe asks for the whole file.
func (b *Block) Probe(seen probe.Seen) []probe.Query {
	return kind.Unread(seen, kind.TextQuery(b.Path))
}

// Decide compares what stands between the marks. The action looks for them again itself, so that
// several blocks of one file go in one batch.
func (b *Block) Decide(seen probe.Seen) (plan.Change, error) {
	t, ok := seen.Text(b.Path)
	if !ok {
		return kind.Unknown("file " + b.Path), nil
	}
	have, found, err := b.between(t.Text)
	if err != nil {
		return plan.Change{}, fmt.Errorf("%s: %w", b.Path, err)
	}
	if found && have == b.text() {
		return plan.Change{}, nil
	}
	d := plan.Diff{Attribute: "block", Have: have, Want: b.text(), Text: true}
	if b.Content.IsSensitive() {
		d = plan.Diff{Attribute: "block", Want: "(sensitive, fingerprint " + secret.Fingerprint(kind.Digest(b.text())) + ")"}
		if found {
			d.Have = "(sensitive, fingerprint " + secret.Fingerprint(kind.Digest(have)) + ")"
		}
	}
	return plan.Change{Diffs: []plan.Diff{d}, Actions: []act.Action{b.mend()}}, nil
}

// between is the text between the marks, each of which stands once or not at all.
func (b *Block) between(text string) (have string, found bool, err error) {
	var inside strings.Builder
	begins, ends := 0, 0
	for l := range strings.Lines(text) {
		switch strings.TrimSuffix(l, "\n") {
		case b.begin():
			begins++
		case b.end():
			ends++
			if begins == 0 {
				return "", false, errors.New("the end of block " + b.Name + " stands before its beginning")
			}
		default:
			if begins > ends {
				inside.WriteString(l)
			}
		}
	}
	if begins != ends || begins > 1 {
		return "", false, fmt.Errorf("block %s begins %d times and ends %d times; expected once each", b.Name, begins, ends)
	}
	return inside.String(), begins == 1, nil
}

// mend writes the file anew with the block in its place. The text comes on standard input, since it
// may be a secret.
func (b *Block) mend() act.Action {
	p, begin, end := shell.Quote(b.Path), shell.Quote(b.begin()), shell.Quote(b.end())
	mask := "022"
	content := secret.Plain(b.text())
	if b.Content.IsSensitive() {
		mask, content = "077", secret.Sensitive(b.text())
	}
	text := "umask " + mask + "\n[ -e " + p + " ] || : >>" + p + `
umask 077
f=$(readlink -f -- ` + p + `)
t=$f.haprov-new
rm -f -- "$t"
set -C
n=$(grep -caxF -e ` + begin + ` -- "$f") || :
m=$(grep -caxF -e ` + end + ` -- "$f") || :
case "$n $m" in
'0 0') { cat -- "$f"; [ -z "$(tail -c 1 -- "$f")" ] || echo; printf '%s\n' ` + begin + `; cat; printf '%s\n' ` + end + `; } >"$t" ;;
'1 1') n=$(grep -naxF -e ` + begin + ` -- "$f" | cut -d: -f1)
  m=$(grep -naxF -e ` + end + ` -- "$f" | cut -d: -f1)
  [ "$n" -lt "$m" ] || { echo "the marks are in disorder" >&2; exit 1; }
  { head -n "$n" -- "$f"; cat; tail -n +"$m" -- "$f"; } >"$t" ;;
*) echo "the marks stand $n and $m times" >&2; exit 1 ;;
esac
chown --reference="$f" -- "$t"
chmod --reference="$f" -- "$t"
`
	if b.Validate != "" {
		text += "( " + strings.ReplaceAll(b.Validate, "%s", `"$t"`) + ` ) </dev/null || { rc=$?; rm -f -- "$t"; exit "$rc"; }` + "\n"
	}
	return act.Action{
		Title:   "write block " + b.Name + " of " + b.Path,
		Shell:   text + `mv -fT -- "$t" "$f"`,
		Stdin:   content,
		Touches: []probe.Subject{kind.FileSubject(b.Path)},
		Owes:    kind.OwedAll(b.Owes),
	}
}
