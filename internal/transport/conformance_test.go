package transport_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"haprov/internal/transport"
	"haprov/internal/transport/sshtest"
)

func inProcess(t testing.TB) (*sshtest.Server, transport.Target) {
	s := sshtest.New(t)
	return s, transport.Target{Name: "fake", Address: s.Host, Port: s.Port, User: s.User, OnlyKnown: true,
		KeyFiles: []string{s.KeyFile}, KnownHosts: []string{s.KnownHosts}}
}

// Every server must serve a session the same way.
func TestConformance(t *testing.T) {
	servers := map[string]func(testing.TB) transport.Target{
		"in-process": func(t testing.TB) transport.Target { _, x := inProcess(t); return x },
		"openssh":    func(t testing.TB) transport.Target { x, _ := openssh(t); return x },
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := start(t)
			for name, test := range map[string]func(*testing.T, transport.Target){
				"answers": answers, "long scripts": longScripts, "large output": largeOutput, "limit": limit, "order": order,
				"lost": lost, "cancel": cancelled, "loop killed": loopKilled, "put": put, "locks": locks, "wrong key": wrongKey, "host keys": hostKeys,
			} {
				t.Run(name, func(t *testing.T) { test(t, target) })
			}
		})
	}
}

func login(t testing.TB, target transport.Target) transport.Session {
	t.Helper()
	s, err := transport.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func run(t testing.TB, s transport.Session, script string) transport.Result {
	t.Helper()
	r, err := s.Exchange(t.Context(), script, nil)
	if err != nil {
		t.Fatalf("%.60q: %v", script, err)
	}
	return r
}

// answers: output byte for byte and exit status as data, first and later, on one exec.
func answers(t *testing.T, target transport.Target) {
	s := login(t, target)
	for _, c := range []struct {
		script, out string
		exit        int
	}{
		{"echo one; exit 3", "one\n", 3},
		{"printf 'no newline'", "no newline", 0},
		{"", "", 0},
		{`printf 'nul \0 and \377 bin'`, "nul \x00 and \xff bin", 0},
		{`printf '%s\n' "it's "'$HOME \n \\ !x'" ü"`, `it's $HOME \n \\ !x ü` + "\n", 0},
		{"cat; echo end of stdin", "end of stdin\n", 0},
		{"if", "", 2},
		{"x=set; cd /; exit 0", "", 0},
		{"echo \"${x-unset}\" \"${h-no}\"", "unset no\n", 0},
		{"cat <<X\nhere\nX", "here\n", 0},
		{"echo last # comment", "last\n", 0},
		{"echo '#'", "#\n", 0},
	} {
		for _, s := range []transport.Session{s, login(t, target)} { // as a frame, and riding in the exec request
			if r := run(t, s, c.script); c.out != string(r.Out) || r.Exit != c.exit {
				t.Errorf("%q: %q exit %d, want %q exit %d", c.script, r.Out, r.Exit, c.out, c.exit)
			}
		}
	}
	if n := s.Counts(); n.Logins != 1 || n.Execs != 1 || n.Exchanges != 12 || n.BytesIn == 0 || n.BytesOut == 0 {
		t.Errorf("cost: %+v", n)
	}
}

func longScripts(t *testing.T, target transport.Target) {
	script := "echo begin\n" + strings.Repeat("# "+strings.Repeat("x", 97)+"\n", 10486) + "echo end\n"
	s := login(t, target)
	for range 2 {
		if r := run(t, s, script); string(r.Out) != "begin\nend\n" {
			t.Errorf("%q", r.Out)
		}
	}
}

func largeOutput(t *testing.T, target transport.Target) {
	s := login(t, target)
	var seen bytes.Buffer
	r, err := s.Exchange(t.Context(), "head -c 10485760 /dev/zero | tr '\\0' '\\n'; echo noise >&2; exit 1", func(p []byte) { seen.Write(p) })
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Out) != 10<<20 || strings.Trim(string(r.Out), "\n") != "" || r.Exit != 1 {
		t.Errorf("%d bytes, exit %d", len(r.Out), r.Exit)
	}
	if !bytes.Equal(seen.Bytes(), r.Out) {
		t.Errorf("%d bytes seen on the way, %d in the end", seen.Len(), len(r.Out))
	}
}

func limit(t *testing.T, target transport.Target) {
	target.MaxAnswer = 1 << 16
	s := login(t, target)
	if _, err := s.Exchange(t.Context(), "yes", nil); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("endless output: %v", err)
	}
	if _, err := s.Exchange(t.Context(), "true", nil); !errors.Is(err, transport.ErrLost) {
		t.Errorf("after that: %v", err)
	}
}

// order: what a script left behind in the background is no answer to the next one.
func order(t *testing.T, target transport.Target) {
	s, flag := login(t, target), filepath.Join(t.TempDir(), "f")
	run(t, s, "(while [ ! -e "+flag+" ]; do sleep 0.01; done; echo late; : >"+flag+".2) & exit 0")
	run(t, s, ": >"+flag)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if _, err := os.Stat(flag + ".2"); err == nil {
			break
		}
	}
	if r := run(t, s, "echo mine"); string(r.Out) != "mine\n" {
		t.Errorf("%q", r.Out)
	}
}

// cuttable is a dialler whose connections the test can end.
func cuttable(target *transport.Target) (cut func()) {
	var mu sync.Mutex
	var all []net.Conn
	target.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, c)
		return c, err
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range all {
			c.Close()
		}
	}
}

func lost(t *testing.T, target transport.Target) {
	cut := cuttable(&target)
	s := login(t, target)
	var once sync.Once
	_, err := s.Exchange(t.Context(), "echo started; sleep 30", func([]byte) { once.Do(cut) })
	if !errors.Is(err, transport.ErrLost) {
		t.Errorf("cut in the middle: %v", err)
	}
	if _, err := s.Exchange(t.Context(), "true", nil); !errors.Is(err, transport.ErrLost) {
		t.Errorf("after that: %v", err)
	}
}

func loopKilled(t *testing.T, target transport.Target) {
	s := login(t, target)
	run(t, s, "true")
	start := time.Now()
	if _, err := s.Exchange(t.Context(), "kill -9 $$", nil); !errors.Is(err, transport.ErrLost) {
		t.Errorf("shell killed: %v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("noticed after %s", d)
	}
}

func cancelled(t *testing.T, target transport.Target) {
	s := login(t, target)
	ctx, cancel := context.WithCancel(t.Context())
	file := filepath.Join(t.TempDir(), "done")
	start := time.Now()
	_, err := s.Exchange(ctx, "echo on; sleep 20; : >"+file, func([]byte) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("it took %s", d)
	}
}

func put(t *testing.T, target transport.Target) {
	s := login(t, target)
	data := bytes.Repeat([]byte("haprov\x00"), 1<<18)
	file, err := s.Put(t.Context(), bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes arrived: %v", len(got), err)
	}
	for name, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): os.ModeDir | 0o700} {
		if st, err := os.Stat(name); err != nil || st.Mode() != want {
			t.Errorf("%s: %v %v", name, st.Mode(), err)
		}
	}
	if _, err := s.Put(t.Context(), strings.NewReader("short"), 9); err == nil {
		t.Error("a source that ends early was taken")
	}
	s.Close()
	if _, err := os.Stat(filepath.Dir(file)); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
}

// locks: a descriptor opened by Keep lives as long as the session.
func locks(t *testing.T, target transport.Target) {
	file := filepath.Join(t.TempDir(), "lock")
	s, other := login(t, target), login(t, target)
	r, err := s.(transport.Keeper).Keep(t.Context(), "exec 9>"+file+"; flock -n 9")
	if err != nil || r.Exit != 0 {
		t.Fatal(r.Exit, err)
	}
	if r := run(t, other, "flock -n "+file+" true"); r.Exit != 1 {
		t.Errorf("not held: exit %d", r.Exit)
	}
	s.Close()
	if r := run(t, other, "flock -w 5 "+file+" true"); r.Exit != 0 {
		t.Errorf("still held after the session: exit %d", r.Exit)
	}
}

func wrongKey(t *testing.T, target transport.Target) {
	file := filepath.Join(t.TempDir(), "other")
	sshtest.NewKey(t, file)
	target.KeyFiles = []string{file}
	_, err := transport.Open(t.Context(), target)
	if !errors.Is(err, transport.ErrAuth) || !strings.Contains(err.Error(), file) {
		t.Errorf("wrong key: %v", err)
	}
}

func hostKeys(t *testing.T, target transport.Target) {
	good := target.KnownHosts
	target.KnownHosts = []string{filepath.Join(t.TempDir(), "none")}
	_, err := transport.Open(t.Context(), target)
	var bad *transport.HostKeyError
	if !errors.Is(err, transport.ErrHostKeyUnknown) || !errors.As(err, &bad) || !strings.Contains(bad.Got, "SHA256:") {
		t.Fatalf("unknown: %v", err)
	}
	if err := os.WriteFile(target.KnownHosts[0], []byte(bad.Line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	login(t, target) // the line it gave pins the key

	text, err := os.ReadFile(good[0])
	if err != nil {
		t.Fatal(err)
	}
	other, _ := sshtest.NewKey(t, filepath.Join(t.TempDir(), "other"))
	addr, _, _ := strings.Cut(string(text), " ")
	sshtest.Pin(t, target.KnownHosts[0], strings.NewReplacer("[", "", "]", "").Replace(addr), other.PublicKey())
	_, err = transport.Open(t.Context(), target)
	if !errors.Is(err, transport.ErrHostKeyChanged) || strings.Count(err.Error(), "SHA256:") != 2 {
		t.Errorf("changed: %v", err)
	}

	target.HostKeyAlias = "alias"
	if _, err = transport.Open(t.Context(), target); !errors.Is(err, transport.ErrHostKeyUnknown) {
		t.Errorf("alias: %v", err)
	}
	target.HostKeyAlias = ""

	if err := os.WriteFile(target.KnownHosts[0], []byte("@revoked "+string(text)+string(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = transport.Open(t.Context(), target); !errors.Is(err, transport.ErrHostKeyChanged) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("revoked: %v", err)
	}
}
