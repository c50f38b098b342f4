package wire

import (
	"maps"
	"math/rand/v2"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what happens to frames on the way from one machine to another. Broadcast is no
// exception: a cut peer's ARP does not arrive either.
type Fault struct {
	Cut   bool          `json:"cut,omitempty"`
	Delay time.Duration `json:"delay,omitempty"` // nanoseconds in JSON
	Loss  float64       `json:"loss,omitempty"`  // 0 to 1, the share of frames dropped by chance
}

// Way is a direction between two ports: names of machines, or Gateway.
type Way struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// InForce is one fault with its way.
type InForce struct {
	Way
	Fault
}

// faults is the table of ways that are not well. Reading it costs one atomic load a frame.
type faults struct {
	table atomic.Pointer[map[Way]Fault]

	mu    sync.Mutex // writers of table, and:
	lines map[Way]*line
}

func (f *faults) judge(from, to string) (delay time.Duration, drop bool) {
	table := f.table.Load()
	if table == nil || len(*table) == 0 {
		return 0, false
	}
	fault, bad := (*table)[Way{from, to}]
	if !bad {
		return 0, false
	}
	if fault.Cut || fault.Loss > 0 && rand.Float64() < fault.Loss {
		return 0, true
	}
	return fault.Delay, false
}

func (f *faults) edit(change func(map[Way]Fault)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := map[Way]Fault{}
	if now := f.table.Load(); now != nil {
		maps.Copy(next, *now)
	}
	change(next)
	f.table.Store(&next)
}

// Alter changes the fault of a way: what change leaves alone stays in force, and the zero Fault mends
// it. Two machines stay connected to the gateway whatever is between them: that way is cut only when
// it is named.
func (n *Network) Alter(way Way, change func(*Fault)) {
	n.fabric.faults.edit(func(table map[Way]Fault) {
		fault := table[way]
		change(&fault)
		table[way] = fault
		if fault == (Fault{}) {
			delete(table, way)
		}
	})
}

// Heal mends all ways of the network. Healing a healthy network does nothing.
func (n *Network) Heal() {
	n.fabric.faults.edit(func(table map[Way]Fault) { clear(table) })
}

// Faults lists the faults in force, sorted by way.
func (n *Network) Faults() []InForce {
	table := n.fabric.faults.table.Load()
	if table == nil {
		return nil
	}
	var all []InForce
	for way, fault := range *table {
		all = append(all, InForce{way, fault})
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].From != all[j].From {
			return all[i].From < all[j].From
		}
		return all[i].To < all[j].To
	})
	return all
}

// line holds delayed frames of one way, in order.
type line struct{ frames chan held }

type held struct {
	to    *port
	frame []byte
	due   time.Time
}

// later keeps the frame until it is due. A way has one line, so frames do not overtake each
// other; its goroutine ends when the line has been idle for a while.
func (f *faults) later(from, to *port, frame []byte, due time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	way := Way{from.machine, to.machine}
	l := f.lines[way]
	if l == nil {
		l = &line{frames: make(chan held, 4*queue)}
		if f.lines == nil {
			f.lines = map[Way]*line{}
		}
		f.lines[way] = l
		go f.drain(way, l)
	}
	select {
	case l.frames <- held{to, frame, due}:
	default:
		// full, as a port would be
	}
}

func (f *faults) drain(way Way, l *line) {
	idle := time.NewTimer(lineIdle)
	defer idle.Stop()
	for {
		select {
		case h := <-l.frames:
			wait := time.NewTimer(time.Until(h.due))
			<-wait.C
			h.to.put(h.frame)
			idle.Reset(lineIdle)
		case <-idle.C:
			f.mu.Lock()
			if len(l.frames) == 0 {
				delete(f.lines, way)
				f.mu.Unlock()
				return
			}
			f.mu.Unlock()
			idle.Reset(lineIdle)
		}
	}
}

const lineIdle = 5 * time.Second
