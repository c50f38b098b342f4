package machine

import (
	"fmt"
	"os"

	"libvirt.org/go/libvirtxml"
)

// describe writes a domain as libvirt wants it (libvirt.org/formatdomain.html). QEMU runs as this
// user, without libvirt's own labels: the lab's files belong to this user and to nobody else.
func (d Libvirt) describe(cfg Config, line string) (string, error) {
	name := domainName(cfg.Name, cfg.Dir)
	dom := libvirtxml.Domain{
		Type:   "qemu",
		Name:   name,
		Title:  "machine " + cfg.Name + " of a haprov lab",
		Memory: &libvirtxml.DomainMemory{Value: uint(cfg.Memory), Unit: "MiB"},
		VCPU:   &libvirtxml.DomainVCPU{Value: uint(max(cfg.CPUs, 1))},
		CPU:    &libvirtxml.DomainCPU{Mode: "maximum"},
		OS: &libvirtxml.DomainOS{
			Type:   &libvirtxml.DomainOSType{Arch: "x86_64", Machine: "q35", Type: "hvm"},
			Kernel: d.Kernel, Initrd: d.Initrd, Cmdline: line,
		},
		Features:   &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}},
		OnPoweroff: "destroy",
		OnReboot:   "restart",
		OnCrash:    "destroy",
		SecLabel: []libvirtxml.DomainSecLabel{
			{Type: "static", Model: "dac", Relabel: "no", Label: fmt.Sprintf("+%d:+%d", os.Geteuid(), os.Getegid())},
		},
		Devices: &libvirtxml.DomainDeviceList{
			Controllers: []libvirtxml.DomainController{{Type: "usb", Model: "none"}},
			RNGs: []libvirtxml.DomainRNG{{Model: "virtio",
				Backend: &libvirtxml.DomainRNGBackend{Random: &libvirtxml.DomainRNGBackendRandom{Device: "/dev/urandom"}}}},
			MemBalloon: &libvirtxml.DomainMemBalloon{Model: "none"},
			Serials: []libvirtxml.DomainSerial{{
				Source: &libvirtxml.DomainChardevSource{File: &libvirtxml.DomainChardevSourceFile{Path: cfg.Console.Name(), Append: "on"}}}},
		},
	}
	if d.KVM {
		dom.Type, dom.CPU.Mode = "kvm", "host-passthrough"
	}
	if cfg.Root != "" {
		dom.Devices.Disks = append(dom.Devices.Disks, virtio("vda", overlayOf(cfg), "qcow2", "", false), virtio("vdb", cfg.Seed, "raw", seedSerial, true))
	}
	for i, disk := range cfg.Disks {
		dom.Devices.Disks = append(dom.Devices.Disks, virtio(fmt.Sprintf("vd%c", 'c'+i), disk.Path, "raw", diskSerial(i), false))
	}
	if len(cfg.NICs) > 0 {
		dom.QEMUCommandline = &libvirtxml.DomainQEMUCommandline{}
	}
	for i, nic := range cfg.NICs {
		args := cable(i, nic)
		args[len(args)-1] += fmt.Sprintf(",bus=pcie.0,addr=%#x", firstSlot+i)
		for _, a := range args {
			dom.QEMUCommandline.Args = append(dom.QEMUCommandline.Args, libvirtxml.DomainQEMUCommandlineArg{Value: a})
		}
	}
	return dom.Marshal()
}

// firstSlot is where our network cards begin on the board: libvirt gives its own devices root
// ports from slot 1 on, and has the chipset in slot 31.
const firstSlot = 0x10

func virtio(target, path, format, serial string, readonly bool) libvirtxml.DomainDisk {
	d := libvirtxml.DomainDisk{
		Device: "disk",
		Driver: &libvirtxml.DomainDiskDriver{Name: "qemu", Type: format, Discard: "unmap"},
		Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: path}},
		Target: &libvirtxml.DomainDiskTarget{Dev: target, Bus: "virtio"},
		Serial: serial,
	}
	if readonly {
		d.ReadOnly = &libvirtxml.DomainDiskReadOnly{}
	}
	return d
}
