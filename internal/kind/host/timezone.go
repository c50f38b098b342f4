package host

import (
	"regexp"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var TimezoneSpec = kind.Spec{
	Name:    "timezone",
	Summary: "The system's time zone, as timedatectl and Debian's tzdata keep it.",
	Example: `timezone "Etc/UTC" {}
`,
	New: func() any { return &Timezone{} },
}

// Timezone is the link /etc/localtime (localtime(5)) and, as tzdata of Debian reads it, the file
// /etc/timezone. Programs that run keep the zone that they began with.
type Timezone struct {
	Zone string   `hcl:"zone,label" about:"Name of the zone, such as Europe/Zurich; the package tzdata has it"`
	Owes []string `hcl:"owes,optional" about:"Restarts and reloads that a change makes necessary: unit:restart or unit:reload"`
}

const (
	localtime    = "/etc/localtime"
	timezoneFile = "/etc/timezone"
	zoneinfo     = "/usr/share/zoneinfo/"
)

var zoneName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}$`)

// Owns are both files.
func (z *Timezone) Owns(_ string) []kind.Thing {
	return kind.Settings(localtime, timezoneFile)
}

// Check finds names that no zone can have.
func (z *Timezone) Check() []kind.Problem {
	var ps kind.Problems
	ps.Owes(z.Owes)
	if !zoneName.MatchString(z.Zone) {
		ps.Add("zone", "Invalid time zone", "Found "+kind.Quoted(z.Zone)+`; expected a name such as "Europe/Zurich" or "Etc/UTC".`)
	}
	return ps
}

func (z *Timezone) parts() (*Symlink, *File) {
	return &Symlink{Path: localtime, Target: zoneinfo + z.Zone, Owes: z.Owes},
		&File{Path: timezoneFile, Content: secret.Plain(z.Zone + "\n"), Owner: "root", Group: "root", Mode: "0644", Owes: z.Owes}
}

// Probe asks for both files.
func (z *Timezone) Probe(seen probe.Seen) []probe.Query {
	link, file := z.parts()
	return append(link.Probe(seen), file.Probe(seen)...)
}

// Decide turns the link and writes the name. A zone that the host does not have is refused on it.
func (z *Timezone) Decide(seen probe.Seen) (plan.Change, error) {
	link, file := z.parts()
	c, err := link.Decide(seen)
	if err != nil || c.Later != "" {
		return c, err
	}
	for i := range c.Actions {
		c.Actions[i].Guard = "[ -f " + zoneinfo + z.Zone + " ] && { " + c.Actions[i].Guard + "; }"
	}
	name, err := file.Decide(seen)
	if err != nil || name.Later != "" {
		return name, err
	}
	for _, d := range name.Diffs {
		d.Attribute = timezoneFile + " " + d.Attribute
		c.Diffs = append(c.Diffs, d)
	}
	c.Actions = append(c.Actions, name.Actions...)
	return c, nil
}
