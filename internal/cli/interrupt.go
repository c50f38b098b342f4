package cli

import (
	"fmt"
	"strings"

	"haprov/internal/engine"
)

// begun is a command that changes hosts, as far as it came: what an interrupt has to tell.
type begun struct {
	again   string // the command that continues it
	changes int
	left    []string // steps that were not brought to their end, by address
}

// begins notes that a command changes hosts from here on.
func (a *app) begins(again string) { a.run.Store(&begun{again: again}) }

// came adds what a run came to.
func (a *app) came(s engine.Summary) {
	if was := a.run.Load(); was != nil {
		a.run.Store(&begun{was.again, was.changes + s.Changes, append(was.left, s.Left...)})
	}
}

// fewLeft is how many steps an interrupted command names.
const fewLeft = 8

// interrupted is what was done, what was not, and what continues it.
func (a *app) interrupted() string {
	run := a.run.Load()
	if run == nil {
		return "interrupted"
	}
	var b strings.Builder
	switch run.changes {
	case 0:
		b.WriteString("interrupted before a host was changed")
	case 1:
		b.WriteString("interrupted after 1 change")
	default:
		fmt.Fprintf(&b, "interrupted after %d changes", run.changes)
	}
	if len(run.left) > 0 {
		b.WriteString("; not done:")
	}
	for i, address := range run.left {
		if i == fewLeft && len(run.left) > fewLeft+1 {
			fmt.Fprintf(&b, "\nand %d more steps", len(run.left)-fewLeft)
			break
		}
		b.WriteString("\n" + address)
	}
	return b.String() + "\n" + run.again + " continues from here"
}
