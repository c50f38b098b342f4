package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"haprov/internal/engine"
	"haprov/internal/lab"
	"haprov/internal/secret"
	"haprov/internal/view"
)

// journal keeps what a run did, for people to read: who, what, when, before and after.
type journal struct {
	view.View
	w *stamped
	f *os.File
}

// openJournal makes a file named by the time, that only this user can read.
func (a *app) openJournal(what string) (*journal, error) {
	root, err := stateFolder()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, "journal")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	now := time.Now()
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%s-%d.log", now.Format("20060102-150405"), os.Getpid())), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	a.journal = f.Name()
	masked := secret.NewWriter(f)
	fmt.Fprintf(masked, "%s %s, by %s\n", now.Format(time.RFC3339), what, holder())
	w := &stamped{to: masked}
	return &journal{view.Masked{View: &view.Human{Out: w, Err: w, Verbose: true, Place: a.place}}, w, f}, nil
}

// both gives each thing that happens to the journal and to another view.
type both struct {
	view.View
	j *journal
}

func (b both) Lab(e lab.Event)      { b.j.Lab(e); b.View.Lab(e) }
func (b both) Event(e engine.Event) { b.j.Event(e); b.View.Event(e) }
func (b both) Summary(s engine.Summary, err error) {
	b.j.Summary(s, err)
	if err != nil {
		fmt.Fprintln(b.j.w, view.Clean(secret.Mask(view.Said(err))))
	}
	b.View.Summary(s, err)
}

// stamped puts the time before every line, once the line is whole. A journal that cannot be written
// stops nothing.
type stamped struct {
	to   io.Writer
	part string
}

func (s *stamped) Write(p []byte) (int, error) {
	lines := strings.SplitAfter(s.part+string(p), "\n")
	s.part = lines[len(lines)-1]
	at := time.Now().Format("15:04:05.000 ")
	for _, l := range lines[:len(lines)-1] {
		io.WriteString(s.to, at+l)
	}
	return len(p), nil
}
