package wire

import "sync/atomic"

// counters of one port, in frames.
type counters struct {
	received, sent, overrun, faulted atomic.Uint64
}

// Stats are the counters of a machine's port, in frames. They start anew when it attaches anew.
type Stats struct {
	Machine  string `json:"machine"`
	Received uint64 `json:"received"` // came from the machine
	Sent     uint64 `json:"sent"`     // queued for it
	Overrun  uint64 `json:"overrun"`  // dropped, its queue was full
	Faulted  uint64 `json:"faulted"`  // dropped by a cut or loss in force
}

// Stats lists the attached ports, in no order.
func (n *Network) Stats() []Stats {
	n.fabric.mu.RLock()
	defer n.fabric.mu.RUnlock()
	var all []Stats
	for p := range n.fabric.ports {
		all = append(all, Stats{p.machine, p.received.Load(), p.sent.Load(), p.overrun.Load(), p.faulted.Load()})
	}
	return all
}
