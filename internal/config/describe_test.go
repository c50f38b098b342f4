package config

import (
	"slices"
	"testing"
)

func TestEverythingThatAUserMayWriteIsDescribed(t *testing.T) {
	var all func(at string, as []Attribute)
	all = func(at string, as []Attribute) {
		for _, a := range as {
			if a.About == "" {
				t.Errorf("%s%s: nothing is said about it", at, a.Name)
			}
			all(at+a.Name+".", a.Inner)
		}
	}
	all("", Blocks())
	for _, k := range Kinds() {
		all(k.Name+".", k.Attributes)
	}
	for _, f := range Functions() {
		if f.About == "" {
			t.Errorf("%s(): nothing is said about it", f.Name)
		}
	}
}

func TestEveryArgumentOfAnyStepIsDescribed(t *testing.T) {
	var names []string
	for _, m := range Metas() {
		names = append(names, m.Name)
	}
	if !slices.Equal(names, metas) {
		t.Errorf("described are %v, there are %v", names, metas)
	}
}
