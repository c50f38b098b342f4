package config

import (
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// deferred is a step whose arguments name facts: it asks for them first, then is the step that
// they make. The step is made once for the same facts.
type deferred struct {
	b     *builder
	def   *stepDef
	ctx   *hcl.EvalContext
	where kind.Where

	mu   sync.Mutex
	from cty.Value // the facts that step and err were made of
	step kind.Step // nil: when says no
	err  error
}

// Packages are those that the step installs if its "when" says so; none when their names depend on
// facts.
func (d *deferred) Packages() []string {
	v, ok := d.b.make(decode.Decoder{Report: source.NewReport(nil)}, d.def, d.ctx, d.where, nil)
	if i, can := v.(kind.Installer); ok && can {
		return i.Packages()
	}
	return nil
}

// Probe asks for the facts, then for what the step wants to know.
func (d *deferred) Probe(seen probe.Seen) []probe.Query {
	var ask []probe.Query
	for _, f := range d.def.facts {
		if seen.Get(f.Query).State == probe.Unasked {
			ask = append(ask, f.Query)
		}
	}
	if len(ask) > 0 {
		return ask
	}
	if s, _, err := d.made(seen); err == nil && s != nil {
		return s.Probe(seen)
	}
	return nil
}

// Decide is Later until the facts are there.
func (d *deferred) Decide(seen probe.Seen) (plan.Change, error) {
	s, ok, err := d.made(seen)
	switch {
	case err != nil:
		return plan.Change{}, err
	case !ok:
		return plan.Change{Later: "facts of the host"}, nil
	case s == nil:
		return plan.Change{}, nil
	}
	return s.Decide(seen)
}

// made builds the step; ok is false until all facts are known.
func (d *deferred) made(seen probe.Seen) (s kind.Step, ok bool, err error) {
	values := map[string]cty.Value{}
	for _, f := range d.def.facts {
		v, ok, err := f.Read(seen)
		if err != nil || !ok {
			return nil, ok, err
		}
		switch v := v.(type) {
		case int64:
			values[f.Name] = cty.NumberIntVal(v)
		case string:
			values[f.Name] = cty.StringVal(v)
		case map[string]string:
			m := map[string]cty.Value{}
			for k, x := range v {
				m[k] = cty.StringVal(x)
			}
			values[f.Name] = cty.MapVal(m)
		}
	}
	have := cty.ObjectVal(values)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.from == cty.NilVal || !d.from.RawEquals(have) {
		d.from = have
		d.step, d.err = d.build(have)
	}
	return d.step, true, d.err
}

func (d *deferred) build(have cty.Value) (kind.Step, error) {
	ctx := d.ctx.NewChild()
	ctx.Variables = map[string]cty.Value{"facts": have}
	dec := decode.Decoder{Report: source.NewReport(nil)}
	if d.def.when != nil {
		if on, ok := dec.Condition(d.def.when, ctx); !ok || !on {
			return nil, dec.Report.Err()
		}
	}
	v, ok := d.b.make(dec, d.def, ctx, d.where, nil)
	if !ok {
		return nil, dec.Report.Err()
	}
	return v.(kind.Step), nil
}
