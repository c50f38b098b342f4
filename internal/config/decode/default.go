package decode

import (
	"reflect"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// defaultValue reads a default tag by its field's type: lists are split at commas.
func defaultValue(f *Field) cty.Value {
	t := f.typ
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == durType || t == secretType || f.bytes || t.Kind() == reflect.String:
		return cty.StringVal(f.def)
	case t.Kind() == reflect.Bool:
		return cty.BoolVal(f.def == "true")
	case t.Kind() == reflect.Slice:
		var l []cty.Value
		for _, s := range strings.Split(f.def, ",") {
			if s != "" {
				l = append(l, cty.StringVal(s))
			}
		}
		return cty.TupleVal(l)
	case t.Kind() == reflect.Map:
		return cty.EmptyObjectVal
	}
	return cty.MustParseNumberVal(f.def)
}
