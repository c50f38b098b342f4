package host

import (
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

var SysctlSpec = kind.Spec{
	Name:    "sysctl",
	Summary: "A kernel setting, now and after a reboot.",
	Example: `sysctl "net.ipv4.ip_nonlocal_bind" {
  value = "1"
}
`,
	New: func() any { return &Sysctl{} },
}

// Sysctl is a kernel setting. Each has a file of its own below /etc/sysctl.d.
type Sysctl struct {
	Key   string `hcl:"key,label" about:"Dotted name of the setting"`
	Value string `hcl:"value" about:"Value; several numbers are separated by spaces"`
}

// Owns is the file of the setting.
func (s *Sysctl) Owns(_ string) []kind.Thing {
	return kind.Paths(s.file().Path)
}

// Check finds keys and values that are none.
func (s *Sysctl) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("key", s.Key, sysctlKey, "kernel setting")
	if strings.TrimSpace(s.Value) == "" || strings.ContainsAny(s.Value, "\x00\n\r") {
		ps.Add("value", "Invalid value of a kernel setting", "Found "+kind.Quoted(s.Value)+"; expected a value on one line.")
	}
	return ps
}

func (s *Sysctl) value() string { return strings.Join(strings.Fields(s.Value), " ") }

func (s *Sysctl) file() *File {
	return &File{
		Path: "/etc/sysctl.d/90-haprov-" + s.Key + ".conf", Content: secret.Plain(s.Key + " = " + s.value() + "\n"),
		Owner: "root", Group: "root", Mode: "0644",
	}
}

// Probe asks for the running value and for the file.
func (s *Sysctl) Probe(seen probe.Seen) []probe.Query {
	return kind.Unread(seen, probe.Query{Kind: probe.Sysctl, Name: s.Key}, kind.FileQuery(s.file().Path))
}

// Decide compares both. A key that the kernel does not know waits for its module.
func (s *Sysctl) Decide(seen probe.Seen) (plan.Change, error) {
	have, ok := seen.Value(s.Key)
	if !ok {
		return kind.Unknown("kernel setting " + s.Key), nil
	}
	if have == "" {
		return plan.Change{Later: "the kernel has no setting " + s.Key}, nil
	}
	c, err := kept(s.file(), seen)
	if err != nil || c.Later != "" || have == s.value() {
		return c, err
	}
	c.Diffs = append(kind.DiffOf("value", have, s.value()), c.Diffs...)
	// Setting first: a value that the kernel refuses is not kept for the next boot.
	c.Actions = append([]act.Action{{
		Title:   "set " + s.Key + " to " + s.value(),
		Shell:   "printf '%s\\n' " + shell.Quote(s.value()) + " >" + shell.Quote("/proc/sys/"+strings.ReplaceAll(s.Key, ".", "/")),
		Touches: []probe.Subject{probe.Of(probe.Sysctl, s.Key)},
	}}, c.Actions...)
	return c, nil
}

// kept decides on a small file that keeps a setting over a reboot: one diff says all.
func kept(f *File, seen probe.Seen) (plan.Change, error) {
	c, err := f.Decide(seen)
	if err == nil && len(c.Diffs) > 0 {
		have, _ := seen.File(f.Path)
		old := "absent"
		if have.Exists {
			old = "different"
		}
		c.Diffs = []plan.Diff{{Attribute: "after reboot", Have: old, Want: strings.TrimSpace(f.Content.String())}}
	}
	return c, err
}
