package budget_test

import (
	"math"
	"testing"

	"haprov/internal/budget"
)

func TestALimitThatWasPassedStaysPassed(t *testing.T) {
	b := budget.New()
	if err := b.Work(budget.MaxWork); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if b.Work(1) == nil {
			t.Error("more work was given")
		}
	}
	b = budget.New()
	if b.Bytes(math.MaxInt64) == nil || b.Bytes(1) == nil {
		t.Error("more bytes were given")
	}
	if b.Work(1) == nil {
		t.Error("work goes on without bytes")
	}
	if b = budget.New(); b.Work(-1) == nil {
		t.Error("a sum that wrapped around was taken for work")
	}
	var none *budget.Budget
	if none.Work(math.MaxInt64) != nil || none.Bytes(math.MaxInt64) != nil {
		t.Error("no budget has a limit")
	}
}

func TestFormatCountsWidthsAndArguments(t *testing.T) {
	for format, want := range map[string]int64{
		"plain":         5,
		"%s":            2 + 60,
		"%s and %d":     9 + 120,
		"%500s":         5 + 500 + 60,
		"%8.200f":       7 + 208 + 60,
		"100%":          4 + 60,
		"%99999999999d": 13 + 1<<31 + 60,
	} {
		if got := budget.Format(format, 10); got != want {
			t.Errorf("%s: %d, expected %d", format, got, want)
		}
	}
}
