package probe

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const nonce = "0123456789abcdef0123456789abcdef"

// ask runs the script with this machine's own shell.
func ask(t *testing.T, qs ...Query) (Seen, []Query) {
	t.Helper()
	sh := exec.Command("sh")
	sh.Stdin = strings.NewReader(Script(qs, nonce))
	out, _ := sh.Output()
	a, rest := Parse(qs, nonce, out)
	return NewSeen(a), rest
}

func TestOneScriptAnswersEverySort(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "a file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("hello\nno newline"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/some/where", link); err != nil {
		t.Fatal(err)
	}
	s, rest := ask(t,
		Query{Kind: File, Name: file}, Query{Kind: File, Name: link}, Query{Kind: File, Name: dir + "/none"}, Query{Kind: File, Name: dir},
		Query{Kind: Text, Name: file}, Query{Kind: Text, Name: dir + "/none"},
		Query{Kind: Package, Name: "dpkg"}, Query{Kind: Package, Name: "no-such-package"},
		Query{Kind: User, Name: "root"}, Query{Kind: User, Name: "nosuchuser"}, Query{Kind: Group, Name: "root"},
		Query{Kind: Sysctl, Name: "kernel.pid_max"}, Query{Kind: Sysctl, Name: "kernel.none"},
		Query{Kind: Mount, Name: "/proc"}, Query{Kind: Mount, Name: "/none"}, Query{Kind: Module, Name: "no-such"},
		Query{Kind: Owed, Name: "x.service"}, Query{Kind: Block, Name: "/dev/none"},
		Cmd("no", "echo out; echo err >&2; exit 3"), Cmd("broken", "if ("), Cmd("yes", "true"))
	if len(rest) != 0 {
		t.Fatalf("never reached: %v", rest)
	}
	if f, ok := s.File(file); !ok || f.Type != "regular file" || f.Mode != "0640" || f.Size != 16 || len(f.SHA256) != 64 {
		t.Errorf("file: %+v %v", f, ok)
	}
	if f, ok := s.File(link); !ok || f.Type != "symbolic link" || f.Target != "/some/where" {
		t.Errorf("link: %+v %v", f, ok)
	}
	if f, ok := s.File(dir + "/none"); !ok || f.Exists {
		t.Errorf("missing file: %+v %v", f, ok)
	}
	if f, ok := s.File(dir); !ok || f.Type != "directory" {
		t.Errorf("directory: %+v %v", f, ok)
	}
	if x, ok := s.Text(file); !ok || !x.Exists || x.Text != "hello\nno newline" {
		t.Errorf("text: %+v %v", x, ok)
	}
	if x, ok := s.Text(dir + "/none"); !ok || x.Exists {
		t.Errorf("missing text: %+v %v", x, ok)
	}
	if p, ok := s.Package("dpkg"); !ok || !p.Installed || p.Version == "" {
		t.Errorf("package: %+v %v", p, ok)
	}
	if p, ok := s.Package("no-such-package"); !ok || p.Installed {
		t.Errorf("missing package: %+v %v", p, ok)
	}
	if e, ok := s.Entry(User, "root"); !ok || len(e) != 7 || e[2] != "0" {
		t.Errorf("user: %v %v", e, ok)
	}
	if e, ok := s.Entry(User, "nosuchuser"); !ok || e != nil {
		t.Errorf("missing user: %v %v", e, ok)
	}
	if v, ok := s.Value("kernel.pid_max"); !ok || len(v) < 4 {
		t.Errorf("sysctl: %q %v", v, ok)
	}
	if m, ok := s.Mount("/proc"); !ok || !m.Mounted || m.Fstype != "proc" {
		t.Errorf("mount: %+v %v", m, ok)
	}
	if m, ok := s.Mount("/none"); !ok || m.Mounted {
		t.Errorf("missing mount: %+v %v", m, ok)
	}
	if b, ok := s.Block("/dev/none"); !ok || b.Exists {
		t.Errorf("block: %+v %v", b, ok)
	}
	if a := s.Get(Cmd("no", "echo out; echo err >&2; exit 3")); a.Exit != 3 || a.Out != "out\nerr" {
		t.Errorf("command: %+v", a)
	}
	if a := s.Get(Cmd("broken", "if (")); a.State != Answered || a.Exit == 0 {
		t.Errorf("a syntax error is this command's own affair: %+v", a)
	}
	if a := s.Get(Cmd("yes", "true")); a.State != Answered || a.Exit != 0 {
		t.Errorf("after a syntax error: %+v", a)
	}
}

func TestUnitBlocksAreMatchedInOrder(t *testing.T) {
	qs := []Query{{Kind: Unit, Name: "mysql.service"}, {Kind: Unit, Name: "none.service"}}
	out := "\n" + nonce + " 0\nId=mariadb.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nId=none.service\nLoadState=not-found\nActiveState=inactive\n\n" + nonce + " .\n"
	a, _ := Parse(qs, nonce, []byte(out))
	s := NewSeen(a)
	if u, ok := s.Unit("mysql.service"); !ok || u.Active != "active" || u.File != "enabled" {
		t.Errorf("alias: %+v %v", u, ok)
	}
	if u, ok := s.Unit("none.service"); !ok || u.Load != "not-found" {
		t.Errorf("missing: %+v %v", u, ok)
	}
}

func TestAHangingCommandIsUnansweredAndTheRestIsAskedAgain(t *testing.T) {
	qs := []Query{Cmd("first", "echo 1"), Cmd("hangs", "hang"), Cmd("last", "echo 3")}
	out := "\n" + nonce + " 0\n1\n\n" + nonce + " = 0\n\n" + nonce + " 1\npartial"
	a, rest := Parse(qs, nonce, []byte(out))
	if got := a[qs[0].Key()]; got.State != Answered || got.Out != "1" {
		t.Errorf("first: %+v", got)
	}
	if got := a[qs[1].Key()]; got.State != Unanswered {
		t.Errorf("hangs: %+v", got)
	}
	if len(rest) != 1 || rest[0].Name != "last" {
		t.Errorf("rest: %v", rest)
	}
}

func TestLongScriptsAreSplitBelowTheArgumentLimit(t *testing.T) {
	var qs []Query
	for i := range 300 {
		qs = append(qs, Cmd("c"+string(rune('a'+i%26))+strings.Repeat("x", i), "echo "+strings.Repeat("y", 1000)))
	}
	s, rest := ask(t, qs...)
	if len(rest) != 0 {
		t.Fatalf("%d questions were not reached", len(rest))
	}
	for _, q := range qs {
		if a := s.Get(q); a.State != Answered || len(a.Out) != 1000 {
			t.Fatalf("%s: %v %d bytes", q.Name[:1], a.State, len(a.Out))
		}
	}
}

func TestTouchedSubjectsInvalidate(t *testing.T) {
	if !Overlap([]Subject{Of(File, "/a")}, []Subject{All}) || !Overlap([]Subject{All}, []Subject{Of(Text, "/a")}) || Overlap([]Subject{Of(File, "/a")}, []Subject{Of(File, "/b")}) || Overlap([]Subject{Of(File, "a")}, []Subject{Topic("a")}) {
		t.Error("overlap of subjects")
	}
	if Deadline([]Query{Cmd("x", "true")}) <= time.Second {
		t.Error("a batch needs a deadline")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("\n" + nonce + " 0\nii 1\n\n" + nonce + " .\n"))
	f.Add([]byte("\n" + nonce + " 99\n\n" + nonce + " = x\n"))
	qs := []Query{{Kind: Package, Name: "a"}, {Kind: File, Name: "/b"}, {Kind: Unit, Name: "c.service"}, Cmd("d", "true"), {Kind: Text, Name: "/e"}, {Kind: Block, Name: "/dev/f"}}
	f.Fuzz(func(t *testing.T, out []byte) {
		a, rest := Parse(qs, nonce, out)
		if len(a)+len(rest) != len(qs) {
			t.Errorf("%d answers and %d left of %d", len(a), len(rest), len(qs))
		}
	})
}

func BenchmarkParse(b *testing.B) {
	var qs []Query
	var out strings.Builder
	out.WriteString("\n" + nonce + " 0\n")
	for i := range 60 {
		n := "/etc/file" + strings.Repeat("x", i)
		qs = append(qs, Query{Kind: File, Name: n})
		out.WriteString(n + "|regular file|root|root|644|10|" + n + "\n" + strings.Repeat("a", 64) + "  " + n + "\n")
	}
	out.WriteString("\n" + nonce + " .\n")
	for b.Loop() {
		Parse(qs, nonce, []byte(out.String()))
	}
}

func TestADiskThatCannotBeReadIsNotBlank(t *testing.T) {
	dev := ""
	for _, p := range []string{"/dev/loop0", "/dev/sda", "/dev/vda", "/dev/nvme0n1", "/dev/ubda"} {
		if i, err := os.Stat(p); err == nil && i.Mode()&os.ModeDevice != 0 && i.Mode()&os.ModeCharDevice == 0 {
			dev = p
		}
	}
	if dev == "" {
		dev = filepath.Join(t.TempDir(), "disk")
		if err := syscall.Mknod(dev, syscall.S_IFBLK|0o600, 7<<8); err != nil {
			t.Skipf("no block device here, and none can be made: %v", err)
		}
	}
	bin := t.TempDir()
	for name, text := range map[string]string{"blockdev": "echo 8388608", "blkid": "exit 2", "dd": "echo 'Input/output error' >&2; exit 1"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	s, _ := ask(t, Query{Kind: Block, Name: dev})
	if b, ok := s.Block(dev); !ok || !b.Exists || b.Size != 8<<20 || b.Blank {
		t.Errorf("%+v %v", b, ok)
	}
}

// Without it every unit would be taken for one that is not there.
func TestASystemdThatDoesNotAnswerIsNoAnswer(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	qs := []Query{{Kind: Unit, Name: "x.service"}, Cmd("later", "echo 1")}
	for systemd, want := range map[string]State{dir: Unanswered, dir + "/none": Answered} {
		sh := exec.Command("sh")
		sh.Stdin = strings.NewReader(strings.ReplaceAll(Script(qs, nonce), "/run/systemd/system", systemd))
		out, _ := sh.Output()
		a, rest := Parse(qs, nonce, out)
		if got := a[qs[0].Key()].State; got != want || (want == Unanswered) != (len(rest) == 1) {
			t.Errorf("%v, want %v; to be asked again: %v", got, want, rest)
		}
	}
}
