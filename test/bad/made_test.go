package bad

import "testing"

// made are the cases that a program makes: large, or of a kind that no archive holds.
func made() []bad {
	return []bad{
		{category: "command line", name: "no such file", build: nothing, args: []string{"validate", "-i", "no-such.hcl"}, says: []string{"no-such.hcl"}},
		{category: "command line", name: "unknown flag", build: nothing, args: []string{"validate", "--nope"}, says: []string{"unknown flag: --nope"}},
		{category: "command line", name: "unknown command", build: nothing, args: []string{"statsu"}, says: []string{"did you mean status?"}},
		{category: "wide-format", name: "format", build: content(`format("%9999999s", "x")`), says: []string{"haprov.hcl:6", "format()"}},
	}
}

func nothing(*testing.T, string) {}

// content is a play with one expression.
func content(expression string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { put(t, dir, "haprov.hcl", play(expression)) }
}
