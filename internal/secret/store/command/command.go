// Package command keeps secrets where a program of the team's own keeps them: a password manager, a script.
//
// The program is run once a call, with a verb, the owner and the name as its last arguments; a value is on
// its stdin or stdout and followed by one line end, never an argument. Its exit status says what came of it:
//
//	get OWNER NAME      prints the value; 3: there is none
//	create OWNER NAME   stores the value on stdin; 4: there is one, which stays
//	replace OWNER NAME  stores the value on stdin in place of the one there, or of none
//	remove OWNER NAME   takes it away; 3, or 0: there was none
//	list OWNER          prints the names, a line each, none when there are none
//
// 0 is success, any other status an error. What was stored is read back and compared. It must not know
// recipes, nor what the program does.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"

	"haprov/internal/secret"
	"haprov/internal/secret/store"
)

const (
	absent = 3
	exists = 4

	maxSaid = 4 << 10 // bytes of stderr that are kept
	grace   = 2 * time.Second

	lockRuns = 4 // so many runs another process may take while it stores: it has at most three
)

// Options of a command.
type Options struct {
	Run     []string      // the program, by its path or to be found in PATH, and its first arguments
	Dir     string        // its working directory; also locked while a value is stored
	Timeout time.Duration // of one run; it is sent SIGTERM then, and SIGKILL after 2 s
}

// Command is a store.Source. It may be used from several goroutines. Processes of this machine that
// use the same folder wait for each other while they store; how the program keeps apart others is its own.
type Command struct {
	o Options
}

// Find is the path of a program as Run names it: one with a slash starts at the folder, any other is looked
// for in PATH.
func Find(program, dir string) (string, error) {
	if strings.Contains(program, "/") && !strings.HasPrefix(program, "/") {
		program = dir + "/" + program
	}
	return exec.LookPath(program)
}

// Open finds the program. Nothing is run.
func Open(o Options) (*Command, error) {
	if len(o.Run) == 0 {
		return nil, errors.New("no program is named")
	}
	path, err := Find(o.Run[0], o.Dir)
	if err != nil {
		return nil, err
	}
	o.Run = append([]string{path}, o.Run[1:]...)
	return &Command{o}, nil
}

// Read gets one value.
func (c *Command) Read(owner, name string) (secret.Text, error) {
	out, status, err := c.run("", "get", owner, name)
	switch {
	case err != nil:
		return secret.Text{}, err
	case status == absent:
		return secret.Text{}, fmt.Errorf("secret %s of %s: %w", name, owner, fs.ErrNotExist)
	}
	value := strings.TrimSuffix(string(out), "\n")
	if value == "" {
		return secret.Text{}, c.wrong("get", owner, name, "printed no value and ended with 0; expected 3 when there is none")
	}
	return secret.Sensitive(value), nil
}

// Create stores a value where there is none.
func (c *Command) Create(owner, name string, t secret.Text) error {
	return c.store("create", owner, name, t, func() error { return nil })
}

// Replace stores a value. Between the look at the old one and the change another machine may come.
func (c *Command) Replace(owner, name string, old *secret.Text, t secret.Text) error {
	return c.store("replace", owner, name, t, func() error {
		if old == nil {
			return nil
		}
		now, err := c.Read(owner, name)
		if err == nil && now.Reveal() != old.Reveal() {
			err = store.ErrChanged
		}
		return err
	})
}

// store runs a verb that stores, after look, and compares what is there then.
func (c *Command) store(verb, owner, name string, t secret.Text, look func() error) error {
	unlock, err := store.Lock(c.o.Dir, lockRuns*(c.o.Timeout+grace))
	if err != nil {
		return err
	}
	defer unlock()
	if err := look(); err != nil {
		return err
	}
	_, status, err := c.run(t.Reveal()+"\n", verb, owner, name)
	switch {
	case err != nil:
		return err
	case status == exists && verb == "create":
		return fs.ErrExist
	case status != 0:
		return c.wrong(verb, owner, name, fmt.Sprintf("ended with %d, which has no meaning for it", status))
	}
	switch now, err := c.Read(owner, name); {
	case errors.Is(err, fs.ErrNotExist):
		return c.wrong(verb, owner, name, "ended with 0, but get finds no value")
	case err != nil:
		return err
	case now.Reveal() == t.Reveal():
		return nil
	case strings.TrimRight(now.Reveal(), "\n") == strings.TrimRight(t.Reveal(), "\n"):
		return c.wrong(verb, owner, name, "did not keep the line ends of the value: it must be stored and printed byte for byte")
	case verb == "create":
		return fs.ErrExist // another machine was between, or the program changes values
	}
	return store.ErrChanged
}

// Remove takes a value away.
func (c *Command) Remove(owner, name string) error {
	_, _, err := c.run("", "remove", owner, name)
	return err
}

// List names what there is.
func (c *Command) List(owner string) (out []string, err error) {
	text, _, err := c.run("", "list", owner)
	for name := range strings.Lines(string(text)) {
		name = strings.TrimSuffix(name, "\n")
		if !store.GoodName(name) {
			return nil, c.wrong("list", owner, "", fmt.Sprintf("printed %q, which is no name of a secret", secret.Mask(name[:min(len(name), 64)])))
		}
		out = append(out, name)
	}
	return out, err
}

// run gives what the program printed, and its status: 0, or 3 or 4 where the verb may say so.
func (c *Command) run(stdin, verb, owner string, name ...string) (out []byte, status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.o.Timeout)
	defer cancel()
	args := append(append([]string{}, c.o.Run[1:]...), verb, owner)
	p := exec.CommandContext(ctx, c.o.Run[0], append(args, name...)...)
	stdout, stderr := &bounded{max: store.MaxSecret + 1}, &bounded{max: maxSaid, cut: true}
	p.Dir, p.Stdin, p.Stdout, p.Stderr = c.o.Dir, strings.NewReader(stdin), stdout, stderr
	p.Cancel = func() error { return p.Process.Signal(syscall.SIGTERM) }
	p.WaitDelay = grace
	err = p.Run()
	at := strings.Join(append([]string{verb, owner}, name...), " ")
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%s %s did not end within %s: %w", c.o.Run[0], at, c.o.Timeout, store.ErrUnavailable)
	case stdout.full:
		err = fmt.Errorf("%s %s printed more than %d bytes", c.o.Run[0], at, store.MaxSecret)
	case errors.As(err, &exit) && exit.ExitCode() == absent && (verb == "get" || verb == "remove"):
		return nil, absent, nil
	case errors.As(err, &exit) && exit.ExitCode() == exists && verb == "create":
		return nil, exists, nil
	case errors.As(err, &exit):
		err = fmt.Errorf("%s %s: %s%s: %w", c.o.Run[0], at, exit, said(stderr, stdin, stdout.kept), store.ErrUnavailable)
	case err != nil:
		err = fmt.Errorf("%s %s: %w: %w", c.o.Run[0], at, err, store.ErrUnavailable)
	default:
		err = nil
	}
	return stdout.kept, 0, err
}

// said is the end of what a program wrote to stderr, without what it was given and what it printed. It is
// left out when one of these is too short to be recognised.
func said(stderr *bounded, in string, out []byte) string {
	for _, value := range []string{strings.TrimSpace(in), string(bytes.TrimSpace(out))} {
		if value != "" && len(value) < secret.Shortest {
			return ""
		}
		secret.Learn(value)
	}
	text := strings.TrimSpace(secret.Mask(string(stderr.kept)))
	if text == "" {
		return ""
	}
	return ": " + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

func (c *Command) wrong(verb, owner, name, what string) error {
	return fmt.Errorf("%s %s %s %s", c.o.Run[0], verb, strings.TrimSpace(owner+" "+name), what)
}

// bounded keeps the first max bytes. Past them it is full: an error to the writer, or nothing more is kept.
type bounded struct {
	kept []byte
	max  int
	cut  bool
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.max - len(b.kept)
	if len(p) <= room {
		b.kept = append(b.kept, p...)
		return len(p), nil
	}
	b.kept, b.full = append(b.kept, p[:room]...), true
	if b.cut {
		return len(p), nil
	}
	return room, errors.New("too much")
}
