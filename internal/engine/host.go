package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/preflight"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/transport"
)

type subject = probe.Subject

// host is one host during a run. Its own goroutine uses it, except under mu what cluster steps read.
type host struct {
	*run
	name          string
	items         []*recipe.Item
	session       transport.Session
	seen          probe.Seen
	asked         map[*recipe.Item][]probe.Query // what each item read last
	changes       int
	ended         map[string]bool // addresses of the steps that it has brought to their end
	first         preflight.Span  // when the first questions were at the host
	holderAtProbe string          // the lock's holder before the first questions
	holderAtLock  string          // and when the lock was taken

	mu  sync.Mutex
	err error
}

func (h *host) fail(address string, err error) {
	h.mu.Lock()
	first := h.err == nil
	if first {
		h.err = err
		if address != "" {
			h.err = fmt.Errorf("%s: %w", address, err)
		}
	}
	h.mu.Unlock()
	if first {
		var f actionError
		if at := (*actionError)(nil); errors.As(err, &at) {
			f = *at
		}
		h.event(Failed{Host: h.name, Address: address, Err: err, Command: f.command, Output: f.output})
	}
}

func (h *host) failed() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// errWithout: the host cannot be reached, and the user does without it.
var errWithout = errors.New("done without")

func (h *host) without() bool { return errors.Is(h.failed(), errWithout) }

func (h *host) open(ctx context.Context) error {
	t := time.Now()
	s, err := h.Open(ctx, h.name)
	if err != nil && slices.Contains(h.Without, h.name) {
		h.event(Noted{h.name, "is left out, as requested: " + err.Error()})
		h.mu.Lock()
		defer h.mu.Unlock()
		h.err = fmt.Errorf("%w: %w", errWithout, err)
		return nil
	}
	if err != nil {
		return err
	}
	h.session = s
	h.event(Connected{h.name, time.Since(t)})
	return nil
}

func nonce() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	return hex.EncodeToString(b[:])
}

// rounds is how often an item may ask for more.
const rounds = 3

// observe asks all that the items still want to know, all of it in one exchange a round; riding
// questions go with the first.
func (h *host) observe(ctx context.Context, items []*recipe.Item, clusters bool, riding ...probe.Query) error {
	for range rounds {
		ask := riding
		riding = nil
		for _, it := range items {
			var qs []probe.Query
			switch {
			case it.Step != nil:
				qs = it.Step.Probe(h.seen)
			case clusters:
				qs = it.Cluster.Probe(h.name, probe.Hosts{h.name: {Seen: h.seen}})
			}
			h.remember(it, qs)
			for _, q := range qs {
				if h.seen.Get(q).State == probe.Unasked {
					ask = append(ask, q)
				}
			}
		}
		if len(ask) == 0 {
			return nil
		}
		if err := h.ask(ctx, ask); err != nil {
			return err
		}
	}
	return nil
}

// remember keeps what an item has asked in all rounds: its decision rests on all of it.
func (h *host) remember(it *recipe.Item, qs []probe.Query) {
	if h.asked == nil {
		h.asked = map[*recipe.Item][]probe.Query{}
	}
	h.asked[it] = probe.Unique(append(h.asked[it], qs...))
}

func (h *host) reads(it *recipe.Item) []subject { return plan.Reads(h.asked[it]) }

// ask sends the questions and keeps the answers. What hung is Unanswered, and the rest is asked
// again without it.
func (h *host) ask(ctx context.Context, qs []probe.Query) error {
	qs = probe.Slower(probe.Unique(qs), h.slow())
	// One that hangs costs an exchange; together they may not cost more than all that may hang.
	ctx, done := h.within(ctx, 2*probe.Deadline(qs))
	defer done()
	for len(qs) > 0 {
		n := nonce()
		c, cancel := h.within(ctx, probe.Deadline(qs))
		t := time.Now()
		script, first := probe.Script(qs, n), h.first.From.IsZero()
		if first {
			script = lastHolder + "\n" + script
		}
		res, err := h.session.Exchange(c, script, nil)
		cancel()
		if err != nil {
			return fmt.Errorf("query: %w", err)
		}
		h.event(Exchanged{h.name, "probe", time.Since(t)})
		if first {
			h.holderAtProbe, res.Out = holderSaid(res.Out)
			h.first = preflight.Span{From: t, To: time.Now()}
		}
		answers, rest := probe.Parse(qs, n, res.Out)
		if len(rest) == len(qs) {
			return errors.New("query: the host's shell gave no answer at all")
		}
		h.seen = h.seen.With(answers)
		qs = rest
	}
	return nil
}

func (h *host) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * h.Speed) }

func (h *host) forgetAll() { h.seen = probe.Seen{} }

// forget drops the answers that an action made stale.
func (h *host) forget(touched []subject) {
	var stale []probe.Query
	for _, qs := range h.asked {
		for _, q := range qs {
			if overlap(q.Subjects(), touched) {
				stale = append(stale, q)
			}
		}
	}
	h.seen = h.seen.Without(stale)
}

// actionError is a failed action.
type actionError struct {
	title, command, output string
	state                  act.State
	exit                   int
	lost                   error // Running: why the connection went
}

func (e *actionError) Unwrap() error { return e.lost }

// Is tells an action that timeout(1) ended: by its signal, or by KILL when it did not heed that.
func (e *actionError) Is(target error) bool {
	return target == ErrOverran && e.state != act.Refused && e.state != act.Running && (e.exit == 124 || e.exit == 137)
}

func (e *actionError) Error() string {
	switch e.state {
	case act.Refused:
		return e.title + ": refused: the host has changed since this was decided"
	case act.Running:
		text := e.title + ": the connection was lost while it ran; the next run waits for its end"
		if e.lost != nil {
			text += ": " + e.lost.Error()
		}
		return text
	}
	return fmt.Sprintf("%s: exit %d", e.title, e.exit)
}

// batchItem is an action with the step it belongs to.
type batchItem struct {
	address string
	action  act.Action
	diffs   []plan.Diff
}

// perform runs actions in one batch, or in several where one of them needs a new login before it.
func (h *host) perform(ctx context.Context, actions []batchItem) error {
	for len(actions) > 0 {
		if first := actions[0]; first.action.AfterLogin > 0 {
			if err := h.tryLogin(ctx, first.action.AfterLogin); err != nil {
				h.fail(first.address, fmt.Errorf("%s: %w", first.action.Title, err))
				return h.failed()
			}
		}
		n := 1
		for n < len(actions) && actions[n].action.AfterLogin == 0 {
			n++
		}
		if err := h.performBatch(ctx, actions[:n]); err != nil {
			return err
		}
		actions = actions[n:]
	}
	return nil
}

// performBatch runs one batch and tells what became of it.
func (h *host) performBatch(ctx context.Context, batch []batchItem) error {
	if err := h.send(ctx, batch); err != nil {
		return err
	}
	actions := make([]act.Action, len(batch))
	for i, b := range batch {
		actions[i] = b.action
	}
	joined, covers := act.Join(actions)
	joined = act.Slower(joined, h.slow())
	n := nonce()
	script := act.Script(joined, n)
	c, cancel := h.within(ctx, act.Deadline(joined)+sending(len(script)))
	defer cancel()
	c, stop := context.WithCancelCause(c)
	defer stop(nil)
	t := time.Now()
	view := progress{h: h, batch: batch, joined: joined, covers: covers, read: act.NewReader(len(joined), n), last: t, stop: stop}
	view.expect(sending(len(script)))
	defer view.late.Stop()
	res, err := h.session.Exchange(c, script, view.got)
	h.event(Exchanged{h.name, "act", time.Since(t)})
	h.forget(touches(actions))
	for i, r := range view.read.Results() {
		switch r.State {
		case act.Done:
			h.changes += len(covers[i])
		case act.Refused:
			// Not the host's failure: a cluster step looks again and decides anew.
			b := batch[covers[i][0]]
			return fmt.Errorf("%s: %w", b.address, &actionError{b.action.Title, joined[i].Command(), r.Output, r.State, r.Exit, nil})
		case act.Failed, act.Running:
			b := batch[covers[i][0]]
			h.fail(b.address, &actionError{b.action.Title, joined[i].Command(), r.Output, r.State, r.Exit, err})
			return h.failed()
		}
	}
	if err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	if res.Exit != 0 {
		return fmt.Errorf("apply: the batch ended with exit %d", res.Exit)
	}
	for _, r := range view.read.Results() {
		if r.State == act.NotRun {
			return errors.New("apply: the batch ended before all of it was done")
		}
	}
	return nil
}

func touches(as []act.Action) (out []subject) {
	for _, a := range as {
		out = append(out, a.Touches...)
		for _, o := range a.Owes {
			out = append(out, probe.Of(probe.Owed, o.Unit))
		}
		for _, u := range a.Pays {
			out = append(out, probe.Of(probe.Owed, u))
		}
	}
	return out
}

func overlap(reads, touched []subject) bool { return probe.Overlap(reads, touched) }
