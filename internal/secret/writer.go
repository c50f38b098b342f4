package secret

import (
	"io"
	"sync"
)

// Writer masks what is written through it. What may be the beginning of a secret is held back until
// more comes, Flush is called or the line ends: call Flush after a prompt and at the end.
type Writer struct {
	to   io.Writer
	mask *Masker

	mu   sync.Mutex
	held []byte
	done int // so many bytes of held are hidden, and (sensitive) is written for them
}

// NewWriter masks what goes to an output of the program.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to, mask: &known} }

// Under is the output itself: for byte streams that are the user's own, and to ask whether it is a
// terminal.
func (w *Writer) Under() io.Writer { return w.to }

func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = append(w.held, p...)
	if err := w.pass(false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what is held back.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.pass(true)
	w.held, w.done = nil, 0
	return err
}

// pass writes what of held is decided, or all.
func (w *Writer) pass(all bool) error {
	w.mask.mu.RLock()
	runs, n := w.mask.runs(w.held), len(w.held)
	if !all {
		n = w.mask.open(w.held)
	}
	w.mask.mu.RUnlock()
	var out []byte
	at, hiding := w.done, w.done > 0
	for _, r := range runs {
		if r.from >= n {
			break
		}
		if r.from > at || !hiding {
			out = append(append(out, w.held[at:max(at, r.from)]...), hidden...)
		}
		at, hiding = max(at, r.to), true
	}
	if at < n {
		out = append(out, w.held[at:n]...)
		at = n
	}
	w.held, w.done = append([]byte(nil), w.held[n:]...), at-n
	if len(out) == 0 {
		return nil
	}
	_, err := w.to.Write(out)
	return err
}

// JSONWriter masks JSON: each Write is one document or several whole ones.
type JSONWriter struct{ To io.Writer }

func (w JSONWriter) Write(p []byte) (int, error) {
	if _, err := w.To.Write(MaskJSON(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
