package config

import (
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"haprov/internal/secret"
)

// mistake is why a value does not fit: its summary, or "" for a plain wrong type.
type mistake struct{ summary, detail string }

func (m *mistake) Error() string { return m.detail }

func wrongType(v cty.Value, want string) *mistake {
	return &mistake{"", fmt.Sprintf("Found %s, expected %s.", describe(v), want)}
}

// describe names a value for a message; what is sensitive is only called so.
func describe(v cty.Value) string {
	if v.IsMarked() {
		return "a sensitive value"
	}
	if v.IsNull() {
		return "null"
	}
	t := v.Type()
	switch {
	case t == cty.String:
		return "the string " + bounded(v.AsString())
	case t == cty.Number:
		return "the number " + number(v)
	case t == cty.Bool:
		return strconv.FormatBool(v.True())
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		return "a list"
	case t.IsObjectType() || t.IsMapType():
		return "an object"
	}
	return "a " + t.FriendlyName()
}

func number(v cty.Value) string { return v.AsBigFloat().Text('g', 20) }

// expected names what a Go type takes.
func expected(t reflect.Type) string {
	switch {
	case t == secretType:
		return "a string"
	case t.Kind() == reflect.Interface: // an expression, which is looked at later
		return "a value"
	case t == durType:
		return `a duration such as "30s"`
	case t.Kind() == reflect.Pointer:
		return expected(t.Elem())
	case t.Kind() == reflect.Slice:
		return "a list of " + plural(t.Elem())
	case t.Kind() == reflect.Map:
		return "an object of " + plural(t.Elem())
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

func plural(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "whole numbers"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "numbers"
	}
	return "strings"
}

// assign puts a value into a Go value of one of the types that layouts know.
func assign(v cty.Value, out reflect.Value, f *field) *mistake {
	t := out.Type()
	if t == secretType {
		return assignSecret(v, out, f)
	}
	if v.IsMarked() {
		return &mistake{fmt.Sprintf("Sensitive value in %q", f.name), fmt.Sprintf("%q is shown in plans, logs and file names; a secret may only stand where it stays hidden.", f.name)}
	}
	if v.IsNull() || !v.IsKnown() {
		return wrongType(v, expected(t))
	}
	ty := v.Type()
	switch t.Kind() {
	case reflect.Pointer:
		p := reflect.New(t.Elem())
		if m := assign(v, p.Elem(), f); m != nil {
			return m
		}
		out.Set(p)
		return nil
	case reflect.Slice:
		if !(ty.IsTupleType() || ty.IsListType() || ty.IsSetType()) {
			return wrongType(v, expected(t))
		}
		s := reflect.MakeSlice(t, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			x := reflect.New(t.Elem()).Elem()
			if m := assign(e, x, f); m != nil {
				return inside(m, e, expected(t), t.Elem())
			}
			s = reflect.Append(s, x)
		}
		out.Set(s)
		return nil
	case reflect.Map:
		if !(ty.IsObjectType() || ty.IsMapType()) {
			return wrongType(v, expected(t))
		}
		m := reflect.MakeMapWithSize(t, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			x := reflect.New(t.Elem()).Elem()
			if bad := (&field{name: f.name}).readable(k.AsString()); bad != nil {
				return bad
			}
			if bad := assign(e, x, f); bad != nil {
				return inside(bad, e, expected(t), t.Elem())
			}
			m.SetMapIndex(reflect.ValueOf(k.AsString()), x)
		}
		out.Set(m)
		return nil
	}
	return assignScalar(v, out, f)
}

func inside(m *mistake, e cty.Value, want string, elem reflect.Type) *mistake {
	if m.summary == "" {
		return &mistake{"", fmt.Sprintf("Found %s in it, expected %s.", describe(e), want)}
	}
	return m
}

func assignSecret(v cty.Value, out reflect.Value, f *field) *mistake {
	plain, marks := v.Unmark()
	s, m := text(plain)
	if m != nil {
		if len(marks) > 0 {
			return wrongType(v, "a string")
		}
		return m
	}
	if f != nil && strings.Contains(f.name, "password") { // a literal one, too
		secret.Learn(s)
	}
	if len(marks) > 0 {
		out.Set(reflect.ValueOf(secret.Holding(s)))
	} else {
		out.Set(reflect.ValueOf(secret.Plain(s)))
	}
	return f.readable(s)
}

// readable is the one gate of all texts: it refuses characters that no shell, file or terminal has
// a use for. A text is one line unless its tag text says "lines", a text of several, "shell", a command
// that a host's shell runs, or "any", which excludes the NUL byte alone. The text itself is not quoted: it may be a secret.
func (f *field) readable(s string) *mistake {
	for _, r := range s {
		switch {
		case r == 0:
			return &mistake{fmt.Sprintf("NUL byte in %q", f.name), "No argument, shell text or line of a host can hold one; leave it out."}
		case f.text == "any" || r == '\t':
		case r == '\n' || r == '\r':
			if f.text != "lines" && f.text != "shell" {
				return &mistake{fmt.Sprintf("Line break in %q", f.name), "Expected a string of one line."}
			}
		case unicode.IsControl(r):
			return &mistake{fmt.Sprintf("Control character in %q", f.name), fmt.Sprintf("Found U+%04X; expected a string without control characters.", r)}
		}
	}
	return nil
}

// text takes a text, and what has only one spelling as text.
func text(v cty.Value) (string, *mistake) {
	if v.IsNull() || !v.IsKnown() || !v.Type().IsPrimitiveType() {
		return "", wrongType(v, "a string")
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", wrongType(v, "a string")
	}
	return s.AsString(), nil
}

func assignScalar(v cty.Value, out reflect.Value, f *field) *mistake {
	t := out.Type()
	switch {
	case t == durType:
		return assignDuration(v, out, f)
	case t.Kind() == reflect.Int64 && f.bytes:
		return assignBytes(v, out, f)
	case t.Kind() == reflect.String:
		s, m := text(v)
		if m != nil {
			return m
		}
		out.SetString(s)
		if m := f.readable(s); m != nil {
			return m
		}
		return f.choice(s)
	case t.Kind() == reflect.Bool:
		if v.Type() != cty.Bool {
			return wrongType(v, expected(t))
		}
		out.SetBool(v.True())
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		if v.Type() != cty.Number {
			return wrongType(v, expected(t))
		}
		n, acc := v.AsBigFloat().Int64()
		if acc != big.Exact || v.AsBigFloat().IsInf() {
			return wrongType(v, expected(t))
		}
		out.SetInt(n)
		return f.inRange(float64(n), number(v))
	case t.Kind() == reflect.Float64:
		if v.Type() != cty.Number || v.AsBigFloat().IsInf() {
			return wrongType(v, expected(t))
		}
		n, _ := v.AsBigFloat().Float64()
		out.SetFloat(n)
		return f.inRange(n, number(v))
	default:
		panic(fmt.Sprintf("%s: type %s", f.name, t))
	}
	return nil
}

func assignDuration(v cty.Value, out reflect.Value, f *field) *mistake {
	if v.Type() != cty.String {
		return wrongType(v, expected(durType))
	}
	d, err := time.ParseDuration(v.AsString())
	if err != nil {
		return wrongType(v, expected(durType))
	}
	if d < 0 || d > 8760*time.Hour {
		return &mistake{fmt.Sprintf("%q is out of range", f.name), fmt.Sprintf("Found %s, expected between 0 and a year.", d)}
	}
	out.SetInt(int64(d))
	if f.min != "" {
		if low, _ := time.ParseDuration(f.min); d < low {
			return &mistake{fmt.Sprintf("%q is out of range", f.name), fmt.Sprintf("Found %s, expected at least %s.", v.AsString(), f.min)}
		}
	}
	return nil
}

var units = map[string]int64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

func assignBytes(v cty.Value, out reflect.Value, f *field) *mistake {
	const want = `a size such as "2GiB"`
	if v.Type() != cty.String {
		return wrongType(v, want)
	}
	s := strings.TrimSpace(v.AsString())
	digits := strings.TrimRight(s, "BKMGTi ")
	unit, known := units[strings.TrimSpace(s[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known {
		return wrongType(v, want+" (B, KiB, MiB, GiB, TiB)")
	}
	if n <= 0 || n > (1<<53)/unit {
		return &mistake{fmt.Sprintf("%q is out of range", f.name), fmt.Sprintf("Found %s, expected more than nothing and less than 8192TiB.", s)}
	}
	out.SetInt(n * unit)
	return nil
}

func (f *field) choice(s string) *mistake {
	if len(f.oneof) == 0 {
		return nil
	}
	for _, o := range f.oneof {
		if end, any := strings.CutPrefix(o, "*"); o == s || any && len(s) > len(end) && strings.HasSuffix(s, end) {
			return nil
		}
	}
	return &mistake{fmt.Sprintf("%q has an unknown value", f.name), fmt.Sprintf("Found %s, expected one of %s.%s", bounded(s), strings.Join(f.oneof, ", "), hint(s, f.oneof))}
}

func hint(s string, known []string) string {
	if n := Near(s, known); n != "" {
		return fmt.Sprintf(" Did you mean %q?", n)
	}
	return ""
}

func (f *field) inRange(n float64, shown string) *mistake {
	low, lowErr := strconv.ParseFloat(f.min, 64)
	high, highErr := strconv.ParseFloat(f.max, 64)
	want := ""
	switch {
	case lowErr == nil && highErr == nil && (n < low || n > high):
		want = fmt.Sprintf("between %s and %s", f.min, f.max)
	case lowErr == nil && n < low:
		want = "at least " + f.min
	case highErr == nil && n > high:
		want = "at most " + f.max
	}
	if want == "" {
		return nil
	}
	return &mistake{fmt.Sprintf("%q is out of range", f.name), fmt.Sprintf("Found %s, expected %s.", shown, want)}
}
