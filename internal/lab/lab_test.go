package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"haprov/internal/lab/machine"
)

// The test binary is its own supervisor when Up starts it so.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "supervise-for-test" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := supervise(ctx, os.Args[2], func(choice) (machine.Driver, error) { return &sleeper{}, nil }); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	dir, err := os.MkdirTemp("", "haprov-lab-test")
	if err != nil {
		panic(err)
	}
	os.Setenv("HAPROV_CACHE", dir) // labs claim their image there
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// sleeper is a driver whose machines are processes that sleep.
type sleeper struct {
	mu     sync.Mutex
	slow   chan struct{} // when set, a kill waits for it
	begun  chan struct{} // and has said here that it has begun
	starts []string
	broken bool
}

func (d *sleeper) Name() string                { return "sleeper" }
func (d *sleeper) Frames() machine.Frames      { return machine.Bess }
func (d *sleeper) Works(context.Context) error { return nil }

func (d *sleeper) Start(cfg machine.Config) (machine.Process, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		return nil, errors.New("no memory")
	}
	d.starts = append(d.starts, cfg.Name)
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &sleep{cmd: cmd, driver: d, done: make(chan struct{})}
	go func() { cmd.Wait(); close(p.done) }()
	return p, nil
}

type sleep struct {
	cmd    *exec.Cmd
	driver *sleeper
	done   chan struct{}
}

func (p *sleep) Kill() error {
	if p.driver.slow != nil {
		p.driver.begun <- struct{}{}
		<-p.driver.slow
	}
	p.cmd.Process.Kill()
	<-p.done
	return nil
}
func (p *sleep) Done() <-chan struct{} { return p.done }
func (p *sleep) Pause() error          { return p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *sleep) Resume() error         { return p.cmd.Process.Signal(syscall.SIGCONT) }
func (p *sleep) PID() int              { return p.cmd.Process.Pid }

func spec() Spec {
	return Spec{
		Name: "t", Image: "debian-12",
		Networks: []Network{{"cluster", "192.168.56.0/24"}, {"replication", "192.168.57.0/24"}},
		Hosts: []Host{
			{Name: "db1", Disks: []Disk{{"data", 1 << 30}}, NICs: []NIC{{"cluster", "192.168.56.11"}, {"replication", "192.168.57.11"}}},
			{Name: "db2", Disks: []Disk{{"data", 1 << 30}}, NICs: []NIC{{"cluster", "192.168.56.12"}, {"replication", "192.168.57.12"}}},
		},
	}
}

// small is a supervisor in this process, with both machines started.
func small(t *testing.T) (*supervisor, *sleeper) {
	t.Helper()
	return started(t, spec())
}

// started is small with another spec.
func started(t *testing.T, sp Spec) (*supervisor, *sleeper) {
	t.Helper()
	p := place{t.TempDir()}
	sp.complete()
	if err := errors.Join(p.settle(sp), writeJSON(p.choice(), choice{Driver: "sleeper"})); err != nil {
		t.Fatal(err)
	}
	d := &sleeper{}
	s, err := newSupervisor(p.dir, func(choice) (machine.Driver, error) { return d, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.haltAll(context.Background()); s.unplug(); s.lock.Close(); os.RemoveAll(s.run) })
	if _, _, err := s.startAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, d
}

func (s *supervisor) tokenOf(host string) string {
	u := s.unit(host)
	s.mu.Lock()
	defer s.mu.Unlock()
	return u.token
}

func (s *supervisor) ask(t *testing.T, token, request string) (string, error) {
	t.Helper()
	return s.fence(t.Context(), "haprov-fence 1 "+token+" "+request+"\n")
}

func TestFencingKillsAndStartsAgainWithAFreshToken(t *testing.T) {
	s, d := small(t)
	before := s.unit("db2").process.(*sleep)
	old := s.tokenOf("db2")
	if _, err := s.ask(t, s.tokenOf("db1"), "reboot db2"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-before.done:
	default:
		t.Fatal("said yes while the target's process lives")
	}
	if got := d.starts; !reflect.DeepEqual(got, []string{"db1", "db2", "db2"}) {
		t.Fatalf("starts: %v", got)
	}
	if _, err := s.ask(t, old, "reboot db1"); !errors.Is(err, errRefused) {
		t.Fatalf("a request from before the reboot was not refused: %v", err)
	}
}

func TestWhoMayFence(t *testing.T) {
	s, _ := small(t)
	token := s.tokenOf("db1")
	for _, c := range []struct{ token, request, want string }{
		{"x", "off db2", "refused"},
		{token, "off db1", "refused"},
		{token, "off db9", "no machine"},
		{token, "melt db2", "unknown action"},
	} {
		if _, err := s.ask(t, c.token, c.request); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.request, err, c.want)
		}
	}
	for request, want := range map[string]string{"list": "db1 db2", "monitor": "ready", "status db2": "on"} {
		if got, err := s.ask(t, token, request); err != nil || got != want {
			t.Errorf("%s: %q, %v", request, got, err)
		}
	}
}

func TestOfTwoThatShootAtEachOtherOneIsRefused(t *testing.T) {
	s, d := small(t)
	d.slow, d.begun = make(chan struct{}), make(chan struct{}, 3) // the two machines once more at the end
	t1, t2 := s.tokenOf("db1"), s.tokenOf("db2")
	results := make(chan error, 2)
	go func() { _, err := s.ask(t, t1, "reboot db2"); results <- err }()
	<-d.begun // db2 is dying
	go func() { _, err := s.ask(t, t2, "reboot db1"); results <- err }()
	if err := <-results; !errors.Is(err, errRefused) {
		t.Fatalf("a dying machine's request: %v", err)
	}
	close(d.slow)
	if err := <-results; err != nil {
		t.Fatal(err)
	}
}

func TestARequestThatWaitedBehindItsOwnEndIsRefused(t *testing.T) {
	s, _ := small(t)
	t2 := s.tokenOf("db2")
	db2 := s.holder(t2) // its request has arrived, and waits for the one in hand
	if _, err := s.ask(t, s.tokenOf("db1"), "reboot db2"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.shoot(t.Context(), db2, t2, "reboot", s.unit("db1")); !errors.Is(err, errRefused) {
		t.Fatalf("the second shot: %v", err)
	}
	if !s.alive(s.unit("db1")) {
		t.Fatal("the first shooter was killed")
	}
}

func TestWhatTheUserPoweredOffStaysOffThoughFenced(t *testing.T) {
	s, d := small(t)
	if err := s.powerOff(t.Context(), s.unit("db2")); err != nil {
		t.Fatal(err)
	}
	if answer, err := s.ask(t, s.tokenOf("db1"), "reboot db2"); err != nil || !strings.HasPrefix(answer, "off") {
		t.Fatalf("%q, %v", answer, err)
	}
	if _, err := s.ask(t, s.tokenOf("db1"), "on db2"); err == nil {
		t.Fatal("a peer may not start what the user powered off")
	}
	if _, held, _ := s.startAll(t.Context()); !reflect.DeepEqual(held, []string{"db2"}) || len(d.starts) != 2 {
		t.Fatalf("held %v, starts %v", held, d.starts)
	}
	if s.status().Machines[1].State != OffByUser {
		t.Fatal(s.status())
	}
	if err := s.powerOn(t.Context(), s.unit("db2")); err != nil || !s.alive(s.unit("db2")) {
		t.Fatal("power-on:", err)
	}
}

func TestFencingSucceedsThoughTheTargetDoesNotStartAgain(t *testing.T) {
	s, d := small(t)
	d.broken = true
	answer, err := s.ask(t, s.tokenOf("db1"), "reboot db2")
	if err != nil || !strings.Contains(answer, "did not start") || s.alive(s.unit("db2")) {
		t.Fatalf("%q, %v", answer, err)
	}
}

func TestAPausedMachineCanBeFenced(t *testing.T) {
	s, _ := small(t)
	if err := s.freeze(t.Context(), s.unit("db2"), true); err != nil {
		t.Fatal(err)
	}
	if got := s.status().Machines[1].State; got != Paused {
		t.Fatal(got)
	}
	if _, err := s.ask(t, s.tokenOf("db1"), "off db2"); err != nil {
		t.Fatal(err)
	}
	if got := s.status().Machines[1].State; got != Off {
		t.Fatal(got)
	}
}

func supervisedUp(t *testing.T, sp Spec) (*Client, []Event, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var events []Event
	c, err := up(t.Context(), sp, []string{exe, "supervise-for-test"}, func(e Event) { events = append(events, e) },
		func(context.Context, Spec, *choice, func(Event)) (choice, error) {
			return choice{Driver: "sleeper"}, nil
		})
	return c, events, err
}

func TestUpTwiceChangesNothingAndALabOutlivesItsHalts(t *testing.T) {
	t.Setenv("HAPROV_STATE", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, events, err := supervisedUp(t, spec())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Destroy(context.WithoutCancel(ctx)) })
	if len(events) != 3 { // supervisor, db1, db2
		t.Fatalf("events: %+v", events)
	}
	first, err := c.Status(ctx)
	if err != nil || first.Machines[0].State != Running || first.Machines[0].PID == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, events, err = supervisedUp(t, spec()); err != nil || len(events) != 0 {
		t.Fatalf("second up: %+v, %v", events, err)
	}
	if second, _ := c.Status(ctx); !reflect.DeepEqual(first.Machines[0].PID, second.Machines[0].PID) {
		t.Fatal("the second up started machines anew")
	}

	if err := errors.Join(c.Cut(ctx, "db1", "db2", "replication", true), c.PowerOff(ctx, "db2")); err != nil {
		t.Fatal(err)
	}
	now, _ := c.Status(ctx)
	if len(now.Faults) != 1 || now.Faults[0].Network != "replication" || !now.Faults[0].Cut || now.Machines[1].State != OffByUser {
		t.Fatalf("%+v", now)
	}
	if err := c.Halt(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Halt(ctx); err != nil {
		t.Fatal("second halt:", err)
	}
	if now, err := c.Status(ctx); err != nil || now.Running || now.Machines[0].State != Off || now.Machines[1].State != OffByUser {
		t.Fatalf("%+v, %v", now, err)
	}
	if _, events, err = supervisedUp(t, spec()); err != nil || len(events) != 3 || events[2].Action != "held" {
		t.Fatalf("up after halt: %+v, %v", events, err)
	}

	other := spec()
	other.Hosts[0].Disks[0].SizeBytes /= 2
	if _, _, err := supervisedUp(t, other); err == nil || !strings.Contains(err.Error(), "destroy") {
		t.Fatalf("another spec: %v", err)
	}
	if err := c.Destroy(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("t"); !errors.Is(err, ErrNoLab) {
		t.Fatal(err)
	}
}

func TestOneSupervisorALab(t *testing.T) {
	s, _ := small(t)
	if _, err := newSupervisor(s.place.dir, func(choice) (machine.Driver, error) { return &sleeper{}, nil }); !errors.Is(err, errLocked) {
		t.Fatal(err)
	}
}

func TestKeysAreReadByOpenSSH(t *testing.T) {
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Fatal("no ssh-keygen: apt-get install openssh-client")
	}
	path := filepath.Join(t.TempDir(), "key")
	public, err := pair(path, "db1")
	if err != nil {
		t.Fatal(err)
	}
	derived, err := exec.Command(tool, "-y", "-f", path).CombinedOutput()
	if err != nil || strings.TrimSpace(string(derived)) != public {
		t.Fatalf("%s, %v; want %s", derived, err, public)
	}
	if again, err := pair(path, "db1"); err != nil || again != public {
		t.Fatal("a second call made another key")
	}
}

func TestASpecTellsAllItsMistakesAtOnce(t *testing.T) {
	bad := spec()
	bad.Hosts[0].NICs[0].Address = "192.168.56.1"
	bad.Hosts[1].NICs[1] = NIC{"nowhere", "10.0.0.1"}
	err := bad.Check()
	for _, want := range []string{"gateway of network cluster", `no network "nowhere"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if err := spec().Check(); err != nil {
		t.Error(err)
	}
}

// What a recipe asks for today is no reason to make machines anew: they get it over the network.
func TestALabsPackagesMayChangeAndItsMachinesKeepTheirImage(t *testing.T) {
	before := spec()
	after := spec()
	after.Packages = []string{"nginx"}
	if err := after.against(before, func(string) bool { return true }); err != nil {
		t.Error(err)
	}
	p := place{t.TempDir()}
	if c, err := p.before(before); c != nil || err != nil {
		t.Errorf("a lab without machines: %v %v", c, err)
	}
	root := p.at("root.ext4")
	if err := errors.Join(p.settle(before), writeJSON(p.choice(), choice{Driver: "uml", Image: "x", Root: root, Kernel: root}), os.WriteFile(root, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if c, err := p.before(before); c != nil || err != nil {
		t.Errorf("machines that have no disk yet: %v %v", c, err)
	}
	if err := os.WriteFile(filepath.Join(p.machine("db2"), "root.cow"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := p.before(before); err != nil || c == nil || c.Image != "x" {
		t.Errorf("machines with a disk: %v %v", c, err)
	}
	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	if _, err := p.before(before); err == nil || !strings.Contains(err.Error(), "destroy the lab") {
		t.Errorf("an image that is gone: %v", err)
	}
}

func TestAMachinesSeedNamesTheArchiveOfItsLab(t *testing.T) {
	s, _ := small(t)
	text, err := os.ReadFile(s.place.seedFile("db2"))
	if err != nil || !strings.Contains(string(text), "etc/apt/sources.list.d/lab-archive.list") {
		t.Errorf("no source of packages in the seed: %v", err)
	}
	sources, err := s.aptSources(s.unit("db2").host)
	if err != nil || len(sources) != 1 {
		t.Errorf("%v %v", sources, err)
	}
	for line := range strings.Lines(sources["etc/apt/sources.list.d/lab-archive.list"]) {
		if !strings.Contains(line, " http://192.168.56.1:7411/") {
			t.Errorf("a machine is told: %s", line)
		}
	}
}

// TestADiskThatBootsByItselfLearnsFromTheSeedWhatNoCommandLineTells: names of disks, an identity of
// its own, and the archive of each release that it may have.
func TestADiskThatBootsByItselfLearnsFromTheSeedWhatNoCommandLineTells(t *testing.T) {
	sp := spec()
	sp.Image = "/boxes/debian.box"
	s, _ := started(t, sp)
	ids := map[string]bool{}
	for _, h := range []string{"db1", "db2"} {
		text, err := os.ReadFile(s.place.seedFile(h))
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for r := tar.NewReader(bytes.NewReader(text)); ; {
			f, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files[f.Name] = string(b)
		}
		if files["etc/haprov/disks"] != "data\n" {
			t.Errorf("%s: disks %q", h, files["etc/haprov/disks"])
		}
		id := files["etc/machine-id"]
		if !regexp.MustCompile(`^[0-9a-f]{32}\n$`).MatchString(id) || ids[id] {
			t.Errorf("%s: machine-id %q, others %v", h, id, ids)
		}
		ids[id] = true
		for _, release := range []string{"bookworm", "trixie"} {
			name := "etc/haprov/apt/" + release + ".list"
			if _, there := files[name]; !there {
				t.Errorf("%s: no %s", h, name)
			}
			for line := range strings.Lines(files[name]) {
				if !strings.Contains(line, " http://192.168.56.1:7411/") || !strings.Contains(line, " "+release) {
					t.Errorf("%s is told: %s", h, line)
				}
			}
		}
		if _, there := files["etc/haprov/apt/sid.list"]; there {
			t.Errorf("%s: sources of what is no release", h)
		}
		if _, there := files["etc/apt/sources.list.d/lab-archive.list"]; there {
			t.Errorf("%s: sources of a release that it may not have", h)
		}
	}
}

func TestAMachineThatResetsItselfLeavesALineInTheDiary(t *testing.T) {
	s, _ := small(t)
	s.pace = 5 * time.Millisecond
	again := func() {
		if err := errors.Join(s.powerOff(t.Context(), s.unit("db2")), s.powerOn(t.Context(), s.unit("db2"))); err != nil {
			t.Fatal(err)
		}
	}
	again()
	console, err := os.OpenFile(s.place.console("db2"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	resets := func() (all []Event) {
		events, err := readEvents(s.place.events())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Action == "reset" {
				all = append(all, e)
			}
		}
		return all
	}
	for _, text := range []string{bootMark + "\nlogin: ", "Kernel panic\n" + bootMark[:5], bootMark[5:] + "\nlogin: "} {
		if _, err := console.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(resets()) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("no line in the diary")
		}
		runtime.Gosched()
	}
	if got := resets(); len(got) != 1 || got[0].Host != "db2" || got[0].Time.IsZero() || !strings.Contains(got[0].Text, "by itself") {
		t.Errorf("%+v", got)
	}
	// What an earlier life printed is none of this one's.
	again()
	if _, err := console.WriteString(bootMark + "\n"); err != nil {
		t.Fatal(err)
	}
	if got := resets(); len(got) != 1 {
		t.Errorf("a start by hand was taken for a reset: %+v", got)
	}
}

func TestDelayAndLossStandInTheStatusUntilTheyAreHealed(t *testing.T) {
	t.Setenv("HAPROV_STATE", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, _, err := supervisedUp(t, spec())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Destroy(context.WithoutCancel(ctx)) })
	if err := errors.Join(c.Delay(ctx, "db1", "db2", "cluster", true, 50*time.Millisecond), c.Loss(ctx, "db1", "db2", "cluster", false, 0.1)); err != nil {
		t.Fatal(err)
	}
	now, err := c.Status(ctx)
	if err != nil || len(now.Faults) != 2 || now.Faults[0].Delay != 50*time.Millisecond || now.Faults[0].Loss != 0.1 || now.Faults[1].Delay != 0 {
		t.Errorf("%+v %v", now.Faults, err)
	}
	if err := c.Heal(ctx); err != nil {
		t.Fatal(err)
	}
	if now, err = c.Status(ctx); err != nil || len(now.Faults) != 0 {
		t.Errorf("%+v %v", now.Faults, err)
	}
}
