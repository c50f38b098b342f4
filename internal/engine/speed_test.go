package engine

import (
	"errors"
	"strings"
	"testing"
	"time"

	"haprov/internal/recipe"
	"haprov/internal/secret"
)

func TestACheckHasItsDeadlineOnceForTheMachinesSpeed(t *testing.T) {
	l := newLab(t)
	l.state("db1")
	c := recipe.Check{Text: "never", On: "one", Deadline: 100 * time.Millisecond, Runs: []recipe.Run{{Host: "db1", Shell: secret.Plain("false")}}}
	longest := time.Duration(0)
	_, err := Run(t.Context(), Options{Hosts: []recipe.Chain{{Host: "db1"}}, Open: l.open, Checks: []recipe.Check{c}, Speed: 2, Events: func(e Event) {
		if w, ok := e.(Waiting); ok && strings.Contains(w.Reason, "never") {
			longest = max(longest, w.Left)
		}
	}})
	if !errors.Is(err, ErrCheck) || longest <= c.Deadline || longest > 2*c.Deadline {
		t.Errorf("waits for %s with a deadline of %s at half the speed: %v", longest, c.Deadline, err)
	}
}
