package view_test

import (
	"regexp"
	"strings"
	"testing"

	"haprov/internal/inventory"
	"haprov/internal/recipe"
	"haprov/internal/view"
)

// TestNamesAreEscapedInPictures: a name is text in each language, never a part of it.
func TestNamesAreEscapedInPictures(t *testing.T) {
	name := "x\"]; <script>alert(1)</script> & #quot; `a` \\ \x1b[31m\u009b\u202e\nn9 --> n0"
	p := &recipe.Program{
		Inventory: &inventory.Inventory{
			Networks: []inventory.Network{{Name: "n", CIDR: name, Carries: []string{name}}},
			Hosts:    []inventory.Host{{Name: "h", Addresses: []inventory.Address{{Network: "n", IP: name}}, Disks: []inventory.Disk{{Name: name}}}}},
		Clusters: []recipe.Cluster{{Name: name, Endpoints: []recipe.Endpoint{{Name: name, Address: name, Port: 1, Protocol: name}}, Hosts: []string{"h"}, Chains: []recipe.Chain{{Host: "h", Items: []*recipe.Item{{Address: "h:command." + name}, {Address: "h:file." + name}}}}}},
	}
	// every line is an edge or a node whose label is one quoted text without anything that HTML reads
	mermaid := regexp.MustCompile(`^(flowchart (LR|TB)|  n\d+ (-->|-\.-) n\d+|  n\d+ ---\|"[^"<>&\\]*"\| n\d+|  n\d+[\[({/]+"([^"<>&\\]|<br/>)*"[\])}/]+)$`)
	dot := regexp.MustCompile(`^(digraph haprov \{|  rankdir=LR|  node \[shape=box\]|\}|  "(\\.|[^"\\])*"( -> "(\\.|[^"\\])*"| \[shape=oval\]))$`)
	for _, x := range []struct {
		name string
		line *regexp.Regexp
		draw func(*strings.Builder) error
	}{
		{"graph", dot, func(b *strings.Builder) error { return view.Graph(b, p) }},
		{"graph --mermaid", mermaid, func(b *strings.Builder) error { return view.Mermaid(b, p) }},
		{"machines", mermaid, func(b *strings.Builder) error { return view.Machines(b, p) }},
	} {
		var b strings.Builder
		if err := x.draw(&b); err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(b.String()) {
			if l = strings.TrimSuffix(l, "\n"); !x.line.MatchString(l) {
				t.Errorf("%s: %q", x.name, l)
			}
		}
		if strings.ContainsAny(b.String(), "\x1b\u009b\u202e") {
			t.Errorf("%s holds what a terminal obeys", x.name)
		}
	}
}
