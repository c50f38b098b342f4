package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/recipe"
)

// maxUse bounds how deep recipes may use each other.
const maxUse = 16

// use puts another recipe's steps here: those on all hosts, and those on the same role.
func (b *builder) use(s *stepDef, p place, chains map[string]*recipe.Chain, path []string) {
	at := s.block.LabelRanges[0]
	d := b.recipe(s.label, at)
	if d == nil {
		return
	}
	if slices.Contains(path, d.Name) {
		b.rep.At(at, "Recipes use each other in a cycle", "%s.", strings.Join(append(path, d.Name), " uses "))
		return
	}
	if len(path) >= maxUse {
		b.rep.At(at, "Recipes use each other too deeply", "At most %d deep.", maxUse)
		return
	}
	if s.forEach != nil {
		b.rep.At(s.forEach.Range(), "\"for_each\" cannot be used here", "A recipe can be used once on a role.")
		return
	}
	reading := s.use.Inputs != nil && decode.ReadsEach(s.use.Inputs) || s.when != nil && decode.ReadsEach(s.when)
	if reading || p.shared == nil {
		for _, h := range p.hosts {
			one := place{role: p.role, hosts: []string{h}, address: p.address}
			b.used(s, d, p.host[h], one, chains, path)
		}
		return
	}
	b.used(s, d, p.shared, p, chains, path)
}

// used evaluates a recipe in the place of another. ctx is where its inputs are evaluated: one
// host's own when they differ.
func (b *builder) used(s *stepDef, d *recipeDef, ctx *hcl.EvalContext, p place, chains map[string]*recipe.Chain, path []string) {
	if !b.rep.Spend(s.block.DefRange(), int64(1+len(p.hosts))*source.WorkHost, 0) {
		return
	}
	if on, ok := b.when(s, ctx); !ok || !on {
		return
	}
	input, ok := b.inputs(d, s.use.Inputs, ctx, ctx, s.block.DefRange())
	if !ok {
		return
	}
	inner := ctx.NewChild()
	inner.Variables = map[string]cty.Value{"input": input}
	alone := p.shared == nil
	p.shared = inner
	p = b.perHost(p)
	if alone {
		p.shared = nil
	}
	for _, on := range d.on {
		if on.role == "all" || on.role == p.role {
			b.steps(on.steps, p, chains, append(append([]string(nil), path...), d.Name))
		}
	}
}

// named reads and parses WHATs/NAME.hcl. A nil body: it was told what is wrong.
func (b *builder) named(what, name string, rng hcl.Range) (shown string, body *hclsyntax.Body) {
	if !decode.IsName(name) {
		b.rep.At(rng, "Invalid name for a "+what, "Found %s, expected lower-case letters, digits and dashes.", source.Bounded(name))
		return "", nil
	}
	folder := what + "s"
	shown, text, err := b.files.Find(folder, name+".hcl")
	var there *source.Unread
	switch {
	case errors.As(err, &there):
		b.rep.At(rng, strings.ToUpper(what[:1])+what[1:]+" cannot be read", "%s", source.Sentence(err.Error()))
		return "", nil
	case err != nil:
		var known []string
		for _, f := range b.files.List(folder) {
			if n, ok := strings.CutSuffix(f, ".hcl"); ok {
				known = append(known, n)
			}
		}
		b.rep.At(rng, fmt.Sprintf("Unknown %s %s", what, source.Bounded(name)), "There is no %s/%s.hcl. %s", folder, name, b.rep.Meant(name, known))
		return "", nil
	}
	return shown, b.files.Parse(b.rep, shown, text)
}

// recipe finds a recipe by name: in the inventory's own file, beside it, then shipped.
func (b *builder) recipe(name string, rng hcl.Range) *recipeDef {
	if d, ok := b.recipes[name]; ok {
		return d
	}
	b.recipes[name] = nil
	shown, body := b.named("recipe", name, rng)
	if body == nil {
		return nil
	}
	var file recipeFile
	whole := &hclsyntax.Block{Type: "recipe file", Body: body}
	b.dec.Names(whole, decode.LayoutOf(reflect.TypeOf(file)), false)
	l := decode.LayoutOf(reflect.TypeOf(file))
	for _, blk := range body.Blocks {
		if f := l.Blocks[blk.Type]; f != nil && len(blk.Labels) == 1 {
			b.dec.Nested(blk, reflect.ValueOf(&file).Elem().FieldByIndex(f.Index), f, nil, nil)
		}
	}
	for _, r := range file.Recipes {
		if r.Name != name {
			b.rep.At(r.Range, "Recipe is in the wrong file", "Recipe %s belongs in recipes/%s.hcl.", source.Bounded(r.Name), r.Name)
			continue
		}
		b.recipes[name] = b.define(r)
	}
	if b.recipes[name] == nil && b.rep.Failed() == 0 {
		b.rep.At(hcl.Range{Filename: shown}, "File holds no recipe", "Expected recipe %q { ... } in it.", name)
	}
	return b.recipes[name]
}
