package bad

import (
	"fmt"
	"testing"
)

// row is a case whose mistake stands in one line of a small play.
type row struct{ category, name, text, says string }

// rows are mistakes in a single expression, argument or block.
func rows() (out []bad) {
	for _, r := range expressions {
		out = append(out, bad{category: r.category, name: r.name, says: []string{"haprov.hcl:6:", r.says}, build: content(r.text)})
	}
	for _, r := range steps {
		out = append(out, r.with("host \"db1\" { address = \"10.0.0.1\" }\ncluster \"c\" { recipe = \"r\" }\nrecipe \"r\" {\n  on \"all\" {\n%s\n  }\n}\n", 5))
	}
	for _, r := range recipes {
		out = append(out, r.with("host \"db1\" { address = \"10.0.0.1\" }\ncluster \"c\" { recipe = \"r\" }\nrecipe \"r\" {\n  on \"all\" {\n  }\n%s\n}\n", 6))
	}
	for _, r := range inventories {
		out = append(out, r.with("network \"a\" { cidr = \"10.0.0.0/24\" }\nhost \"db1\" { address = \"10.0.0.1\" }\nrecipe \"r\" {\n  input \"n\" { type = number }\n  on \"all\" {\n  }\n}\n%s\n", 8))
	}
	return out
}

// with puts a row's text into a play, where it begins at a line.
func (r row) with(play string, line int) bad {
	return bad{category: r.category, name: r.name, says: []string{fmt.Sprintf("haprov.hcl:%d:", line), r.says},
		build: func(t *testing.T, dir string) { put(t, dir, "haprov.hcl", fmt.Appendf(nil, play, r.text)) }}
}

// expressions stand where a text is expected.
var expressions = []row{
	{"functions", "too few arguments", `split(",")`, "Not enough function arguments"},
	{"functions", "too many arguments", `lower("a", "b")`, "Too many function arguments"},
	{"functions", "a list for a text", `lower([])`, "string required"},
	{"functions", "null for a text", `upper(null)`, "upper()"},
	{"functions", "no such function", `uper("a")`, "Unknown function"},
	{"functions", "a namespace", `core::upper("a")`, "Unknown function"},
	{"functions", "lookup in a text", `lookup("a", "b", "c")`, "lookup()"},
	{"functions", "keys of a list", `keys([1])`, "keys()"},
	{"functions", "expanding a number", `join(",", 5...)`, "Invalid expanding argument value"},
	{"functions", "format without arguments", `format("%s")`, "format()"},
	{"functions", "format with too many arguments", `format("x", 1)`, "format()"},
	{"functions", "format of a list as number", `format("%d", [])`, "format()"},
	{"functions", "length of a number", `length(5)`, "length()"},
	{"functions", "coalesce of nothing", `coalesce()`, "coalesce()"},
	{"functions", "min of texts", `min("a", "b")`, "a number is required"},
	{"functions", "secret with a bad name", `secret("A B")`, "secret()"},
	{"functions", "secret too short", `secret("a", 3)`, "secret()"},
	{"functions", "secret with a huge length", `secret("a", 1e300)`, "secret()"},
	{"functions", "template with a text for values", `template("x", "y")`, "template()"},
	{"functions", "file of a path", `file("/etc/passwd")`, "file()"},
	{"functions", "file above the folder", `file("../haprov.hcl")`, "file()"},
	{"certificates", "a bad name", `certificate("A B").cert`, "certificate()"},
	{"certificates", "named as its authority", `certificate("ca").cert`, "certificate()"},
	{"certificates", "no such part", `certificate("a").cret`, "Unsupported attribute"},
	{"certificates", "an address that is none", `certificate("a", "10.0.0.1/24").cert`, "certificate()"},
	{"certificates", "other addresses than before", `"${certificate("a").cert}${certificate("a", "10.0.0.1").cert}"`, "certificate()"},
	{"certificates", "as a whole", `certificate("a")`, "Wrong type"},
	{"networks", "a host number too high", `cidrhost("10.0.0.0/24", 256)`, "cidrhost()"},
	{"networks", "a host number too low", `cidrhost("10.0.0.0/24", -257)`, "cidrhost()"},
	{"networks", "no network", `cidrhost("10.0.0.0", 1)`, "cidrhost()"},
	{"networks", "another family", `cidrhost("fd00::/64", 1)`, "cidrhost()"},
	{"networks", "a prefix too long", `cidrnetmask("10.0.0.0/33")`, "cidrnetmask()"},
	{"networks", "a text without network", `cidraddress("x")`, "cidraddress()"},
	{"networks", "an octet too large", `cidrnetwork("10.0.0.256/24")`, "cidrnetwork()"},
	{"networks", "a negative prefix", `cidrlength("10.0.0.0/-1")`, "cidrlength()"},
	{"numbers", "division by zero", `1 / 0`, "The result is infinite"},
	{"numbers", "zero by zero", `0 / 0`, "error: "},
	{"numbers", "more than can be printed", `1e999 * 1e999`, "Number is too large"},
	{"numbers", "less than can be printed", `1e-999 * 1e-999`, "Number is too large"},
	{"numbers", "an exponent of many digits", `1e99999`, "Number is too long"},
	{"numbers", "not a number", `1 + "a"`, "Invalid operand"},
	{"numbers", "a sum of lists", `[1] + [2]`, "Invalid operand"},
	{"numbers", "an index too high", `["a"][1]`, "Invalid index"},
	{"numbers", "a fraction as index", `["a"][0.5]`, "Invalid index"},
	{"numbers", "a negative index", `["a"][-1]`, "Invalid index"},
	{"values", "a list", `["a"]`, "Wrong type"},
	{"values", "an object", `{ a = 1 }`, "Wrong type"},
	{"values", "a loop over null", `[for x in null : x]`, "Iteration over null value"},
	{"values", "a loop over a number", `[for x in 5 : x]`, "Iteration over non-iterable value"},
	{"values", "the same key twice", `{ for x in ["a", "a"] : x => 1 }`, "Duplicate object key"},
	{"values", "a condition of another type", `"x" ? "a" : "b"`, "Incorrect condition type"},
	{"values", "a condition of two types", `true ? "a" : ["b"]`, "Inconsistent conditional result types"},
	{"values", "null in a text", `"a${null}"`, "Invalid template interpolation value"},
	{"values", "a list in a text", `"a${["b"]}"`, "Invalid template interpolation value"},
	{"values", "an attribute of a text", `"a".b`, "Unsupported attribute"},
	{"values", "a splat of null", `null[*]`, "Wrong type"},
}

// steps stand in an on block.
var steps = []row{
	{"for-each", "a number", `    package "p" { for_each = 5 }`, `Wrong type for "for_each"`},
	{"for-each", "a text", `    package "p" { for_each = "a" }`, `Wrong type for "for_each"`},
	{"for-each", "a secret", `    package "p" { for_each = [secret("a")] }`, "Sensitive value"},
	{"for-each", "a fact", `    package "p" { for_each = [facts.kernel] }`, "error: "},
	{"for-each", "the same twice", `    package "p" { for_each = ["a", "a"] }`, "for_each"},
	{"use", "an unknown recipe", `    use "nope" {}`, "Unknown recipe"},
	{"use", "itself", `    use "r" {}`, "Recipes use each other in a cycle"},
	{"use", "a path", `    use "../r" {}`, "Invalid name for a recipe"},
	{"use", "a recipe of other roles with for_each", `    use "r" { for_each = ["a"] }`, "error: "},
	{"use", "no name", `    use {}`, "needs a name"},
	{"use", "two names", `    use "a" "b" {}`, "too many names"},
	{"use", "an unknown argument", `    use "r" { input = {} }`, "Unknown argument"},
	{"when", "a text", `    package "p" { when = "yes" }`, `Wrong type for "when"`},
	{"when", "a number", `    package "p" { when = 1 }`, `Wrong type for "when"`},
	{"when", "null", `    package "p" { when = null }`, `Wrong type for "when"`},
	{"when", "a secret", `    package "p" { when = secret("a") == "b" }`, "Sensitive value"},
}

// recipes stand in a recipe.
var recipes = []row{
	{"checks", "an unknown place", `  check "c" { run = "true", on = "all" }`, "error: "},
	{"checks", "no command", `  check "c" {}`, `Missing argument "run"`},
	{"checks", "a list as command", `  check "c" { run = ["true"] }`, `Wrong type for "run"`},
	{"checks", "a secret in the command", `  check "c" { run = "echo ${secret("a")}" }`, "Sensitive value"},
	{"endpoints", "a text", `  endpoint = "10.0.0.9:80"`, `"endpoint" is a block`},
	{"endpoints", "no address", `  endpoint "e" { port = 80 }`, `Missing argument "address"`},
	{"endpoints", "no port", `  endpoint "e" { address = "10.0.0.9" }`, `Missing argument "port"`},
	{"endpoints", "no name", `  endpoint { port = 80 }`, "needs a name"},
	{"inputs", "no type", `  input "x" {}`, `Missing argument "type"`},
	{"inputs", "an unknown type", `  input "x" { type = sting }`, "Unknown type"},
	{"inputs", "a type of a text", `  input "x" { type = "string" }`, "Not a type"},
	{"inputs", "a list of nothing", `  input "x" { type = list() }`, "Not a type"},
	{"inputs", "a bad name", `  input "A-B" { type = string }`, "Invalid name for an input"},
	{"inputs", "roles with a negative size", `  role "x" { min = -1 }`, "out of range"},
	{"inputs", "roles with a fraction as size", `  role "x" { max = 1.5 }`, "Wrong type"},
	{"inputs", "an unknown need", `  needs = ["fence"]`, "unknown value"},
}

// inventories stand in an inventory, beside a host db1, a network a and a recipe r.
var inventories = []row{
	{"inputs", "not given", `cluster "c" { recipe = "r" }`, `Missing input "n"`},
	{"inputs", "of another type", "cluster \"c\" { recipe = \"r\"\n  inputs = { n = \"x\" }\n}", "error: "},
	{"leaving", "an unknown host", `cluster "c" { recipe = "r" leaving = [host.x] }`, "error: "},
	{"hosts", "no address", `host "x" {}`, "Host has no address"},
	{"hosts", "an address of another network", `host "x" { address = "10.1.0.1" }`, "Address is in no network"},
	{"hosts", "the broadcast address", `host "x" { address = "10.0.0.255" }`, "Address cannot be a host's"},
	{"hosts", "an address with prefix length", `host "x" { address = "10.0.0.5/24" }`, "Invalid address"},
	{"hosts", "an address taken", `host "x" { address = "10.0.0.1" }`, "is defined twice"},
	{"hosts", "a name taken", `host "db1" { address = "10.0.0.2" }`, "is defined twice"},
	{"hosts", "a path as name", `host "../x" { address = "10.0.0.2" }`, "Invalid name for a host"},
	{"networks", "overlapping", `network "b" { cidr = "10.0.0.128/25" }`, "Networks overlap"},
	{"networks", "with host bits", `network "b" { cidr = "10.1.0.1/24" }`, "Invalid network"},
	{"networks", "of loopback", `network "b" { cidr = "127.0.0.0/8" }`, "Invalid network"},
	{"networks", "an IPv6 prefix too long", `network "b" { cidr = "fd00::/129" }`, "Invalid network"},
	{"groups", "an unknown host", `group "g" { hosts = [host.x] }`, "Unknown host"},
	{"groups", "a number", `group "g" { hosts = [5] }`, "Not a host"},
	{"groups", "itself", `group "g" { hosts = group.g }`, "Unknown group"},
	{"groups", "a loop", `group "g" { hosts = [for h in [1] : h] }`, `Wrong type for "hosts"`},
	{"groups", "variables that are a list", "group \"g\" { hosts = [host.db1]\n  vars = []\n}", "error: "},
	{"ssh", "a port too high", `ssh { port = 65536 }`, "out of range"},
	{"ssh", "a text as port", `ssh { port = "ssh" }`, "Wrong type"},
	{"ssh", "an unknown argument", `ssh { password = "c4n4ry-secret" }`, "Unknown argument"},
	{"labs", "an unknown image", `lab "l" { image = "plan-9" }`, "plan-9"},
	{"labs", "an unknown driver", `lab "l" { driver = "vmware" }`, "unknown value"},
	{"labs", "no memory", `lab "l" { memory = "0GiB" }`, "out of range"},
	{"labs", "a negative number of processors", `lab "l" { cpus = -1 }`, "out of range"},
}

// commands are mistakes on the command line.
func commands() (out []bad) {
	for _, c := range []struct {
		name, says string
		args       []string
	}{
		{"switchover to nobody", "nosuch", []string{"switchover", "nosuch"}},
		{"switchover with two hosts", "", []string{"switchover", "--to", "a", "b"}},
		{"maintenance without host", "", []string{"maintenance"}},
		{"maintenance of an unknown host", "nosuch", []string{"maintenance", "nosuch", "on"}},
		{"maintenance with a path", "", []string{"maintenance", "../../etc"}},
		{"recover with an argument", "", []string{"recover", "everything"}},
		{"up of an unknown cluster", "", []string{"up", "--cluster", "nope"}},
		{"sql of an unknown cluster", "", []string{"sql", "--cluster", "nope"}},
		{"adopt a bad name", "", []string{"secret", "adopt", "A/B"}},
		{"show an unknown secret", "", []string{"secret", "show", "nosuch"}},
		{"init of an unknown stack", "nosuch", []string{"init", "nosuch"}},
		{"forward to everybody", "loopback", []string{"forward", "--listen", "0.0.0.0:1"}},
		{"an inventory name with a line end", "no such file", []string{"validate", "-i", "a\nb"}},
		{"an inventory name with escapes", "no such file", []string{"validate", "-i", "\x1b[31mred"}},
		{"a long inventory name", "too long", []string{"validate", "-i", long}},
		{"a flag without value", "needs an argument", []string{"validate", "-i"}},
		{"link of an unknown machine", "", []string{"lab", "cut", "nosuch"}},
	} {
		says := []string{"haprov: "}
		if c.says != "" {
			says = []string{c.says}
		}
		out = append(out, bad{category: "command line", name: c.name, args: c.args, says: says,
			build: content(`"x"`)})
	}
	return out
}

var long = fmt.Sprintf("%05000d", 1)
