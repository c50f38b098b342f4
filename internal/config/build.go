package config

import (
	"maps"
	"reflect"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/kind"
	"haprov/internal/kind/host"
	"haprov/internal/recipe"
	"haprov/internal/secret"
)

// round is one element of for_each; the zero round is a step without it.
type round struct {
	key   string
	value cty.Value
}

// steps adds the steps of one on block to the chains of its hosts, in the order written.
func (b *builder) steps(steps []*stepDef, p place, chains map[string]*recipe.Chain, path []string) {
	for _, s := range steps {
		switch {
		case s.use != nil:
			b.use(s, p, chains, path)
		case s.cluster:
			b.clusterStep(s, p, chains)
		default:
			b.hostStep(s, p, chains)
		}
	}
}

func (b *builder) hostStep(s *stepDef, p place, chains map[string]*recipe.Chain) {
	hosts := p.hosts
	if s.place == "one" && len(hosts) > 0 {
		hosts = hosts[:1]
	}
	var nodes []kind.Node
	if s.layout.Where != nil {
		nodes = b.world.nodes(p.hosts)
	}
	for _, h := range hosts {
		rounds, ok := b.rounds(s, p.host[h])
		if !ok {
			continue
		}
		for _, r := range rounds {
			if !b.rep.Spend(s.block.DefRange(), source.WorkHost, source.BytesStep) {
				return
			}
			ctx := r.context(p.host[h])
			where := kind.Where{Label: r.label(s.label), Nodes: nodes, Speed: b.world.speed}
			it := b.item(s, r, h+":"+s.block.Type+"."+s.label, []string{h})
			if len(s.facts) > 0 {
				it.Step = &deferred{b: b, def: s, ctx: ctx, where: where}
			} else {
				if on, ok := b.when(s, ctx); !ok || !on {
					continue
				}
				v, ok := b.make(b.dec, s, ctx, where, nil)
				if !ok {
					continue
				}
				it.Step = v.(kind.Step)
			}
			chains[h].Items = append(chains[h].Items, it)
		}
	}
}

func (b *builder) clusterStep(s *stepDef, p place, chains map[string]*recipe.Chain) {
	if p.shared == nil {
		b.rep.At(s.block.DefRange(), "Inputs differ between hosts", "This recipe was used with inputs that read each.host, and a %s is one step over all hosts.", s.block.Type)
		return
	}
	rounds, ok := b.rounds(s, p.shared)
	if !ok {
		return
	}
	for _, r := range rounds {
		if !b.rep.Spend(s.block.DefRange(), int64(1+len(p.hosts))*source.WorkHost, source.BytesStep) {
			return
		}
		ctx := r.context(p.shared)
		if on, ok := b.when(s, ctx); !ok || !on {
			continue
		}
		hosts := func(e hclsyntax.Expression) (map[string]cty.Value, bool) {
			out := map[string]cty.Value{}
			for _, h := range p.hosts {
				v, ok := b.dec.Value(e, r.context(p.host[h]))
				if !ok {
					return nil, false
				}
				out[h] = v
			}
			return out, len(out) > 0
		}
		where := kind.Where{Label: r.label(s.label), Nodes: b.world.nodes(p.hosts), Speed: b.world.speed}
		v, ok := b.make(b.dec, s, ctx, where, hosts)
		if !ok {
			continue
		}
		it := b.item(s, r, p.address+":"+s.block.Type+"."+s.label, p.hosts)
		it.Cluster = v.(kind.Cluster)
		for _, h := range p.hosts {
			chains[h].Items = append(chains[h].Items, it)
		}
	}
}

func (b *builder) item(s *stepDef, r round, address string, hosts []string) *recipe.Item {
	if s.forEach != nil {
		address += "[" + r.key + "]"
	}
	at := s.block.DefRange()
	it := &recipe.Item{Address: address, Kind: s.spec.Name, Hosts: hosts, File: at.Filename, Line: at.Start.Line}
	b.made[it] = at
	return it
}

// make builds a step of its block: decode, check, and render a file's text.
func (b *builder) make(d decode.Decoder, s *stepDef, ctx *hcl.EvalContext, where kind.Where, hosts decode.PerHost) (any, bool) {
	v := s.spec.New()
	out := reflect.ValueOf(v).Elem()
	before := d.Report.Failed()
	if !d.Fill(s.block, out, ctx, hosts) {
		return nil, false
	}
	// With for_each the label is a name for all of them; each takes its own key, or an argument.
	if s.forEach != nil {
		for _, f := range s.layout.Labels {
			if s.block.Body.Attributes[f.Name] == nil {
				out.FieldByIndex(f.Index).SetString(where.Label)
			}
		}
	}
	if s.layout.Where != nil {
		out.FieldByIndex(s.layout.Where).Set(reflect.ValueOf(where))
	}
	if c, ok := v.(kind.Checker); ok {
		for _, p := range c.Check() {
			if p.Risk {
				d.Report.Warn(s.rangeOf(p.Attribute), p.Summary, p.Detail)
				continue
			}
			d.Report.At(s.rangeOf(p.Attribute), p.Summary, "%s", p.Detail)
		}
	}
	if f, ok := v.(*host.File); ok && d.Report.Failed() == before {
		b.text(d, s, f, ctx)
	}
	if a, ok := v.(*host.Archive); ok && d.Report.Failed() == before {
		f := &host.File{Source: a.Source}
		b.text(d, s, f, ctx)
		a.Packed, a.Blob = f.Content, f.Blob
	}
	return v, d.Report.Failed() == before
}

// rangeOf is the place of a step's argument or nested block; the step's own for "".
func (s *stepDef) rangeOf(attribute string) hcl.Range {
	if a := s.block.Body.Attributes[attribute]; a != nil {
		return a.Expr.Range()
	}
	first, _, _ := strings.Cut(attribute, ".")
	for _, in := range s.block.Body.Blocks {
		if in.Type == first {
			return in.DefRange()
		}
	}
	if attribute == "" && len(s.block.LabelRanges) > 0 && s.forEach == nil {
		return s.block.LabelRanges[0]
	}
	return s.block.DefRange()
}

// text fills a file from its template or source.
func (b *builder) text(d decode.Decoder, s *stepDef, f *host.File, ctx *hcl.EvalContext) {
	if f.Source != "" {
		blob, err := b.files.Blob(f.Source)
		if blob != nil && err == nil {
			f.Blob, f.Source = blob, ""
			return
		}
		text := ""
		if err == nil {
			text, err = b.files.Source(f.Source)
		}
		if err != nil {
			d.Report.At(s.rangeOf("source"), "File cannot be read", "%s", source.Sentence(err.Error()))
			return
		}
		f.Content, f.Source = secret.Plain(text), ""
	}
	if f.Template == "" {
		return
	}
	t, err := b.files.Template(f.Template)
	if err != nil {
		d.Report.At(s.rangeOf("template"), "Template cannot be read", "%s", source.Sentence(err.Error()))
		return
	}
	values, hidden := b.scopes.values(ctx, true)
	masked := values
	if hidden {
		masked, _ = b.scopes.values(ctx, false)
	}
	out, err := fill(t, values, masked, b.files.Budget())
	if err != nil {
		d.Report.At(s.rangeOf("template"), "Template cannot be filled", "%s", source.Sentence(err.Error()))
		return
	}
	f.Content, f.Template = secret.Plain(out), ""
	if hidden {
		// What comes out differently without the secrets holds one of them.
		if without, err := t.Render(masked, b.files.Budget()); err != nil || without != out {
			f.Content = secret.Holding(out)
		}
	}
}

// when evaluates the condition of a step.
func (b *builder) when(s *stepDef, ctx *hcl.EvalContext) (on, ok bool) {
	if s.when == nil {
		return true, true
	}
	return b.dec.Condition(s.when, ctx)
}

// rounds evaluates for_each: a list of texts, or an object.
func (b *builder) rounds(s *stepDef, ctx *hcl.EvalContext) ([]round, bool) {
	if s.forEach == nil {
		return []round{{}}, true
	}
	v, ok := b.dec.Value(s.forEach, ctx)
	if !ok {
		return nil, false
	}
	if v.IsMarked() {
		b.rep.At(s.forEach.Range(), "Sensitive value in \"for_each\"", "Its keys become part of step names.")
		return nil, false
	}
	if v.IsNull() || !v.CanIterateElements() {
		b.rep.At(s.forEach.Range(), "Wrong type for \"for_each\"", "Found %s, expected a list or an object.", decode.Describe(v))
		return nil, false
	}
	if !b.rep.Spend(s.forEach.Range(), source.Width(v)*source.WorkHost, source.Width(v)*source.BytesElement) {
		return nil, false
	}
	object := v.Type().IsObjectType() || v.Type().IsMapType()
	var out []round
	seen := map[string]bool{}
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		r := round{value: e}
		switch {
		case object:
			r.key = k.AsString()
		case e.IsMarked():
			b.rep.At(s.forEach.Range(), "Sensitive value in \"for_each\"", "Its elements become part of step names.")
			return nil, false
		case e.Type() == cty.String && !e.IsNull():
			r.key = e.AsString()
		default:
			r.key = strconv.Itoa(len(out))
		}
		if seen[r.key] {
			b.rep.At(s.forEach.Range(), "Duplicate element in \"for_each\"", "Found %s again.", source.Bounded(r.key))
			return nil, false
		}
		seen[r.key] = true
		if !b.dec.Sound(&decode.Field{Name: "for_each"}, r.key, s.forEach.Range()) {
			return nil, false
		}
		out = append(out, r)
	}
	return out, true
}

func (r round) label(written string) string {
	if r.value == cty.NilVal {
		return written
	}
	return r.key
}

// context adds each.key and each.value.
func (r round) context(ctx *hcl.EvalContext) *hcl.EvalContext {
	if r.value == cty.NilVal {
		return ctx
	}
	each := map[string]cty.Value{"key": cty.StringVal(r.key), "value": r.value}
	if outer, ok := ctx.Variables["each"]; ok {
		maps.Copy(each, map[string]cty.Value{"host": outer.GetAttr("host")})
	}
	out := ctx.NewChild()
	out.Variables = map[string]cty.Value{"each": cty.ObjectVal(each)}
	return out
}

// assignSecretTo is assign for one text that may be secret.
func assignSecretTo(v cty.Value, t *secret.Text) *decode.Mistake {
	return decode.Assign(v, reflect.ValueOf(t).Elem(), &decode.Field{Name: "run", Text: "lines"})
}
