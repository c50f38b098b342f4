package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"haprov/internal/lab/wire"
)

// Undo takes one fault back. It may be carried out at any time and repeated, also when the fault
// never was.
type Undo struct {
	Action  string `json:"action"` // power-on, resume, mend, obey
	Host    string `json:"host,omitempty"`
	From    string `json:"from,omitempty"` // of mend, as in Cut
	To      string `json:"to,omitempty"`
	Network string `json:"network,omitempty"`
	OneWay  bool   `json:"one_way,omitempty"`
}

// Lease is a promise of the supervisor: what is in Undo is done at Until at the latest, whoever has
// died by then.
type Lease struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until"`
	Undo  []Undo    `json:"undo"`
}

// longestLease is more than any drill takes.
const longestLease = 6 * time.Hour

// Arm has the supervisor carry out undo when the lease is over, or at Release. It comes before the
// fault, so that none stays for ever. Arming an ID again replaces its lease.
func (c *Client) Arm(ctx context.Context, id string, lease time.Duration, undo []Undo) error {
	return c.call(ctx, "/arm", order{ID: id, Lease: lease, Undo: undo}, nil)
}

// Release carries out now what was armed under the ID, and ends the lease when all of it worked. It
// may be repeated: releasing an ID that is not armed does nothing.
func (c *Client) Release(ctx context.Context, id string) error {
	return c.call(ctx, "/release", order{ID: id}, nil)
}

// heldLease is a lease in force, with its clock; the supervisor's mu guards the table.
type heldLease struct {
	Lease
	clock *time.Timer
}

func (s *supervisor) arm(o order) error {
	if o.ID == "" || o.Lease <= 0 || o.Lease > longestLease {
		return fmt.Errorf("a lease has a name, and a time above 0 and up to %s", longestLease)
	}
	for _, u := range o.Undo {
		if err := s.checkUndo(u); err != nil {
			return err
		}
	}
	l := &heldLease{Lease: Lease{o.ID, time.Now().Add(o.Lease), o.Undo}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases == nil {
		s.leases = map[string]*heldLease{}
	}
	if old := s.leases[o.ID]; old != nil {
		old.clock.Stop()
	}
	s.leases[o.ID] = l
	l.clock = time.AfterFunc(o.Lease, func() { s.expire(l) })
	return nil
}

func (s *supervisor) checkUndo(u Undo) error {
	hosts := []string{u.Host}
	switch u.Action {
	case "power-on", "resume", "obey":
	case "mend":
		hosts = []string{u.From, u.To}
		if u.Network != "" && s.networks[u.Network] == nil {
			return fmt.Errorf("no network %q in lab %s", u.Network, s.spec.Name)
		}
	default:
		return fmt.Errorf("a lease does not know how to %q", u.Action)
	}
	for _, h := range hosts {
		if s.unit(h) == nil && !(u.Action == "mend" && h == wire.Gateway) {
			return fmt.Errorf("no machine %q in lab %s", h, s.spec.Name)
		}
	}
	return nil
}

// expire heals by itself what nobody released.
func (s *supervisor) expire(l *heldLease) {
	ctx, cancel := context.WithTimeout(context.Background(), fenceAct)
	defer cancel()
	err := s.releaseLease(ctx, l)
	s.diary.note(Event{Kind: "fault", From: "lease", Action: "heal", OK: err == nil, Text: l.ID + ": its time was over" + textOf(err)})
}

func (s *supervisor) release(ctx context.Context, id string) error {
	s.mu.Lock()
	l := s.leases[id]
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	return s.releaseLease(ctx, l)
}

func (s *supervisor) releaseLease(ctx context.Context, l *heldLease) error {
	var all []error
	for _, u := range l.Undo {
		if err := s.undo(ctx, u); err != nil {
			all = append(all, err)
		}
	}
	if err := errors.Join(all...); err != nil {
		return err // its clock still runs
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[l.ID] == l {
		l.clock.Stop()
		delete(s.leases, l.ID)
	}
	return nil
}

func (s *supervisor) undo(ctx context.Context, u Undo) error {
	switch u.Action {
	case "power-on":
		return s.powerOn(ctx, s.unit(u.Host))
	case "resume":
		if m := s.unit(u.Host); s.isPaused(m) {
			return s.freeze(ctx, m, false)
		}
		return nil
	case "obey":
		s.refuse(u.Host, false)
		return nil
	}
	return s.inject(order{From: u.From, To: u.To, Network: u.Network, OneWay: u.OneWay, Mend: true})
}

func (s *supervisor) isPaused(u *unit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return u.alive() && u.paused
}

// leased are the leases in force, by ID.
func (s *supervisor) leased() (all []Lease) {
	for _, l := range s.leases {
		all = append(all, l.Lease)
	}
	slices.SortFunc(all, func(a, b Lease) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}
