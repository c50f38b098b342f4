package decode

import (
	"reflect"
	"slices"
	"sort"
)

// Attribute is an argument, a label or a block, as the reference shows it.
type Attribute struct {
	Name, About string
	Type        string // what is expected, in words; empty for a block
	Default     string // as written; HasDefault tells an empty one from none
	HasDefault  bool
	Required    bool
	Label       bool
	Text        string // what a text may hold: "" one line, "lines", "shell" a command, "any" control characters as well
	OneOf       []string
	Min, Max    string
	Many        bool        // a block that may stand more than once
	Inner       []Attribute // of a block
}

// Attributes lists what a struct's tags say, in the order they are written.
func Attributes(t reflect.Type) (out []Attribute) {
	l := LayoutOf(t)
	fields := slices.Clone(l.Labels)
	for _, f := range l.Attrs {
		fields = append(fields, f)
	}
	for _, f := range l.Blocks {
		fields = append(fields, f)
	}
	sort.Slice(fields, func(i, j int) bool { return slices.Compare(fields[i].Index, fields[j].Index) < 0 })
	for _, f := range fields {
		a := Attribute{Name: f.Name, About: t.FieldByIndex(f.Index).Tag.Get("about"), Default: f.def, HasDefault: f.hasDef, Required: f.required, Label: f.label, Text: f.Text, OneOf: f.OneOf, Min: f.Min, Max: f.max}
		switch {
		case f.StructType != nil:
			a.Many, a.Inner = f.many, Attributes(f.StructType)
		case f.raw:
			a.Type = "an expression"
		case f.bytes:
			a.Type = `a size such as "2GiB"`
		case f.perHost:
			a.Type = expected(f.typ.Elem())
		default:
			a.Type = expected(f.typ)
		}
		out = append(out, a)
	}
	return out
}
