package command_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/secret"
	"haprov/internal/secret/store"
	"haprov/internal/secret/store/command"
	"haprov/internal/secret/store/storetest"
)

// kept is a program that keeps values in a folder: the smallest one that does all that is asked.
const kept = `#!/bin/sh
set -eu
umask 077
mkdir -p "kept/$2"
f="kept/$2/${3-}"
case $1 in
get) [ -e "$f" ] || exit 3; cat "$f" ;;
create) cat > "$f.$$.new"; ln "$f.$$.new" "$f" 2> /dev/null || { rm "$f.$$.new"; exit 4; }; rm "$f.$$.new" ;;
replace) cat > "$f.$$.new"; mv "$f.$$.new" "$f" ;;
remove) [ -e "$f" ] || exit 3; rm "$f" ;;
list) ls "kept/$2" ;;
esac
`

// program writes a script into a new folder.
func program(t *testing.T, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secrets.sh"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string, timeout time.Duration, more ...string) *command.Command {
	t.Helper()
	c, err := command.Open(command.Options{Run: append([]string{"./secrets.sh"}, more...), Dir: dir, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACommandIsASource(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Source {
		dir := program(t, kept)
		return func() store.Source { return open(t, dir, time.Minute) }
	})
}

func TestAValueIsNeitherAnArgumentNorInTheEnvironment(t *testing.T) {
	dir := program(t, `#!/bin/sh
case $3 in get) exit 3 ;; esac
printf '%s\n' "$@" > arguments
env > environment
cat > stdin
`)
	const value = "hunter2hunter2"
	if err := open(t, dir, time.Minute, "-v", "two words").Create("shop", "app", secret.Sensitive(value)); err == nil || !strings.Contains(err.Error(), "get finds no value") {
		t.Errorf("what was not kept: %v", err)
	}
	for file, want := range map[string]string{"arguments": "-v\ntwo words\ncreate\nshop\napp\n", "stdin": value + "\n"} {
		if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", file, b, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "environment")); err != nil || strings.Contains(string(b), value) {
		t.Errorf("the environment has the value, or cannot be read: %v", err)
	}
}

func TestAProgramThatFailsIsNoSecretThatDoesNotExist(t *testing.T) {
	const value = "hunter2hunter2"
	for name, c := range map[string]struct{ script, want string }{
		"another status":         {"echo 'vault is locked' >&2; exit 1", "vault is locked"},
		"4 of get":               {"exit 4", "exit status 4"},
		"a signal":               {"kill -9 $$", "killed"},
		"no value":               {"exit 0", "expected 3 when there is none"},
		"too much":               {"head -c 2000000 /dev/zero", "more than 1048576 bytes"},
		"too much on stderr":     {"head -c 2000000 /dev/zero | tr '\\0' x >&2; exit 1", "exit status 1"},
		"the value on stderr":    {"echo " + value + "; echo trace: " + value + " >&2; exit 1", "(sensitive)"},
		"control characters":     {"printf 'a\\033[31mb\\nc' >&2; exit 1", "a [31mb c"},
		"a program without x":    {"", ""},
		"a time-out":             {"exec sleep 1000", "did not end within 300ms"},
		"a time-out of children": {"sleep 1000", "did not end within 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.script == "" {
				dir := program(t, "")
				os.Chmod(filepath.Join(dir, "secrets.sh"), 0o600)
				if _, err := command.Open(command.Options{Run: []string{"./secrets.sh"}, Dir: dir}); err == nil {
					t.Error("it was taken")
				}
				return
			}
			timeout := time.Minute
			if strings.Contains(c.want, "300ms") {
				timeout = 300 * time.Millisecond
			}
			cmd := open(t, program(t, "#!/bin/sh\n"+c.script+"\n"), timeout)
			_, err := cmd.Read("shop", "app")
			if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, expected %q", err, c.want)
			}
			if text := fmt.Sprint(err); strings.Contains(text, value) || len(text) > 6000 {
				t.Errorf("the error holds the value, or is too long: %s", text[:min(200, len(text))])
			}
			s := store.New(cmd)
			s.Get("shop", "app", 0)
			if err := s.Commit(); err == nil {
				t.Error("a value was generated for one that could not be read")
			}
		})
	}
}

func TestAnErrorOfStoringHoldsNoValue(t *testing.T) {
	dir := program(t, "#!/bin/sh\ncat >&2\nexit 1\n")
	for value, want := range map[string]string{"hunter2hunter2": "(sensitive)", "line one of it\nline two of it\n": "(sensitive)", "tiny": "exit status 1"} {
		err := open(t, dir, time.Minute).Create("shop", "app", secret.Sensitive(value))
		text := fmt.Sprint(err)
		if err == nil || !strings.Contains(text, want) || strings.Contains(text, "hunter2") || strings.Contains(text, "of it") || strings.Contains(text, "tiny") {
			t.Errorf("%s", text)
		}
	}
}

func TestAProgramThatChangesLineEndsIsFound(t *testing.T) {
	dir := program(t, strings.Replace(kept, `cat > "$f.$$.new"; ln`, `v=$(cat); printf '%s\n' "$v" > "$f.$$.new"; ln`, 1))
	c := open(t, dir, time.Minute)
	if err := c.Create("shop", "app", secret.Sensitive("one line")); err != nil {
		t.Error(err)
	}
	if err := c.Create("shop", "pem", secret.Sensitive("a line end is part of it\n")); err == nil || !strings.Contains(err.Error(), "line ends") || strings.Contains(err.Error(), "part of it") {
		t.Errorf("it said %v", err)
	}
}

func TestANameThatIsListedIsChecked(t *testing.T) {
	dir := program(t, "#!/bin/sh\nprintf 'app\\n../../etc/passwd\\n'\n")
	if l, err := open(t, dir, time.Minute).List("shop"); err == nil || len(l) > 0 {
		t.Errorf("%v, %v", l, err)
	}
}

// A program that overwrites where it should refuse, as password managers do: what is there at the end
// is what both know, or one is told.
func TestWhoLosesARaceOfAProgramThatOverwritesIsTold(t *testing.T) {
	dir := program(t, strings.Replace(kept, "create) ", "create) cat > /dev/null; echo 'of another machine' > \"$f\" ;;\nnever) ", 1))
	if err := open(t, dir, time.Minute).Create("shop", "app", secret.Sensitive("value of mine")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("it said %v", err)
	}
}

func TestAProgramIsFoundInPathOrFromTheFolder(t *testing.T) {
	dir := program(t, kept)
	for program, ok := range map[string]bool{"./secrets.sh": true, filepath.Join(dir, "secrets.sh"): true, "secrets.sh": false, "sh": true, "./none": false, "": false} {
		if _, err := command.Open(command.Options{Run: []string{program}, Dir: dir}); (err == nil) != ok {
			t.Errorf("%q: %v", program, err)
		}
	}
	if _, err := command.Open(command.Options{Dir: dir}); err == nil {
		t.Error("no program was taken")
	}
}
