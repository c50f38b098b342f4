package source

import (
	"errors"
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

// What things take, in bytes.
const (
	BytesElement = 128 // one element of a list or object
	bytesMistake = 512
	BytesGroup   = 64  // one host in one group, or one variable of it
	BytesStep    = 512 // one step on one host
)

// Width is the number of elements of a value; 0 for what has none.
func Width(v cty.Value) int64 {
	t := v.Type()
	switch {
	case t.IsTupleType():
		return int64(t.Length())
	case t.IsObjectType():
		return int64(len(t.AttributeTypes()))
	}
	if v, _ = v.Unmark(); v.CanIterateElements() {
		return int64(v.LengthInt())
	}
	return 0
}

// TextOf is the length of a text, or about that of another value as text, in bytes.
func TextOf(v cty.Value) int64 {
	open, _ := v.Unmark()
	switch {
	case open.IsNull() || !open.IsKnown():
		return 0
	case open.Type() == cty.String:
		return int64(len(open.AsString()))
	case open.Type() == cty.Number:
		e := open.AsBigFloat().MantExp(nil)
		return 8 + int64(max(e, -e))/3
	}
	return 8
}

// walk spends for each element of a value, in all depths; one that stands in several places counts
// in each of them, since what walks it walks it in each of them.
func (m *meter) walk(v cty.Value) error {
	if v.IsMarked() {
		v, _ = v.Unmark()
	}
	t := v.Type()
	switch {
	case t == cty.String && v.IsKnown() && !v.IsNull():
		return m.Work(workValue + int64(len(v.AsString()))/16)
	case t.IsPrimitiveType() || !v.CanIterateElements():
		return m.Work(workValue)
	}
	if err := m.Work(workValue * (1 + Width(v))); err != nil {
		return err
	}
	if t.IsObjectType() {
		for name, ty := range t.AttributeTypes() {
			if ty.IsPrimitiveType() && ty != cty.String {
				continue
			}
			if err := m.walk(v.GetAttr(name)); err != nil {
				return err
			}
		}
		return nil
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, e := it.Element(); !e.Type().IsPrimitiveType() || e.Type() == cty.String {
			if err := m.walk(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// pairs is the size of a type that was walked before, and the work of finding one type for all its
// elements: each is compared with each other, at every depth.
func pairs(t cty.Type) (size, work int64) {
	var of []cty.Type
	switch {
	case t.IsTupleType():
		of = t.TupleElementTypes()
	case t.IsObjectType():
		for _, a := range t.AttributeTypes() {
			of = append(of, a)
		}
	}
	size = 1
	for _, e := range of {
		s, w := pairs(e)
		size, work = size+s, work+w
	}
	n := int64(len(of))
	return size, work + 20*n*n + 4*n*(size-n)
}

// maxExponent bounds numbers: 2 to the power of it has 1,233 digits.
const maxExponent = 4096

// magnitude refuses numbers that would take long to print.
func magnitude(v cty.Value) error {
	v, _ = v.Unmark()
	if v.Type() != cty.Number || v.IsNull() || !v.IsKnown() {
		return nil
	}
	f := v.AsBigFloat()
	if f.IsInf() {
		return errors.New("the result is infinite; divide by a number that is not zero")
	}
	if f.MantExp(nil) > maxExponent || f.MantExp(nil) < -maxExponent {
		return fmt.Errorf("numbers are below 2 to the power of %d; write a smaller calculation", maxExponent)
	}
	return nil
}
