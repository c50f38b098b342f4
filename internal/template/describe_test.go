package template

import (
	"strings"
	"testing"
)

func TestEveryFunctionIsDescribed(t *testing.T) {
	have := map[string]bool{}
	for _, f := range Described {
		name, _, _ := strings.Cut(f.Usage, " ")
		have[name] = true
		if functions[name] == nil {
			t.Errorf("%s is described and not there", name)
		}
	}
	for name := range functions {
		if !have[name] {
			t.Errorf("%s is not described", name)
		}
	}
}
