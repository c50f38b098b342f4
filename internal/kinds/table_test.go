package kinds

import (
	"reflect"
	"strings"
	"testing"

	"haprov/internal/kind"
)

func TestEveryKindIsDescribed(t *testing.T) {
	had := map[string]bool{}
	for _, s := range Table {
		if had[s.Name] {
			t.Errorf("%s is defined twice", s.Name)
		}
		had[s.Name] = true
		if s.Summary == "" || !strings.HasSuffix(s.Summary, ".") {
			t.Errorf("%s: no sentence as its summary: %q", s.Name, s.Summary)
		}
		if !strings.HasPrefix(s.Example, s.Name+" \"") {
			t.Errorf("%s: the example shows no such block: %q", s.Name, s.Example)
		}
		x := s.New()
		_, step := x.(kind.Step)
		_, cluster := x.(kind.Cluster)
		if step == cluster {
			t.Errorf("%s: must be either a host's step or a cluster's", s.Name)
		}
		described(t, s.Name, reflect.TypeOf(x).Elem())
	}
}

func described(t *testing.T, name string, typ reflect.Type) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag, ok := f.Tag.Lookup("hcl")
		attribute, what, _ := strings.Cut(tag, ",")
		switch {
		case f.Type == reflect.TypeFor[kind.Where]():
			continue
		case !ok || attribute == "-" || attribute == "":
			continue
		case what == "block":
			e := f.Type
			for e.Kind() == reflect.Slice || e.Kind() == reflect.Pointer {
				e = e.Elem()
			}
			described(t, name+"."+attribute, e)
		}
		if f.Tag.Get("about") == "" {
			t.Errorf("%s.%s: nothing is said about it", name, attribute)
		}
	}
}
