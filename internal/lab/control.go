package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"haprov/internal/lab/wire"
)

// Status is a lab at one moment.
type Status struct {
	Name     string    `json:"name"`
	Running  bool      `json:"running"` // a supervisor answers; without one, all machines are off
	Driver   string    `json:"driver,omitempty"`
	Machines []Machine `json:"machines"`
	Faults   []Fault   `json:"faults,omitempty"`
	Leases   []Lease   `json:"leases,omitempty"` // faults that heal by themselves
}

// Machine is one host of a lab.
type Machine struct {
	Host      string     `json:"host"`
	State     State      `json:"state"`
	Addresses []string   `json:"addresses"` // in the order of its NICs
	PID       int        `json:"pid,omitempty"`
	Started   *time.Time `json:"started,omitempty"`
}

// Fault is a fault in force on one network, from one machine to another.
type Fault struct {
	Network string `json:"network"`
	wire.InForce
}

// order is the body of a command to the supervisor.
type order struct {
	Host    string        `json:"host,omitempty"`
	Hosts   []string      `json:"hosts,omitempty"`
	Mend    bool          `json:"mend,omitempty"`
	From    string        `json:"from,omitempty"`
	To      string        `json:"to,omitempty"`
	Network string        `json:"network,omitempty"`
	OneWay  bool          `json:"one_way,omitempty"`
	Delay   time.Duration `json:"delay,omitempty"`
	Loss    float64       `json:"loss,omitempty"`
	ID      string        `json:"id,omitempty"`    // of a lease or a snapshot
	Lease   time.Duration `json:"lease,omitempty"` // how long it lasts
	Undo    []Undo        `json:"undo,omitempty"`
	Only    string        `json:"only,omitempty"` // of rebuild
}

// begun is the answer to start.
type begun struct {
	Started []string `json:"started"`
	Held    []string `json:"held"`
}

func (s *supervisor) handler() http.Handler {
	mux := http.NewServeMux()
	command := func(path string, do func(context.Context, order) (any, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			var o order
			if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			// A power action in hand is finished though the command that asked for it is gone.
			answer, err := do(context.WithoutCancel(r.Context()), o)
			if err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			json.NewEncoder(w).Encode(answer)
		})
	}
	on := func(do func(context.Context, *unit) error) func(context.Context, order) (any, error) {
		return func(ctx context.Context, o order) (any, error) {
			u := s.unit(o.Host)
			if u == nil {
				return nil, fmt.Errorf("no machine %q in lab %s", o.Host, s.spec.Name)
			}
			return nil, do(ctx, u)
		}
	}
	command("/status", func(context.Context, order) (any, error) { return s.status(), nil })
	command("/start", func(ctx context.Context, _ order) (any, error) {
		started, held, err := s.startAll(ctx)
		return begun{started, held}, err
	})
	command("/power-off", on(s.powerOff))
	command("/power-on", on(s.powerOn))
	command("/pause", on(func(ctx context.Context, u *unit) error { return s.freeze(ctx, u, true) }))
	command("/resume", on(func(ctx context.Context, u *unit) error { return s.freeze(ctx, u, false) }))
	command("/power-off-all", func(ctx context.Context, o order) (any, error) { return nil, s.powerOffAll(ctx, o.Hosts) })
	command("/power-cycle", on(s.powerCycle))
	command("/fence-refuse", on(func(_ context.Context, u *unit) error { s.refuse(u.host.Name, true); return nil }))
	command("/fence-obey", on(func(_ context.Context, u *unit) error { s.refuse(u.host.Name, false); return nil }))
	command("/snapshot", func(ctx context.Context, o order) (any, error) { return s.snapshot(ctx, o.ID) })
	command("/rebuild", func(ctx context.Context, o order) (any, error) {
		return on(func(ctx context.Context, u *unit) error { return s.rebuild(ctx, u, o.Only) })(ctx, o)
	})
	command("/arm", func(_ context.Context, o order) (any, error) { return nil, s.arm(o) })
	command("/release", func(ctx context.Context, o order) (any, error) { return nil, s.release(ctx, o.ID) })
	command("/fault", func(_ context.Context, o order) (any, error) { return nil, s.inject(o) })
	command("/heal", func(context.Context, order) (any, error) {
		for _, n := range s.networks {
			n.Heal()
		}
		s.diary.note(Event{Kind: "fault", From: "user", Action: "heal", OK: true})
		return nil, nil
	})
	command("/halt", func(ctx context.Context, _ order) (any, error) {
		err := s.haltAll(ctx)
		if err == nil {
			s.endOnce.Do(func() { close(s.end) })
		}
		return nil, err
	})
	mux.HandleFunc("POST /dial", s.dial)
	return mux
}

func (s *supervisor) status() Status {
	now := Status{Name: s.spec.Name, Running: true, Driver: s.choice.Driver}
	s.mu.Lock()
	for _, u := range s.units {
		m := Machine{Host: u.host.Name, State: s.state(u), Addresses: u.host.addresses()}
		if u.alive() {
			started := u.started
			m.Started = &started
			if known, can := u.process.(interface{ PID() int }); can {
				m.PID = known.PID()
			}
		}
		now.Machines = append(now.Machines, m)
	}
	now.Leases = s.leased()
	s.mu.Unlock()
	for _, n := range s.spec.Networks {
		for _, fault := range s.networks[n.Name].Faults() {
			now.Faults = append(now.Faults, Fault{n.Name, fault})
		}
	}
	return now
}

// inject puts a cut, delay or loss between two machines, on one network or on all they share.
func (s *supervisor) inject(o order) error {
	for _, name := range []string{o.From, o.To} {
		if name != wire.Gateway && s.unit(name) == nil {
			return fmt.Errorf("no machine %q in lab %s", name, s.spec.Name)
		}
	}
	if o.From == o.To {
		return errors.New("a fault is between two machines")
	}
	if o.Network != "" && s.networks[o.Network] == nil {
		return fmt.Errorf("no network %q in lab %s", o.Network, s.spec.Name)
	}
	if o.Loss < 0 || o.Loss > 1 || o.Delay < 0 {
		return errors.New("loss is between 0 and 1, delay not below 0")
	}
	action := "cut"
	change := func(f *wire.Fault) { f.Cut = true }
	switch {
	case o.Mend:
		action, change = "heal", func(f *wire.Fault) { *f = wire.Fault{} }
	case o.Delay > 0:
		action, change = "delay "+o.Delay.String(), func(f *wire.Fault) { f.Delay = o.Delay }
	case o.Loss > 0:
		action, change = fmt.Sprintf("loss %g%%", o.Loss*100), func(f *wire.Fault) { f.Loss = o.Loss }
	}
	for name, n := range s.networks {
		if o.Network != "" && name != o.Network {
			continue
		}
		n.Alter(wire.Way{From: o.From, To: o.To}, change)
		if !o.OneWay {
			n.Alter(wire.Way{From: o.To, To: o.From}, change)
		}
	}
	where := "all networks"
	if o.Network != "" {
		where = "network " + o.Network
	}
	if o.OneWay {
		where += ", one way"
	}
	s.diary.note(Event{Kind: "fault", From: "user", Host: o.From, Action: action, OK: true, Text: o.From + " to " + o.To + ", " + where})
	return nil
}

// dial connects to ?to=IP:PORT through the lab's network and hands the connection over: after
// the 101 answer the socket carries its bytes.
func (s *supervisor) dial(w http.ResponseWriter, r *http.Request) {
	to, err := netip.ParseAddrPort(r.URL.Query().Get("to"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, n := range s.networks {
		if !n.Contains(to.Addr()) {
			continue
		}
		far, err := n.Dial(r.Context(), to)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer far.Close()
		near, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer near.Close()
		near.SetDeadline(time.Time{})
		io.WriteString(near, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
		splice(near, buffered, far)
		return
	}
	http.Error(w, fmt.Sprintf("%s is on no network of lab %s", to.Addr(), s.spec.Name), http.StatusBadGateway)
}

// splice carries bytes both ways until both have ended or one has failed; read is near's reader.
func splice(near net.Conn, read io.Reader, far net.Conn) {
	var both sync.WaitGroup
	carry := func(to net.Conn, from io.Reader, other net.Conn) {
		_, err := io.Copy(to, from)
		if half, can := to.(interface{ CloseWrite() error }); can && err == nil {
			half.CloseWrite()
			return
		}
		to.Close()
		other.Close()
	}
	both.Go(func() { carry(far, read, near) })
	both.Go(func() { carry(near, far, far) })
	both.Wait()
}

func (h Host) addresses() []string {
	var all []string
	for _, nic := range h.NICs {
		all = append(all, nic.Address)
	}
	return all
}
