package host

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var UserSpec = kind.Spec{
	Name:    "user",
	Summary: "A login of the host's own database (/etc/passwd), without a password.",
	Example: `user "mysqlha" {
  uid    = 5002
  group  = "haclient"
  groups = ["adm"]
  home   = "/var/lib/mysqlha"
  shell  = "/usr/sbin/nologin"
}
`,
	New: func() any { return &User{} },
}

// User is a local login. Groups must be there, by steps before it or from the start.
type User struct {
	Name       string   `hcl:"name,label" about:"Login name"`
	UID        int      `hcl:"uid,optional" about:"Number; omitted: unchanged, the next free one for a new login"`
	Group      string   `hcl:"group,optional" about:"Primary group; omitted: unchanged, a group of the same name for a new login"`
	Groups     []string `hcl:"groups,optional" about:"Further groups the login must be in; others stay"`
	Home       string   `hcl:"home,optional" about:"Home directory; omitted: unchanged"`
	Shell      string   `hcl:"shell,optional" about:"Login shell; omitted: unchanged, the system's default for a new login"`
	CreateHome bool     `hcl:"create_home,optional" about:"Create the home directory of a new login"`
	System     bool     `hcl:"system,optional" about:"A new login takes its number from the system's range"`
}

// Owns is the login.
func (u *User) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "login " + u.Name}}
}

// Check finds names, numbers and paths that no login can have.
func (u *User) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("name", u.Name, kind.LoginName, "login name")
	ps.Number("uid", u.UID)
	ps.Matches("group", u.Group, kind.LoginName, "group name")
	for _, g := range u.Groups {
		ps.Matches("groups", g, kind.LoginName, "group name")
	}
	for _, p := range []struct{ attribute, value string }{{"home", u.Home}, {"shell", u.Shell}} {
		if p.value != "" {
			ps.Path(p.attribute, p.value)
			if strings.Contains(p.value, ":") {
				ps.Add(p.attribute, "Path holds a colon", "Found "+kind.Quoted(p.value)+"; a colon ends a field of the password database.")
			}
		}
	}
	return ps
}

// groups are all groups that the step speaks of.
func (u *User) groups() []string {
	if u.Group == "" {
		return u.Groups
	}
	return append([]string{u.Group}, u.Groups...)
}

// Probe asks for the login's entry and those of its groups.
func (u *User) Probe(seen probe.Seen) []probe.Query {
	qs := []probe.Query{{Kind: probe.User, Name: u.Name}}
	for _, g := range u.groups() {
		qs = append(qs, probe.Query{Kind: probe.Group, Name: g})
	}
	return kind.Unread(seen, qs...)
}

// Decide adds the login or changes what differs. Files of an old number are not looked for.
func (u *User) Decide(seen probe.Seen) (plan.Change, error) {
	e, ok := seen.Entry(probe.User, u.Name)
	if !ok {
		return kind.Unknown("user " + u.Name), nil
	}
	for _, g := range u.groups() {
		entry, ok := seen.Entry(probe.Group, g)
		if !ok {
			return kind.Unknown("group " + g), nil
		}
		if len(entry) < 4 {
			return plan.Change{Later: "group " + g + " is not there"}, nil
		}
	}
	if e == nil {
		return u.add(), nil
	}
	if len(e) < 7 {
		return plan.Change{}, fmt.Errorf("the entry of user %s has %d fields", u.Name, len(e))
	}
	return u.modify(e, seen), nil
}

func (u *User) touches() []probe.Subject {
	out := []probe.Subject{probe.Of(probe.User, u.Name), probe.Of(probe.Group, u.Name)}
	for _, g := range u.groups() {
		out = append(out, probe.Of(probe.Group, g))
	}
	return out
}

func (u *User) add() plan.Change {
	args := []string{"useradd"}
	want := []string{u.Name}
	option := func(flag, value, word string) {
		if value != "" {
			args, want = append(args, flag, value), append(want, word+" "+value)
		}
	}
	if u.UID != 0 {
		option("-u", strconv.Itoa(u.UID), "uid")
	}
	option("-g", u.Group, "group")
	option("-G", strings.Join(u.Groups, ","), "groups")
	option("-d", u.Home, "home")
	option("-s", u.Shell, "shell")
	touches := u.touches()
	if u.System {
		args = append(args, "-r")
	}
	if u.CreateHome {
		args = append(args, "-m")
		touches = append(touches, kind.FileSubject(cmp.Or(u.Home, "/home/"+u.Name)))
	} else {
		args = append(args, "-M")
	}
	return plan.Change{
		Diffs: []plan.Diff{{Attribute: "user", Want: strings.Join(want, ", ")}},
		Actions: []act.Action{{
			Title:   "add user " + u.Name,
			Shell:   shell.Join(append(args, "--", u.Name)...),
			Unless:  "getent passwd -- " + shell.Quote(u.Name),
			Touches: touches,
		}},
	}
}

func (u *User) modify(e []string, seen probe.Seen) (c plan.Change) {
	args := []string{"usermod"}
	change := func(attribute, flag, have, want, arg string) {
		if want != "" && have != want {
			c.Diffs = append(c.Diffs, plan.Diff{Attribute: attribute, Have: have, Want: want})
			args = append(args, flag, arg)
		}
	}
	if u.UID != 0 {
		change("uid", "-u", e[2], strconv.Itoa(u.UID), strconv.Itoa(u.UID))
	}
	if u.Group != "" {
		g, _ := seen.Entry(probe.Group, u.Group)
		if g[2] != e[3] {
			change("group", "-g", "gid "+e[3], u.Group, u.Group)
		}
	}
	change("home", "-d", e[5], u.Home, u.Home)
	change("shell", "-s", e[6], u.Shell, u.Shell)
	var missing []string
	for _, name := range u.Groups {
		g, _ := seen.Entry(probe.Group, name)
		if g[2] != e[3] && !slices.Contains(strings.Split(g[3], ","), u.Name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		args = append(args, "-a", "-G", strings.Join(missing, ","))
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "groups", Want: strings.Join(missing, ", ")})
	}
	if len(c.Diffs) > 0 {
		c.Actions = []act.Action{{Title: "change user " + u.Name, Shell: shell.Join(append(args, "--", u.Name)...), Touches: u.touches()}}
	}
	return c
}
