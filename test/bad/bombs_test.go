package bad

import (
	"fmt"
	"strings"
	"testing"
)

// bombs are small files whose evaluation would take hours or gigabytes.
func bombs() (out []bad) {
	expression := func(name, text string, says ...string) {
		out = append(out, bad{category: "expression bombs", name: name, build: content(text), says: append([]string{"haprov.hcl:6:"}, says...)})
	}
	const most = `split(",", replace("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "x", replace("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "x", "a,b,c,d,")))`
	const many = `split(",", replace("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "x", replace("xxxxxxxxxxxxxxxx", "x", "a,b,c,d,")))`
	work, data := "error: Evaluation takes too much work", "error: Evaluation makes too much data"
	expression("for over split texts", `join("", [for a in `+many+` : join("", [for b in `+many+` : join("", [for c in `+many+` : "" if false])])])`, "error: Evaluation")
	expression("for in for keeps all", `jsonencode([for a in `+many+` : [for b in `+many+` : "x"]])`, data)
	expression("template loops 8 deep", `"`+strings.Repeat(`%{ for a in `+strings.ReplaceAll(many, `"`, `"`)+` }`, 8)+`x`+strings.Repeat(`%{ endfor }`, 8)+`"`)
	expression("empty template loops", `"`+strings.Repeat(`%{ for a in [1,2,3,4,5,6,7,8,9,10] }`, 20)+strings.Repeat(`%{ endfor }`, 20)+`"`, "error: Evaluation")
	expression("40 loops in a loop", `"`+strings.Repeat(`%{ for a in [1,2,3,4,5,6,7,8,9,10] }`, 5)+strings.Repeat(`%{ for b in [1,2,3,4,5,6,7,8,9,10] }%{ for c in [1,2,3,4,5,6,7,8,9,10] }%{ endfor }%{ endfor }`, 40)+strings.Repeat(`%{ endfor }`, 5)+`"`, "error: Evaluation")
	doubled := `["x"]`
	for i := range 40 {
		doubled = fmt.Sprintf("[for v%d in [%s] : [v%d, v%d]]", i, doubled, i, i)
	}
	expression("a value in itself twice", `jsonencode(`+doubled+`)`)
	expression("the same compared", doubled+` == [] ? "a" : "b"`)
	squared := `2`
	for i := range 30 {
		squared = fmt.Sprintf("[for n%d in [%s] : n%d * n%d][0]", i, squared, i, i)
	}
	expression("a number squared 30 times", squared, "error: Number is too large")
	grown := `"xxxxxxxxxx"`
	for i := range 40 {
		grown = fmt.Sprintf("[for s%d in [%s] : \"${s%d}${s%d}\"][0]", i, grown, i, i)
	}
	expression("a text doubled 40 times", grown, data)
	quoted := `"\\"`
	for range 40 {
		quoted = `jsonencode(` + quoted + `)`
	}
	expression("jsonencode of itself", quoted, "jsonencode()")
	expression("join with a long separator", `join(replace("xxxxxxxxxxxxxxxx", "x", replace("yyyyyyyyyyyyyyyy", "y", "0123456789012345678901234567890123456789")), `+many+`)`, "join()")
	expression("format repeats an argument", `format("`+strings.Repeat("%[1]s", 2000)+`", replace("xxxxxxxxxxxxxxxx", "x", replace("yyyyyyyyyyyyyyyy", "y", "0123456789012345678901234567890123456789")))`, "format()")
	expression("format with many widths", `format("`+strings.Repeat("%9999s", 2000)+`"`+strings.Repeat(`, "x"`, 2000)+`)`, "format()")
	expression("split into characters", `join(",", split("", replace("xxxxxxxxxxxxxxxx", "x", replace("yyyyyyyyyyyyyyyy", "y", "`+strings.Repeat("0", 2000)+`"))))`, "split()")
	mixed := `[for i, x in ` + most + ` : i % 2 == 0 ? x : x]`
	expression("distinct of many", `length(distinct(concat(`+many+`, [for i, x in `+many+` : "${i}${x}"], [1])))`, work)
	expression("a condition over many", `length(true ? `+mixed+` : [])`, work)
	expression("coalesce of many", `coalesce(`+mixed+`...)`, work)
	expression("errors in a loop", `join("", [for a in `+many+` : [for b in `+many+` : b.nope]])`)
	return out
}

// shapes are whole plays that are too large in one way or another.
func shapes() (out []bad) {
	add := func(name string, files map[string]string, says ...string) {
		out = append(out, bad{category: "large plays", name: name, says: says, build: func(t *testing.T, dir string) {
			for n, text := range files {
				put(t, dir, n, []byte(text))
			}
		}})
	}
	hosts := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "host \"h%d\" { address = \"10.%d.%d.%d\" }\n", i, i/60000, i/250%250, i%250+1)
		}
		return b.String()
	}
	lines := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	one := hosts(1) + "cluster \"c\" { recipe = \"r\" }\n"
	uses := map[string]string{"haprov.hcl": hosts(20) + "cluster \"c\" { recipe = \"r0\" }\n"}
	for i := range 6 {
		uses[fmt.Sprintf("recipes/r%d.hcl", i)] = fmt.Sprintf("recipe \"r%d\" {\n  on \"all\" {\n%s  }\n}\n", i, strings.Repeat(fmt.Sprintf("    use \"r%d\" {}\n", i+1), 14))
	}
	uses["recipes/r6.hcl"] = "recipe \"r6\" {\n  on \"all\" {\n  }\n}\n"
	add("use 14 wide and 6 deep", uses, "recipes/r", "error: Evaluation takes too much work")
	add("5000 steps on 100 hosts", map[string]string{"haprov.hcl": hosts(100) + "cluster \"c\" { recipe = \"r\" }\n", "recipes/r.hcl": "recipe \"r\" {\n  on \"all\" {\n" + lines(5000, "    package \"p%d\" {}\n") + "  }\n}\n"}, "recipes/r.hcl:", "error: Evaluation")
	add("5000 groups of 2000 hosts", map[string]string{"haprov.hcl": hosts(2000) + "group \"g\" { hosts = [" + lines(2000, "host.h%d, ") + "] }\n" + lines(5000, "group \"g%d\" { hosts = group.g }\n")}, "haprov.hcl:", "error: Evaluation makes too much data")
	add("a chain of inputs", map[string]string{"haprov.hcl": one, "recipes/r.hcl": "recipe \"r\" {\n  on \"all\" {\n    use \"a0\" { inputs = { x = [1,2,3,4,5,6,7,8,9,10] } }\n  }\n}\n",
		"recipes/a0.hcl": chained(0), "recipes/a1.hcl": chained(1), "recipes/a2.hcl": chained(2), "recipes/a3.hcl": chained(3), "recipes/a4.hcl": chained(4), "recipes/a5.hcl": chained(5), "recipes/a6.hcl": chained(6), "recipes/a7.hcl": chained(7),
		"recipes/a8.hcl": "recipe \"a8\" {\n  input \"x\" { type = any }\n  on \"all\" {\n    file \"/x\" { content = jsonencode(input.x) }\n  }\n}\n"}, "recipes/a", "error: Evaluation")
	add("100000 unknown names", map[string]string{"haprov.hcl": "host \"h\" {\n  address = \"10.0.0.1\"\n}\n" + lines(25000, "hots \"x%d\" {}\n")}, "haprov.hcl:4:", "and 24980 more")
	add("unknown names in one place", map[string]string{"haprov.hcl": "host \"h\" {\n  address = \"10.0.0.1\"\n  vars = {\n" + lines(40000, "  a%d = nets\n") + "}\n}\n"}, "haprov.hcl:4:")
	add("for_each over many", map[string]string{"haprov.hcl": one + "recipe \"r\" {\n  on \"all\" {\n    package \"p\" {\n      for_each = distinct([for i, x in split(\",\", \"" + strings.Repeat(",", 200000) + "\") : \"p${i}\"])\n    }\n  }\n}\n"}, "haprov.hcl:6:", "split()")
	add("too many words", map[string]string{"haprov.hcl": one + lines(60000, "a%d = [1]\n")}, "haprov.hcl:", "error: File has too many words")
	add("too many bytes", map[string]string{"haprov.hcl": one + strings.Repeat("# a line of a comment\n", 60000)}, "haprov.hcl:47", "error: File is too large")
	return out
}

func chained(n int) string {
	return fmt.Sprintf("recipe \"a%d\" {\n  input \"x\" { type = any }\n  on \"all\" {\n    use \"a%d\" { inputs = { x = [for a in [1,2,3,4,5,6,7,8,9,10] : input.x] } }\n  }\n}\n", n, n+1)
}
