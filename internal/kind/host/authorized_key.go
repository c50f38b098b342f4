package host

import (
	"fmt"
	"regexp"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var AuthorizedKeySpec = kind.Spec{
	Name:    "authorized_key",
	Summary: "A public key that may log in as a user, in the user's ~/.ssh/authorized_keys.",
	Example: `authorized_key "backup server" {
  user    = "backup"
  key     = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKvJ0VQ1ZkQb3bJ0m2xXbB0Zf1kF4c5n8W0m3t9Yy1aZ backup@vault"
  options = ["restrict", "command=\"/usr/local/bin/send-backup\""]
}
`,
	New: func() any { return &AuthorizedKey{} },
}

// AuthorizedKey is one line of a user's authorized_keys (sshd(8)). A line with the same key and
// other options or another comment is replaced. The file is written as the user, not as root, so
// that links in the user's home lead nowhere that the user may not write.
type AuthorizedKey struct {
	Name      string   `hcl:"name,label" about:"What the key is for; must be unique"`
	User      string   `hcl:"user" about:"Login name; the login and its home must be there"`
	Key       string   `hcl:"key" about:"The public key on one line: type, key and an optional comment"`
	Options   []string `hcl:"options,optional" about:"Options of the line, each as sshd(8) writes it: restrict, from=\"10.0.0.0/8\""`
	Exclusive bool     `hcl:"exclusive,optional" about:"Remove all other keys of the user"`
}

var (
	publicKey = regexp.MustCompile(`^((?:ssh|ecdsa-sha2|sk-ssh|sk-ecdsa-sha2)-[a-z0-9@.-]+) ([A-Za-z0-9+/]{40,}={0,2})( [^\x00-\x1f\x7f]*)?$`)
	keyOption = regexp.MustCompile(`^[A-Za-z0-9-]+(="([^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*")?$`)
)

// anyKey finds the lines of a file of keys that are neither empty nor a comment.
const anyKey = `^[[:space:]]*[^#[:space:]]`

// Owns is the user's list of keys, shared unless all others are to go.
func (k *AuthorizedKey) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "authorized keys of " + k.User, Shared: !k.Exclusive}}
}

// Check finds keys and options that sshd would not read.
func (k *AuthorizedKey) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("user", k.User, kind.LoginName, "login name")
	if !publicKey.MatchString(k.Key) {
		ps.Add("key", "Invalid public key", `Expected one line as in a .pub file: "ssh-ed25519 AAAA... comment", without options.`)
	}
	for _, o := range k.Options {
		if !keyOption.MatchString(o) {
			ps.Add("options", "Invalid option of a key", "Found "+kind.Quoted(o)+`; expected one option each, as in "restrict" or "from=\"10.0.0.0/8\"".`)
		}
	}
	return ps
}

func (k *AuthorizedKey) line() string {
	if len(k.Options) == 0 {
		return k.Key
	}
	return strings.Join(k.Options, ",") + " " + k.Key
}

// match finds the lines to replace: those of the same key, or those of any.
func (k *AuthorizedKey) match() string {
	if k.Exclusive {
		return anyKey
	}
	m := publicKey.FindStringSubmatch(k.Key)
	if m == nil {
		return "^$" // refused by Check
	}
	return `^[[:space:]]*([^#[:space:]].*[[:space:]])?` + regexp.QuoteMeta(m[1]) + `[[:space:]]+` + regexp.QuoteMeta(m[2]) + `([[:space:]]|$)`
}

// Probe asks for the login's home, then for the file of keys there.
func (k *AuthorizedKey) Probe(seen probe.Seen) []probe.Query {
	qs := []probe.Query{{Kind: probe.User, Name: k.User}}
	if e, ok := seen.Entry(probe.User, k.User); ok && len(e) >= 7 {
		qs = append(qs, kind.FileQuery(keysFile(e)), kind.TextQuery(keysFile(e)))
	}
	return kind.Unread(seen, qs...)
}

// keysFile is the default of AuthorizedKeysFile (sshd_config(5)).
func keysFile(entry []string) string { return entry[5] + "/.ssh/authorized_keys" }

// Decide sets the line. Keys that go are counted in the diff, not shown.
func (k *AuthorizedKey) Decide(seen probe.Seen) (plan.Change, error) {
	e, ok := seen.Entry(probe.User, k.User)
	switch {
	case !ok:
		return kind.Unknown("user " + k.User), nil
	case e == nil:
		return plan.Change{Later: "user " + k.User + " is not there"}, nil
	case len(e) < 7 || !strings.HasPrefix(e[5], "/"):
		return plan.Change{}, fmt.Errorf("user %s has no home directory", k.User)
	}
	p := keysFile(e)
	have, ok1 := seen.File(p)
	t, ok2 := seen.Text(p)
	if !ok1 || !ok2 {
		return kind.Unknown("file " + p), nil
	}
	if have.Exists && have.Type != "regular file" && have.Type != "regular empty file" {
		return plan.Change{}, fmt.Errorf("%s is a %s", p, have.Type)
	}
	old, ok := oldLines(t.Text, k.line(), k.match())
	if ok {
		return plan.Change{}, nil
	}
	d := plan.Diff{Attribute: "key", Want: k.line()}
	switch {
	case k.Exclusive && len(old) > 0:
		d.Have = fmt.Sprintf("%d other keys", len(old))
	default:
		d.Have = strings.Join(old, "\n")
	}
	a := setLine(p, k.line(), k.match())
	a.Title = "authorize the key " + k.Name + " of " + k.User
	a.Shell = shell.Join("runuser", "-u", k.User, "--", "sh", "-ec", "umask 077\nmkdir -p -- "+shell.Quote(e[5]+"/.ssh")+"\n"+a.Shell)
	a.Touches = append(a.Touches, kind.FileSubject(e[5]+"/.ssh"))
	return plan.Change{Diffs: []plan.Diff{d}, Actions: []act.Action{a}}, nil
}
