package act

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/secret"
)

const nonce = "fedcba9876543210"

// perform runs the batch with this machine's own shell, its state under a directory of the test.
func perform(t *testing.T, run string, as ...Action) ([]Result, string) {
	t.Helper()
	sh := exec.Command("sh")
	sh.Stdin = strings.NewReader(strings.ReplaceAll(Script(as, nonce), Dir, run))
	out, err := sh.CombinedOutput()
	if err != nil {
		t.Logf("exit: %v", err)
	}
	return Read(len(as), nonce, out), string(out)
}

// A guard that asks a cluster manager or a disk that hangs must not hold the lock for ever.
func TestAGuardThatHangsRefuses(t *testing.T) {
	dir := t.TempDir()
	sh := exec.Command("sh")
	text := Script([]Action{{Guard: "d=/x && sleep 60", Shell: "touch " + dir + "/done"}}, nonce)
	short := strings.Replace(text, "timeout -k 5 600 ", "timeout -k 1 1 ", 1)
	if short == text {
		t.Fatal("no time-out")
	}
	sh.Stdin = strings.NewReader(strings.ReplaceAll(short, Dir, t.TempDir()))
	out, _ := sh.CombinedOutput()
	if rs := Read(1, nonce, out); rs[0].State != Refused {
		t.Errorf("%+v\n%s", rs, out)
	}
	if _, err := os.Stat(dir + "/done"); err == nil {
		t.Error("done all the same")
	}
}

func TestABatchStopsAtTheFirstFailure(t *testing.T) {
	dir, run := t.TempDir(), t.TempDir()
	rs, out := perform(t, run,
		Action{Shell: "echo one >" + dir + "/one"},
		Action{Shell: "exit 9", Unless: "true"},
		Action{Shell: "echo why >&2; exit 7"},
		Action{Shell: "echo two >" + dir + "/two"})
	want := []State{Done, Same, Failed, NotRun}
	for i, r := range rs {
		if r.State != want[i] {
			t.Errorf("action %d: %v, want %v\n%s", i, r.State, want[i], out)
		}
	}
	if rs[2].Exit != 7 || !strings.Contains(rs[2].Output, "why") {
		t.Errorf("failure: %+v", rs[2])
	}
	if _, err := os.Stat(dir + "/two"); err == nil {
		t.Error("an action ran after a failure")
	}
	if _, err := os.Stat(run + "/job"); err == nil {
		t.Error("the job's folder was left behind")
	}
}

func TestAFileIsWrittenWholeWithItsMode(t *testing.T) {
	dir, run := t.TempDir(), t.TempDir()
	p := filepath.Join(dir, "it's a file")
	for name, content := range map[string]string{"text": "a 'quoted' line\n%s \\n $HOME\nlast without newline", "binary": "a\x00b\n", "empty": ""} {
		rs, out := perform(t, run, Action{Write: &File{Path: p, Mode: "0640", Content: secret.Plain(content)}})
		if rs[0].State != Done {
			t.Fatalf("%s: %+v\n%s", name, rs[0], out)
		}
		b, err := os.ReadFile(p)
		if err != nil || string(b) != content {
			t.Errorf("%s: %q %v", name, b, err)
		}
		st, err := os.Stat(p)
		if err != nil || st.Mode().Perm() != 0o640 {
			t.Errorf("%s: mode %v %v", name, st.Mode(), err)
		}
	}
}

func TestAFileThatDoesNotValidateLeavesTheOldOne(t *testing.T) {
	dir, run := t.TempDir(), t.TempDir()
	p := filepath.Join(dir, "conf")
	if err := os.WriteFile(p, []byte("good\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rs, _ := perform(t, run, Action{Write: &File{Path: p, Content: secret.Plain("bad\n"), Validate: "grep -q good %s"}})
	b, _ := os.ReadFile(p)
	if rs[0].State != Failed || string(b) != "good\n" {
		t.Errorf("%+v, file %q", rs[0], b)
	}
	if l, _ := filepath.Glob(dir + "/*haprov*"); l != nil {
		t.Errorf("left behind: %v", l)
	}
}

func TestAGuardThatDoesNotHoldRefuses(t *testing.T) {
	dir := t.TempDir()
	rs, _ := perform(t, t.TempDir(), Action{Shell: "touch " + dir + "/done", Guard: "echo disk is not blank; false"})
	if rs[0].State != Refused || !strings.Contains(rs[0].Output, "not blank") {
		t.Errorf("%+v", rs[0])
	}
	if _, err := os.Stat(dir + "/done"); err == nil {
		t.Error("the refused action ran")
	}
}

func TestOwedRestartsAreMarkedAndPaid(t *testing.T) {
	run := t.TempDir()
	mark := run + "/owed/x.service.restart"
	perform(t, run, Action{Shell: "true", Owes: []Owed{{"x.service", "restart"}}}, Action{Shell: "false"})
	if _, err := os.Stat(mark); err != nil {
		t.Error("the debt was not kept after a later failure")
	}
	perform(t, run, Action{Shell: "true", Pays: []string{"x.service"}})
	if _, err := os.Stat(mark); err == nil {
		t.Error("the debt was not cleared")
	}
}

func TestASecretOnStdinIsInNoArguments(t *testing.T) {
	dir := t.TempDir()
	rs, out := perform(t, t.TempDir(), Action{Shell: "cat >" + dir + "/got; tr '\\0' '\\n' </proc/*/cmdline >" + dir + "/args 2>/dev/null || true; cat /proc/[0-9]*/cmdline >" + dir + "/args 2>/dev/null || true", Stdin: secret.Sensitive("CANARY-4711")})
	if rs[0].State != Done {
		t.Fatalf("%+v\n%s", rs[0], out)
	}
	if b, _ := os.ReadFile(dir + "/got"); string(b) != "CANARY-4711" {
		t.Errorf("stdin was %q", b)
	}
	if b, _ := os.ReadFile(dir + "/args"); len(b) == 0 || strings.Contains(string(b), "CANARY") {
		t.Error("the secret stood in a process's arguments")
	}
}

func TestAdjacentInstallsAreOneTransaction(t *testing.T) {
	joined, covers := Join([]Action{{Install: []string{"a"}}, {Install: []string{"b"}}, {Shell: "x"}, {Install: []string{"c"}}})
	if len(joined) != 3 || len(covers[0]) != 2 || joined[0].Title != "install a, b" {
		t.Errorf("%+v %v", joined, covers)
	}
}

func TestAdjacentStartsAreOneCall(t *testing.T) {
	a := func(n string) Action { return Action{Start: &Unit{n, true, n != "b.timer"}, Pays: []string{n}} }
	joined, covers := Join([]Action{a("a.service"), a("b.timer"), a("c.service")})
	if len(joined) != 1 || len(covers[0]) != 3 || len(joined[0].Pays) != 3 {
		t.Fatalf("%+v %v", joined, covers)
	}
	s := Script(joined, nonce)
	if !strings.Contains(s, "enable -- a.service b.timer c.service") || !strings.Contains(s, "start -- a.service c.service") {
		t.Error(s)
	}
}

// Half a line could be half a secret, which nothing recognises.
func TestOfALongOutputTheCutLineIsLeftOut(t *testing.T) {
	rs, _ := perform(t, t.TempDir(), Action{Shell: "i=0; while [ $i -lt 2000 ]; do echo abcdefghij; i=$((i+1)); done; exit 3"})
	if got := rs[0].Output; rs[0].Exit != 3 || !strings.HasPrefix(got, "abcdefghij\n") || len(got) < 16000 || len(got) > tailBytes {
		t.Errorf("exit %d, %d bytes: %.40q", rs[0].Exit, len(got), got)
	}
	rs, _ = perform(t, t.TempDir(), Action{Shell: "echo one; echo two; exit 3"})
	if got := rs[0].Output; !strings.HasPrefix(got, "one\ntwo") {
		t.Errorf("a short one: %q", got)
	}
}

// TestUnitsAreReadOnceAnInstallation: packages reload systemd each for itself, which on a small machine
// takes longer than unpacking them.
func TestUnitsAreReadOnceAnInstallation(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"apt-get", "dpkg", "systemctl"} {
		text := "#!/bin/sh\necho \"" + name + " $* ${SYSTEMD_OFFLINE-online}\" >>" + dir + "/said\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []struct {
		systemd string
		want    string
	}{
		{dir, "1\nsystemctl daemon-reload online\n"},
		{dir + "/none", "online\n"},
	} {
		_ = os.Remove(dir + "/said") // there is none yet
		text := strings.NewReplacer("/run/systemd/system", x.systemd, "/usr/sbin/policy-rc.d", dir+"/policy").Replace(install([]string{"jq"}))
		c := exec.Command("sh", "-e", "-c", text)
		c.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got, err := os.ReadFile(dir + "/said")
		if err != nil || !strings.HasPrefix(string(got), "apt-get ") || !strings.HasSuffix(string(got), " -- jq "+x.want) {
			t.Errorf("%v: %q, want … %q", err, got, x.want)
		}
	}
}
