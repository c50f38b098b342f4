package host

import (
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var SecretSpec = kind.Spec{
	Name:    "secret",
	Summary: "A file that holds a secret of the controller's store, readable only by its owner.",
	Example: `secret "/etc/corosync/authkey" {
  value = secret("corosync")
}
`,
	New: func() any { return &Secret{} },
}

// Secret is a file that holds a secret made once, by the controller. A host that holds another one
// keeps it unless the user names the step: the store may have been lost, and data may hang on it.
type Secret struct {
	Path  string      `hcl:"path,label" about:"Absolute path on the host"`
	Value secret.Text `hcl:"value" text:"any" about:"The secret"`
	Owner string      `hcl:"owner,optional" default:"root" about:"Owner by name"`
	Group string      `hcl:"group,optional" default:"root" about:"Group by name"`
	Mode  string      `hcl:"mode,optional" default:"0400" about:"Octal mode in quotes"`
	Owes  []string    `hcl:"owes,optional" about:"Restarts and reloads that a change makes necessary: unit:restart or unit:reload"`
}

// Owns is the file.
func (s *Secret) Owns(_ string) []kind.Thing {
	return kind.Paths(s.Path)
}

// Check finds bad paths and modes, and a value that is no secret.
func (s *Secret) Check() []kind.Problem {
	ps := kind.Problems(nil)
	ps.Path("path", s.Path)
	ps.Mode(s.Mode)
	ps.Owners(s.Owner, s.Group)
	ps.Owes(s.Owes)
	if m := mode4(s.Mode); kind.ModeText.MatchString(m) && m[3] != '0' {
		ps.Add("mode", "Secret readable by everyone", "Found "+kind.Quoted(s.Mode)+`; the last digit must be 0, as in "0400" or "0640".`)
	}
	if !s.Value.IsSensitive() {
		ps.Add("value", "Value is not a secret", `Expected a secret of the store, as in secret("app").`)
	}
	return ps
}

func (s *Secret) file() *File {
	return &File{Path: s.Path, Content: secret.Holding(s.Value.Reveal()), Owner: s.Owner, Group: s.Group, Mode: s.Mode, Owes: s.Owes}
}

// Probe asks for the file's digest; the secret itself is never part of a question.
func (s *Secret) Probe(seen probe.Seen) []probe.Query { return s.file().Probe(seen) }

// Decide writes the secret where there is none, and marks it as a danger to replace another.
func (s *Secret) Decide(seen probe.Seen) (plan.Change, error) {
	c, err := s.file().Decide(seen)
	if have, _ := seen.File(s.Path); have.Exists && have.Size > 0 {
		for i := range c.Diffs {
			if c.Diffs[i].Attribute == "content" {
				c.Diffs[i].Danger = "replaces the secret that " + s.Path + " holds: put the controller's own folder of secrets back to keep it"
			}
		}
	}
	return c, err
}
