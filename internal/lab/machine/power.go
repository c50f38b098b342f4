package machine

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/digitalocean/go-libvirt"
)

// Domain is a virtual machine of a libvirt daemon that somebody else made, Vagrant for one. It is
// found by its UUID at each call: nothing of it is remembered.
type Domain struct {
	Daemon Libvirt
	UUID   libvirt.UUID
}

// ParseUUID reads a UUID as libvirt and Vagrant write it.
func ParseUUID(text string) (id libvirt.UUID, err error) {
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%.60q is no UUID", text)
	}
	copy(id[:], b)
	return id, nil
}

// with connects and looks the domain up.
func (d Domain) with(do func(*libvirt.Libvirt, libvirt.Domain) error) error {
	l, err := d.Daemon.connect()
	if err != nil {
		return err
	}
	defer l.Disconnect()
	dom, err := l.DomainLookupByUUID(d.UUID)
	if err != nil {
		return fmt.Errorf("domain %x: %w", d.UUID, err)
	}
	return do(l, dom)
}

// On tells whether the domain has a process: it runs, is paused, or is shutting down.
func (d Domain) On() (on bool, err error) {
	err = d.with(func(l *libvirt.Libvirt, dom libvirt.Domain) error {
		on, err = powered(l, dom)
		return err
	})
	return on, err
}

// Emulated tells whether the domain's processor is emulated: its machine is many times slower.
func (d Domain) Emulated() (emulated bool, err error) {
	err = d.with(func(l *libvirt.Libvirt, dom libvirt.Domain) error {
		text, err := l.DomainGetXMLDesc(dom, 0)
		emulated = strings.HasPrefix(text, "<domain type='qemu'")
		return err
	})
	return emulated, err
}

// Off cuts the domain's power. It may be called again. Without an error its QEMU has ended: libvirt
// answers virDomainDestroy only then, and the state is read afterwards.
func (d Domain) Off() error {
	return d.with(powerOff)
}

// Start starts a domain that is off; one that is on stays as it is.
func (d Domain) Start() error {
	return d.with(powerOn)
}

// Reboot cuts the power and starts the domain again. again is why it did not start; err that it may
// still run.
func (d Domain) Reboot() (again, err error) {
	err = d.with(func(l *libvirt.Libvirt, dom libvirt.Domain) error {
		if err := powerOff(l, dom); err != nil {
			return err
		}
		again = powerOn(l, dom)
		return nil
	})
	return again, err
}

func powered(l *libvirt.Libvirt, dom libvirt.Domain) (bool, error) {
	state, _, err := l.DomainGetState(dom, 0)
	s := libvirt.DomainState(state)
	return s != libvirt.DomainShutoff && s != libvirt.DomainCrashed, err
}

func powerOff(l *libvirt.Libvirt, dom libvirt.Domain) error {
	on, err := powered(l, dom)
	if err != nil || !on {
		return err
	}
	failed := l.DomainDestroyFlags(dom, libvirt.DomainDestroyDefault)
	on, err = powered(l, dom)
	switch {
	case err != nil:
		return errors.Join(failed, err)
	case on && failed == nil:
		return errors.New("it was destroyed, and runs")
	case on:
		return failed
	}
	return nil
}

func powerOn(l *libvirt.Libvirt, dom libvirt.Domain) error {
	on, err := powered(l, dom)
	if err != nil || on {
		return err
	}
	return l.DomainCreate(dom)
}
