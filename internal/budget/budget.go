// Package budget bounds what the files of one load may cost: work and bytes, which everything
// that evaluates them spends from one account. Neither is time, so that the same files give the
// same answer on a fast and on a slow machine. It must not know what is evaluated.
package budget

import (
	"fmt"
	"sync/atomic"
)

// Limits of one load, with all steps that are built later, when facts are known. A unit of work is
// a few ns of a processor. 5,000 hosts with 60 steps each take about a third of them.
const (
	MaxWork  = 500_000_000
	MaxBytes = 192 << 20
)

// Budget is what is left. Several goroutines may spend from it. A nil Budget has no bounds.
type Budget struct {
	work, bytes atomic.Int64
	spent       atomic.Bool
}

// New gives a full budget.
func New() *Budget {
	b := &Budget{}
	b.work.Store(MaxWork)
	b.bytes.Store(MaxBytes)
	return b
}

// Error says which limit was passed, and what to do.
type Error struct{ Summary, Detail string }

func (e *Error) Error() string { return e.Detail }

var (
	tooMuchWork = &Error{"Evaluation takes too much work",
		fmt.Sprintf("All files together may take %d million units of work, and the limit was passed here. Let loops make fewer elements, or divide the hosts among several inventories.", MaxWork/1_000_000)}
	tooManyBytes = &Error{"Evaluation makes too much data",
		fmt.Sprintf("All files together may make %d MiB of values, and the limit was passed here. Make fewer or shorter texts and lists, or divide the hosts among several inventories.", MaxBytes>>20)}
)

// Work spends n units. After an error every call gives one, so that all that is going on ends.
func (b *Budget) Work(n int64) error {
	if b == nil {
		return nil
	}
	if n < 0 || n > MaxWork || b.work.Add(-n) < 0 {
		return b.over(&b.work, tooMuchWork)
	}
	if b.spent.Load() {
		return tooManyBytes
	}
	return nil
}

// Bytes spends n bytes that are kept.
func (b *Budget) Bytes(n int64) error {
	if b == nil {
		return nil
	}
	if n < 0 || n > MaxBytes || b.bytes.Add(-n) < 0 {
		return b.over(&b.bytes, tooManyBytes)
	}
	return nil
}

// over leaves nothing of an account: a limit that was passed stays passed, and cannot wrap around.
func (b *Budget) over(account *atomic.Int64, e *Error) error {
	account.Store(-1)
	b.spent.Store(true)
	return e
}
