package config

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"unicode/utf8"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// mark stands on values that must never be shown.
type mark string

const sensitive = mark("sensitive")

// functions are those that need nothing but their arguments.
var functions = map[string]function.Function{
	"jsonencode": bounds(stdlib.JSONEncodeFunc, func(args []cty.Value) int64 { return 6 * texts(args[0]) }),
	"join":       bounds(stdlib.JoinFunc, joined),
	"merge":      stdlib.MergeFunc,
	"format":     format,
	"concat":     stdlib.ConcatFunc,
	"flatten":    stdlib.FlattenFunc,
	"distinct":   distinct,
	"sort":       stdlib.SortFunc,
	"length":     length,
	"lower":      stdlib.LowerFunc,
	"upper":      stdlib.UpperFunc,
	"trim":       stdlib.TrimSpaceFunc,
	"replace":    replace,
	"split": bounds(stdlib.SplitFunc, func(args []cty.Value) int64 {
		return int64(strings.Count(args[1].AsString(), args[0].AsString())+1) * source.BytesElement / 4
	}),
	"contains":    stdlib.ContainsFunc,
	"keys":        stdlib.KeysFunc,
	"values":      stdlib.ValuesFunc,
	"lookup":      stdlib.LookupFunc,
	"coalesce":    stdlib.CoalesceFunc,
	"min":         stdlib.MinFunc,
	"max":         stdlib.MaxFunc,
	"floor":       stdlib.FloorFunc,
	"cidrhost":    cidrHost,
	"cidraddress": cidrPart("The address of an address with prefix length: 10.0.0.5 of 10.0.0.5/24.", func(p netip.Prefix) cty.Value { return cty.StringVal(p.Addr().String()) }),
	"cidrlength":  cidrPart("The prefix length of an address: 24 of 10.0.0.5/24.", func(p netip.Prefix) cty.Value { return cty.NumberIntVal(int64(p.Bits())) }),
	"cidrnetwork": cidrPart("The network of an address: 10.0.0.0/24 of 10.0.0.5/24.", func(p netip.Prefix) cty.Value { return cty.StringVal(p.Masked().String()) }),
	"cidrnetmask": cidrPart("The netmask of an address: 255.255.255.0 of 10.0.0.5/24.", func(p netip.Prefix) cty.Value { return cty.StringVal(netmask(p)) }),
}

// format refuses widths that fill the memory.
var format = function.New(&function.Spec{
	Description: "Formats values into a string: format(\"%s:%d\", \"db1\", 3306).",
	Params:      []function.Parameter{{Name: "format", Type: cty.String}},
	VarParam:    &function.Parameter{Name: "args", Type: cty.DynamicPseudoType, AllowNull: true},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if formatted(args) > maxMade {
			return cty.NilVal, fmt.Errorf("more than %d bytes could be produced: shorten the widths and texts", maxMade)
		}
		return stdlib.Format(args[0], args[1:]...)
	},
})

// replace is for plain texts; there are no patterns in it.
var replace = function.New(&function.Spec{
	Description: "Replaces every occurrence of one string in another; no patterns.",
	Params:      []function.Parameter{{Name: "text", Type: cty.String}, {Name: "old", Type: cty.String}, {Name: "new", Type: cty.String}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		s, old, with := args[0].AsString(), args[1].AsString(), args[2].AsString()
		if strings.Count(s, old)*len(with)+len(s) > maxMade {
			return cty.NilVal, fmt.Errorf("more than %d bytes would be produced", maxMade)
		}
		return cty.StringVal(strings.ReplaceAll(s, old, with)), nil
	},
})

// length counts elements, or characters of a text.
var length = function.New(&function.Spec{
	Description: "Counts the elements of a list or an object, or the characters of a string.",
	Params:      []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType}},
	Type:        function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v := args[0]
		switch ty := v.Type(); {
		case ty == cty.String:
			return cty.NumberIntVal(int64(utf8.RuneCountInString(v.AsString()))), nil
		case ty.IsObjectType():
			return cty.NumberIntVal(int64(len(ty.AttributeTypes()))), nil
		case v.CanIterateElements():
			return cty.NumberIntVal(int64(v.LengthInt())), nil
		}
		return cty.NilVal, fmt.Errorf("expected a string, list or object, found %s", decode.Describe(v))
	},
})

// cidrhost is the nth address of a network: cidrhost("10.0.0.0/24", 11) is "10.0.0.11"; from the
// end when n is negative.
var cidrHost = function.New(&function.Spec{
	Description: "The nth address of a network: cidrhost(\"10.0.0.0/24\", 11) is \"10.0.0.11\"; from the end when n is negative.",
	Params:      []function.Parameter{{Name: "cidr", Type: cty.String}, {Name: "n", Type: cty.Number}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := netip.ParsePrefix(args[0].AsString())
		if err != nil || !p.Addr().Is4() {
			return cty.NilVal, fmt.Errorf("%s is not an IPv4 network such as 10.0.0.0/24", source.Bounded(args[0].AsString()))
		}
		n, exact := args[1].AsBigFloat().Int64()
		size := int64(1) << (32 - p.Bits())
		if n < 0 {
			n += size
		}
		if exact != big.Exact || n < 0 || n >= size {
			return cty.NilVal, fmt.Errorf("%s has no address number %s", p, decode.Number(args[1]))
		}
		b := p.Masked().Addr().As4()
		x := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		x += uint32(n)
		return cty.StringVal(netip.AddrFrom4([4]byte{byte(x >> 24), byte(x >> 16), byte(x >> 8), byte(x)}).String()), nil
	},
})

func cidrPart(about string, take func(netip.Prefix) cty.Value) function.Function {
	return function.New(&function.Spec{
		Description: about,
		Params:      []function.Parameter{{Name: "cidr", Type: cty.String}},
		Type: func([]cty.Value) (cty.Type, error) {
			return take(netip.MustParsePrefix("10.0.0.1/8")).Type(), nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			p, err := netip.ParsePrefix(args[0].AsString())
			if err != nil {
				return cty.NilVal, fmt.Errorf("%s is not an address with prefix length such as 10.0.0.5/24", source.Bounded(args[0].AsString()))
			}
			return take(p), nil
		},
	})
}

func netmask(p netip.Prefix) string {
	if !p.Addr().Is4() {
		return p.Masked().String()
	}
	x := ^uint32(0) << (32 - p.Bits())
	if p.Bits() == 0 {
		x = 0
	}
	return netip.AddrFrom4([4]byte{byte(x >> 24), byte(x >> 16), byte(x >> 8), byte(x)}).String()
}
