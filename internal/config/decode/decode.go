// Package decode fills structs from HCL blocks by the tags of their fields, and describes the same
// structs for the reference: what a user may write is said once.
//
// Layout is a struct's tags, Decoder fills from blocks, Assign puts one value into one field. The package
// must not know any block or kind of step by name; package config gives it the structs.
package decode

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"

	"haprov/internal/config/source"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Decoder fills structs from blocks, by their tags.
type Decoder struct{ Report *source.Report }

// PerHost evaluates an expression once for each host of a cluster step.
type PerHost func(hclsyntax.Expression) (map[string]cty.Value, bool)

// Names checks what a block holds against a layout, without evaluating anything: unknown and
// missing arguments and blocks, and labels. meta are further arguments that are allowed. A label
// given as an argument is allowed where labelled says so.
func (d Decoder) Names(b *hclsyntax.Block, l *Layout, labelled bool, meta ...string) {
	if l.block != nil {
		return
	}
	known := append(append([]string(nil), l.names...), meta...)
	if labelled {
		for _, f := range l.Labels {
			known = append(known, f.Name)
		}
	}
	for _, a := range SortedAttrs(b.Body) {
		if in, isBlock := l.Blocks[a.Name]; isBlock {
			d.Report.At(a.NameRange, fmt.Sprintf("%q is a block", a.Name), "Write %s%s { ... } without an equals sign.", a.Name, strings.Repeat(` "NAME"`, len(LayoutOf(in.StructType).Labels)))
		} else if !slices.Contains(known, a.Name) {
			d.Report.At(a.NameRange, fmt.Sprintf("Unknown argument %s", source.Bounded(a.Name)), "%s has no such argument. %s", ofType(b), d.Report.Meant(a.Name, without(known, l.Blocks)))
		}
	}
	count := map[string]*hclsyntax.Block{}
	for _, in := range b.Body.Blocks {
		f, ok := l.Blocks[in.Type]
		switch {
		case ok && !f.many && count[in.Type] != nil:
			d.Report.At(in.DefRange(), fmt.Sprintf("Block %q is defined twice", in.Type), "The first one is at line %d; only one is allowed.", count[in.Type].DefRange().Start.Line)
		case ok:
			count[in.Type] = in
			d.Names(in, LayoutOf(f.StructType), false)
			d.Labels(in, len(LayoutOf(f.StructType).Labels))
		case l.Attrs[in.Type] != nil:
			d.Report.At(in.TypeRange, fmt.Sprintf("%q is an argument", in.Type), "Write %s = ... with an equals sign.", in.Type)
		default:
			d.Report.At(in.TypeRange, fmt.Sprintf("Unknown block %s", source.Bounded(in.Type)), "%s has no such block in it. %s", ofType(b), d.Report.Meant(in.Type, known))
		}
	}
	for _, n := range l.names {
		if f := l.Attrs[n]; f != nil && f.required && b.Body.Attributes[n] == nil {
			d.Report.At(b.DefRange(), fmt.Sprintf("Missing argument %q", n), "Block %s needs %s = %s.", b.Type, n, expected(f.typ))
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

// Labels checks how many names a block has.
func (d Decoder) Labels(b *hclsyntax.Block, want int) {
	switch {
	case len(b.Labels) < want:
		d.Report.At(b.DefRange(), fmt.Sprintf("Block %q needs a name", b.Type), "Write %s \"NAME\" { ... }.", b.Type)
	case len(b.Labels) > want:
		d.Report.At(b.LabelRanges[want], fmt.Sprintf("Block %q has too many names", b.Type), "It takes %d.", want)
	}
}

// Fill fills out from a block whose names were checked. It goes on after mistakes and reports
// them all; false says that there were some.
func (d Decoder) Fill(b *hclsyntax.Block, out reflect.Value, ctx *hcl.EvalContext, hosts PerHost) bool {
	l := LayoutOf(out.Type())
	ok := true
	for i, f := range l.Labels {
		v := out.FieldByIndex(f.Index)
		if a := b.Body.Attributes[f.Name]; a != nil {
			ok = d.attr(a, v, f, ctx, hosts) && ok
		} else if i < len(b.Labels) {
			v.SetString(b.Labels[i])
			ok = d.Sound(f, b.Labels[i], b.LabelRanges[i]) && ok
		}
	}
	if l.rng != nil {
		out.FieldByIndex(l.rng).Set(reflect.ValueOf(b.DefRange()))
	}
	if l.block != nil {
		out.FieldByIndex(l.block).Set(reflect.ValueOf(b.Body))
		for n, f := range l.Attrs {
			if a := b.Body.Attributes[n]; a != nil {
				ok = d.attr(a, out.FieldByIndex(f.Index), f, ctx, hosts) && ok
			}
		}
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
		f := l.Attrs[n]
		if f == nil {
			continue
		}
		a := b.Body.Attributes[n]
		if a == nil {
			f.setDefault(out.FieldByIndex(f.Index))
			continue
		}
		ok = d.attr(a, out.FieldByIndex(f.Index), f, ctx, hosts) && ok
	}
	for _, in := range b.Body.Blocks {
		if f := l.Blocks[in.Type]; f != nil {
			ok = d.Nested(in, out.FieldByIndex(f.Index), f, ctx, hosts) && ok
		}
	}
	return ok
}

// Nested fills one field of out from a block in a block: a slice gets one element more.
func (d Decoder) Nested(in *hclsyntax.Block, out reflect.Value, f *Field, ctx *hcl.EvalContext, hosts PerHost) bool {
	x := reflect.New(f.StructType)
	ok := d.Fill(in, x.Elem(), ctx, hosts)
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

func (d Decoder) attr(a *hclsyntax.Attribute, out reflect.Value, f *Field, ctx *hcl.EvalContext, hosts PerHost) bool {
	if f.raw {
		out.Set(reflect.ValueOf(&a.Expr).Elem())
		return true
	}
	if hosts != nil && (f.perHost || ReadsEach(a.Expr)) {
		return d.byHost(a, out, f, hosts)
	}
	v, ok := d.Value(a.Expr, ctx)
	if !ok {
		return false
	}
	if v.IsNull() && !v.IsMarked() && !f.required && !f.label {
		f.setDefault(out)
		return true
	}
	return d.Put(a, v, out, f)
}

// Put assigns a value that was evaluated, and reports it where it does not fit.
func (d Decoder) Put(a *hclsyntax.Attribute, v cty.Value, out reflect.Value, f *Field) bool {
	m := Assign(v, out, f)
	if m == nil {
		return true
	}
	if m.summary == "" {
		m.summary = fmt.Sprintf("Wrong type for %q", f.Name)
	}
	d.Report.At(a.Expr.Range(), m.summary, "%s", m.Detail)
	return false
}

// Sound reports a text that holds what none may.
func (d Decoder) Sound(f *Field, s string, rng hcl.Range) bool {
	m := f.readable(s)
	if m != nil {
		d.Report.At(rng, m.summary, "%s", m.Detail)
	}
	return m == nil
}

// byHost fills a cluster step's argument that reads each.host: a map by host where the kind has
// one, else the one value that all hosts agree on.
func (d Decoder) byHost(a *hclsyntax.Attribute, out reflect.Value, f *Field, hosts PerHost) bool {
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
			if !d.Put(a, values[h], x, f) {
				return false
			}
			m.SetMapIndex(reflect.ValueOf(h), x)
		}
		out.Set(m)
		return true
	}
	for _, h := range order[1:] {
		if !values[h].RawEquals(values[order[0]]) {
			d.Report.At(a.Expr.Range(), fmt.Sprintf("%q differs between hosts", f.Name), "This is one step over all its hosts; %s and %s give different values.", order[0], h)
			return false
		}
	}
	return d.Put(a, values[order[0]], out, f)
}

func (f *Field) setDefault(out reflect.Value) {
	out.SetZero()
	if !f.hasDef {
		return
	}
	if m := Assign(defaultValue(f), out, f); m != nil {
		panic(fmt.Sprintf("default of %s: %s", f.Name, m.Detail))
	}
}

// Value evaluates an expression; mistakes are reported in the words of this package.
func (d Decoder) Value(e hclsyntax.Expression, ctx *hcl.EvalContext) (cty.Value, bool) {
	v, diags := e.Value(ctx)
	if diags.HasErrors() {
		d.Report.Diags(diags)
		return cty.DynamicVal, false
	}
	return v, true
}

// ReadsEach tells whether an expression names each.host or the element of a for_each.
func ReadsEach(e hclsyntax.Expression) bool {
	for _, t := range e.Variables() {
		if t.RootName() == "each" {
			return true
		}
	}
	return false
}

// SortedAttrs are the arguments of a body in the order they are written.
func SortedAttrs(b *hclsyntax.Body) []*hclsyntax.Attribute {
	out := make([]*hclsyntax.Attribute, 0, len(b.Attributes))
	for _, a := range b.Attributes {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].SrcRange.Start.Byte < out[j].SrcRange.Start.Byte })
	return out
}

func without(names []string, blocks map[string]*Field) (out []string) {
	for _, n := range names {
		if blocks[n] == nil {
			out = append(out, n)
		}
	}
	return out
}

// goodName is what every name must look like: it ends up in host names, paths and identifiers.
var goodName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Name checks a name that the user chose.
func (d Decoder) Name(what, name string, rng hcl.Range) bool {
	if IsName(name) {
		return true
	}
	if (&Field{}).readable(name) != nil {
		return false // told already
	}
	d.Report.At(rng, fmt.Sprintf("Invalid name for a %s", what), "Found %s, expected up to 63 lower-case letters, digits and dashes.", source.Bounded(name))
	return false
}

// Condition evaluates what must be true or false, and may be shown.
func (d Decoder) Condition(e hclsyntax.Expression, ctx *hcl.EvalContext) (on, ok bool) {
	v, ok := d.Value(e, ctx)
	if !ok {
		return false, false
	}
	if v.IsMarked() {
		d.Report.At(e.Range(), "Sensitive value in \"when\"", "The plan would show what it is.")
		return false, false
	}
	if v.IsNull() || v.Type() != cty.Bool {
		d.Report.At(e.Range(), "Wrong type for \"when\"", "Found %s, expected true or false.", Describe(v))
		return false, false
	}
	return v.True(), true
}

// IsName tells whether a text may be a name: of a host, a role, a recipe and so on.
func IsName(s string) bool { return goodName.MatchString(s) }
