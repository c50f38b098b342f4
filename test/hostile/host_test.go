// Package hostile holds servers that do whatever SSH lets them do, and what a run may cost at most
// when it meets one: time, memory, and what reaches the terminal.
package hostile

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"haprov/internal/act"
	"haprov/internal/engine"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/secret"
	"haprov/internal/transport"
	"haprov/internal/transport/sshtest"
	"haprov/internal/view"
)

// The bounds of a real run, scaled so that the test ends soon.
const (
	speed     = 0.03             // an answer has 1.8 s instead of a minute
	login     = time.Second      // for the connection and for the login, each
	keepAlive = time.Second / 3  // a silent host is lost after three
	answer    = 2 << 20          // bytes
	longest   = 25 * time.Second // of a run, on a machine with much else to do
	heap      = 48 << 20         // what a run may hold at once, the server's part included
	terminal  = 40 << 10         // bytes that a run may print
)

// evil is what no terminal may get as it is.
const evil = "\x1b]0;title\a\x1b[2J\x9b31m\u202e\r"

// row is one behaviour.
type row struct {
	name string
	set  func(*sshtest.Server)
	want string // in what the run says; empty: the run succeeds
}

// step writes a small file and, when there is a blob, a large one.
type step struct {
	path string
	blob *act.Blob
}

func (s step) Probe(probe.Seen) []probe.Query {
	return []probe.Query{{Kind: probe.Text, Name: s.path}, {Kind: probe.File, Name: s.path}, {Kind: probe.Mount, Name: "/"}, {Kind: probe.Command, Name: "x", Shell: "echo x"}}
}

func (s step) Decide(seen probe.Seen) (plan.Change, error) {
	x, ok := seen.Text(s.path)
	if !ok {
		return plan.Change{Later: "not read"}, nil
	}
	if x.Exists && x.Text == "text" {
		return plan.Change{}, nil
	}
	as := []act.Action{{Title: "first", Shell: "echo fine", Timeout: 20 * time.Second}, {Title: "write", Write: &act.File{Path: s.path, Content: secret.Plain("text")}, Timeout: 20 * time.Second}}
	if s.blob != nil {
		as = append(as, act.Action{Title: "copy", Write: &act.File{Path: s.path + ".large", Blob: s.blob}, Timeout: 20 * time.Second})
	}
	return plan.Change{Diffs: []plan.Diff{{Attribute: "content", Have: x.Text, Want: "text", Text: true}}, Actions: as}, nil
}

// moved has the host's state folder below one of the test.
type moved struct {
	transport.Session
	dir string
}

func (m moved) Exchange(ctx context.Context, s string, got func([]byte)) (transport.Result, error) {
	return m.Session.Exchange(ctx, strings.ReplaceAll(s, act.Dir, m.dir), got)
}
func (m moved) Keep(ctx context.Context, s string) (transport.Result, error) {
	return m.Session.(transport.Keeper).Keep(ctx, strings.ReplaceAll(s, act.Dir, m.dir))
}

// meet runs against one hostile server and holds the run to its bounds.
func meet(t *testing.T, r row, blob *act.Blob, measured bool) {
	srv := sshtest.New(t, r.set)
	dir := folder(t)
	open := func(ctx context.Context, host string) (transport.Session, error) {
		s, err := transport.Open(ctx, transport.Target{Name: host, Address: srv.Host, Port: srv.Port, User: "root", KeyFiles: []string{srv.KeyFile}, KnownHosts: []string{srv.KnownHosts},
			OnlyKnown: true, Timeout: login, KeepAlive: keepAlive, MaxAnswer: answer})
		if err != nil {
			return nil, err
		}
		return moved{s, filepath.Join(dir, "run")}, nil
	}
	screen := &safe{}
	human := &view.Human{Out: screen, Err: screen, Verbose: true}
	peak, began := sampled(), time.Now()
	ended := make(chan error, 1)
	go func() {
		s, err := engine.Run(context.Background(), engine.Options{Open: open, Holder: "test", Speed: speed, Events: human.Event, Hosts: []recipe.Chain{
			{Host: "db1", Items: []*recipe.Item{{Address: "db1:step.x", Step: step{filepath.Join(dir, "x"), blob}}}}}})
		human.Summary(s, err)
		if err != nil {
			io.WriteString(screen, view.Clean(err.Error()))
		}
		ended <- err
	}()
	var err error
	select {
	case err = <-ended:
	case <-time.After(longest):
		srv.Drop()
		t.Fatalf("no end after %s", longest)
	}
	took, held := time.Since(began), peak()
	said := screen.String()
	switch {
	case r.want == "" && err != nil:
		t.Errorf("%v\n%s", err, said)
	case r.want != "" && (err == nil || !regexp.MustCompile(r.want).MatchString(said)):
		t.Errorf("%v, expected %q\n%.2000s", err, r.want, said)
	}
	if len(said) > terminal {
		t.Errorf("%d bytes reached the terminal", len(said))
	}
	for _, c := range said {
		if c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			t.Errorf("%q reached the terminal: %.300q", c, said)
			break
		}
	}
	if measured && held > heap {
		t.Errorf("%d MiB were held", held>>20)
	}
	t.Logf("%s, %d KiB, %d bytes said", took.Round(time.Millisecond), held>>10, len(said))
}

// sampled watches the heap from now on; the result gives how much it grew at most.
func sampled() func() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	from, most := m.HeapAlloc, m.HeapAlloc
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 { close(stop); <-done; return most - from }
}

// safe is a buffer for several writers.
type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.b.Write(p) }
func (s *safe) String() string              { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// TestHostileServersThatAreSilent: what takes long does little, so these go side by side.
func TestHostileServersThatAreSilent(t *testing.T) {
	peak := sampled()
	var all sync.WaitGroup
	turn := make(chan struct{}, 8)
	each := func(r row, copies bool) {
		turn <- struct{}{}
		all.Go(func() {
			defer func() { <-turn }()
			t.Run(r.name, func(t *testing.T) {
				if copies {
					meet(t, r, blob(t), false)
				} else {
					meet(t, r, nil, false)
				}
			})
		})
	}
	for _, r := range silent {
		each(r, false)
	}
	for _, r := range silentCopies {
		each(r, true)
	}
	all.Wait()
	if held := peak(); held > heap {
		t.Errorf("%d MiB were held", held>>20)
	}
}

func TestHostileServersThatFlood(t *testing.T) {
	for _, r := range floods {
		t.Run(r.name, func(t *testing.T) { meet(t, r, nil, true) })
	}
	for _, r := range copies {
		t.Run(r.name, func(t *testing.T) { meet(t, r, blob(t), true) })
	}
	if n := len(silent) + len(silentCopies) + len(floods) + len(copies); n < 60 {
		t.Errorf("only %d behaviours", n)
	}
}

// folder is one in which a batch may still be at work when the test ends.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hostile-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 100 {
			if os.RemoveAll(dir) == nil {
				return
			}
		}
	})
	return dir
}

func blob(t *testing.T) *act.Blob {
	t.Helper()
	p := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(p, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	return &act.Blob{Path: p, Size: 3 << 20, SHA256: "bd4c8e9b2b4fa4cf9b2d0e9c2c8bd36a3c3b5a5b5d0f7a4a4d2e3b7a6f6e3f6a"}
}
