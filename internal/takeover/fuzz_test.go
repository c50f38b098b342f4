package takeover

import (
	"maps"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"haprov"
	"haprov/internal/config/draft"
)

// FuzzTake puts any text in the place of one file: nothing panics, and what is written is HCL with the blocks
// that an inventory has and no expression that asks for anything but a fence device's password.
func FuzzTake(f *testing.F) {
	all := byHand()
	for n, text := range threeMembers() {
		all[n] = text
	}
	names := slices.Sorted(maps.Keys(all))
	for i, n := range names {
		f.Add(uint8(i), all[n])
	}
	wants := map[bool]written{true: wanted(f, byHand()), false: wanted(f, threeMembers())}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		name := names[int(which)%len(names)]
		files := byHand()
		_, two := files[name]
		if !two {
			files = threeMembers()
		}
		files[name] = text
		x := &taking{facts: facts(files)}
		if x.read() != nil {
			return
		}
		for _, l := range x.compare(wants[two]) {
			x.leave(l)
			for _, r := range rules[x.inv.Cluster.Recipe] {
				if v, ok := r.value(l.found); ok {
					x.inv = x.inv.With(draft.Input{Name: r.input, Value: v})
				}
			}
		}
		x.write(nil)
		out := x.inv.Text()
		file, diags := hclsyntax.ParseConfig(out, "x", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%v\n%s", diags, out)
		}
		body := file.Body.(*hclsyntax.Body)
		for _, b := range body.Blocks {
			if !slices.Contains([]string{"network", "host", "cluster"}, b.Type) {
				t.Fatalf("block %s\n%s", b.Type, out)
			}
		}
		hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
			if c, ok := n.(*hclsyntax.FunctionCallExpr); ok && c.Name != "secret" {
				t.Fatalf("calls %s\n%s", c.Name, out)
			}
			return nil
		})
	})
}

// wanted is what the recipe writes for the inventory of files.
func wanted(f *testing.F, all files) written {
	x := &taking{facts: facts(all)}
	if err := x.read(); err != nil {
		f.Fatal(err)
	}
	p, problems := load(filled(x.inv), haprov.Shipped)
	if p == nil {
		f.Fatal(problems.Render(100, false))
	}
	return x.rendered(p)
}
