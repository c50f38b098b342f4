package vm

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"haprov/test/document"
)

// TestTheReadmeIsTrue types what README.md shows, in an empty directory.
func TestTheReadmeIsTrue(t *testing.T) {
	suite(t, "core", "documents")
	follow(t, "README.md")
}

// TestTheTutorialIsTrue types what docs/tutorial.md shows.
func TestTheTutorialIsTrue(t *testing.T) {
	suite(t, "documents")
	follow(t, "docs/tutorial.md")
}

// reader types a document's commands into the shell of one lab.
type reader struct {
	*place
	document string
	lines    []string // of the document; $UPDATE writes what was printed into them
	started  map[string]chan string
	mirrored bool // the other one of two machines became the active one
	settled  bool // which one it is, is known
}

// match compares what was printed with the document, whose db1 may be this cluster's db2.
func (r *reader) match(s document.Step, out string) (map[int]string, error) {
	if r.mirrored {
		return s.Match(document.Mirror(out))
	}
	found, err := s.Match(out)
	switch {
	case r.settled, s.Is("hosts"), document.Mirror(out) == out:
	case err == nil:
		_, bad := s.Match(document.Mirror(out))
		r.settled = bad != nil // what is said of both alike does not tell
	default:
		if other, bad := s.Match(document.Mirror(out)); bad == nil {
			r.mirrored = true
			return other, nil
		}
	}
	return found, err
}

// follow runs a document's commands in order, and holds what each prints against it. With
// UPDATE=1 the document's lines become those that were printed.
func follow(t *testing.T, name string) {
	t.Helper()
	file := filepath.Join("..", "..", name)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{newPlace(t), name, strings.Split(string(text), "\n"), map[string]chan string{}, false, false}
	for _, f := range regexp.MustCompile("(?s)```sh\n# (\\S+)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if err := os.WriteFile(filepath.Join(r.dir, f[1]), []byte(f[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range document.Steps(string(text)) {
		r.step(s)
		if t.Failed() {
			break // what follows builds on it
		}
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(strings.Join(r.lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *reader) step(s document.Step) {
	begin := time.Now()
	switch {
	case s.Is("skip"):
		return
	case s.Is("also"), s.Is("run"):
		wait := 5 * time.Minute
		until(r.t, s.Command+" succeeds", wait, func() bool {
			out, err := r.shell(s.Command)
			if err != nil && s.Is("run") {
				r.t.Fatalf("%s:%d: %s: %v\n%s", r.document, s.Line, s.Command, err, tail(out))
			}
			return err == nil
		})
	case s.Is("start"):
		end := make(chan string, 1)
		r.started[s.Command] = end
		go func() {
			out, err := r.shell(s.Command)
			if errors.Is(err, errHangs) {
				out += err.Error() + "\n"
			}
			end <- out
		}()
	case s.Is("result"):
		r.hold(s, <-r.started[s.Command])
	case s.Is("until"):
		out := ""
		deadline := time.Now().Add(10 * time.Minute)
		for tick := time.NewTicker(time.Second); ; <-tick.C {
			out, _ = r.shell(s.Command)
			if _, err := r.match(s, out); err == nil || time.Now().After(deadline) {
				tick.Stop()
				break
			}
		}
		r.hold(s, out)
	default:
		out, _ := r.shell(s.Command) // status ends with 2 when it has reasons; the lines tell
		r.hold(s, out)
	}
	r.t.Logf("%s:%d: %s: %.1f s", r.document, s.Line, s.Command, time.Since(begin).Seconds())
}

// hold compares what was printed with the document.
func (r *reader) hold(s document.Step, out string) {
	r.t.Helper()
	found, err := r.match(s, out)
	update := os.Getenv("UPDATE") != ""
	if update {
		for n, l := range found {
			r.lines[n-1] = l
		}
	}
	if err != nil {
		r.t.Errorf("%s:%d: %s: %v\nprinted was:\n%s", r.document, s.Line, s.Command, err, out)
	} else if update {
		r.t.Logf("printed was:\n%s", out)
	}
}

// shell runs a command as a person would who stands in the directory, with the program in $PATH.
func (r *reader) shell(command string) (string, error) {
	if r.mirrored {
		command = document.Mirror(command)
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), 30*time.Minute, errHangs)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", command)
	c.Dir = r.dir
	c.Env = append(os.Environ(), "HAPROV_STATE="+r.state, "NO_COLOR=1", "PATH="+filepath.Dir(r.exe)+":"+os.Getenv("PATH"))
	c.WaitDelay = 10 * time.Second
	out, err := c.CombinedOutput()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return string(out), err
}

var errHangs = errors.New("the command did not end within 30 minutes")
