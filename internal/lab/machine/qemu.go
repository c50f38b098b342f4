package machine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// QEMU runs machines with a stock kernel, by hardware (KVM) or by software emulation (TCG).
type QEMU struct {
	KVM    bool
	Kernel string // the image's own kernel and initrd, booted without a boot loader; "": Root boots
	Initrd string
	Root   string // an image that boots by itself, see Prepare; only Works looks at it
}

const program = "qemu-system-x86_64"

// Name is "kvm" or "tcg".
func (d QEMU) Name() string {
	if d.KVM {
		return "kvm"
	}
	return "tcg"
}

// Frames is Qemu, the protocol of -netdev stream.
func (QEMU) Frames() Frames { return Qemu }

// KVM says why hardware virtualisation cannot be used here, as far as that shows without a kernel:
// no QEMU, no device, no right to it, or no virtual processor to be had. It takes three seconds at most.
func KVM(ctx context.Context) error {
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("%s is not installed", program)
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w (who may is in group kvm)", err)
	}
	if err != nil {
		return err
	}
	f.Close()
	dir, err := os.MkdirTemp("", "haprov-kvm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return lasts(ctx, exec.Command(program, append(QEMU{KVM: true}.board(64, 1), "-S")...), dir)
}

// Works boots the kernel and waits for its first line. A /dev/kvm that opens proves nothing:
// on some nested hosts the firmware runs and the kernel hangs before that line. At most 20
// seconds with KVM, 60 without.
//
// Of an image that boots by itself it is the line that each lab's machine prints (prepared as it is),
// at most a minute with KVM. Emulation boots what was prepared, and is not tried again.
func (d QEMU) Works(ctx context.Context) error {
	if d.Kernel == "" && !d.KVM {
		return nil
	}
	limit := time.Minute
	if d.KVM {
		if d.Kernel != "" {
			limit = 20 * time.Second
		}
		f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		f.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "haprov-qemu-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if d.Kernel == "" {
		args := append(d.board(1024, 1), drive("root", d.Root, "format=qcow2,snapshot=on", "")...)
		return trial(ctx, exec.Command(program, append(args, "-no-reboot")...), dir, Booted)
	}
	args := append(d.board(256, 1), "-kernel", d.Kernel, "-append", "console=ttyS0 panic=-1", "-no-reboot")
	return trial(ctx, exec.Command(program, args...), dir, "Linux version")
}

// board is the machine without what is plugged into it.
func (d QEMU) board(memory, cpus int) []string {
	args := []string{"-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-machine", "q35",
		"-m", fmt.Sprint(memory), "-smp", fmt.Sprint(max(cpus, 1)), "-device", "virtio-rng-pci"}
	if d.KVM {
		return append(args, "-accel", "kvm", "-cpu", "host")
	}
	return append(args, "-accel", "tcg,thread=multi", "-cpu", "max")
}

// Start starts a machine; see Driver. It makes the overlay when there is none yet.
func (d QEMU) Start(cfg Config) (Process, error) {
	if err := overlay(cfg); err != nil {
		return nil, err
	}
	args := d.board(cfg.Memory, cfg.CPUs)
	args = append(args, "-name", cfg.Name, "-qmp", "unix:"+escape(filepath.Join(cfg.Dir, "qmp"))+",server=on,wait=off")
	args = append(args, drive("root", overlayOf(cfg), "format=qcow2", "")...)
	args = append(args, drive("seed", cfg.Seed, "format=raw,readonly=on", seedSerial)...)
	for i, disk := range cfg.Disks {
		args = append(args, drive(fmt.Sprint("disk", i), disk.Path, "format=raw,discard=unmap", diskSerial(i))...)
	}
	for i, nic := range cfg.NICs {
		args = append(args, cable(i, nic)...)
	}
	if d.Kernel != "" {
		args = append(args, "-kernel", d.Kernel, "-initrd", d.Initrd, "-append", kernelLine(cfg.Disks))
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = cfg.Console, cfg.Console
	return start(cmd)
}

// seedSerial and diskSerial name disks to a machine that boots by itself: no command line of the
// kernel tells it where they are. At most 20 bytes (virtio specification, block device).
const seedSerial = "haprov-seed"

func diskSerial(i int) string { return fmt.Sprint("haprov-disk-", i) }

// drive plugs in a virtio disk.
func drive(id, path, options, serial string) []string {
	device := "virtio-blk-pci,drive=" + id
	if serial != "" {
		device += ",serial=" + serial
	}
	return []string{"-drive", "if=none,id=" + id + ",file=" + escape(path) + "," + options, "-device", device}
}

// overlayOf is the machine's own root disk: what it wrote, over the image that all share.
func overlayOf(cfg Config) string { return filepath.Join(cfg.Dir, "root.qcow2") }

// overlay makes the machine's root disk when there is none yet.
func overlay(cfg Config) error {
	if _, err := os.Stat(overlayOf(cfg)); !os.IsNotExist(err) {
		return err
	}
	out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-b", cfg.Root, "-F", cmp.Or(cfg.RootFormat, "raw"), overlayOf(cfg)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("qemu-img: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// cable plugs a network card into the lab's switch.
func cable(i int, nic NIC) []string {
	return []string{
		"-netdev", fmt.Sprintf("stream,id=net%d,server=off,addr.type=unix,addr.path=%s", i, escape(nic.Socket)),
		"-device", fmt.Sprintf("virtio-net-pci,netdev=net%d,mac=%s,romfile=", i, nic.MAC),
	}
}

// kernelLine is the command line of an image's own kernel under QEMU: root is the first disk, the
// seed the second, the machine's other disks follow.
func kernelLine(more []Disk) string {
	var disks []string
	for i, disk := range more {
		disks = append(disks, fmt.Sprintf("%s:vd%c", disk.Name, 'a'+i+2))
	}
	return strings.Join(append([]string{"root=/dev/vda", "console=ttyS0"}, guestArgs("vdb", disks)...), " ")
}

// escape doubles commas, as QEMU's option values want.
func escape(path string) string { return strings.ReplaceAll(path, ",", ",,") }
