package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"haprov/internal/inventory"
	"haprov/internal/lab/image"
)

// choice is what a lab's machines run on, decided when its supervisor is started. Of one that has
// machines the image stays: their disks are differences to it.
type choice struct {
	Driver string `json:"driver"`           // a name of inventory.Drivers
	KVM    bool   `json:"kvm,omitempty"`    // of libvirt: hardware virtualisation
	Image  string `json:"image"`            // its name
	Root   string `json:"root"`             // its base file
	Format string `json:"format,omitempty"` // of Root: raw, which "" is, too, or qcow2
	Kernel string `json:"kernel"`           // what is booted: a program (uml) or a kernel file; "": Root boots by itself
	Initrd string `json:"initrd,omitempty"`
}

// chooser finds a driver that works here and makes sure of its image, which is the one of before
// unless before is nil.
type chooser func(ctx context.Context, spec Spec, before *choice, report func(Event)) (choice, error)

// Up makes sure that the lab exists as spec says and that its machines run; it returns when their
// processes do, which is before their SSH servers answer (WaitSSH). exe is this program's own
// file, for the supervisor. report may be nil.
//
// Up on a running lab changes nothing. Machines that are off are started, except those that the
// user powered off: they stay so, and an Event says it. A lab may gain machines, and lose those that
// are off, and larger disks for those; any other change of its spec is an error: it must be destroyed first. Cancelling leaves what was started; run it again.
func Up(ctx context.Context, spec Spec, exe string, report func(Event)) (*Client, error) {
	if report == nil {
		report = func(Event) {}
	}
	return up(ctx, spec, []string{exe, "lab", "supervise"}, report, choose)
}

// Prepare makes sure of a driver that works here and of its image, as Up does, and makes no machine.
// Up of the same spec then needs no network.
func Prepare(ctx context.Context, spec Spec, report func(Event)) error {
	spec.complete()
	if err := spec.Check(); err != nil {
		return err
	}
	_, err := choose(ctx, spec, nil, report)
	return err
}

func up(ctx context.Context, spec Spec, supervisor []string, report func(Event), choose chooser) (*Client, error) {
	spec.complete()
	if err := spec.Check(); err != nil {
		return nil, err
	}
	dir, err := Dir(spec.Name)
	if err != nil {
		return nil, err
	}
	p := place{dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := waitLock(ctx, p.upLock())
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", spec.Name, err)
	}
	defer lock.Close()
	if err := p.whole(); err != nil {
		return nil, fmt.Errorf("lab %s: %w", spec.Name, err)
	}
	if err := p.mayBecome(ctx, spec); err != nil {
		return nil, fmt.Errorf("lab %s: %w", spec.Name, err)
	}
	if err := p.settle(spec); err != nil {
		return nil, fmt.Errorf("lab %s: %w", spec.Name, err)
	}
	c, err := open(dir)
	if err != nil {
		return nil, err
	}
	var answer begun
	err = c.call(ctx, "/start", order{}, &answer)
	if errors.Is(err, ErrHalted) {
		if err := p.supervised(ctx, spec, supervisor, report, choose); err != nil {
			return nil, fmt.Errorf("lab %s: %w", spec.Name, err)
		}
		err = c.call(ctx, "/start", order{}, &answer)
	}
	if err != nil {
		return nil, err
	}
	for _, host := range answer.Started {
		report(Event{Kind: "power", Host: host, Action: "start", OK: true, Text: "started"})
	}
	for _, host := range answer.Held {
		report(Event{Kind: "power", Host: host, Action: "held", OK: true, Text: "stays off: it was powered off by hand (power-on starts it)"})
	}
	return c, nil
}

func (s *Spec) complete() {
	if s.Driver == "" {
		s.Driver = "auto"
	}
	if s.Image == "" {
		s.Image = inventory.Images[0].Name
	}
	s.Hosts = append([]Host(nil), s.Hosts...)
	for i := range s.Hosts {
		if s.Hosts[i].MemoryMiB == 0 {
			s.Hosts[i].MemoryMiB = 1024
		}
		if s.Hosts[i].CPUs == 0 {
			s.Hosts[i].CPUs = 1
		}
	}
}

// settle makes the files a lab needs before its supervisor runs. Those that exist are kept.
func (p place) settle(spec Spec) error {
	for _, sub := range []string{"keys", "disks", "m"} {
		if err := os.MkdirAll(p.at(sub), 0o700); err != nil {
			return err
		}
	}
	if _, err := pair(p.userKey(), "haprov@"+spec.Name); err != nil {
		return err
	}
	var known strings.Builder
	for _, h := range spec.Hosts {
		if err := os.MkdirAll(p.machine(h.Name), 0o700); err != nil {
			return err
		}
		public, err := pair(p.hostKey(h.Name), h.Name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&known, "%s %s\n", strings.Join(append([]string{h.Name}, h.addresses()...), ","), public)
		for _, d := range h.Disks {
			if err := sparse(p.disk(h.Name, d.Name), d.SizeBytes); err != nil {
				return err
			}
		}
	}
	if err := writeFile(p.knownHosts(), []byte(known.String())); err != nil {
		return err
	}
	return writeJSON(p.spec(), spec)
}

// sparse makes a disk of this size, or makes one so large; what is new takes no room yet.
func sparse(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if is, err := f.Stat(); err != nil || is.Size() >= size {
		return err
	}
	return f.Truncate(size)
}

// supervised chooses what the machines run on and starts the supervisor, in a session of its own.
func (p place) supervised(ctx context.Context, spec Spec, command []string, report func(Event), choose chooser) error {
	before, err := p.before(spec)
	if err != nil {
		return err
	}
	picked, err := choose(ctx, spec, before, report)
	if err != nil {
		return err
	}
	if err := writeJSON(p.choice(), picked); err != nil {
		return err
	}
	if err := p.claim(picked); err != nil {
		return err
	}
	output, err := os.OpenFile(p.output(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	cmd := exec.Command(command[0], append(append([]string{}, command[1:]...), p.dir)...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = output, output
	cmd.ExtraFiles = []*os.File{write}
	cmd.Env = append(os.Environ(), "HAPROV_READY_FD=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	write.Close()
	if err != nil {
		return fmt.Errorf("supervisor: %w", err)
	}
	go cmd.Wait() // it outlives this command; while this command lives, it leaves no zombie
	defer context.AfterFunc(ctx, func() { read.Close() })()
	word, err := io.ReadAll(read)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("supervisor: %w", err)
	case string(word) == "ready":
		report(Event{Kind: "supervisor", Action: "start", OK: true, Text: "driver " + picked.Driver})
		return nil
	case len(word) == 0:
		return fmt.Errorf("supervisor: it ended without a message; see %s", p.output())
	}
	return errors.New(string(word))
}

// claim keeps the image of this lab's machines from being pruned.
func (p place) claim(c choice) error {
	cache, err := image.CacheDir()
	if err != nil {
		return err
	}
	return image.Claim(cache, c.Image, p.choice())
}

// before is what the machines of this lab were made from; nil while there are none.
func (p place) before(spec Spec) (*choice, error) {
	var c choice
	if err := readJSON(p.choice(), &c); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	made := slices.ContainsFunc(spec.Hosts, func(h Host) bool {
		disks, err := filepath.Glob(filepath.Join(p.machine(h.Name), "root.*"))
		return err == nil && len(disks) > 0
	})
	if !made {
		return nil, nil
	}
	for _, file := range []string{c.Root, c.Kernel, c.Initrd} {
		if _, err := os.Stat(file); file != "" && err != nil {
			return nil, fmt.Errorf("the image of its machines is not in the cache any more, so they cannot be started: destroy the lab: %w", err)
		}
	}
	return &c, nil
}
