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

var HostnameSpec = kind.Spec{
	Name:    "hostname",
	Summary: "The host's own name, now and after a reboot.",
	Example: `hostname "db1" {}
`,
	New: func() any { return &Hostname{} },
}

// Hostname is the kernel's host name and /etc/hostname (hostname(5)). The line of /etc/hosts is a
// hosts_entry of its own. Programs that run keep the name that they began with, and cluster software
// takes its node's name from here: a cluster that runs already must not be renamed by it.
type Hostname struct {
	Name string   `hcl:"name,label" about:"Host name, up to 64 characters"`
	Owes []string `hcl:"owes,optional" about:"Restarts and reloads that a change makes necessary: unit:restart or unit:reload"`
}

// Owns is the host's name.
func (h *Hostname) Owns(_ string) []kind.Thing {
	return append(kind.Settings(h.file().Path), kind.Thing{What: "the host name"})
}

// Check finds names that Linux cannot have.
func (h *Hostname) Check() []kind.Problem {
	var ps kind.Problems
	ps.Owes(h.Owes)
	ps.Name("name", h.Name, hostNameText, "host name")
	if len(h.Name) > 64 {
		ps.Add("name", "Host name is too long", "Found "+kind.Quoted(h.Name)+"; Linux takes 64 characters at most.")
	}
	return ps
}

func (h *Hostname) file() *File {
	return &File{Path: "/etc/hostname", Content: secret.Plain(h.Name + "\n"), Owner: "root", Group: "root", Mode: "0644"}
}

var hostnameQuery = probe.Cmd("host name", "uname -n", probe.Topic("hostname"))

// Probe asks for the name in force and for the file.
func (h *Hostname) Probe(seen probe.Seen) []probe.Query {
	return append(kind.Unread(seen, hostnameQuery), h.file().Probe(seen)...)
}

// Decide sets the name, then keeps it: one that the kernel refuses is not left for the next boot.
func (h *Hostname) Decide(seen probe.Seen) (plan.Change, error) {
	a := seen.Get(hostnameQuery)
	if a.State != probe.Answered || a.Exit != 0 {
		return kind.Unknown("the host name"), nil
	}
	c, err := kept(h.file(), seen)
	if err != nil || c.Later != "" {
		return c, err
	}
	for i := range c.Actions {
		c.Actions[i].Owes = kind.OwedAll(h.Owes)
	}
	have := strings.TrimSpace(a.Out)
	if have == h.Name {
		return c, nil
	}
	c.Diffs = append([]plan.Diff{{Attribute: "name", Have: have, Want: h.Name}}, c.Diffs...)
	c.Actions = append([]act.Action{{
		Title:   "set the host name to " + h.Name,
		Shell:   "printf '%s' " + shell.Quote(h.Name) + " >/proc/sys/kernel/hostname",
		Touches: []probe.Subject{probe.All}, // facts hold the name
		Owes:    kind.OwedAll(h.Owes),
	}}, c.Actions...)
	return c, nil
}
