package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"haprov/internal/lab/archive"
	"haprov/internal/lab/machine"
	"haprov/internal/lab/wire"
)

// supervisor owns one lab's switches and machines.
type supervisor struct {
	place  place
	lock   *os.File
	spec   Spec
	choice choice
	driver machine.Driver
	diary  diary

	archive *archive.Archive
	pace    time.Duration // consolePace

	networks map[string]*wire.Network
	run      string        // directory of the sockets
	power    chan struct{} // see serial
	closing  bool          // under power
	end      chan struct{} // closed when it should exit
	endOnce  sync.Once

	mu       sync.Mutex
	units    []*unit // read it through all, where mu is not held
	leases   map[string]*heldLease
	refusing map[string]bool // hosts whose fence device refuses
}

// Supervise runs the supervisor of the lab in dir until the lab is halted or ctx ends; then the
// machines are killed. It is for the hidden command that Up starts; a second one on the same
// lab ends at once with an error. When $HAPROV_READY_FD names a file descriptor, "ready" or the
// error is written there and it is closed.
func Supervise(ctx context.Context, dir string) error {
	return supervise(ctx, dir, choice.open)
}

type opener func(choice) (machine.Driver, error)

func supervise(ctx context.Context, dir string, open opener) error {
	tell := readiness()
	s, err := newSupervisor(dir, open)
	if err != nil {
		tell(err.Error())
		return err
	}
	defer s.lock.Close()
	err = s.serve(ctx, func() { tell("ready") })
	if err != nil {
		tell(err.Error())
	}
	return err
}

// newSupervisor takes the lock and makes wires and sockets; it starts no machine.
func newSupervisor(dir string, open opener) (*supervisor, error) {
	s := &supervisor{
		place: place{dir}, networks: map[string]*wire.Network{},
		power: make(chan struct{}, 1), end: make(chan struct{}),
		pace: consolePace,
	}
	s.diary.path = s.place.events()
	lock, err := tryLock(s.place.lock())
	if err != nil {
		return nil, fmt.Errorf("supervisor of %s: %w", dir, err)
	}
	s.lock = lock
	if err := s.furnish(open); err != nil {
		s.unplug()
		lock.Close()
		return nil, fmt.Errorf("supervisor of %s: %w", dir, err)
	}
	return s, nil
}

func (s *supervisor) furnish(open opener) (err error) {
	if err := readJSON(s.place.spec(), &s.spec); err != nil {
		return err
	}
	if err := readJSON(s.place.choice(), &s.choice); err != nil {
		return err
	}
	if s.driver, err = open(s.choice); err != nil {
		return err
	}
	if s.run, err = runDir(s.place.dir); err != nil {
		return err
	}
	if s.archive, err = s.packages(); err != nil {
		return err
	}
	for i, n := range s.spec.Networks {
		prefix := s.spec.prefix(n.Name)
		network, err := wire.New(wire.Config{Name: n.Name, Prefix: prefix, Gateway: gatewayOf(prefix), NAT: i == 0})
		if err != nil {
			return err
		}
		s.networks[n.Name] = network
		fence, err := network.Listen(FencePort)
		if err != nil {
			return err
		}
		go s.serveFence(fence)
		packages, err := network.Listen(ArchivePort)
		if err != nil {
			return err
		}
		go s.serveArchive(packages)
	}
	for _, h := range s.spec.Hosts {
		s.units = append(s.units, &unit{host: h})
		if err := s.wire(h); err != nil {
			return err
		}
	}
	return nil
}

func (s *supervisor) unplug() {
	for _, n := range s.networks {
		n.Close()
	}
}

func (s *supervisor) socket(host string, nic int) string {
	return filepath.Join(s.run, fmt.Sprintf("%s.%d", host, nic))
}

// config is what the driver needs to start a host.
func (s *supervisor) config(h Host, console *os.File) machine.Config {
	cfg := machine.Config{
		Name: h.Name, Dir: s.place.machine(h.Name), Memory: h.MemoryMiB, CPUs: h.CPUs,
		Root: s.choice.Root, RootFormat: s.choice.Format, Seed: s.place.seedFile(h.Name), Console: console,
	}
	for _, d := range h.Disks {
		cfg.Disks = append(cfg.Disks, machine.Disk{Name: d.Name, Path: s.place.disk(h.Name, d.Name)})
	}
	for i, nic := range h.NICs {
		cfg.NICs = append(cfg.NICs, machine.NIC{MAC: macOf(s.spec.Name, h.Name, nic.Network), Socket: s.socket(h.Name, i)})
	}
	return cfg
}

// serve answers commands until the lab is halted or ctx ends.
func (s *supervisor) serve(ctx context.Context, ready func()) error {
	path := filepath.Join(s.run, "control")
	os.Remove(path) // ours by the lock
	listener, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		s.unplug()
		return err
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.diary.note(Event{Kind: "supervisor", Action: "start", OK: true, Text: "driver " + s.choice.Driver})
	ready()

	select {
	case <-s.end:
	case <-ctx.Done():
	case err = <-served:
	}
	halt, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*haltGrace)
	defer cancel()
	err = errors.Join(err, s.haltAll(halt))
	s.diary.note(Event{Kind: "supervisor", Action: "end", OK: err == nil, Text: textOf(err)})
	server.Shutdown(halt) // the answer to halt goes out before the sockets go
	s.unplug()
	os.RemoveAll(s.run)
	return err
}

func readiness() func(string) {
	fd, err := strconv.Atoi(os.Getenv("HAPROV_READY_FD"))
	if err != nil {
		return func(string) {}
	}
	os.Unsetenv("HAPROV_READY_FD")
	syscall.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), "ready")
	var once sync.Once
	return func(text string) {
		once.Do(func() { f.WriteString(text); f.Close() })
	}
}
