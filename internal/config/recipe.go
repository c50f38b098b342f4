package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/facts"
	"haprov/internal/kind"
	"haprov/internal/kinds"
)

// recipeDef is a recipe as it is written; nothing in it is evaluated yet.
type recipeDef struct {
	recipeBlock
	types map[string]inputType
	on    []onDef
}

type onDef struct {
	role   string
	rng    hcl.Range
	steps  []*stepDef
	serial int // 0: all hosts at once
}

// stepDef is one block of an on block: a kind's step, or the use of another recipe.
type stepDef struct {
	block   *hclsyntax.Block
	label   string
	forEach hclsyntax.Expression
	when    hclsyntax.Expression
	place   string // each, one; empty: the kind's own matter

	spec    kind.Spec
	cluster bool
	layout  *decode.Layout
	facts   []facts.Fact

	use *useBlock
}

// metas are arguments that any step may have.
var metas = []string{"for_each", "when", "place"}

// define reads a recipe block that the decoder filled: inputs, and the steps of each role.
func (b *builder) define(r recipeBlock) *recipeDef {
	d := &recipeDef{recipeBlock: r, types: map[string]inputType{}}
	b.dec.Name("recipe", r.Name, r.Range)
	seen := map[string]hcl.Range{}
	for _, in := range r.Inputs {
		if !identifier.MatchString(in.Name) {
			b.rep.At(in.Range, "Invalid name for an input", "Found %s, expected lower-case letters, digits and _.", source.Bounded(in.Name))
		}
		if first, ok := seen[in.Name]; ok {
			b.rep.At(in.Range, fmt.Sprintf("Input %s is defined twice", source.Bounded(in.Name)), "The first one is at %s:%d.", first.Filename, first.Start.Line)
		}
		seen[in.Name] = in.Range
		if in.Type != nil {
			d.types[in.Name] = b.inputType(in.Type)
		}
	}
	for _, o := range r.On {
		on := onDef{role: o.Role, rng: o.Range, serial: o.Serial}
		b.dec.Name("role", o.Role, o.Range)
		for _, a := range decode.SortedAttrs(o.Body) {
			if a.Name == "serial" {
				continue
			}
			b.rep.At(a.NameRange, fmt.Sprintf("Unknown argument %s", source.Bounded(a.Name)), "An on block holds steps, KIND \"NAME\" { ... }, and may say serial. %s", b.rep.Meant(a.Name, []string{"serial"}))
		}
		for _, blk := range o.Body.Blocks {
			if s := b.step(blk); s != nil {
				on.steps = append(on.steps, s)
			}
		}
		d.on = append(d.on, on)
	}
	return d
}

// step checks all of a step's names without evaluating anything.
func (b *builder) step(blk *hclsyntax.Block) *stepDef {
	s := &stepDef{block: blk}
	if blk.Type == "use" {
		s.layout = decode.LayoutOf(reflect.TypeFor[useBlock]())
		s.use = &useBlock{}
	} else {
		spec, ok := kinds.Lookup(blk.Type)
		if !ok {
			known := []string{"use"}
			for _, k := range kinds.Table {
				known = append(known, k.Name)
			}
			b.rep.At(blk.TypeRange, fmt.Sprintf("Unknown step %s", source.Bounded(blk.Type)), "There is no such kind. %s", b.rep.Meant(blk.Type, known))
			return nil
		}
		v := spec.New()
		s.spec, s.layout = spec, decode.LayoutOf(reflect.TypeOf(v).Elem())
		_, s.cluster = v.(kind.Cluster)
	}
	if len(blk.Labels) != 1 {
		b.dec.Labels(blk, 1)
		return nil
	}
	s.label = blk.Labels[0]
	before := b.rep.Failed()
	b.checkLabel(s.label, blk)
	b.dec.Names(blk, s.layout, s.use == nil, metas...)
	b.meta(s)
	b.factsOf(s)
	if b.rep.Failed() > before {
		return nil
	}
	return s
}

// meta takes the arguments that are not the kind's own out of the block.
func (b *builder) meta(s *stepDef) {
	own := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, Blocks: s.block.Body.Blocks, SrcRange: s.block.Body.SrcRange, EndRange: s.block.Body.EndRange}
	for n, a := range s.block.Body.Attributes {
		switch {
		case n == "for_each":
			s.forEach = a.Expr
		case n == "when":
			s.when = a.Expr
		case n == "place" && s.layout.Attrs["place"] == nil:
			v, ok := b.dec.Value(a.Expr, nil)
			if ok && b.dec.Put(a, v, reflect.ValueOf(&s.place).Elem(), &decode.Field{Name: "place", OneOf: []string{"each", "one"}}) && s.cluster && s.place != "" {
				b.rep.At(a.NameRange, "\"place\" cannot be used here", "A %s is one step over all its hosts.", s.block.Type)
			}
		default:
			own.Attributes[n] = a
		}
	}
	blk := *s.block
	blk.Body = own
	s.block = &blk
	if s.use != nil {
		b.dec.Fill(s.block, reflect.ValueOf(s.use).Elem(), nil, nil)
	}
}

// factsOf finds the facts that a step's expressions name.
func (b *builder) factsOf(s *stepDef) {
	var walk func(*hclsyntax.Body)
	seen := map[string]bool{}
	look := func(e hclsyntax.Expression) {
		for _, t := range e.Variables() {
			if t.RootName() != "facts" || len(t) < 2 {
				continue
			}
			n, _ := source.StepName(t[1])
			f, ok := facts.Lookup(n)
			switch {
			case !ok:
				b.rep.At(t[1].SourceRange(), fmt.Sprintf("Unknown fact %s", source.Bounded(n)), "%s", b.rep.Meant(n, facts.Names()))
			case s.cluster || s.use != nil:
				b.rep.At(t.SourceRange(), "Facts are not available here", "Facts belong to one host; a %s step covers several.", s.block.Type)
			case !seen[n]:
				seen[n] = true
				s.facts = append(s.facts, f)
			}
		}
	}
	walk = func(body *hclsyntax.Body) {
		for _, a := range decode.SortedAttrs(body) {
			look(a.Expr)
		}
		for _, in := range body.Blocks {
			walk(in.Body)
		}
	}
	walk(s.block.Body)
	if s.when != nil {
		look(s.when)
	}
}

// checkLabel refuses what could not be shown or addressed.
func (b *builder) checkLabel(l string, blk *hclsyntax.Block) {
	if l == "" || len(l) > 300 || strings.ContainsAny(l, "\n\r\t\x00\x1b") || strings.TrimSpace(l) != l {
		b.rep.At(blk.LabelRanges[0], "Invalid name for a step", "Found %s, expected one line of up to 300 characters.", source.Bounded(l))
	}
}
