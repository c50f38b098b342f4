package decode

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

	"haprov/internal/config/source"
	"haprov/internal/secret"
)

// Mistake is why a value does not fit: its summary, or "" for a plain wrong type.
type Mistake struct{ summary, Detail string }

func (m *Mistake) Error() string { return m.Detail }

func wrongType(v cty.Value, want string) *Mistake {
	return &Mistake{"", fmt.Sprintf("Found %s, expected %s.", Describe(v), want)}
}

// Describe names a value for a message; what is sensitive is only called so.
func Describe(v cty.Value) string {
	if v.IsMarked() {
		return "a sensitive value"
	}
	if v.IsNull() {
		return "null"
	}
	t := v.Type()
	switch {
	case t == cty.String:
		return "the string " + source.Bounded(v.AsString())
	case t == cty.Number:
		return "the number " + Number(v)
	case t == cty.Bool:
		return strconv.FormatBool(v.True())
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		return "a list"
	case t.IsObjectType() || t.IsMapType():
		return "an object"
	}
	return "a " + t.FriendlyName()
}

// Number is a number as messages show it.
func Number(v cty.Value) string { return v.AsBigFloat().Text('g', 20) }

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

// Assign puts a value into a Go value of one of the types that layouts know.
func Assign(v cty.Value, out reflect.Value, f *Field) *Mistake {
	t := out.Type()
	if t == secretType {
		return assignSecret(v, out, f)
	}
	if v.IsMarked() {
		return &Mistake{fmt.Sprintf("Sensitive value in %q", f.Name), fmt.Sprintf("%q is shown in plans, logs and file names; a secret may only stand where it stays hidden.", f.Name)}
	}
	if v.IsNull() || !v.IsKnown() {
		return wrongType(v, expected(t))
	}
	ty := v.Type()
	switch t.Kind() {
	case reflect.Pointer:
		p := reflect.New(t.Elem())
		if m := Assign(v, p.Elem(), f); m != nil {
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
			if m := Assign(e, x, f); m != nil {
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
			if bad := (&Field{Name: f.Name}).readable(k.AsString()); bad != nil {
				return bad
			}
			if bad := Assign(e, x, f); bad != nil {
				return inside(bad, e, expected(t), t.Elem())
			}
			m.SetMapIndex(reflect.ValueOf(k.AsString()), x)
		}
		out.Set(m)
		return nil
	}
	return assignScalar(v, out, f)
}

func inside(m *Mistake, e cty.Value, want string, elem reflect.Type) *Mistake {
	if m.summary == "" {
		return &Mistake{"", fmt.Sprintf("Found %s in it, expected %s.", Describe(e), want)}
	}
	return m
}

func assignSecret(v cty.Value, out reflect.Value, f *Field) *Mistake {
	plain, marks := v.Unmark()
	s, m := Text(plain)
	if m != nil {
		if len(marks) > 0 {
			return wrongType(v, "a string")
		}
		return m
	}
	if f != nil && strings.Contains(f.Name, "password") { // a literal one, too
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
func (f *Field) readable(s string) *Mistake {
	for _, r := range s {
		switch {
		case r == 0:
			return &Mistake{fmt.Sprintf("NUL byte in %q", f.Name), "No argument, shell text or line of a host can hold one; leave it out."}
		case f.Text == "any" || r == '\t':
		case r == '\n' || r == '\r':
			if f.Text != "lines" && f.Text != "shell" {
				return &Mistake{fmt.Sprintf("Line break in %q", f.Name), "Expected a string of one line."}
			}
		case unicode.IsControl(r):
			return &Mistake{fmt.Sprintf("Control character in %q", f.Name), fmt.Sprintf("Found U+%04X; expected a string without control characters.", r)}
		}
	}
	return nil
}

// Text takes a text, and what has only one spelling as text.
func Text(v cty.Value) (string, *Mistake) {
	if v.IsNull() || !v.IsKnown() || !v.Type().IsPrimitiveType() {
		return "", wrongType(v, "a string")
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", wrongType(v, "a string")
	}
	return s.AsString(), nil
}

func assignScalar(v cty.Value, out reflect.Value, f *Field) *Mistake {
	t := out.Type()
	switch {
	case t == durType:
		return assignDuration(v, out, f)
	case t.Kind() == reflect.Int64 && f.bytes:
		return assignBytes(v, out, f)
	case t.Kind() == reflect.String:
		s, m := Text(v)
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
		return f.inRange(float64(n), Number(v))
	case t.Kind() == reflect.Float64:
		if v.Type() != cty.Number || v.AsBigFloat().IsInf() {
			return wrongType(v, expected(t))
		}
		n, _ := v.AsBigFloat().Float64()
		out.SetFloat(n)
		return f.inRange(n, Number(v))
	default:
		panic(fmt.Sprintf("%s: type %s", f.Name, t))
	}
	return nil
}

func assignDuration(v cty.Value, out reflect.Value, f *Field) *Mistake {
	if v.Type() != cty.String {
		return wrongType(v, expected(durType))
	}
	d, err := time.ParseDuration(v.AsString())
	if err != nil {
		return wrongType(v, expected(durType))
	}
	if d < 0 || d > 8760*time.Hour {
		return &Mistake{fmt.Sprintf("%q is out of range", f.Name), fmt.Sprintf("Found %s, expected between 0 and a year.", d)}
	}
	out.SetInt(int64(d))
	if f.Min != "" {
		if low, _ := time.ParseDuration(f.Min); d < low {
			return &Mistake{fmt.Sprintf("%q is out of range", f.Name), fmt.Sprintf("Found %s, expected at least %s.", v.AsString(), f.Min)}
		}
	}
	return nil
}

var units = map[string]int64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

func assignBytes(v cty.Value, out reflect.Value, f *Field) *Mistake {
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
		return &Mistake{fmt.Sprintf("%q is out of range", f.Name), fmt.Sprintf("Found %s, expected more than nothing and less than 8192TiB.", s)}
	}
	out.SetInt(n * unit)
	return nil
}

func (f *Field) choice(s string) *Mistake {
	if len(f.OneOf) == 0 {
		return nil
	}
	for _, o := range f.OneOf {
		if end, any := strings.CutPrefix(o, "*"); o == s || any && len(s) > len(end) && strings.HasSuffix(s, end) {
			return nil
		}
	}
	return &Mistake{fmt.Sprintf("%q has an unknown value", f.Name), fmt.Sprintf("Found %s, expected one of %s.%s", source.Bounded(s), strings.Join(f.OneOf, ", "), hint(s, f.OneOf))}
}

func hint(s string, known []string) string {
	if n := source.Near(s, known); n != "" {
		return fmt.Sprintf(" Did you mean %q?", n)
	}
	return ""
}

func (f *Field) inRange(n float64, shown string) *Mistake {
	low, lowErr := strconv.ParseFloat(f.Min, 64)
	high, highErr := strconv.ParseFloat(f.max, 64)
	want := ""
	switch {
	case lowErr == nil && highErr == nil && (n < low || n > high):
		want = fmt.Sprintf("between %s and %s", f.Min, f.max)
	case lowErr == nil && n < low:
		want = "at least " + f.Min
	case highErr == nil && n > high:
		want = "at most " + f.max
	}
	if want == "" {
		return nil
	}
	return &Mistake{fmt.Sprintf("%q is out of range", f.Name), fmt.Sprintf("Found %s, expected %s.", shown, want)}
}
