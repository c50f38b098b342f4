package host

import (
	"strconv"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var CommandSpec = kind.Spec{
	Name:    "command",
	Summary: "A shell command, run only when its probe says that there is something to do.",
	Example: `command "cron is for root" {
  probe = "grep -qx root /etc/cron.allow"
  run   = "echo root >>/etc/cron.allow"
}
`,
	New: func() any { return &Command{} },
}

// Command is a shell command with a probe. The probe only reads; exit 0 says that there is nothing
// to do. It is asked once more just before the command, and must hold after it.
type Command struct {
	Name    string        `hcl:"name,label" about:"What the command is for; must be unique"`
	Test    string        `hcl:"probe,optional" text:"shell" about:"Shell command that only reads; exit 0: nothing to do"`
	Run     string        `hcl:"run" text:"shell" about:"Shell command, run by sh -e"`
	Stdin   secret.Text   `hcl:"stdin,optional" text:"any" about:"Text on the command's standard input; secrets go this way"`
	Timeout time.Duration `hcl:"timeout,optional" default:"10m" about:"How long the command may run"`
	Owes    []string      `hcl:"owes,optional" about:"Restarts and reloads that a run makes necessary: unit:restart or unit:reload"`
}

// Check refuses a command without a probe: nobody could say whether it is still to be run.
func (c *Command) Check() []kind.Problem {
	var ps kind.Problems
	ps.Owes(c.Owes)
	if strings.TrimSpace(c.Test) == "" {
		ps.Add("probe", "Command without a probe", "Nothing says whether it has been run; add probe, a command that only reads and ends with 0 when there is nothing to do.")
	}
	if strings.TrimSpace(c.Run) == "" {
		ps.Add("run", "Command without text", "Found an empty text; write the shell command to run.")
	}
	if c.Timeout < 0 {
		ps.Add("timeout", "Timeout is negative", "Found "+c.Timeout.String()+`; expected a time as in "5m".`)
	}
	return ps
}

func (c *Command) question() probe.Query { return probe.Cmd(c.Name, c.Test) }

// Probe asks the probe.
func (c *Command) Probe(seen probe.Seen) []probe.Query { return kind.Unread(seen, c.question()) }

// Decide runs the command when the probe did not end with 0. It may touch anything.
func (c *Command) Decide(seen probe.Seen) (plan.Change, error) {
	a := seen.Get(c.question())
	if a.State != probe.Answered {
		return kind.Unknown("the probe of " + c.Name), nil
	}
	if a.Exit == 0 {
		return plan.Change{}, nil
	}
	return plan.Change{
		Diffs: []plan.Diff{{Attribute: "run", Have: "probe: exit " + strconv.Itoa(a.Exit), Want: c.Run, Text: strings.Contains(c.Run, "\n")}},
		Actions: []act.Action{{
			Title:   "run " + c.Name,
			Shell:   c.Run,
			Stdin:   c.Stdin,
			Unless:  c.Test,
			Touches: []probe.Subject{probe.All},
			Timeout: c.Timeout,
			Owes:    kind.OwedAll(c.Owes),
		}},
	}, nil
}
