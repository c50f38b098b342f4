package view

import (
	"fmt"

	"haprov/internal/engine"
)

// joint is what ended last: packages of one transaction end together and share a line.
type joint struct {
	engine.Done
	n int
}

// takes reports whether an action ended in the same transaction.
func (j *joint) takes(e engine.Done) bool {
	same := j.n > 0 && e.Host == j.Host && e.Unchanged == j.Unchanged && (e.Took-j.Took).Abs() < 50e6 && installs(e.Title) && installs(j.Title)
	if same {
		j.n++
	}
	return same
}

func installs(title string) bool { return len(title) > 8 && title[:8] == "install " }

// tell draws the line, once.
func (j *joint) tell(v *Human) {
	if j.n == 0 {
		return
	}
	what, more := v.paint("32", "done"), ""
	if j.Unchanged {
		what = "same"
	}
	if j.n > 1 {
		more = fmt.Sprintf(" and %d more", j.n-1)
	}
	fmt.Fprintf(v.Err, "%-8s %s  %s%s (%s)\n", j.Host, what, Clean(j.Title), more, short(j.Took))
	j.n = 0
}
