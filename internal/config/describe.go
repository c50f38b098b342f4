package config

import (
	"reflect"
	"slices"
	"sort"
	"strings"

	"haprov/internal/kind"
	"haprov/internal/kinds"
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

// Kind is one kind of step.
type Kind struct {
	Name, Summary, Example string
	Cluster                bool // one step over several hosts
	Attributes             []Attribute
}

// Kinds describes every kind of step, in the order of their table.
func Kinds() (out []Kind) {
	for _, s := range kinds.Table {
		x := s.New()
		_, cluster := x.(kind.Cluster)
		out = append(out, Kind{s.Name, s.Summary, s.Example, cluster, attributes(reflect.TypeOf(x).Elem())})
	}
	return out
}

// Metas describes the arguments that any step may have.
func Metas() []Attribute {
	return []Attribute{
		{Name: "for_each", Type: "a list of strings or an object", About: "One step for each of its elements; the step's name is the element's key, which is also each.key, unless an argument gives it"},
		{Name: "when", Type: "true or false", Default: "true", HasDefault: true, About: "false leaves the step out"},
		{Name: "place", Type: "a string", OneOf: []string{"each", "one"}, Default: "each", HasDefault: true, About: "For a step of one host: on each host of the role, or on the first one alone. Kinds that have an argument of this name give it their own meaning"},
	}
}

// Use describes the block that puts another recipe's steps in its place.
func Use() []Attribute { return attributes(reflect.TypeFor[useBlock]()) }

// Blocks describes the blocks of an inventory; a recipe is the last of them.
func Blocks() []Attribute { return attributes(reflect.TypeFor[inventoryFile]()) }

// attributes lists what a struct's tags say, in the order they are written.
func attributes(t reflect.Type) (out []Attribute) {
	l := layoutOf(t)
	fields := slices.Clone(l.labels)
	for _, f := range l.attrs {
		fields = append(fields, f)
	}
	for _, f := range l.blocks {
		fields = append(fields, f)
	}
	sort.Slice(fields, func(i, j int) bool { return slices.Compare(fields[i].index, fields[j].index) < 0 })
	for _, f := range fields {
		a := Attribute{Name: f.name, About: t.FieldByIndex(f.index).Tag.Get("about"), Default: f.def, HasDefault: f.hasDef, Required: f.required, Label: f.label, Text: f.text, OneOf: f.oneof, Min: f.min, Max: f.max}
		switch {
		case f.structType != nil:
			a.Many, a.Inner = f.many, attributes(f.structType)
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

// Function is one function of the language.
type Function struct {
	Name, About string
	Params      []string // the last one with dots when it may be repeated
}

// Functions lists all functions of inventories and recipes by name.
func Functions() (out []Function) {
	for name, f := range (&files{}).reach("", nil, nil) {
		x := Function{Name: name, About: strings.Join(strings.Fields(f.Description()), " ")}
		for _, p := range f.Params() {
			x.Params = append(x.Params, p.Name)
		}
		if v := f.VarParam(); v != nil {
			x.Params = append(x.Params, v.Name+"...")
		}
		out = append(out, x)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
