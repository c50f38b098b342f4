package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"haprov/internal/lab/machine"
)

// A lab may gain machines and lose machines that are off, the disks of machines that are off may grow, and
// its packages may be others; nothing else of it may change while it exists. A lost machine's disks stay until the lab is destroyed, so that an inventory edited by
// mistake loses nothing.

// against finds out whether a lab made as before may become s. running tells which machines run.
func (s Spec) against(before Spec, running func(host string) bool) error {
	was, is := before, s
	was.Hosts, is.Hosts = nil, nil
	was.Packages, is.Packages = nil, nil
	if a, b := text(was), text(is); a != b {
		return errors.New("it exists with another image, driver or other networks than the inventory has now: destroy it first")
	}
	var bad []error
	for _, h := range before.Hosts {
		now, stays := s.host(h.Name)
		switch {
		case stays && text(h) != text(now) && h.smallerDisks(now):
			if running(h.Name) {
				bad = append(bad, fmt.Errorf("%s has a larger disk in the inventory than it runs with: haprov lab halt, then up gives it", h.Name))
			}
		case stays && text(h) != text(now):
			bad = append(bad, fmt.Errorf("%s exists with other disks, addresses or memory than the inventory has now: destroy the lab first", h.Name))
		case !stays && running(h.Name):
			bad = append(bad, fmt.Errorf("%s is running but no longer in the inventory: haprov lab power-off %s stops it; its disks stay until the lab is destroyed", h.Name, h.Name))
		}
	}
	return errors.Join(bad...)
}

// smallerDisks tells whether a machine differs from now by disks that are larger there, and by nothing else.
func (h Host) smallerDisks(now Host) bool {
	if len(h.Disks) != len(now.Disks) {
		return false
	}
	h.Disks = slices.Clone(h.Disks)
	for i, d := range now.Disks {
		if h.Disks[i].SizeBytes > d.SizeBytes {
			return false
		}
		h.Disks[i].SizeBytes = d.SizeBytes
	}
	return text(h) == text(now)
}

// mayBecome finds out whether the lab of this place may become what spec says.
func (p place) mayBecome(ctx context.Context, spec Spec) error {
	c, err := open(p.dir)
	if errors.Is(err, ErrNoLab) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := c.Status(ctx)
	if err != nil {
		return err
	}
	return spec.against(c.spec, func(host string) bool {
		return slices.ContainsFunc(now.Machines, func(m Machine) bool {
			return m.Host == host && (m.State == Running || m.State == Paused)
		})
	})
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// adopt takes up machines that the spec gained since the supervisor began, and forgets those it
// lost; called under serial.
func (s *supervisor) adopt() error {
	var now Spec
	if err := readJSON(s.place.spec(), &now); err != nil {
		return err
	}
	known := s.all()
	var units []*unit
	for _, h := range now.Hosts {
		k := slices.IndexFunc(known, func(u *unit) bool { return u.host.Name == h.Name })
		if k >= 0 {
			units = append(units, known[k])
			continue
		}
		if err := s.wire(h); err != nil {
			return err
		}
		units = append(units, &unit{host: h})
	}
	for _, u := range known {
		if _, stays := now.host(u.host.Name); !stays && s.alive(u) {
			units = append(units, u)
		}
	}
	s.mu.Lock()
	s.spec.Hosts, s.units = now.Hosts, units
	s.mu.Unlock()
	return nil
}

// wire makes the sockets by which a machine's interfaces reach their networks.
func (s *supervisor) wire(h Host) error {
	for i, nic := range h.NICs {
		if err := s.networks[nic.Network].Serve(h.Name, s.socket(h.Name, i), s.driver.Frames() == machine.Qemu); err != nil {
			return err
		}
	}
	return nil
}

// all is the machines at this moment.
func (s *supervisor) all() []*unit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.units)
}
