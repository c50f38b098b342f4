package source

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A secret must never stand in a problem. Values that the language marks as sensitive are not quoted
// (describe, readable), and the errors of functions, operators and templates that were given one are
// replaced (diags, fill). Only the line of the file that a problem shows is masked by value: there a
// secret may be written out.

// gives are the functions whose result is a secret.
var gives = map[string]bool{"secret": true, "certificate": true, "ssh_key": true}

// reveals reports whether the error of an expression may hold a secret: it works with one in this
// scope. A call that gives a secret does not know it before it is given.
func reveals(e hcl.Expression, ctx *hcl.EvalContext) bool {
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok && gives[call.Name] {
		return slices.ContainsFunc(call.Args, func(a hclsyntax.Expression) bool { return namesSecret(a, ctx) })
	}
	return namesSecret(e, ctx)
}

// namesSecret reports whether a secret is named or made in an expression. What cannot be seen, such as
// the element of a splat, counts as one.
func namesSecret(e hcl.Expression, ctx *hcl.EvalContext) bool {
	node, ok := e.(hclsyntax.Node)
	if !ok {
		return true
	}
	found := false
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.FunctionCallExpr:
			found = found || gives[n.Name]
		case *hclsyntax.AnonSymbolExpr:
			found = true
		case *hclsyntax.ScopeTraversalExpr:
			found = found || holdsSecret(n.Traversal, ctx)
		}
		return nil
	})
	return found
}

// holdsSecret follows a name as far as it goes.
func holdsSecret(t hcl.Traversal, ctx *hcl.EvalContext) bool {
	v, _ := root(t.RootName(), ctx)
	for _, step := range t[1:] {
		if v == cty.NilVal || v.IsMarked() {
			break
		}
		next, diags := hcl.Traversal{step}.TraverseRel(v)
		if diags.HasErrors() {
			break
		}
		v = next
	}
	return v != cty.NilVal && v.ContainsMarked()
}

// harmless is an error that is known to hold nothing of a value.
type harmless struct{ cause error }

func (h harmless) Error() string { return h.cause.Error() }

// Sayable marks an error as one that holds nothing of a value: it is told as it is.
func Sayable(err error) error { return harmless{err} }
