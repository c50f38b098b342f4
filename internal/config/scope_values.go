package config

import (
	"maps"
	"sync"

	"github.com/hashicorp/hcl/v2"
)

// scopeValues keeps what templates see of each scope, so that a cluster's hosts are not turned into
// plain values again for each file of each host. Steps that wait for facts use it later, from
// several goroutines.
type scopeValues struct {
	mu       sync.Mutex
	revealed map[*hcl.EvalContext]scopeValue
	masked   map[*hcl.EvalContext]scopeValue
}

type scopeValue struct {
	values map[string]any
	hidden bool // there are secrets among them
}

// values is what a template sees from a scope: input, cluster, lab, facts, host (this one), key and
// value. Without reveal, secrets print as such.
func (s *scopeValues) values(ctx *hcl.EvalContext, reveal bool) (values map[string]any, hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revealed == nil {
		s.revealed, s.masked = map[*hcl.EvalContext]scopeValue{}, map[*hcl.EvalContext]scopeValue{}
	}
	v := s.scope(ctx, reveal)
	return v.values, v.hidden
}

func (s *scopeValues) scope(ctx *hcl.EvalContext, reveal bool) scopeValue {
	if ctx == nil {
		return scopeValue{}
	}
	kept := s.masked
	if reveal {
		kept = s.revealed
	}
	if v, ok := kept[ctx]; ok {
		return v
	}
	outer := s.scope(ctx.Parent(), reveal)
	v := scopeValue{maps.Clone(outer.values), outer.hidden}
	if v.values == nil {
		v.values = map[string]any{}
	}
	for n, x := range ctx.Variables {
		un, marks := x.UnmarkDeep()
		if len(marks) > 0 {
			v.hidden = true
		}
		if reveal {
			x = un
		}
		switch n {
		case "each": // host, key and value
			for k, e := range x.AsValueMap() {
				v.values[k] = plain(e)
			}
		case "input", "cluster", "lab", "facts":
			v.values[n] = plain(x)
		}
	}
	kept[ctx] = v
	return v
}
