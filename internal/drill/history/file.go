package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Limits of a file that is read.
const (
	MaxLine  = 1 << 24
	MaxLines = 5_000_000
)

// line is one line of a file: exactly one of its fields is set.
type line struct {
	Header *Header `json:"header,omitempty"`
	Op     *Op     `json:"op,omitempty"`
	Open   *Op     `json:"open,omitempty"` // a call that had not returned at a fault's edge
	Mark   *Mark   `json:"mark,omitempty"`
	Scan   *Scan   `json:"scan,omitempty"`
	Late   *int64  `json:"late,omitempty"`
}

// Writer keeps a history as JSON, a line and a write each, and in memory. It may be used by several goroutines.
type Writer struct {
	mu   sync.Mutex
	to   io.Writer // takes one line a write
	sync func() error
	open map[[2]int]Op
	kept History
	err  error
}

// NewWriter begins a history. sync, which may be nil, brings what was written to the disk.
func NewWriter(to io.Writer, sync func() error, head Header) *Writer {
	head.Version = Version
	w := &Writer{to: to, sync: sync, open: map[[2]int]Op{}, kept: History{Header: head}}
	w.put(line{Header: &head})
	return w
}

// Began is when the run's clock began: times in the history are since then.
func (w *Writer) Began() time.Time { return w.kept.Header.Began }

// put writes a line; mu is held, or nobody else knows w yet.
func (w *Writer) put(l line) {
	b, err := json.Marshal(l)
	if err == nil {
		_, err = w.to.Write(append(b, '\n'))
	}
	if err != nil && w.err == nil {
		w.err = err
	}
}

// Called notes that an operation begins.
func (w *Writer) Called(o Op) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[[2]int{o.Client, o.Seq}] = o
}

// Returned notes an operation's end.
func (w *Writer) Returned(o Op) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, [2]int{o.Client, o.Seq})
	w.kept.Ops = append(w.kept.Ops, o)
	w.put(line{Op: &o})
}

// Edge notes a mark and all calls that are open, and brings everything to the disk.
func (w *Writer) Edge(m Mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept.Marks = append(w.kept.Marks, m)
	w.put(line{Mark: &m})
	for _, o := range w.open {
		w.put(line{Open: &o})
	}
	w.flush()
}

// Scanned notes a final read.
func (w *Writer) Scanned(s Scan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept.Scans = append(w.kept.Scans, s)
	w.put(line{Scan: &s})
}

// Late notes by how much the observer's clock was late, in ns.
func (w *Writer) Late(ns int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept.Late = append(w.kept.Late, ns)
	w.put(line{Late: &ns})
}

// flush brings what is written to the disk; mu is held.
func (w *Writer) flush() {
	if w.sync == nil {
		return
	}
	if err := w.sync(); err != nil && w.err == nil {
		w.err = err
	}
}

// End gives the history; calls that are still open are in it as unknown. The error is the first one
// met while writing.
func (w *Writer) End() (History, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.open {
		o.Outcome, o.Class, o.Return = Info, "unreturned", 0
		w.kept.Ops = append(w.kept.Ops, o)
		w.put(line{Op: &o})
	}
	clear(w.open)
	w.flush()
	h := w.kept
	h.Sort()
	return h, w.err
}

// sound tells whether an operation that returned can be judged.
func (o Op) sound() bool {
	switch o.Outcome {
	case Info:
		return true // it may never have returned
	case OK, Fail:
		return o.Call <= o.Return
	}
	return false
}

// Read reads a history. A last line that was cut is left out; a call that was open at an edge and never
// returned is unknown. The error names the line.
func Read(r io.Reader) (History, error) {
	var h History
	open := map[[2]int]Op{}
	s := bufio.NewScanner(r)
	s.Buffer(nil, MaxLine)
	whole := true // the last line has its end
	s.Split(func(data []byte, end bool) (int, []byte, error) {
		n, text, err := bufio.ScanLines(data, end)
		if text != nil {
			whole = n > len(text)
		}
		return n, text, err
	})
	var bad error
	n := 0
	for s.Scan() {
		if bad != nil {
			return h, bad
		}
		if n++; n > MaxLines {
			return h, fmt.Errorf("more than %d lines", MaxLines)
		}
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			bad = fmt.Errorf("line %d: %w", n, err)
			continue
		}
		switch {
		case n == 1 && (l.Header == nil || l.Header.Version != Version):
			return h, fmt.Errorf("line 1: expected the header of a history of version %d", Version)
		case l.Header != nil && n > 1:
			return h, fmt.Errorf("line %d: a second header", n)
		case l.Header != nil:
			h.Header = *l.Header
		case l.Op != nil && !l.Op.sound():
			bad = fmt.Errorf("line %d: an operation without an outcome, or that returns before its call", n)
		case l.Op != nil:
			delete(open, [2]int{l.Op.Client, l.Op.Seq})
			h.Ops = append(h.Ops, *l.Op)
		case l.Open != nil:
			open[[2]int{l.Open.Client, l.Open.Seq}] = *l.Open
		case l.Mark != nil:
			h.Marks = append(h.Marks, *l.Mark)
		case l.Scan != nil:
			h.Scans = append(h.Scans, *l.Scan)
		case l.Late != nil:
			h.Late = append(h.Late, *l.Late)
		default:
			bad = fmt.Errorf("line %d: neither an operation nor a mark, a scan or a clock", n)
		}
	}
	if err := s.Err(); err != nil {
		return h, fmt.Errorf("line %d: %w", n+1, err)
	}
	switch {
	case n == 0 || n == 1 && bad != nil:
		return h, errors.Join(errors.New("no history"), bad)
	case bad != nil && whole:
		return h, bad
	}
	for _, o := range open {
		o.Outcome, o.Class, o.Return = Info, "unreturned", 0
		h.Ops = append(h.Ops, o)
	}
	h.Sort()
	return h, nil
}
