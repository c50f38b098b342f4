package view

import (
	"bytes"
	"testing"
)

func TestReadyNamesTheHostsWhoseFencingIsNotProved(t *testing.T) {
	for _, c := range []struct {
		endpoint string
		unproved []string
		want     string
	}{
		{"192.0.2.100:3306", nil, "ready: 192.0.2.100:3306\n"},
		{"192.0.2.100:3306", []string{"db1", "db2"}, "ready, fencing not proved for db1, db2: 192.0.2.100:3306\n  to prove it, which fences each once: haprov up --prove-fencing -i shop.hcl\n"},
		{"", []string{"db2"}, "ready, fencing not proved for db2\n  to prove it, which fences each once: haprov up --prove-fencing -i shop.hcl\n"},
		{"", nil, ""},
	} {
		var out bytes.Buffer
		Ready(&out, c.endpoint, " -i shop.hcl", c.unproved, false, false)
		if out.String() != c.want {
			t.Errorf("%q %q:\n%s", c.endpoint, c.unproved, out.String())
		}
	}
}
