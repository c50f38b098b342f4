package config_test

import (
	"fmt"
	"strings"
	"testing"

	"haprov/internal/config"
)

// expression loads an inventory with an expression in places that are evaluated in different ways.
func expression(t *testing.T, e string) {
	t.Helper()
	text := fmt.Sprintf("host \"h\" {\n  address = \"10.0.0.1\"\n  vars = { x = %s }\n}\ncluster \"c\" { recipe = \"r\" }\nrecipe \"r\" {\n  on \"all\" {\n    file \"/x\" {\n      content  = %s\n    }\n    package \"p\" {\n      for_each = %s\n    }\n  }\n}\n", e, e, e)
	p, problems := config.Load("haprov.hcl", config.Options{Text: []byte(text), Secrets: secrets{}})
	if (p == nil) != problems.Failed() {
		t.Errorf("program %v, problems %v", p != nil, problems)
	}
	if out := problems.Render(80, false); strings.Contains(out, "panic in function") {
		t.Errorf("%s", out)
	}
}

// FuzzExpression must neither panic nor go on for ever, whatever is evaluated.
func FuzzExpression(f *testing.F) {
	for _, e := range []string{
		`[for i, x in split(",", "a,b") : "${i}${x}" if x != "b"]`, `{for k, v in { a = 1 } : k => v...}`, `true ? [1, "a"] : []`, `"%{ for x in [1, 2] }${x}%{ else }%{ endfor }"`,
		`format("%5d %s %q %v", 1, "a", "b", { c = null })`, `distinct(concat([1], ["a"], [true]))`, `merge({ a = 1 }, { b = [2] }).b[0]`, `host.h.network[*].cidr`, `flatten([[1, [2]], []])`,
		`join(",", sort(keys({ b = 1, a = 2 })))`, `lookup({ a = 1 }, "b", 2) * 1e300 / 7 % 5`, `[{ a = 1 }, { a = 2 }][*].a`, `secret("s") == "x" ? 1 : 2`, `"${secret("s")}-${-1.5e10}"`, `coalesce(null, [1], ["a"])`,
		`min([1, 2]...)`, `!(1 < 2 && 3 >= 4 || false)`, `<<EOT
${jsonencode({ a = "b\n" })}
EOT
`, `template("x", { a = 1 })`, `certificate("a").key`, `contains(values({ a = [1] }), [1])`, `length(replace("aaa", "a", "bb"))`,
	} {
		f.Add(e)
	}
	f.Fuzz(expression)
}

// FuzzCIDR gives the functions of networks all that a text and a number can be.
func FuzzCIDR(f *testing.F) {
	for _, c := range []struct{ text, n string }{
		{"10.0.0.0/24", "11"}, {"10.0.0.5/32", "-1"}, {"0.0.0.0/0", "4294967295"}, {"::1/128", "0"}, {"fe80::1%eth0/64", "1"}, {"10.0.0.1/33", "1.5"}, {"", "1e300"}, {"255.255.255.255/1", "-2147483648"}, {"::ffff:10.0.0.1/120", "1"},
	} {
		f.Add(c.text, c.n)
	}
	f.Fuzz(func(t *testing.T, text, n string) {
		q := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(fmt.Sprintf("%q", text))
		expression(t, fmt.Sprintf("[cidraddress(%s), cidrlength(%s), cidrnetwork(%s), cidrnetmask(%s), cidrhost(%s, %s)]", q, q, q, q, q, n))
	})
}
