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
	first := map[string]time.Time{}
	for i := range 5 {
		w := &plan.Wait{Reason: fmt.Sprintf("everything runs (%d not yet)", 5-i), For: "everything runs", Deadline: 200 * time.Millisecond}
		if err := r.wait(t.Context(), first, []string{"db1"}, "db:x", w); err != nil {
			if !strings.Contains(err.Error(), w.Reason) {
				t.Errorf("the last reason is not told: %v", err)
			}
			return
		}
	}
	t.Error("waits without end")
}
