package config

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// decoder fills structs from blocks, by their tags.
type decoder struct{ *report }

// perHost evaluates an expression once for each host of a cluster step.
type perHost func(hclsyntax.Expression) (map[string]cty.Value, bool)

// names checks what a block holds against a layout, without evaluating anything: unknown and
// missing arguments and blocks, and labels. meta are further arguments that are allowed. A label
// given as an argument is allowed where labelled says so.
func (d decoder) names(b *hclsyntax.Block, l *layout, labelled bool, meta ...string) {
	if l.block != nil {
		return
	}
	known := append(append([]string(nil), l.names...), meta...)
	if labelled {
		for _, f := range l.labels {
			known = append(known, f.name)
		}
	}
	for _, a := range sortedAttrs(b.Body) {
		if in, isBlock := l.blocks[a.Name]; isBlock {
			d.at(a.NameRange, fmt.Sprintf("%q is a block", a.Name), "Write %s%s { ... } without an equals sign.", a.Name, strings.Repeat(` "NAME"`, len(layoutOf(in.structType).labels)))
		} else if !contains(known, a.Name) {
			d.at(a.NameRange, fmt.Sprintf("Unknown argument %s", bounded(a.Name)), "%s has no such argument. %s", ofType(b), d.meant(a.Name, without(known, l.blocks)))
		}
	}
	count := map[string]*hclsyntax.Block{}
	for _, in := range b.Body.Blocks {
		f, ok := l.blocks[in.Type]
		switch {
		case ok && !f.many && count[in.Type] != nil:
			d.at(in.DefRange(), fmt.Sprintf("Block %q is defined twice", in.Type), "The first one is at line %d; only one is allowed.", count[in.Type].DefRange().Start.Line)
		case ok:
			count[in.Type] = in
			d.names(in, layoutOf(f.structType), false)
			d.labels(in, layoutOf(f.structType), f.structType)
		case l.attrs[in.Type] != nil:
			d.at(in.TypeRange, fmt.Sprintf("%q is an argument", in.Type), "Write %s = ... with an equals sign.", in.Type)
		default:
			d.at(in.TypeRange, fmt.Sprintf("Unknown block %s", bounded(in.Type)), "%s has no such block in it. %s", ofType(b), d.meant(in.Type, known))
		}
	}
	for _, n := range l.names {
		if f := l.attrs[n]; f != nil && f.required && b.Body.Attributes[n] == nil {
			d.at(b.DefRange(), fmt.Sprintf("Missing argument %q", n), "Block %s needs %s = %s.", b.Type, n, expected(f.typ))
		}
	}
}

// ofType names a block; what stands in no file as a block is the file itself.
func ofType(b *hclsyntax.Block) string {
	if !b.TypeRange.Empty() {
		return "Block " + b.Type
	}
	return "This file"
}

func (d decoder) labels(b *hclsyntax.Block, l *layout, t reflect.Type) {
	want := len(l.labels)
	switch {
	case len(b.Labels) < want:
		d.at(b.DefRange(), fmt.Sprintf("Block %q needs a name", b.Type), "Write %s \"NAME\" { ... }.", b.Type)
	case len(b.Labels) > want:
		d.at(b.LabelRanges[want], fmt.Sprintf("Block %q has too many names", b.Type), "It takes %d.", want)
	}
}

// fill fills out from a block whose names were checked. It goes on after mistakes and reports
// them all; false says that there were some.
func (d decoder) fill(b *hclsyntax.Block, out reflect.Value, ctx *hcl.EvalContext, hosts perHost) bool {
	l := layoutOf(out.Type())
	ok := true
	for i, f := range l.labels {
		v := out.FieldByIndex(f.index)
		if a := b.Body.Attributes[f.name]; a != nil {
			ok = d.attr(a, v, f, ctx, hosts) && ok
		} else if i < len(b.Labels) {
			v.SetString(b.Labels[i])
			ok = d.sound(f, b.Labels[i], b.LabelRanges[i]) && ok
		}
	}
	if l.rng != nil {
		out.FieldByIndex(l.rng).Set(reflect.ValueOf(b.DefRange()))
	}
	if l.block != nil {
		out.FieldByIndex(l.block).Set(reflect.ValueOf(b.Body))
		return ok
	}
	if l.ranges != nil {
		m := map[string]hcl.Range{}
		for n, a := range b.Body.Attributes {
			m[n] = a.Expr.Range()
		}
		out.FieldByIndex(l.ranges).Set(reflect.ValueOf(m))
	}
	for _, n := range l.names {
		f := l.attrs[n]
		if f == nil {
			continue
		}
		a := b.Body.Attributes[n]
		if a == nil {
			f.setDefault(out.FieldByIndex(f.index))
			continue
		}
		ok = d.attr(a, out.FieldByIndex(f.index), f, ctx, hosts) && ok
	}
	for _, in := range b.Body.Blocks {
		if f := l.blocks[in.Type]; f != nil {
			ok = d.nested(in, out.FieldByIndex(f.index), f, ctx, hosts) && ok
		}
	}
	return ok
}

func (d decoder) nested(in *hclsyntax.Block, out reflect.Value, f *field, ctx *hcl.EvalContext, hosts perHost) bool {
	x := reflect.New(f.structType)
	ok := d.fill(in, x.Elem(), ctx, hosts)
	switch {
	case f.many:
		out.Set(reflect.Append(out, x.Elem()))
	case out.Kind() == reflect.Pointer:
		out.Set(x)
	default:
		out.Set(x.Elem())
	}
	return ok
}

func (d decoder) attr(a *hclsyntax.Attribute, out reflect.Value, f *field, ctx *hcl.EvalContext, hosts perHost) bool {
	if f.raw {
		out.Set(reflect.ValueOf(&a.Expr).Elem())
		return true
	}
	if hosts != nil && (f.perHost || readsEach(a.Expr)) {
		return d.byHost(a, out, f, hosts)
	}
	v, ok := d.value(a.Expr, ctx)
	if !ok {
		return false
	}
	if v.IsNull() && !v.IsMarked() && !f.required && !f.label {
		f.setDefault(out)
		return true
	}
	return d.put(a, v, out, f)
}

func (d decoder) put(a *hclsyntax.Attribute, v cty.Value, out reflect.Value, f *field) bool {
	m := assign(v, out, f)
	if m == nil {
		return true
	}
	if m.summary == "" {
		m.summary = fmt.Sprintf("Wrong type for %q", f.name)
	}
	d.at(a.Expr.Range(), m.summary, "%s", m.detail)
	return false
}

// sound reports a text that holds what none may.
func (d decoder) sound(f *field, s string, rng hcl.Range) bool {
	m := f.readable(s)
	if m != nil {
		d.at(rng, m.summary, "%s", m.detail)
	}
	return m == nil
}

// byHost fills a cluster step's argument that reads each.host: a map by host where the kind has
// one, else the one value that all hosts agree on.
func (d decoder) byHost(a *hclsyntax.Attribute, out reflect.Value, f *field, hosts perHost) bool {
	values, ok := hosts(a.Expr)
	if !ok {
		return false
	}
	order := make([]string, 0, len(values))
	for h := range values {
		order = append(order, h)
	}
	sort.Strings(order)
	if f.perHost {
		m := reflect.MakeMap(out.Type())
		for _, h := range order {
			x := reflect.New(out.Type().Elem()).Elem()
			if !d.put(a, values[h], x, f) {
				return false
			}
			m.SetMapIndex(reflect.ValueOf(h), x)
		}
		out.Set(m)
		return true
	}
	for _, h := range order[1:] {
		if !values[h].RawEquals(values[order[0]]) {
			d.at(a.Expr.Range(), fmt.Sprintf("%q differs between hosts", f.name), "This is one step over all its hosts; %s and %s give different values.", order[0], h)
			return false
		}
	}
	return d.put(a, values[order[0]], out, f)
}

func (f *field) setDefault(out reflect.Value) {
	out.SetZero()
	if !f.hasDef {
		return
	}
	if m := assign(defaultValue(f), out, f); m != nil {
		panic(fmt.Sprintf("default of %s: %s", f.name, m.detail))
	}
}

// value evaluates an expression; mistakes are reported in the words of this package.
func (d decoder) value(e hclsyntax.Expression, ctx *hcl.EvalContext) (cty.Value, bool) {
	v, diags := e.Value(ctx)
	if diags.HasErrors() {
		d.diags(diags)
		return cty.DynamicVal, false
	}
	return v, true
}

func readsEach(e hclsyntax.Expression) bool { return reads(e, "each") }

func reads(e hclsyntax.Expression, root string) bool {
	for _, t := range e.Variables() {
		if t.RootName() == root {
			return true
		}
	}
	return false
}

func sortedAttrs(b *hclsyntax.Body) []*hclsyntax.Attribute {
	out := make([]*hclsyntax.Attribute, 0, len(b.Attributes))
	for _, a := range b.Attributes {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].SrcRange.Start.Byte < out[j].SrcRange.Start.Byte })
	return out
}

func without(names []string, blocks map[string]*field) (out []string) {
	for _, n := range names {
		if blocks[n] == nil {
			out = append(out, n)
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// goodName is what every name must look like: it ends up in host names, paths and identifiers.
var goodName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// name checks a name that the user chose.
func (d decoder) name(what, name string, rng hcl.Range) bool {
	if goodName.MatchString(name) {
		return true
	}
	if (&field{}).readable(name) != nil {
		return false // told already
	}
	d.at(rng, fmt.Sprintf("Invalid name for a %s", what), "Found %s, expected up to 63 lower-case letters, digits and dashes.", bounded(name))
	return false
}
