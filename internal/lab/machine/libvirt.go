package machine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"
)

// Libvirt runs machines as transient domains of a libvirt daemon on this machine, over libvirt's
// own protocol. It is for places where libvirt is what is allowed to start QEMU, and for people
// who look at machines with virsh and virt-manager.
//
// A domain is never defined, only created, with autodestroy: libvirt ends it when the connection
// that made it does, so nothing stays behind. Network cards are plugged into the lab's own switch,
// not into a network of libvirt's: cables can be cut and slowed as with every other driver.
type Libvirt struct {
	URI    string // qemu:///system or qemu:///session; "" is DefaultURI
	KVM    bool   // hardware virtualisation, else QEMU's emulation
	Kernel string // the image's own kernel and initrd, booted without a boot loader; "": the disk's boots
	Initrd string
	Root   string // an image that boots by itself; only Works looks at it
}

// Name is "libvirt".
func (Libvirt) Name() string { return "libvirt" }

// Frames is Qemu: the domain's QEMU connects to the switch as the drivers kvm and tcg do.
func (Libvirt) Frames() Frames { return Qemu }

// DefaultURI is what virsh takes, too: $LIBVIRT_DEFAULT_URI, else the system's daemon for root and
// the user's own for everybody else.
func DefaultURI() string {
	if uri := os.Getenv("LIBVIRT_DEFAULT_URI"); uri != "" {
		return uri
	}
	if os.Geteuid() == 0 {
		return "qemu:///system"
	}
	return "qemu:///session"
}

func (d Libvirt) uri() string {
	if d.URI == "" {
		return DefaultURI()
	}
	return d.URI
}

// Works creates a small domain with the image's kernel and waits for that kernel's first line. At
// most 20 seconds with KVM, 60 without. For an image that boots by itself a daemon that answers is
// enough, and with KVM what QEMU.Works finds.
func (d Libvirt) Works(ctx context.Context) error {
	if d.Kernel == "" {
		if err := (QEMU{KVM: d.KVM, Root: d.Root}).Works(ctx); err != nil {
			return err
		}
		l, err := d.connect()
		if err != nil {
			return err
		}
		return l.Disconnect()
	}
	limit := time.Minute
	if d.KVM {
		limit = 20 * time.Second
	}
	dir, err := os.MkdirTemp("", "haprov-libvirt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	console, err := os.Create(filepath.Join(dir, "console"))
	if err != nil {
		return err
	}
	defer console.Close()
	trial := Config{Name: "trial", Dir: dir, Memory: 256, CPUs: 1, Console: console}
	text, err := d.describe(trial, "console=ttyS0 panic=-1")
	if err != nil {
		return err
	}
	p, err := d.create(trial, text)
	if err != nil {
		return err
	}
	defer p.Kill()
	// A daemon that has just started asks its QEMU first what it can do: that is not the kernel's time.
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return shows(ctx, console.Name(), p.Done(), "Linux version")
}

// Start starts a machine; see Driver. It makes the overlay when there is none yet.
func (d Libvirt) Start(cfg Config) (Process, error) {
	if err := overlay(cfg); err != nil {
		return nil, err
	}
	line := ""
	if d.Kernel != "" {
		line = kernelLine(cfg.Disks)
	}
	text, err := d.describe(cfg, line)
	if err != nil {
		return nil, err
	}
	return d.create(cfg, text)
}

// domainName is unique on this machine: the same host may stand in several labs. dir is the
// machine's private directory.
func domainName(host, dir string) string {
	return fmt.Sprintf("haprov-%s-%x", host, sha256.Sum256([]byte(dir)))[:len("haprov-")+len(host)+1+8]
}

// connect opens a connection of its own; closing it ends the domains that it made.
func (d Libvirt) connect() (*libvirt.Libvirt, error) {
	sockets, err := daemonSockets(d.uri())
	if err != nil {
		return nil, err
	}
	var refused []error
	for _, s := range sockets {
		l := libvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(s), dialers.WithLocalTimeout(10*time.Second)))
		if err := l.ConnectToURI(libvirt.ConnectURI(d.uri())); err != nil {
			refused = append(refused, err)
			continue
		}
		return l, nil
	}
	return nil, fmt.Errorf("no libvirt daemon answers for %s (systemctl start libvirtd; its users are in group libvirt): %w", d.uri(), errors.Join(refused...))
}

// daemonSockets lists where the daemon of a URI listens: libvirtd's socket, then that of the
// modular daemon (libvirt.org/daemons.html). A user's own daemon is started when it does not run.
func daemonSockets(uri string) ([]string, error) {
	names := []string{"libvirt-sock", "virtqemud-sock"}
	in := func(dir string) (out []string) {
		for _, n := range names {
			out = append(out, filepath.Join(dir, "libvirt", n))
		}
		return out
	}
	switch uri {
	case "qemu:///system":
		return in("/run"), nil
	case "qemu:///session":
	default:
		return nil, fmt.Errorf("uri %q: expected qemu:///system or qemu:///session; a daemon elsewhere has not this machine's disks", uri)
	}
	if os.Geteuid() == 0 {
		return nil, errors.New("root has no libvirt session of its own: use qemu:///system")
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		dir = cache
	}
	sockets := in(dir)
	if !slices.ContainsFunc(sockets, listening) {
		return sockets, startSession()
	}
	return sockets, nil
}

func listening(socket string) bool {
	_, err := os.Stat(socket)
	return err == nil
}

// startSession starts the user's own daemon as libvirt's clients do; it ends by itself two minutes
// after the last domain.
func startSession() error {
	for _, name := range []string{"libvirtd", "virtqemud"} {
		path, err := exec.LookPath(name)
		if err != nil {
			path, err = exec.LookPath("/usr/sbin/" + name)
		}
		if err != nil {
			continue
		}
		out, err := exec.Command(path, "--timeout=120", "--daemon").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
		}
		return nil
	}
	return errors.New("neither libvirtd nor virtqemud is installed")
}

// create makes the domain, after an older one of the same machine is gone.
func (d Libvirt) create(cfg Config, text string) (*domain, error) {
	l, err := d.connect()
	if err != nil {
		return nil, err
	}
	name := domainName(cfg.Name, cfg.Dir)
	if old, err := l.DomainLookupByName(name); err == nil {
		// The name holds a digest of the machine's directory: it is ours, of a life before.
		if err := l.DomainDestroy(old); err != nil {
			l.Disconnect()
			return nil, fmt.Errorf("domain %s of an earlier run: %w", name, err)
		}
	}
	p := &domain{driver: d, name: name, conn: l, done: make(chan struct{})}
	events, err := l.LifecycleEvents(context.Background())
	if err == nil {
		_, err = l.DomainCreateXML(text, libvirt.DomainStartAutodestroy)
	}
	if err != nil {
		l.Disconnect()
		return nil, fmt.Errorf("domain %s: %w", name, err)
	}
	go p.watch(events)
	return p, nil
}

// domain is a machine that a libvirt daemon runs.
type domain struct {
	driver Libvirt
	name   string
	done   chan struct{}
	once   sync.Once

	mu   sync.Mutex // one of Kill, Pause, Resume at a time
	conn *libvirt.Libvirt
}

// Done is closed when libvirt says that the domain has stopped.
func (p *domain) Done() <-chan struct{} { return p.done }

func (p *domain) end() { p.once.Do(func() { close(p.done) }) }

// again is how often a daemon that went away is looked for.
const again = time.Second

// watch waits for the domain's end. A daemon that restarts keeps its domains: it is connected to
// again, and the domain looked up.
func (p *domain) watch(events <-chan libvirt.DomainEventLifecycleMsg) {
	for {
		for e := range events {
			if e.Dom.Name == p.name && (libvirt.DomainEventType(e.Event) == libvirt.DomainEventStopped || libvirt.DomainEventType(e.Event) == libvirt.DomainEventCrashed) {
				p.end()
				return
			}
		}
		select {
		case <-p.done:
			return
		case <-time.After(again):
		}
		if next, gone := p.reconnect(); gone {
			p.end()
			return
		} else if next != nil {
			events = next
		}
	}
}

// reconnect looks for the domain on a new connection. gone: the daemon answers and has none.
func (p *domain) reconnect() (events <-chan libvirt.DomainEventLifecycleMsg, gone bool) {
	l, err := p.driver.connect()
	if err != nil {
		return nil, false
	}
	next, err := l.LifecycleEvents(context.Background())
	if err == nil {
		_, err = l.DomainLookupByName(p.name)
		if libvirt.IsNotFound(err) {
			l.Disconnect()
			return nil, true
		}
	}
	if err != nil {
		l.Disconnect()
		return nil, false
	}
	p.mu.Lock()
	p.conn = l
	p.mu.Unlock()
	return next, false
}

// with looks the domain up and does something to it.
func (p *domain) with(do func(*libvirt.Libvirt, libvirt.Domain) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	dom, err := p.conn.DomainLookupByName(p.name)
	if err == nil {
		err = do(p.conn, dom)
	}
	return err
}

// Kill destroys the domain; libvirt answers when its QEMU has ended. An error means that it may
// still run: nobody may say "off" then.
func (p *domain) Kill() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	err := p.with(func(l *libvirt.Libvirt, d libvirt.Domain) error {
		return l.DomainDestroyFlags(d, libvirt.DomainDestroyDefault)
	})
	if err != nil && !libvirt.IsNotFound(err) {
		return fmt.Errorf("machine: destroy domain %s: %w", p.name, err)
	}
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn.Disconnect()
	return nil
}

// Pause suspends the domain.
func (p *domain) Pause() error {
	return p.with(func(l *libvirt.Libvirt, d libvirt.Domain) error { return l.DomainSuspend(d) })
}

// Resume lets the domain go on.
func (p *domain) Resume() error {
	return p.with(func(l *libvirt.Libvirt, d libvirt.Domain) error { return l.DomainResume(d) })
}
