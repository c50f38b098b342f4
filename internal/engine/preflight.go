package engine

import (
	"errors"
	"fmt"

	"haprov/internal/kind"
	"haprov/internal/preflight"
	"haprov/internal/probe"
)

// warner is a step that may have something to say, whether or not it changes anything.
type warner interface{ Warn(probe.Seen) string }

// preflight tells what was found on the hosts; what keeps anything from being changed is its error.
func (r *run) preflight() error {
	seen, asked := map[string]probe.Seen{}, map[string]preflight.Span{}
	for _, h := range r.hosts {
		if h.failed() == nil {
			seen[h.name], asked[h.name] = h.seen, h.first
		}
	}
	for _, h := range r.hosts {
		for _, it := range h.items {
			if w, ok := it.Step.(warner); ok && h.failed() == nil {
				if text := w.Warn(h.seen); text != "" {
					r.event(Noted{it.Address, text})
				}
			}
		}
	}
	var bad []error
	for _, f := range preflight.Judge(r.Preflight, seen, asked) {
		r.event(Noted{f.Host + ":preflight", f.String()})
		if f.Fail {
			bad = append(bad, fmt.Errorf("%s: %w: %s", f.Host, kind.ErrRequirement, f))
		}
	}
	return errors.Join(bad...)
}
