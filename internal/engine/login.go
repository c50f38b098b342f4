package engine

import (
	"context"
	"fmt"
	"time"
)

// tryLogin logs in to the host anew, beside the session that is open, until it works or the time is
// over. The time is not scaled with the machine: something on the host may run out with it.
func (h *host) tryLogin(ctx context.Context, d time.Duration) error {
	c, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	began := time.Now()
	for {
		s, err := h.Open(c, h.name)
		if err == nil {
			h.event(Connected{h.name, time.Since(began)})
			return s.Close()
		}
		pause := time.NewTimer(time.Second)
		select {
		case <-pause.C:
		case <-c.Done():
			pause.Stop()
			return fmt.Errorf("no new login worked within %s: %w", d, err)
		}
	}
}
