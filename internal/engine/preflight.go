package engine

import (
	"errors"
	"fmt"

	"haprov/internal/kind"
	"haprov/internal/preflight"
	"haprov/internal/probe"
)

// preflight tells what was found on the hosts; what keeps anything from being changed is its error.
func (r *run) preflight() error {
	seen, asked := map[string]probe.Seen{}, map[string]preflight.Span{}
	for _, h := range r.hosts {
		if h.failed() == nil {
			seen[h.name], asked[h.name] = h.seen, h.first
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
