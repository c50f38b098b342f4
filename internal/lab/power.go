package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"haprov/internal/lab/machine"
)

// State of a machine:
//
//	       power-on, up                    ended by itself (guest halted, crashed)
//	off ------------------> running ------------------------------------> off
//	                         |   ^ pause/resume
//	                         |   +--------> paused
//	                         | power-off by the user
//	                         v
//	                     off-by-user: stays off, fenced or not, until power-on
type State string

const (
	Off       State = "off"
	Running   State = "running"
	Paused    State = "paused"
	OffByUser State = "off-by-user"
)

// unit is one machine as the supervisor holds it; the supervisor's mu guards the fields.
type unit struct {
	host    Host
	process machine.Process // nil when it was never started or is known to be gone
	token   string          // of this boot; "" from the moment the machine begins to die
	started time.Time
	paused  bool
}

func (u *unit) alive() bool {
	if u.process == nil {
		return false
	}
	select {
	case <-u.process.Done():
		return false
	default:
		return true
	}
}

func (s *supervisor) state(u *unit) State {
	switch {
	case u.alive() && u.paused:
		return Paused
	case u.alive():
		return Running
	case s.held(u.host.Name):
		return OffByUser
	}
	return Off
}

func (s *supervisor) held(host string) bool {
	_, err := os.Stat(s.place.heldOff(host))
	return err == nil
}

// serial runs one power action at a time, in the order they came in: a channel's waiters are
// served first come, first served.
func (s *supervisor) serial(ctx context.Context, action func() error) error {
	select {
	case s.power <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.power }()
	return action()
}

// start boots a machine that is off; called under serial. Each boot has a token of its own,
// so what an earlier life of the machine still has on the wire is worth nothing.
func (s *supervisor) start(u *unit) error {
	if s.alive(u) {
		return nil
	}
	if s.closing {
		return errors.New("the lab is being halted")
	}
	if err := s.kill(u); err != nil { // an ended machine may leave processes behind
		return err
	}
	var raw [16]byte
	rand.Read(raw[:])
	token := hex.EncodeToString(raw[:])
	name := u.host.Name
	sources, err := s.aptSources(u.host)
	if err == nil {
		err = s.place.seed(s.spec, u.host, token, sources)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	console, err := os.OpenFile(s.place.console(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer console.Close()
	printed, err := console.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	begun := time.Now()
	process, err := s.driver.Start(s.config(u.host, console))
	if err != nil {
		s.diary.note(Event{Kind: "power", Host: name, Action: "start", Text: err.Error()})
		return fmt.Errorf("%s: start: %w", name, err)
	}
	s.mu.Lock()
	u.process, u.token, u.started, u.paused = process, token, begun, false
	s.mu.Unlock()
	s.diary.note(Event{Kind: "power", Host: name, Action: "start", OK: true})
	go s.watch(u, process)
	go s.resets(u, process, printed, s.pace)
	return nil
}

// watch notes the end of a machine that nobody ordered.
func (s *supervisor) watch(u *unit, process machine.Process) {
	<-process.Done()
	s.mu.Lock()
	ordered := u.process != process || u.token == ""
	if !ordered {
		u.token = ""
	}
	s.mu.Unlock()
	if !ordered {
		s.diary.note(Event{Kind: "power", Host: u.host.Name, Action: "ended", OK: true, Text: "the machine went off by itself"})
	}
}

// kill pulls the plug; called under serial. When it returns nil, every process of the machine is
// gone and its disks are closed. From its first moment the machine's word counts no more.
func (s *supervisor) kill(u *unit) error {
	s.mu.Lock()
	process := u.process
	u.token = ""
	s.mu.Unlock()
	if process == nil {
		return nil
	}
	if err := process.Kill(); err != nil {
		return fmt.Errorf("%s: kill: %w", u.host.Name, err)
	}
	s.mu.Lock()
	u.process, u.paused = nil, false
	s.mu.Unlock()
	return nil
}

func (s *supervisor) alive(u *unit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return u.alive()
}

// powerOff is the user's: it holds until powerOn.
func (s *supervisor) powerOff(ctx context.Context, u *unit) error {
	return s.powerOffAll(ctx, []string{u.host.Name})
}

// powerOffAll kills all of them before it waits for any: what one writes while the others die is
// as little as can be.
func (s *supervisor) powerOffAll(ctx context.Context, hosts []string) error {
	var units []*unit
	for _, h := range hosts {
		u := s.unit(h)
		if u == nil {
			return fmt.Errorf("no machine %q in lab %s", h, s.spec.Name)
		}
		units = append(units, u)
	}
	return s.serial(ctx, func() error {
		for _, u := range units {
			if err := s.place.holdOff(u.host.Name, true); err != nil {
				return err
			}
		}
		begun := time.Now()
		errs := make(chan error, len(units))
		for _, u := range units {
			go func() { errs <- s.kill(u) }()
		}
		var all []error
		for range units {
			all = append(all, <-errs)
		}
		err := errors.Join(all...)
		for _, u := range units {
			s.diary.note(Event{Kind: "power", Host: u.host.Name, From: "user", Action: "off", OK: err == nil, Text: textOf(err), Seconds: time.Since(begun).Seconds()})
		}
		return err
	})
}

func (s *supervisor) powerCycle(ctx context.Context, u *unit) error {
	return s.serial(ctx, func() error {
		begun := time.Now()
		err := s.kill(u)
		if err == nil {
			err = s.start(u)
		}
		s.diary.note(Event{Kind: "power", Host: u.host.Name, From: "user", Action: "cycle", OK: err == nil, Text: textOf(err), Seconds: time.Since(begun).Seconds()})
		return err
	})
}

func (s *supervisor) powerOn(ctx context.Context, u *unit) error {
	return s.serial(ctx, func() error {
		if err := s.place.holdOff(u.host.Name, false); err != nil {
			return err
		}
		return s.start(u)
	})
}

// startAll starts what is off and not held off by the user; it says which were which.
func (s *supervisor) startAll(ctx context.Context) (started, held []string, err error) {
	err = s.serial(ctx, func() error {
		if err := s.adopt(); err != nil {
			return err
		}
		var all []error
		for _, u := range s.all() {
			name := u.host.Name
			switch {
			case s.alive(u):
			case s.held(name):
				held = append(held, name)
			default:
				if err := s.start(u); err != nil {
					all = append(all, err)
					continue
				}
				started = append(started, name)
			}
		}
		return errors.Join(all...)
	})
	return started, held, err
}

// haltAll takes every machine down. A driver whose processes can be asked to shut down in order
// is given the chance (Shutdown), the plug is pulled on the rest.
func (s *supervisor) haltAll(ctx context.Context) error {
	return s.serial(ctx, func() error {
		s.closing = true
		units := s.all()
		errs := make(chan error, len(units))
		for _, u := range units {
			go func() {
				s.mu.Lock()
				process := u.process
				u.token = ""
				s.mu.Unlock()
				if orderly, can := process.(interface{ Shutdown(context.Context) error }); can {
					grace, cancel := context.WithTimeout(ctx, haltGrace)
					orderly.Shutdown(grace)
					cancel()
				}
				errs <- s.kill(u)
			}()
		}
		var all []error
		for range units {
			all = append(all, <-errs)
		}
		return errors.Join(all...)
	})
}

const haltGrace = 30 * time.Second

func (s *supervisor) freeze(ctx context.Context, u *unit, on bool) error {
	return s.serial(ctx, func() error {
		if !s.alive(u) {
			return fmt.Errorf("%s is off", u.host.Name)
		}
		action, do := "resume", u.process.Resume
		if on {
			action, do = "pause", u.process.Pause
		}
		err := do()
		if err == nil {
			s.mu.Lock()
			u.paused = on
			s.mu.Unlock()
		}
		s.diary.note(Event{Kind: "fault", Host: u.host.Name, From: "user", Action: action, OK: err == nil, Text: textOf(err)})
		return err
	})
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
