package config

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"haprov/internal/budget"
	"haprov/internal/config/source"
)

// maxMade bounds what one call may make, in bytes.
const maxMade = 4 << 20

// bounds is a function that is not called when more than maxMade bytes could be produced of it.
func bounds(f function.Function, estimate func(args []cty.Value) int64) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      f.Params(),
		VarParam:    f.VarParam(),
		Type:        f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for _, a := range args {
				if !a.IsWhollyKnown() {
					return f.Call(args)
				}
			}
			if estimate(args) > maxMade {
				return cty.NilVal, fmt.Errorf("more than %d bytes would be produced", maxMade)
			}
			return f.Call(args)
		},
	})
}

// texts is at least the length of a value as text, in bytes; it was walked before.
func texts(v cty.Value) int64 {
	if v.IsNull() || !v.CanIterateElements() {
		return source.TextOf(v) + 8
	}
	n := int64(2)
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		n += source.TextOf(k) + texts(e)
	}
	return n
}

func joined(args []cty.Value) int64 {
	n, sep := int64(0), source.TextOf(args[0])
	for _, list := range args[1:] {
		n += texts(list) + sep*source.Width(list)
	}
	return n
}

func formatted(args []cty.Value) int64 {
	longest := int64(0)
	for _, a := range args[1:] {
		longest = max(longest, texts(a))
	}
	return budget.Format(args[0].AsString(), longest)
}

// distinct is linear, unlike the library's.
var distinct = function.New(&function.Spec{
	Description: "Removes repeated elements of a list; the first of each stays.",
	Params:      []function.Parameter{{Name: "list", Type: cty.List(cty.DynamicPseudoType)}},
	Type:        func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(t), nil
		}
		seen := map[string]bool{}
		var out []cty.Value
		for it := args[0].ElementIterator(); it.Next(); {
			_, v := it.Element()
			if key := v.GoString(); !seen[key] { // all are of one type
				seen[key], out = true, append(out, v)
			}
		}
		if len(out) == 0 {
			return cty.ListValEmpty(t.ElementType()), nil
		}
		return cty.ListVal(out), nil
	},
})
