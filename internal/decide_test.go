package internal_test

import (
	"go/ast"
	"path"
	"strings"
	"testing"
)

// Every case of a cluster kind, in a table or as a file, is decided by kindtest, which decides it twice,
// holds that both are the same, and compares the whole step before and after: nothing is remembered.
func TestEveryCaseOfAClusterKindIsDecidedTwice(t *testing.T) {
	kinds := map[string]bool{}
	each(t, func(house, file string, f *ast.File) {
		if house != "kind" || strings.HasPrefix(file, "kind/kindtest/") {
			return
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && fn.Name.Name == "Decide" && count(fn.Type.Params) == 2 {
				kinds[path.Dir(file)] = true
			}
		}
		if !strings.HasSuffix(file, "_test.go") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := s.X.(*ast.Ident)
			if s.Sel.Name == "Decide" && len(call.Args) == 2 && !(ok && x.Name == "kindtest") {
				t.Errorf("%s decides a cluster step once: let kindtest.Decide do it", file)
			}
			return true
		})
	})
	if len(kinds) < 7 {
		t.Errorf("%d packages with cluster kinds were found", len(kinds))
	}
}

func count(l *ast.FieldList) (n int) {
	for _, f := range l.List {
		n += max(1, len(f.Names))
	}
	return n
}
