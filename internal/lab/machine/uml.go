package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Init is the first process of a lab image; it unpacks the seed and goes on as systemd.
const Init = "/usr/lib/haprov/init"

// UML runs machines as User-Mode Linux: a kernel that is an ordinary program. It needs no KVM
// and no privilege, has one processor a machine, and boots in seconds.
type UML struct {
	Kernel string // the program
}

// Name is "uml".
func (UML) Name() string { return "uml" }

// Frames is Bess: vec0 sends each frame as one packet.
func (UML) Frames() Frames { return Bess }

// Works boots the kernel on this machine's own root, read-only through hostfs, with /bin/true
// as its first process. That process ending well is the proof: kernels that do not know the
// processor's register state die before it. It takes about a second, 20 at most.
func (d UML) Works(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	dir, err := os.MkdirTemp("", "haprov-uml-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(d.Kernel, "mem=64M", "seccomp=on", "rootfstype=hostfs", "rootflags=/", "ro", "init=/bin/true",
		"con=null", "con0=null,fd:1", "umid=trial", "uml_dir="+dir, "panic=0")
	cmd.Env = []string{"TMPDIR=" + memoryDir(dir, 64), "PATH=/usr/bin:/bin", "HOME=" + dir}
	// The first process gone, the kernel says so and stops: 0 is /bin/true's own exit code.
	return trial(ctx, cmd, dir, "exitcode=0x00000000")
}

// Start starts a machine; see Driver.
func (d UML) Start(cfg Config) (Process, error) {
	overlay := filepath.Join(cfg.Dir, "root.cow")
	args := []string{
		fmt.Sprintf("mem=%dM", cfg.Memory),
		"ubd0=" + overlay + "," + cfg.Root,
		"ubd1r=" + cfg.Seed,
	}
	var disks []string
	for i, disk := range cfg.Disks {
		args = append(args, fmt.Sprintf("ubd%d=%s", i+2, disk.Path))
		disks = append(disks, fmt.Sprintf("%s:ubd%c", disk.Name, 'a'+i+2))
	}
	for i, nic := range cfg.NICs {
		args = append(args, fmt.Sprintf("vec%d:transport=bess,dst=%s,depth=64,mac=%s", i, nic.Socket, nic.MAC))
	}
	// This kernel has 512 terminals of BSD's kind: udev, and systemd at each reload of its units, look at
	// every one of them.
	args = append(args, "pty.legacy_count=0")
	args = append(args, "seccomp=on", "con=null", "con0=null,fd:1", "umid="+cfg.Name, "uml_dir="+cfg.Dir, "root=/dev/ubda")
	args = append(args, guestArgs("ubdb", disks)...)
	cmd := exec.Command(d.Kernel, args...)
	cmd.Env = []string{"TMPDIR=" + memoryDir(cfg.Dir, cfg.Memory), "PATH=/usr/bin:/bin", "HOME=" + cfg.Dir}
	cmd.Stdout, cmd.Stderr = cfg.Console, cfg.Console
	return start(cmd)
}

// guestArgs is the part of the kernel's command line that all drivers share.
func guestArgs(seed string, disks []string) []string {
	args := []string{"rw", "init=" + Init, "haprov.seed=" + seed}
	if len(disks) > 0 {
		args = append(args, "haprov.disks="+strings.Join(disks, ","))
	}
	return append(args, "net.ifnames=0", "quiet", "panic=5", "systemd.show_status=0")
}

// memoryDir is where the machine's memory file stands: unlinked at once, but it must fit, be
// executable, and is quick only on a tmpfs.
func memoryDir(fallback string, mib int) string {
	const shm = "/dev/shm"
	var fs unix.Statfs_t
	if unix.Statfs(shm, &fs) != nil || fs.Flags&unix.ST_NOEXEC != 0 || unix.Access(shm, unix.W_OK) != nil {
		return fallback
	}
	if free := uint64(fs.Bavail) * uint64(fs.Bsize) >> 20; free < uint64(mib)+256 {
		return fallback
	}
	return shm
}
