package inventory

import (
	"slices"
	"strings"
)

// Driver is one way to run a lab's machines. This table is the only place that tells drivers
// apart: what a machine needs here, how patient to be with it, and what a recipe can do on it.
type Driver struct {
	Name   string
	Kernel string  // "uml" or "stock"; drivers of the same kernel boot the same images
	Speed  float64 // how many times slower than a real machine; time-outs are multiplied by it
	Tools  []Tool  // what it needs on this machine, beside what every driver needs
	Asked  bool    // it is taken only when the inventory names it, never by "auto"
	Can    Abilities
}

// Tool is a program, or a file when it begins with a slash, and the Debian package that has it.
type Tool struct{ Name, Package string }

// Abilities are what not every machine can do; a recipe asks for them as lab.can.NAME.
type Abilities struct {
	FilterPackets bool // its kernel has a packet filter for IP
}

var qemu = []Tool{{"qemu-system-x86_64", "qemu-system-x86"}, {"qemu-img", "qemu-utils"}}

// Drivers are all drivers, in the order in which "auto" tries them: the fastest first.
var Drivers = []Driver{
	{Name: "kvm", Kernel: "stock", Speed: 1, Tools: qemu, Can: Abilities{FilterPackets: true}},
	{Name: "uml", Kernel: "uml", Speed: 2, Tools: []Tool{{"patchelf", "patchelf"}}},
	{Name: "tcg", Kernel: "stock", Speed: 10, Tools: qemu, Can: Abilities{FilterPackets: true}},
	// libvirt takes KVM where it boots, and emulation otherwise: patience is for the slower one.
	{Name: "libvirt", Kernel: "stock", Speed: 10, Tools: append(qemu, Tool{"/usr/sbin/libvirtd", "libvirt-daemon-system"}), Asked: true, Can: Abilities{FilterPackets: true}},
}

// Real is what is known of machines that are no lab's, or of a lab whose driver is not chosen yet.
var Real = Driver{Speed: 1, Can: Abilities{FilterPackets: true}}

// DriverOf is the driver of that name, Real for every other name.
func DriverOf(name string) Driver {
	i := slices.IndexFunc(Drivers, func(d Driver) bool { return d.Name == name })
	if i < 0 {
		return Real
	}
	return Drivers[i]
}

// Image is a system that a lab's machines can run, made of Debian's packages.
type Image struct {
	Name  string // as the inventory writes it
	Suite string // Debian's code name
	Moves bool   // its archive changes every day, and has no updates beside it
}

// Images are all of them; the first is the default. The last one is for what no release has: MySQL.
var Images = []Image{{"debian-12", "bookworm", false}, {"debian-13", "trixie", false}, {"debian-sid", "sid", true}}

// Releases are the images that stay what they are, of which boxes are made.
func Releases() []Image {
	return slices.DeleteFunc(slices.Clone(Images), func(i Image) bool { return i.Moves })
}

// ImageOf finds an image by its name.
func ImageOf(name string) (Image, bool) {
	i := slices.IndexFunc(Images, func(x Image) bool { return x.Name == name })
	if i < 0 {
		return Image{}, false
	}
	return Images[i], true
}

// ImageFiles are the endings of files that a lab's machines can be made from: a Vagrant box of
// provider libvirt, and a disk.
var ImageFiles = []string{".box", ".qcow2"}

// IsImageFile tells whether an image is such a file rather than a name of Images. Its disk boots by
// itself, so drivers with a kernel of their own cannot run it.
func IsImageFile(name string) bool {
	return slices.ContainsFunc(ImageFiles, func(end string) bool { return len(name) > len(end) && strings.HasSuffix(name, end) })
}
