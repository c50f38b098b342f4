package config

import (
	"reflect"
	"sort"
	"strings"

	"haprov/internal/config/decode"
	"haprov/internal/kind"
	"haprov/internal/kinds"
)

// Kind is one kind of step.
type Kind struct {
	Name, Summary, Example string
	Cluster                bool // one step over several hosts
	Attributes             []decode.Attribute
}

// Kinds describes every kind of step, in the order of their table.
func Kinds() (out []Kind) {
	for _, s := range kinds.Table {
		x := s.New()
		_, cluster := x.(kind.Cluster)
		out = append(out, Kind{s.Name, s.Summary, s.Example, cluster, decode.Attributes(reflect.TypeOf(x).Elem())})
	}
	return out
}

// Metas describes the arguments that any step may have.
func Metas() []decode.Attribute {
	return []decode.Attribute{
		{Name: "for_each", Type: "a list of strings or an object", About: "One step for each of its elements; the step's name is the element's key, which is also each.key, unless an argument gives it"},
		{Name: "when", Type: "true or false", Default: "true", HasDefault: true, About: "false leaves the step out"},
		{Name: "place", Type: "a string", OneOf: []string{"each", "one"}, Default: "each", HasDefault: true, About: "For a step of one host: on each host of the role, or on the first one alone. Kinds that have an argument of this name give it their own meaning"},
	}
}

// Use describes the block that puts another recipe's steps in its place.
func Use() []decode.Attribute { return decode.Attributes(reflect.TypeFor[useBlock]()) }

// Blocks describes the blocks of an inventory; a recipe is the last of them.
func Blocks() []decode.Attribute { return decode.Attributes(reflect.TypeFor[inventoryFile]()) }

// Function is one function of the language.
type Function struct {
	Name, About string
	Params      []string // the last one with dots when it may be repeated
}

// Functions lists all functions of inventories and recipes by name.
func Functions() (out []Function) {
	for name, f := range reach(nil, "", nil, nil) {
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
