package cli

import (
	"context"
	"sync"
	"time"

	"haprov/internal/lab"
	"haprov/internal/transport"
)

// halt writes what the guests still hold in memory to their disks, then pulls all plugs. To the
// clusters on them it is a power cut, which they are built for.
func halt(ctx context.Context, l *lab.Client) error {
	if err := flush(ctx, l); err != nil {
		return err
	}
	return l.Halt(ctx)
}

// flush has the guests write what they still hold in memory to their disks. A machine that does not
// answer in time is left as it is.
func flush(ctx context.Context, l *lab.Client) error {
	st, err := l.Status(ctx)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, m := range st.Machines {
		if m.State != lab.Running || len(m.Addresses) == 0 {
			continue
		}
		all.Go(func() {
			c, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			s, err := transport.Open(c, transport.Target{Name: m.Host, Address: m.Addresses[0], Port: 22, User: "root", KeyFiles: []string{l.Key()},
				KnownHosts: []string{l.KnownHosts()}, OnlyKnown: true, Dial: l.Dial})
			if err != nil {
				return
			}
			defer s.Close()
			_, _ = s.Exchange(c, "timeout 15 sync", nil)
		})
	}
	all.Wait()
	return nil
}
