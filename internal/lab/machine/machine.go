// Package machine runs one virtual machine as processes of this user: User-Mode Linux or QEMU.
//
// It knows kernels, disks and consoles. It must not know inventories, clusters, SSH or the
// supervisor: what it needs is in Config, what it did is in the Process.
package machine

import (
	"context"
	"os"
)

// Disk is one block device of a machine beside its root.
type Disk struct {
	Name string // "data"; the guest finds it as /dev/disk/by-haprov/NAME
	Path string // raw sparse file on this machine
}

// NIC is one network interface; the guest sees them as eth0, eth1, ... in this order.
type NIC struct {
	MAC    string
	Socket string // unix socket of the switch port this NIC attaches to; see Driver.Frames
}

// Booted is what each machine of a lab prints on its console early in each boot: image/guest/init, or
// image/prepare/seed.
const Booted = "haprov: boot"

// Config is all a driver needs to start one machine.
type Config struct {
	Name   string // host name in the guest
	Dir    string // private directory (0700): overlays, seed, control sockets
	Memory int    // MiB
	CPUs   int    // as far as the driver can
	Root   string // base image of the root file system, shared and read-only
	Seed   string // raw file: a tar extracted over / at each boot, before the network starts
	// RootFormat is Root's: raw, which "" is, too, or qcow2.
	RootFormat string
	Disks      []Disk
	NICs       []NIC
	// Console receives all that the guest prints on its console.
	Console *os.File
}

// Frames is the way a driver hands Ethernet frames to the switch.
type Frames string

const (
	Bess Frames = "bess" // a unixpacket socket, one packet a frame (User-Mode Linux vec0)
	Qemu Frames = "qemu" // a unix stream socket, each frame behind its length in 32 bits
)

// Driver starts machines of one sort.
type Driver interface {
	Name() string   // a name of inventory.Drivers
	Frames() Frames // what a NIC's socket must speak
	// Works boots the image's own kernel for a few seconds and waits for its first console
	// lines. The error says why this driver cannot be used here. May be repeated.
	Works(ctx context.Context) error
	// Start starts the machine and returns when its processes run, not when the guest is up.
	Start(cfg Config) (Process, error)
}

// Process is a running machine.
type Process interface {
	// Kill is the pulled plug: it returns when every process of the machine has gone and its
	// disks are closed. Killing a dead machine is no error.
	Kill() error
	// Done is closed when the machine has ended, by itself or by Kill.
	Done() <-chan struct{}
	// Pause freezes the machine's processes, Resume lets them go on.
	Pause() error
	Resume() error
}
