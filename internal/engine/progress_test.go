package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"haprov/internal/act"
)

// What is one transaction is data, not told from titles: whoever draws the events reads it.
func TestPackagesOfOneTransactionEndTogether(t *testing.T) {
	as := []act.Action{{Title: "add socat", Install: []string{"socat"}}, {Title: "add jq", Install: []string{"jq"}}, {Title: "install nothing", Shell: "true"}}
	joined, covers := act.Join(as)
	var got []string
	h := &host{name: "db1", run: &run{Options: Options{Speed: 1, Events: func(e Event) {
		if d, ok := e.(Done); ok {
			got = append(got, fmt.Sprintf("%s %d/%d", d.Title, d.Nth, d.Of))
		}
	}}}}
	p := progress{h: h, joined: joined, covers: covers, read: act.NewReader(len(joined), "x"), last: time.Now(), stop: func(error) {}}
	for _, a := range as {
		p.batch = append(p.batch, batchItem{address: "a", action: a})
	}
	for i := range joined {
		p.got(fmt.Appendf(nil, "\nx begin %d\n\n\nx done %d\n\n", i, i))
	}
	p.late.Stop()
	if want := "add socat 1/2; add jq 2/2; install nothing 0/0"; strings.Join(got, "; ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, "; "), want)
	}
}

func TestAnActionThatItsTimeoutEndedIsTold(t *testing.T) {
	for exit, want := range map[int]bool{124: true, 137: true, 1: false} {
		err := fmt.Errorf("db1: %w", &actionError{title: "wait", state: act.Failed, exit: exit})
		if errors.Is(err, ErrOverran) != want {
			t.Errorf("exit %d: %v", exit, !want)
		}
	}
	if errors.Is(&actionError{state: act.Refused, exit: 124}, ErrOverran) {
		t.Error("what was refused did not run")
	}
}
