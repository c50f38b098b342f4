package config

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/secret"
)

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// inputType is what an input takes. Some names are texts of a special form.
type inputType struct {
	of   cty.Type
	form string // vip, duration, port; empty: any value of the type
	says string
}

var inputTypes = map[string]inputType{
	"string":   {cty.String, "", "a string"},
	"number":   {cty.Number, "", "a number"},
	"bool":     {cty.Bool, "", "true or false"},
	"any":      {cty.DynamicPseudoType, "", "any value"},
	"vip":      {cty.String, "vip", "an address with its prefix length"},
	"duration": {cty.String, "duration", `a duration such as "30s"`},
	"port":     {cty.Number, "port", "a port number"},
}

// inputType reads string, number, bool, any, vip, duration, port, list(T) and map(T).
func (b *builder) inputType(e hclsyntax.Expression) inputType {
	if n := hcl.ExprAsKeyword(e); n != "" {
		if t, ok := inputTypes[n]; ok {
			return t
		}
		known := []string{"any", "bool", "duration", "list(string)", "map(string)", "number", "port", "string", "vip"}
		b.rep.At(e.Range(), fmt.Sprintf("Unknown type %s", source.Bounded(n)), "%s", b.rep.Meant(n, known))
		return inputTypes["any"]
	}
	if call, diags := hcl.ExprCall(e); !diags.HasErrors() && len(call.Arguments) == 1 && (call.Name == "list" || call.Name == "map") {
		if arg, ok := call.Arguments[0].(hclsyntax.Expression); ok {
			in := b.inputType(arg)
			if call.Name == "list" {
				return inputType{cty.List(in.of), "", "a list, each of it " + in.says}
			}
			return inputType{cty.Map(in.of), "", "an object, each of it " + in.says}
		}
	}
	b.rep.At(e.Range(), "Not a type", "Expected string, number, bool, any, vip, duration, port, list(TYPE) or map(TYPE).")
	return inputTypes["any"]
}

// inputs gives a recipe its values. rng is who gives them.
func (b *builder) inputs(d *recipeDef, expr hclsyntax.Expression, ctx *hcl.EvalContext, own *hcl.EvalContext, rng hcl.Range) (cty.Value, bool) {
	have := map[string]given{}
	ok := true
	known := []string{}
	for _, in := range d.Inputs {
		known = append(known, in.Name)
	}
	if expr != nil {
		pairs, diags := hcl.ExprMap(expr)
		if diags.HasErrors() {
			b.rep.At(expr.Range(), "Wrong type for \"inputs\"", "Expected an object: { name = value }.")
			return cty.NilVal, false
		}
		for _, p := range pairs {
			k, diags := p.Key.Value(ctx)
			if k.IsMarked() {
				b.rep.At(p.Key.Range(), "Sensitive value in \"inputs\"", "The name of an input cannot be a secret.")
				ok = false
				continue
			}
			if diags.HasErrors() || k.IsNull() || k.Type() != cty.String {
				b.rep.Diags(diags)
				ok = false
				continue
			}
			name := k.AsString()
			if first, twice := have[name]; twice {
				b.rep.At(p.Key.Range(), fmt.Sprintf("Input %s is defined twice", source.Bounded(name)), "The first one is at line %d.", first.expr.Range().Start.Line)
			}
			if !slices.Contains(known, name) {
				b.rep.At(p.Key.Range(), fmt.Sprintf("Unknown input %s", source.Bounded(name)), "Recipe %s has no such input. %s", d.Name, b.rep.Meant(name, known))
				ok = false
				continue
			}
			v, diags := p.Value.Value(ctx)
			if diags.HasErrors() {
				b.rep.Diags(diags)
				ok = false
			}
			have[name] = given{v, p.Value}
		}
	}
	values := map[string]cty.Value{}
	for _, in := range d.Inputs {
		it, is := have[in.Name]
		if is && it.value.IsKnown() && it.value.IsNull() && in.Default != nil {
			is = false
		}
		switch {
		case is:
		case in.Default != nil:
			if !ok && slices.ContainsFunc(in.Default.Variables(), func(t hcl.Traversal) bool { return t.RootName() == "input" }) {
				values[in.Name] = cty.NilVal // what it is made of is told
				continue
			}
			ctx := own.NewChild()
			ctx.Variables = map[string]cty.Value{"input": soFar(values)}
			v, good := b.dec.Value(in.Default, ctx)
			it, ok = given{v, in.Default}, ok && good
		case d.types[in.Name].of != cty.NilType:
			b.rep.At(rng, fmt.Sprintf("Missing input %q", in.Name), "Recipe %s needs %s in inputs: %s.%s", d.Name, in.Name, d.types[in.Name].says, about(in.About))
			ok = false
			continue
		}
		v, good := b.conform(in, d.types[in.Name], it, own, values)
		ok = ok && good
		values[in.Name] = v
	}
	if !ok {
		return cty.NilVal, false
	}
	return cty.ObjectVal(values), true
}

// soFar is what defaults and conditions see as input: the inputs before theirs that have a value.
func soFar(values map[string]cty.Value) cty.Value {
	known := map[string]cty.Value{}
	for name, v := range values {
		if v != cty.NilVal {
			known[name] = v
		}
	}
	return cty.ObjectVal(known)
}

// hasNone reports whether a reference input.NAME is to an input that was given no good value.
func hasNone(t hcl.Traversal, values map[string]cty.Value) bool {
	if len(t) < 2 {
		return false
	}
	name, ok := t[1].(hcl.TraverseAttr)
	if !ok {
		return false
	}
	v, tried := values[name.Name]
	return tried && v == cty.NilVal
}

func about(s string) string {
	if s == "" {
		return ""
	}
	return " " + source.Sentence(s)
}

// given is a value with the expression that gives it.
type given struct {
	value cty.Value
	expr  hcl.Expression
}

// conform checks one input's value against its type, its form and its own conditions, which see the
// inputs before it.
func (b *builder) conform(in inputBlock, t inputType, it given, own *hcl.EvalContext, before map[string]cty.Value) (cty.Value, bool) {
	v, e := it.value, it.expr
	if v == cty.NilVal || !v.IsKnown() || t.of == cty.NilType {
		return v, false
	}
	open, marks := v.Unmark()
	private := in.Sensitive || v.ContainsMarked()
	if s, m := decode.Text(open); in.Sensitive && m == nil {
		secret.Learn(s)
	}
	bad := func(summary, detail string) (cty.Value, bool) {
		if private {
			detail = fmt.Sprintf("Found a sensitive value, expected %s.", t.says)
		}
		if summary == "" {
			summary = fmt.Sprintf("Wrong type for input %q", in.Name)
		}
		b.rep.At(e.Range(), summary, "%s%s", detail, about(in.About))
		return v, false
	}
	if open.IsNull() {
		return bad("", "Found null, expected "+t.says+".")
	}
	c, err := convert.Convert(open, t.of)
	strict := t.of == cty.Number || t.of == cty.Bool || t.of == cty.String && open.Type() == cty.Bool
	if err != nil || strict && open.Type() != t.of {
		return bad("", fmt.Sprintf("Found %s, expected %s.", decode.Describe(open), t.says))
	}
	if summary, detail := b.form(in.Name, t.form, c); summary != "" {
		return bad(summary, detail)
	}
	for _, chk := range in.Checks {
		if slices.ContainsFunc(chk.That.Variables(), func(t hcl.Traversal) bool { return t.RootName() == "input" && hasNone(t, before) }) {
			continue // what is wrong with that one is told
		}
		ctx := own.NewChild()
		ctx.Variables = map[string]cty.Value{"value": c.WithMarks(marks), "input": soFar(before)}
		if in.Sensitive {
			ctx.Variables["value"] = c.Mark(sensitive)
		}
		that, ok := b.dec.Value(chk.That, ctx)
		if !ok {
			return v, false
		}
		if that.IsNull() || that.Type() != cty.Bool {
			b.rep.At(chk.That.Range(), "Wrong type for \"that\"", "Found %s, expected true or false.", decode.Describe(that))
			return v, false
		}
		that, _ = that.Unmark()
		if that.False() && chk.Warn {
			b.rep.Warn(e.Range(), fmt.Sprintf("Risk in input %q", in.Name), source.Sentence(chk.Text))
			continue
		}
		if that.False() {
			b.rep.At(e.Range(), fmt.Sprintf("Invalid value for input %q", in.Name), "%s%s", source.Sentence(chk.Text), about(in.About))
			return v, false
		}
	}
	if in.Sensitive {
		learn(c)
		return c.Mark(sensitive), true
	}
	return c.WithMarks(marks), true
}

// form checks texts and numbers that must look a certain way; "" is right.
func (b *builder) form(name, form string, v cty.Value) (summary, detail string) {
	switch form {
	case "vip":
		return b.world.vip(v.AsString())
	case "duration":
		if d, err := time.ParseDuration(v.AsString()); err != nil || d < 0 {
			return fmt.Sprintf("Input %q is not a duration", name), fmt.Sprintf("Found %s, expected one such as \"30s\".", source.Bounded(v.AsString()))
		}
	case "port":
		if n, _ := v.AsBigFloat().Float64(); n < 1 || n > 65535 || !v.AsBigFloat().IsInt() {
			return fmt.Sprintf("Input %q is out of range", name), fmt.Sprintf("Found %s, expected a whole number between 1 and 65535.", decode.Number(v))
		}
	}
	return "", ""
}

// learn makes the texts of a value that comes from outside the store known as secrets, so that they
// are masked in what the program prints.
func learn(v cty.Value) {
	cty.Walk(v, func(_ cty.Path, x cty.Value) (bool, error) {
		if open, _ := x.Unmark(); open.Type() == cty.String && open.IsKnown() && !open.IsNull() {
			secret.Learn(open.AsString())
		}
		return true, nil
	})
}
