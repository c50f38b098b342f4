package host

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

// mend asks this machine, decides, runs the actions with its shell, and looks again: then nothing
// may differ.
func mend(t *testing.T, s kind.Step) {
	t.Helper()
	c, err := s.Decide(look(t, s))
	if err != nil || c.Later != "" {
		t.Fatalf("%s %v", c.Later, err)
	}
	if len(c.Actions) == 0 {
		t.Fatal("nothing differs")
	}
	kindtest.Run(t, c.Actions...)
	if c, err := s.Decide(look(t, s)); err != nil || !c.Empty() {
		t.Errorf("the second run is not empty: %+v %v", c, err)
	}
}

const nonce = "00112233445566778899"

func look(t *testing.T, s kind.Step) probe.Seen {
	t.Helper()
	seen := probe.NewSeen(nil)
	for range 3 {
		qs := s.Probe(seen)
		if len(qs) == 0 {
			break
		}
		sh := exec.Command("sh")
		sh.Stdin = strings.NewReader(probe.Script(qs, nonce))
		out, _ := sh.Output()
		got, rest := probe.Parse(qs, nonce, out)
		if len(rest) > 0 {
			t.Fatalf("never answered: %v", rest)
		}
		seen = seen.With(got)
	}
	return seen
}

func TestALineStandsInItsPlaceOnARealHost(t *testing.T) {
	for name, c := range map[string]struct{ old, line, match, want string }{
		"added to an empty file":             {"", "a b", "", "a b\n"},
		"added after a line without its end": {"x", "it's $HOME \\n", "", "x\nit's $HOME \\n\n"},
		"starts with a dash":                 {"x\n", "-e", "", "x\n-e\n"},
		"first match replaced, others go":    {"k = 1\nx\n#k = 2\nk = 3\n", "k = 9", "^#?k =", "k = 9\nx\n"},
		"stands there already, others go":    {"k = 1\nx\nk = 9\ny\n", "k = 9", "^k =", "x\nk = 9\ny\n"},
		"no match":                           {"x\n", "k = 9", "^k =", "x\nk = 9\n"},
		"only line of the file":              {"k = 1", "k = 9", "^k =", "k = 9\n"},
		"line that does not match itself":    {"#old\nx\n", "new", "^#old$", "new\nx\n"},
		"bytes that are no text":             {"\xff\xfe\nk = 1\n", "k = 9", "^k =", "\xff\xfe\nk = 9\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "a file")
			kindtest.Write(t, p, c.old)
			mend(t, &Line{Path: p, Line: c.line, Match: c.match})
			got, err := os.ReadFile(p)
			if err != nil || string(got) != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if i, err := os.Stat(p); err != nil || i.Mode().Perm() != 0o640 {
				t.Errorf("the mode is not kept: %v %v", i.Mode(), err)
			}
		})
	}
}

// Six lines decided on the same look go in one batch: each looks again itself.
func TestSeveralLinesOfOneFileGoInOneBatch(t *testing.T) {
	p := filepath.Join(t.TempDir(), "conf")
	var as []act.Action
	lines := []string{"a", "b", "c", "a", "d", "e"}
	for _, l := range lines {
		s := &Line{Path: p, Line: l}
		c, err := s.Decide(look(t, s))
		if err != nil {
			t.Fatal(err)
		}
		as = append(as, c.Actions...)
	}
	rs := kindtest.Run(t, as...)
	if rs[3].State != act.Same {
		t.Errorf("a line was added twice: %+v", rs)
	}
	if got, _ := os.ReadFile(p); string(got) != "a\nb\nc\nd\ne\n" {
		t.Errorf("%q", got)
	}
}

func TestALineOfALinkedFileKeepsTheLink(t *testing.T) {
	dir := t.TempDir()
	kindtest.Write(t, dir+"/real", "x\n")
	if err := os.Symlink("real", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	mend(t, &Line{Path: dir + "/link", Line: "y"})
	if l, err := os.Readlink(dir + "/link"); err != nil || l != "real" {
		t.Errorf("the link is gone: %v %v", l, err)
	}
}

func TestALinkIsMadeAndTurnedOnARealHost(t *testing.T) {
	dir := t.TempDir()
	p := dir + "/a link"
	mend(t, &Symlink{Path: p, Target: "it's there"})
	if err := os.Mkdir(dir+"/folder", 0o755); err != nil {
		t.Fatal(err)
	}
	mend(t, &Symlink{Path: p, Target: "folder"})
	mend(t, &Symlink{Path: p, Target: dir})
	if got, _ := os.ReadDir(dir + "/folder"); len(got) != 0 {
		t.Error("the link was made inside the folder that the old one points to")
	}
	s := &Symlink{Path: dir + "/new", Target: "x"}
	c, err := s.Decide(look(t, s))
	if err != nil {
		t.Fatal(err)
	}
	kindtest.Write(t, dir+"/new", "precious")
	if rs := kindtest.Run(t, c.Actions...); rs[0].State != act.Refused {
		t.Errorf("a file that came in between was replaced: %+v", rs)
	}
}

func TestADirectoryIsMadeAndMendedOnARealHost(t *testing.T) {
	p := t.TempDir() + "/a/b c/d"
	mend(t, &Directory{Path: p, Mode: "2750"})
	if i, err := os.Stat(filepath.Dir(p)); err != nil || i.Mode().Perm() != 0o755 {
		t.Errorf("parent: %v %v", i, err)
	}
	mend(t, &Directory{Path: p, Mode: "700"})
}

func TestAFileIsMendedOnARealHost(t *testing.T) {
	p := t.TempDir() + "/it's a file"
	f := &File{Path: p, Mode: "0644", Content: secret.Plain("a 'b'\n")}
	mendOwned(t, f)
	f.Mode = "0600"
	mendOwned(t, f)
	f.Content, f.Validate = secret.Sensitive("s"), "grep -q s %s"
	mendOwned(t, f)
}

// mendOwned takes the owner of this process: a test may not run as root.
func mendOwned(t *testing.T, f *File) {
	t.Helper()
	f.Owner, f.Group = "", ""
	mend(t, f)
}

// The guards stand in a condition, where a shell heeds no set -e: each part must count by itself.
func TestGuardsOfAFilesystemRefuseWhatIsNotProved(t *testing.T) {
	plain := t.TempDir() + "/not-a-device"
	kindtest.Write(t, plain, "")
	for name, g := range map[string]string{
		"blank, a plain file":  kind.BlankGuard(plain),
		"blank, nothing there": kind.BlankGuard(plain + "-none"),
		"holds, a plain file":  holdsGuard(plain, nil),
	} {
		rs := kindtest.Run(t, act.Action{Title: "mkfs", Guard: g, Shell: "touch " + plain + ".done"})
		if rs[0].State != act.Refused {
			t.Errorf("%s: %+v", name, rs)
		}
	}
}

func TestAFilesystemIsMadeOnceOnARealDevice(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root makes loop devices; test/vm does the like on a machine's disk")
	}
	img := t.TempDir() + "/disk"
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, 8<<20); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "-f", "--show", img).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	t.Cleanup(func() { exec.Command("losetup", "-d", dev).Run() })
	f := &Filesystem{Device: dev, Type: "ext4", Label: "data"}
	blank, err := f.Decide(look(t, f))
	if err != nil || len(blank.Dangers()) > 0 {
		t.Fatalf("%+v %v", blank, err)
	}
	mend(t, f)
	if rs := kindtest.Run(t, blank.Actions...); rs[0].State != act.Refused {
		t.Errorf("a filesystem that came in between was destroyed: %+v", rs)
	}
	f.Type = "xfs"
	c, err := f.Decide(look(t, f))
	if err != nil || len(c.Dangers()) != 1 {
		t.Fatalf("no danger: %+v %v", c, err)
	}
	for name, is := range map[string]struct {
		uuid string
		want act.State
	}{
		"the one that was agreed to":  {tags(mustBlock(t, f).Holds)["UUID"], act.Done},
		"another one, made meanwhile": {"1234", act.Refused},
	} {
		g := holdsGuard(dev, map[string]string{"TYPE": "ext4", "UUID": is.uuid})
		if rs := kindtest.Run(t, act.Action{Title: "mkfs", Guard: g, Shell: "true"}); rs[0].State != is.want {
			t.Errorf("%s: %+v", name, rs)
		}
	}
}

func mustBlock(t *testing.T, f *Filesystem) probe.BlockInfo {
	t.Helper()
	b, ok := look(t, f).Block(f.Device)
	if !ok {
		t.Fatal("no answer")
	}
	return b
}

func TestWhatIsThereGoesOnARealHost(t *testing.T) {
	dir := t.TempDir()
	kindtest.Write(t, dir+"/a file", "x")
	kindtest.Write(t, dir+"/empty", "")
	if err := errors.Join(os.Mkdir(dir+"/folder", 0o755), os.Symlink("a file", dir+"/link"), os.Mkdir(dir+"/full", 0o755)); err != nil {
		t.Fatal(err)
	}
	kindtest.Write(t, dir+"/full/data", "x")
	for _, name := range []string{"link", "a file", "empty", "folder"} {
		mend(t, &Absent{Path: filepath.Join(dir, name)})
	}
	s := &Absent{Path: dir + "/full"}
	c, err := s.Decide(look(t, s))
	if err != nil || len(c.Actions) != 1 {
		t.Fatalf("%+v %v", c, err)
	}
	if got := kindtest.Try(t, c.Actions...); got[0].State == act.Done {
		t.Error("a directory that holds data went")
	}
	if _, err := os.Stat(dir + "/full/data"); err != nil {
		t.Error(err)
	}
}

// The file belongs to another user: what is in their home is made and written as them.
func TestAKeyIsAuthorizedOnARealHost(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	t.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin") // the tests' own folder of tools is root's alone
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKvJ0VQ1ZkQb3bJ0m2xXbB0Zf1kF4c5n8W0m3t9Yy1aZ"
	home, err := os.MkdirTemp("/tmp", "it's a home")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	if err := os.Chown(home, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	p := home + "/.ssh/authorized_keys"
	q := probe.Query{Kind: probe.User, Name: "nobody"}
	authorize := func(k *AuthorizedKey) {
		t.Helper()
		k.User = "nobody"
		seen := probe.NewSeen(map[probe.Key]probe.Answer{q.Key(): {State: probe.Answered, Out: "nobody:x:65534:65534::" + home + ":/bin/sh"}})
		text, err := os.ReadFile(p)
		file := probe.Answer{State: probe.Answered}
		if err == nil {
			file.Out = "regular file|nobody|nogroup|600|1||"
		}
		seen = seen.With(map[probe.Key]probe.Answer{
			kind.FileQuery(p).Key(): file,
			kind.TextQuery(p).Key(): {State: probe.Answered, Out: string(text)},
		})
		c, err := k.Decide(seen)
		if err != nil || len(c.Actions) != 1 {
			t.Fatalf("%+v %v", c, err)
		}
		kindtest.Run(t, c.Actions...)
	}
	authorize(&AuthorizedKey{Name: "a", Key: key + " it's me"})
	authorize(&AuthorizedKey{Name: "b", Key: "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7vbqajDhA0000000000000000"})
	authorize(&AuthorizedKey{Name: "a", Key: key, Options: []string{"restrict", `command="echo '$HOME'"`}})
	want := `restrict,command="echo '$HOME'" ` + key + "\nssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7vbqajDhA0000000000000000\n"
	if got, _ := os.ReadFile(p); string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
	authorize(&AuthorizedKey{Name: "a", Key: key, Exclusive: true})
	if got, _ := os.ReadFile(p); string(got) != key+"\n" {
		t.Errorf("%q", got)
	}
	if i, err := os.Stat(p); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", i, err)
	}
}

func TestABlockStandsInItsPlaceOnARealHost(t *testing.T) {
	const begin, end = "# BEGIN haprov a b\n", "# END haprov a b\n"
	for name, c := range map[string]struct{ old, content, want string }{
		"added to an empty file":             {"", "it's $HOME\n", begin + "it's $HOME\n" + end},
		"added after a line without its end": {"x", "a", "x\n" + begin + "a\n" + end},
		"replaced in the middle":             {"x\n" + begin + "old\nolder\n" + end + "y", "new", "x\n" + begin + "new\n" + end + "y"},
		"becomes empty":                      {begin + "old\n" + end, "", begin + end},
		"was empty":                          {begin + end, "\\n %s", begin + "\\n %s\n" + end},
		"last mark without its line's end":   {begin + "old\n" + strings.TrimSpace(end), "new", begin + "new\n" + strings.TrimSpace(end)},
	} {
		t.Run(name, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "a file")
			kindtest.Write(t, p, c.old)
			mend(t, &Block{Name: "a b", Path: p, Content: secret.Plain(c.content), Comment: "#", Validate: "grep -q . %s"})
			if got, err := os.ReadFile(p); err != nil || string(got) != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if i, err := os.Stat(p); err != nil || i.Mode().Perm() != 0o640 {
				t.Errorf("the mode is not kept: %v %v", i.Mode(), err)
			}
		})
	}
}

func TestABlockThatIsRefusedLeavesTheFile(t *testing.T) {
	p := t.TempDir() + "/conf"
	kindtest.Write(t, p, "x\n")
	b := &Block{Name: "a", Path: p, Content: secret.Plain("y"), Comment: "#", Validate: "! grep -q y %s"}
	c, err := b.Decide(look(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if rs := kindtest.Try(t, c.Actions...); rs[0].State != act.Failed {
		t.Errorf("%+v", rs)
	}
	if got, _ := os.ReadFile(p); string(got) != "x\n" {
		t.Errorf("%q", got)
	}
	if left, _ := filepath.Glob(p + ".*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Two blocks decided on the same look go in one batch, and a secret one makes a file that is private.
func TestSeveralBlocksOfOneFileGoInOneBatch(t *testing.T) {
	p := t.TempDir() + "/conf"
	var as []act.Action
	for _, b := range []*Block{
		{Name: "a", Path: p, Content: secret.Sensitive("one"), Comment: "#"},
		{Name: "b", Path: p, Content: secret.Plain("two"), Comment: "#"},
	} {
		c, err := b.Decide(look(t, b))
		if err != nil {
			t.Fatal(err)
		}
		as = append(as, c.Actions...)
	}
	kindtest.Run(t, as...)
	const want = "# BEGIN haprov a\none\n# END haprov a\n# BEGIN haprov b\ntwo\n# END haprov b\n"
	if got, _ := os.ReadFile(p); string(got) != want {
		t.Errorf("%q", got)
	}
	if i, err := os.Stat(p); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", i, err)
	}
}
