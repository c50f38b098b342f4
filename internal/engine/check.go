package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
)

// Checked: a check of the recipe ended.
type Checked struct {
	Text   string
	Host   string // where it succeeded; empty for each
	Err    error
	Output string
	Took   time.Duration
}

func (Checked) event() {}

// verify runs the checks one after the other, each until it succeeds or its deadline has passed.
// Those that write run only when something changed or the user asked.
func (r *run) verify(ctx context.Context, changed bool) error {
	var bad []string
	for _, c := range r.Checks {
		if c.Writes && !changed && !r.Verify {
			continue
		}
		t := time.Now()
		host, out, err := r.check(ctx, c)
		r.event(Checked{c.Text, host, err, out, time.Since(t)})
		if err != nil {
			if !errors.Is(err, ErrTimedOut) { // that names it
				err = fmt.Errorf("%s: %w", c.Text, err)
			}
			bad = append(bad, err.Error())
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%w: %s", ErrCheck, strings.Join(bad, "; "))
	}
	return nil
}

// notHere is the exit status by which a host says that it is not the active one.
const notHere = 199

// checkQuery is a check as a question to one of its hosts.
func (r *run) checkQuery(c recipe.Check, x recipe.Run) probe.Query {
	text := x.Shell.Reveal()
	if c.On == "active" {
		for _, a := range r.Active {
			if active := a.Shell.Reveal(); a.Host == x.Host && active != "" {
				text = fmt.Sprintf("( %s\n) >/dev/null 2>&1 || exit %d\n%s", active, notHere, text)
			}
		}
	}
	return probe.Query{Kind: probe.Command, Name: "check", Shell: text, Timeout: time.Duration(float64(checkTimeout) * r.Speed), Max: 4096}
}

// checkTimeout bounds one try of a check.
const checkTimeout = 20 * time.Second

// riding are the checks that only read, as far as they are asked on a host: they go with the first
// questions, so that a run with nothing to do needs no exchange of its own for them.
func (r *run) riding(host string) (out []probe.Query) {
	if r.Also != nil {
		out = append(out, r.Also(host)...)
	}
	for _, h := range r.Preflight {
		if h.Name == host {
			out = append(out, h.Query())
		}
	}
	if r.PlanOnly {
		return out
	}
	for _, c := range r.Checks {
		for _, x := range c.Runs {
			if x.Host == host && !c.Writes {
				out = append(out, r.checkQuery(c, x))
			}
		}
	}
	return out
}

// also are the answers to the caller's own questions.
func (r *run) also() map[string]probe.Seen {
	out := map[string]probe.Seen{}
	for _, h := range r.hosts {
		if h.failed() == nil && r.Also != nil {
			out[h.name] = h.seen
		}
	}
	return out
}

func (r *run) check(ctx context.Context, c recipe.Check) (host, output string, err error) {
	first := waits{}
	for again := false; ; again = true {
		var missing bool
		host, output, missing = r.try(ctx, c, again)
		if host != "" {
			return host, "", nil
		}
		if missing {
			return "", output, errMissing
		}
		if err := r.wait(ctx, first, nil, "check", &plan.Wait{Reason: c.Text, Deadline: c.Deadline}); err != nil {
			return "", output, err
		}
	}
}

// errMissing: waiting does not install a command.
var errMissing = errors.New("a command of this check is not installed on the host: the recipe must install its package, or the check use another command")

// missing reports that a shell did not find a command: exit status 127 (POSIX, Shell Command Language
// 2.8.2), and the words that every shell has for it, since a command may exit with 127 by itself.
func missing(a probe.Answer) bool {
	return a.State == probe.Answered && a.Exit == 127 && strings.Contains(a.Out, "not found")
}

// ended is what a check that failed printed, else how it ended: 124 is that timeout(1) ended it.
func ended(a probe.Answer) string {
	switch {
	case a.State == probe.Unanswered:
		return "no answer in time"
	case strings.TrimSpace(a.Out) != "":
		return a.Out
	case a.Exit == 124:
		return "no answer in time (exit 124)"
	}
	return fmt.Sprintf("exit %d", a.Exit)
}

// try runs a check once. It names the host where it succeeded ("each" for all of them), or gives
// the last output; never says that it cannot succeed later. An answer that came with the first
// questions counts, unless it is asked again.
func (r *run) try(ctx context.Context, c recipe.Check, again bool) (host, output string, never bool) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	good, asked, without, other := []string{}, 0, 0, 0
	for _, x := range c.Runs {
		h := r.byName[x.Host]
		if h != nil && h.without() {
			continue
		}
		asked++
		if h == nil || h.failed() != nil {
			continue
		}
		wg.Go(func() {
			q := r.checkQuery(c, x)
			if again || c.Writes || h.seen.Get(q).State == probe.Unasked {
				h.seen = h.seen.Without([]probe.Query{q})
				if err := h.ask(ctx, []probe.Query{q}); err != nil {
					h.fail("check", err)
					return
				}
			}
			mu.Lock()
			defer mu.Unlock()
			switch a := h.seen.Get(q); {
			case a.State == probe.Answered && a.Exit == 0:
				good = append(good, h.name)
			case missing(a):
				without++
				output = h.name + ": " + a.Out
			case a.Exit != notHere:
				other++
				output = h.name + ": " + ended(a)
			}
		})
	}
	wg.Wait()
	switch {
	case c.On == "each" && len(good) == asked && asked > 0:
		return "each", "", false
	case c.On != "each" && len(good) > 0:
		return good[0], "", false
	case output == "":
		output = "no host is the active one"
	}
	return "", output, without > 0 && (c.On == "each" || other == 0)
}
