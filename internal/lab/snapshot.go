package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"haprov/internal/file"
)

// Snapshot is what the disks of all machines of a lab held at one moment.
type Snapshot struct {
	Name   string    `json:"name"`
	Taken  time.Time `json:"taken"`
	Live   bool      `json:"live"`   // machines ran: what runs on them finds itself as after a power cut of all at once
	Frozen float64   `json:"frozen"` // seconds that they stood still for it
	Bytes  int64     `json:"bytes"`  // what it takes here, where no blocks are shared
	Hosts  []Host    `json:"hosts"`  // as they were made
	Off    []string  `json:"off"`    // those the user had powered off
	Base   string    `json:"base"`   // the image that the root disks are differences to
	Files  []string  `json:"files"`  // the disks, by their place below the lab's folder
}

// disks are the files of these machines' disks, below the lab's folder. A machine that never started
// has no root disk.
func (p place) disks(hosts []Host) (all []string, err error) {
	for _, h := range hosts {
		roots, err := filepath.Glob(filepath.Join(p.machine(h.Name), "root.*"))
		if err != nil {
			return nil, err
		}
		for _, d := range h.Disks {
			roots = append(roots, p.disk(h.Name, d.Name))
		}
		for _, path := range roots {
			if strings.HasSuffix(path, unborn) {
				continue
			}
			below, err := filepath.Rel(p.dir, path)
			if err != nil {
				return nil, err
			}
			all = append(all, below)
		}
	}
	return all, nil
}

// unborn ends the name of a file that is to take another's place.
const unborn = ".restored"

func (p place) snapshot(name string) string { return p.at("snapshots", name) }

// restoring is there while disks of two moments stand beside each other.
func (p place) restoring() string { return p.at("restoring") }

// whole is an error while a restore has not ended.
func (p place) whole() error {
	name, err := file.Read(p.restoring(), maxState)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("the restore of snapshot %s was interrupted, some disks are older than others: haprov lab snapshot restore %[1]s", strings.TrimSpace(string(name)))
}

// copyDisks begins a snapshot; nobody may write to the disks meanwhile. What an interrupted one has
// left goes.
func (p place) copyDisks(s *Snapshot) (err error) {
	next := p.snapshot(s.Name) + ".new"
	if err := errors.Join(os.RemoveAll(next), os.MkdirAll(next, 0o700)); err != nil {
		return err
	}
	if s.Files, err = p.disks(s.Hosts); err != nil {
		return err
	}
	for _, d := range s.Files {
		to := filepath.Join(next, d)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), file.Clone(to, p.at(d))); err != nil {
			return errors.Join(err, os.RemoveAll(next))
		}
	}
	return nil
}

// seal ends what copyDisks began: from here on the snapshot exists, also after a power cut of this
// machine.
func (p place) seal(s *Snapshot) error {
	next := p.snapshot(s.Name) + ".new"
	for _, d := range s.Files {
		f, err := os.Open(filepath.Join(next, d))
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		s.Bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
	}
	if err := writeJSON(filepath.Join(next, "snapshot.json"), s); err != nil {
		return err
	}
	return os.Rename(next, p.snapshot(s.Name))
}

// ErrNoSnapshot: the lab has none of that name.
var ErrNoSnapshot = errors.New("no such snapshot")

// Snapshots are those the lab has, oldest first.
func (c *Client) Snapshots() ([]Snapshot, error) {
	paths, err := filepath.Glob(c.place.at("snapshots", "*", "snapshot.json"))
	if err != nil {
		return nil, err
	}
	all := []Snapshot{}
	for _, path := range paths {
		if strings.HasSuffix(filepath.Dir(path), ".new") {
			continue // not sealed
		}
		var s Snapshot
		if err := readJSON(path, &s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Snapshot) int { return a.Taken.Compare(b.Taken) })
	return all, nil
}

// Snapshot is the one of that name. Errors: ErrNoSnapshot, which names those there are.
func (c *Client) Snapshot(name string) (Snapshot, error) {
	all, err := c.Snapshots()
	if err != nil {
		return Snapshot{}, err
	}
	var names []string
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	there := "it has none"
	if len(names) > 0 {
		there = "there is " + strings.Join(names, ", ")
	}
	return Snapshot{}, fmt.Errorf("lab %s: %w: %.60q; %s", c.spec.Name, ErrNoSnapshot, name, there)
}

// SaveSnapshot keeps the disks of all machines as they are at one moment. Machines that run stand
// still while their disks are copied, all at once and with their clocks: none of them notices the
// others' absence. An existing name is an error.
func (c *Client) SaveSnapshot(ctx context.Context, name string) (Snapshot, error) {
	if !goodName.MatchString(name) {
		return Snapshot{}, fmt.Errorf("snapshot %.60q: a name is lower-case letters, digits and dashes", name)
	}
	lock, err := waitLock(ctx, c.place.upLock())
	if err != nil {
		return Snapshot{}, err
	}
	defer lock.Close()
	if _, err := os.Stat(c.place.snapshot(name)); err == nil {
		return Snapshot{}, fmt.Errorf("lab %s has a snapshot %s already: take another name, or haprov lab snapshot remove %[2]s first", c.spec.Name, name)
	}
	var s Snapshot
	err = c.call(ctx, "/snapshot", order{ID: name}, &s)
	if !errors.Is(err, ErrHalted) {
		return s, err
	}
	s, err = c.place.still(name, c.spec)
	if err != nil {
		return s, err
	}
	if err := c.place.copyDisks(&s); err != nil {
		return s, err
	}
	return s, c.place.seal(&s)
}

// still is the snapshot of a lab in which nothing runs, before its disks are copied.
func (p place) still(name string, spec Spec) (Snapshot, error) {
	s := Snapshot{Name: name, Taken: time.Now().Round(0), Hosts: spec.Hosts}
	var made choice
	if err := readJSON(p.choice(), &made); err != nil {
		return s, err
	}
	s.Base = made.Root
	for _, h := range spec.Hosts {
		if _, err := os.Stat(p.heldOff(h.Name)); err == nil {
			s.Off = append(s.Off, h.Name)
		}
	}
	return s, p.whole()
}

// snapshot stops all machines that run, copies, and lets them go on. The copies are made durable after
// that.
func (s *supervisor) snapshot(ctx context.Context, name string) (Snapshot, error) {
	var shot Snapshot
	err := s.serial(ctx, func() (err error) {
		s.mu.Lock()
		drilled := len(s.leases) > 0
		spec := s.spec
		s.mu.Unlock()
		if drilled {
			return errors.New("a drill is at work: haprov drill heal ends it")
		}
		if shot, err = s.place.still(name, spec); err != nil {
			return err
		}
		var stopped []*unit
		resume := func() error {
			var errs []error
			for _, u := range stopped {
				errs = append(errs, u.process.Resume())
			}
			stopped = nil
			return errors.Join(errs...)
		}
		begun := time.Now()
		for _, u := range s.all() {
			if s.state(u) != Running {
				continue
			}
			shot.Live = true
			if err := u.process.Pause(); err != nil {
				return errors.Join(fmt.Errorf("%s: pause: %w", u.host.Name, err), resume())
			}
			stopped = append(stopped, u)
		}
		err = s.place.copyDisks(&shot)
		if err = errors.Join(err, resume()); err != nil {
			return err
		}
		if shot.Live {
			shot.Frozen = time.Since(begun).Seconds()
		}
		return nil
	})
	if err == nil {
		err = s.place.seal(&shot)
	}
	s.diary.note(Event{Kind: "snapshot", From: "user", Action: "save", OK: err == nil, Text: strings.TrimSpace(name + " " + textOf(err)), Seconds: shot.Frozen})
	return shot, err
}

// RestoreSnapshot gives every disk of the lab what it held when the snapshot was taken; what was written
// since is lost. Machines that run lose power; Up starts them. Interrupted, it is to be repeated, and
// Up refuses until then.
func (c *Client) RestoreSnapshot(ctx context.Context, name string) (Snapshot, error) {
	s, err := c.Snapshot(name)
	if err != nil {
		return s, err
	}
	lock, err := waitLock(ctx, c.place.upLock())
	if err != nil {
		return s, err
	}
	defer lock.Close()
	var made choice
	if err := readJSON(c.place.choice(), &made); err != nil {
		return s, err
	}
	if text(s.Hosts) != text(c.spec.Hosts) || s.Base != made.Root {
		return s, fmt.Errorf("lab %s has other machines, disks or another image than when snapshot %s was taken, at %s", c.spec.Name, name, s.Taken.Format("2006-01-02 15:04"))
	}
	if now, err := c.Status(ctx); err != nil {
		return s, err
	} else if len(now.Leases) > 0 {
		return s, errors.New("a drill is at work: haprov drill heal ends it")
	}
	return s, c.place.restore(s, func() error { return c.Halt(ctx) })
}

// restore copies everything first, so that a full disk changes nothing; then halts, then gives the
// copies their places.
func (p place) restore(s Snapshot, halt func() error) error {
	defer func() {
		for _, d := range s.Files {
			_ = os.Remove(p.at(d) + unborn)
		}
	}()
	for _, d := range s.Files {
		_ = os.Remove(p.at(d) + unborn)
		if err := file.Clone(p.at(d)+unborn, filepath.Join(p.snapshot(s.Name), d)); err != nil {
			return err
		}
	}
	if err := halt(); err != nil {
		return err
	}
	if err := writeFile(p.restoring(), []byte(s.Name+"\n")); err != nil {
		return err
	}
	now, err := p.disks(s.Hosts)
	if err != nil {
		return err
	}
	for _, d := range now {
		if !slices.Contains(s.Files, d) { // of a machine that had never started
			if err := os.Remove(p.at(d)); err != nil {
				return err
			}
		}
	}
	for _, d := range s.Files {
		if err := os.Rename(p.at(d)+unborn, p.at(d)); err != nil {
			return err
		}
	}
	for _, h := range s.Hosts {
		if err := p.holdOff(h.Name, slices.Contains(s.Off, h.Name)); err != nil {
			return err
		}
	}
	(&diary{path: p.events()}).note(Event{Kind: "snapshot", From: "user", Action: "restore", OK: true, Text: s.Name})
	return os.Remove(p.restoring())
}

// holdOff keeps a machine off until the user starts it, or no longer.
func (p place) holdOff(host string, off bool) error {
	if off {
		return writeFile(p.heldOff(host), nil)
	}
	if err := os.Remove(p.heldOff(host)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// RemoveSnapshot gives its room back.
func (c *Client) RemoveSnapshot(name string) error {
	if _, err := c.Snapshot(name); err != nil {
		return err
	}
	return os.RemoveAll(c.place.snapshot(name))
}

// Parts of a machine that Rebuild makes anew.
const (
	OnlyRoot  = "root"  // the root disk and the host key
	OnlyDisks = "disks" // all disks but the root's
)

// Rebuild makes a machine anew: a root disk fresh from the image with another host key, and empty disks;
// only names one of the two parts. Its power is cut first, and it is started again. There is no way
// back. On an error it may be repeated.
func (c *Client) Rebuild(ctx context.Context, host, only string) error {
	return c.call(ctx, "/rebuild", order{Host: host, Only: only}, nil)
}

func (s *supervisor) rebuild(ctx context.Context, u *unit, only string) error {
	if only != "" && only != OnlyRoot && only != OnlyDisks {
		return fmt.Errorf("rebuild only %.20q: expected %s or %s", only, OnlyRoot, OnlyDisks)
	}
	return s.serial(ctx, func() error {
		begun := time.Now()
		err := s.kill(u)
		if err == nil {
			err = s.anew(u.host, only)
		}
		if err == nil {
			err = s.start(u)
		}
		s.diary.note(Event{Kind: "power", Host: u.host.Name, From: "user", Action: "rebuild", OK: err == nil, Text: strings.TrimSpace(only + " " + textOf(err)), Seconds: time.Since(begun).Seconds()})
		return err
	})
}

// anew removes what is to be made anew of a machine, and makes the files of a new one.
func (s *supervisor) anew(h Host, only string) error {
	disks, err := s.place.disks([]Host{h})
	if err != nil {
		return err
	}
	var gone []string
	if only != OnlyDisks {
		gone = append(gone, s.place.hostKey(h.Name), s.place.hostKey(h.Name)+".pub")
	}
	for _, d := range disks {
		if root := strings.HasPrefix(d, "m/"); only == "" || root == (only == OnlyRoot) {
			gone = append(gone, s.place.at(d))
		}
	}
	for _, path := range gone {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return errors.Join(s.place.holdOff(h.Name, false), s.place.settle(s.spec))
}
