package bad

import (
	"fmt"
	"strings"
	"testing"
)

// templates are small files of the templates folder that would never end, or fill the memory.
func templates() (out []bad) {
	add := func(name, text string, says ...string) {
		out = append(out, bad{category: "template bombs", name: name, says: append(says, "haprov.hcl:6:"), build: func(t *testing.T, dir string) {
			put(t, dir, "haprov.hcl", []byte(strings.Replace(string(play("")), "content = ", "template = \"x.tmpl\"", 1)))
			put(t, dir, "templates/x.tmpl", []byte(text))
		}})
	}
	const filled = "error: Template cannot be filled"
	work, data := "All files together may take", "All files together may make"
	ten := func(s string) string { return strings.Repeat(s, 10) }
	add("range over a large number", "line\n{{ range 1000000000000 }}{{ end }}", filled, "x.tmpl:2", work)
	add("ranges in each other", strings.Repeat("{{ range 100 }}", 20)+strings.Repeat("{{ end }}", 20), filled, "x.tmpl:1", work)
	add("range that breaks late", "{{ range $x := 1000000000000 }}{{ if eq $x 999999999999 }}{{ break }}{{ end }}{{ end }}", filled, work)
	add("range with else", "{{ range 0 }}{{ else }}{{ range 9223372036854775807 }}{{ end }}{{ end }}", filled, work)
	add("range of texts", "{{ range 1000000 }}0123456789{{ end }}", filled, "4194304 bytes are produced")
	add("printf with a width", `{{ printf "%99999999d" 1 }}`, filled, "could be produced")
	add("printf with a width as argument", `{{ printf "%*d" 99999999 1 }}`, filled, "a width cannot be an")
	add("printf with a precision", `{{ printf "%.99999999f" 1.5 }}`, filled, "could be produced")
	add("printf doubles", `{{ $x := "0123456789" }}`+strings.Repeat(`{{ $x = printf "%s%s" $x $x }}`, 40), filled, "could be produced")
	add("print doubles", `{{ $x := "0123456789" }}`+strings.Repeat(`{{ $x = print $x $x }}`, 40), filled, "could be produced")
	add("many large variables", `{{ $x := "0123456789" }}`+strings.Repeat(`{{ $x = print $x $x }}`, 16)+ten(ten(`{{ $y := print $x $x $x }}`))+ten(ten(`{{ $y := print $x $x $x }}`)), filled, data)
	add("escapes of escapes", `{{ $x := "\"\"\"\"" }}`+strings.Repeat(`{{ $x = js $x }}`, 60), filled, "could be produced")
	add("json of json", `{{ $x := "\"" }}`+strings.Repeat(`{{ $x = json $x }}`, 60), filled, "could be produced")
	add("indent of many lines", `{{ $x := "\n\n\n\n\n\n\n\n" }}`+strings.Repeat(`{{ $x = indent 80 $x }}{{ $x = print $x $x }}`, 40), filled, "be produced")
	add("calls itself", `{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`, filled, "x.tmpl:1: templates call each other more than 50 deep")
	fan := `{{ define "a0" }}{{ end }}`
	for i := range 30 {
		fan += fmt.Sprintf(`{{ define "a%d" }}%s{{ end }}`, i+1, ten(fmt.Sprintf(`{{ template "a%d" }}`, i)))
	}
	add("calls fan out", fan+`{{ template "a30" }}`, filled, work)
	add("a million ifs", strings.Repeat("{{if 1}}", 100_000), "error: Template cannot be read", "x.tmpl:1: more than 100 blocks")
	add("many else ifs", "{{ if 0 }}\n"+strings.Repeat("{{ else if 0 }}\n", 50_000)+"{{ end }}", "error: Template cannot be read", "x.tmpl:101: more than 100 blocks")
	add("many parentheses", "{{ "+strings.Repeat("(", 300_000)+"1"+strings.Repeat(")", 300_000)+" }}", "error: Template cannot be read", "x.tmpl:1: more than 100 blocks or parentheses")
	add("many actions", strings.Repeat("{{ 1 }}\n", 100_000), "error: Template cannot be read", "x.tmpl:50001: more than 50000 actions")
	add("too many bytes", strings.Repeat("0123456789\n", 200_000), "error: Template cannot be read", "x.tmpl:95326: more than 1048576 bytes")
	add("unclosed action", "a\nb\n{{ .x ", "error: Template cannot be read", "x.tmpl:3")
	add("unclosed comment", "a\n{{/* x ", "error: Template cannot be read", "x.tmpl:2")
	add("end without block", "a\n{{ end }}", "error: Template cannot be read", "x.tmpl:2")
	return out
}
