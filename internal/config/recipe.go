package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

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
	role  string
	rng   hcl.Range
	steps []*stepDef
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
	layout  *layout
	facts   []facts.Fact

	use *useBlock
}

// metas are arguments that any step may have.
var metas = []string{"for_each", "when", "place"}

// define reads a recipe block that the decoder filled: inputs, and the steps of each role.
func (b *builder) define(r recipeBlock) *recipeDef {
	d := &recipeDef{recipeBlock: r, types: map[string]inputType{}}
	b.name("recipe", r.Name, r.Range)
	seen := map[string]hcl.Range{}
	for _, in := range r.Inputs {
		if !identifier.MatchString(in.Name) {
			b.at(in.Range, "Invalid name for an input", "Found %s, expected lower-case letters, digits and _.", bounded(in.Name))
		}
		if first, ok := seen[in.Name]; ok {
			b.at(in.Range, fmt.Sprintf("Input %s is defined twice", bounded(in.Name)), "The first one is at %s:%d.", first.Filename, first.Start.Line)
		}
		seen[in.Name] = in.Range
		if in.Type != nil {
			d.types[in.Name] = b.inputType(in.Type)
		}
	}
	for _, o := range r.On {
		on := onDef{role: o.Role, rng: o.Range}
		b.name("role", o.Role, o.Range)
		for _, a := range sortedAttrs(o.Body) {
			b.at(a.NameRange, fmt.Sprintf("Unknown argument %s", bounded(a.Name)), "An on block holds steps: KIND \"NAME\" { ... }.")
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
		s.layout = layoutOf(reflect.TypeFor[useBlock]())
		s.use = &useBlock{}
	} else {
		spec, ok := kinds.Lookup(blk.Type)
		if !ok {
			known := []string{"use"}
			for _, k := range kinds.Table {
				known = append(known, k.Name)
			}
			b.at(blk.TypeRange, fmt.Sprintf("Unknown step %s", bounded(blk.Type)), "There is no such kind. %s", b.meant(blk.Type, known))
			return nil
		}
		v := spec.New()
		s.spec, s.layout = spec, layoutOf(reflect.TypeOf(v).Elem())
		_, s.cluster = v.(kind.Cluster)
	}
	if len(blk.Labels) != 1 {
		b.labels(blk, &layout{labels: []*field{{}}}, nil)
		return nil
	}
	s.label = blk.Labels[0]
	before := b.fails
	b.report.checkLabel(s.label, blk)
	b.decoder.names(blk, s.layout, s.use == nil, metas...)
	b.meta(s)
	b.factsOf(s)
	if b.fails > before {
		return nil
	}
	return s
}

// checkLabel refuses what could not be shown or addressed.
func (r *report) checkLabel(l string, blk *hclsyntax.Block) {
	if l == "" || len(l) > 300 || strings.ContainsAny(l, "\n\r\t\x00\x1b") || strings.TrimSpace(l) != l {
		r.at(blk.LabelRanges[0], "Invalid name for a step", "Found %s, expected one line of up to 300 characters.", bounded(l))
	}
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
		case n == "place" && s.layout.attrs["place"] == nil:
			v, ok := b.value(a.Expr, nil)
			if ok && b.put(a, v, reflect.ValueOf(&s.place).Elem(), &field{name: "place", oneof: []string{"each", "one"}}) && s.cluster && s.place != "" {
				b.at(a.NameRange, "\"place\" cannot be used here", "A %s is one step over all its hosts.", s.block.Type)
			}
		default:
			own.Attributes[n] = a
		}
	}
	blk := *s.block
	blk.Body = own
	s.block = &blk
	if s.use != nil {
		b.fill(s.block, reflect.ValueOf(s.use).Elem(), nil, nil)
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
			n, _ := stepName(t[1])
			f, ok := facts.Lookup(n)
			switch {
			case !ok:
				b.at(t[1].SourceRange(), fmt.Sprintf("Unknown fact %s", bounded(n)), "%s", b.meant(n, facts.Names()))
			case s.cluster || s.use != nil:
				b.at(t.SourceRange(), "Facts are not available here", "Facts belong to one host; a %s step covers several.", s.block.Type)
			case !seen[n]:
				seen[n] = true
				s.facts = append(s.facts, f)
			}
		}
	}
	walk = func(body *hclsyntax.Body) {
		for _, a := range sortedAttrs(body) {
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
