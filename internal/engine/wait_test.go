package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"haprov/internal/plan"
)

func TestAWaitKeepsItsTimeThoughItsReasonChanges(t *testing.T) {
	r := &run{Options: Options{Speed: 1}}
	first := waits{}
	for i := range 5 {
		w := &plan.Wait{Reason: "everything runs", Progress: fmt.Sprintf("%d not yet", 5-i), Deadline: 200 * time.Millisecond}
		if err := r.wait(t.Context(), first, []string{"db1"}, "db:x", w); err != nil {
			if !strings.Contains(err.Error(), w.Text()) {
				t.Errorf("the last reason is not told: %v", err)
			}
			return
		}
	}
	t.Error("waits without end")
}

func TestAWaitIsLongerWhileTheMachineIsOverloadedWhichIsSaidOnce(t *testing.T) {
	notes := 0
	slow, why := 3.0, "load average 16.0 on 2 cores"
	longest := time.Duration(0)
	r := &run{Options: Options{Speed: 2, Pace: func() (float64, string) { return slow, why }, Events: func(e Event) {
		switch e := e.(type) {
		case Noted:
			if notes++; !strings.Contains(e.Text, "overloaded: load average 16.0 on 2 cores") {
				t.Error(e.Text)
			}
		case Waiting:
			longest = max(longest, e.Left)
		}
	}}}
	first := waits{}
	w := &plan.Wait{Reason: "everything runs", Deadline: 10 * time.Millisecond}
	if err := r.wait(t.Context(), first, nil, "db:x", w); err != nil || longest < 50*time.Millisecond || longest > 60*time.Millisecond {
		t.Errorf("%s %v", longest, err)
	}
	slow, why = 1, "" // what was slow needs its time, though it is over
	first["everything runs"] = clock{since: time.Now(), slow: 3}
	longest = 0
	if err := r.wait(t.Context(), first, nil, "db:x", w); err != nil || longest < 50*time.Millisecond || notes != 1 {
		t.Errorf("%s, said %d times, %v", longest, notes, err)
	}
}
