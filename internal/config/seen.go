package config

import (
	"maps"
	"sync"

	"github.com/hashicorp/hcl/v2"
)

// sights keeps what templates see of each scope, so that a cluster's hosts are not turned into
// plain values again for each file of each host. Steps that wait for facts use it later, from
// several goroutines.
type sights struct {
	mu   sync.Mutex
	open map[*hcl.EvalContext]sight
	shut map[*hcl.EvalContext]sight
}

type sight struct {
	values map[string]any
	hidden bool // there are secrets among them
}

// by is what a template sees from a scope: input, cluster, lab, facts, host (this one), key and
// value. Without open, secrets print as such.
func (s *sights) by(ctx *hcl.EvalContext, open bool) (values map[string]any, hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open, s.shut = map[*hcl.EvalContext]sight{}, map[*hcl.EvalContext]sight{}
	}
	v := s.of(ctx, open)
	return v.values, v.hidden
}

func (s *sights) of(ctx *hcl.EvalContext, open bool) sight {
	if ctx == nil {
		return sight{}
	}
	kept := s.shut
	if open {
		kept = s.open
	}
	if v, ok := kept[ctx]; ok {
		return v
	}
	outer := s.of(ctx.Parent(), open)
	v := sight{maps.Clone(outer.values), outer.hidden}
	if v.values == nil {
		v.values = map[string]any{}
	}
	for n, x := range ctx.Variables {
		un, marks := x.UnmarkDeep()
		if len(marks) > 0 {
			v.hidden = true
		}
		if open {
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
