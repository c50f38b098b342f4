package internal_test

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// tools are the names by which code knows a tool; those of one tool count as one. rooms are those whose
// code names it: a new one is a decision, so the test holds them.
var tools = []struct {
	names []string
	rooms string
}{
	{[]string{"mysql", "mariadb"}, "cluster, drill, kind, kinds, lint, protocol, takeover"},
	{[]string{"drbd"}, "cluster, kind, kinds, lint, takeover"},
	{[]string{"galera", "wsrep"}, "cluster, kind, kinds, lint, takeover"},
	{[]string{"pacemaker", "crm_mon"}, "cluster, kind, kinds, lint, takeover"},
	{[]string{"corosync"}, "cluster, kind, kinds, lint, takeover"},
	{[]string{"haproxy"}, "cluster, kind, kinds, lint, takeover"},
}

// general are the rooms whose code names no tool: what they do is asked of the recipe's steps.
var general = []string{"status", "preflight", "recipe", "config", "cli", "view"}

// Comments may name what they like: names in code are what makes a room know a tool.
func TestGeneralRoomsNameNoTool(t *testing.T) {
	rooms := make([]map[string]bool, len(tools))
	each(t, func(house, file string, f *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		code := words(f)
		for i, tool := range tools {
			if !slices.ContainsFunc(tool.names, func(n string) bool { return strings.Contains(code, n) }) {
				continue
			}
			if rooms[i] == nil {
				rooms[i] = map[string]bool{}
			}
			rooms[i][house] = true
			if slices.Contains(general, house) {
				t.Errorf("%s names %s: let the steps of the recipe say it (the abilities of package kind)", file, tool.names[0])
			}
		}
	})
	for i, tool := range tools {
		known := strings.Join(slices.Sorted(maps.Keys(rooms[i])), ", ")
		t.Logf("%s: %d rooms (%s)", strings.Join(tool.names, "/"), len(rooms[i]), known)
		if known != tool.rooms {
			t.Errorf("%s is named in %s; it was in %s", tool.names[0], known, tool.rooms)
		}
	}
}

// words are the identifiers and texts of a file's code, in small letters. Help texts are not among them:
// they name shipped inventories as examples, and nothing is decided by them.
func words(f *ast.File) string {
	var b strings.Builder
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			key, ok := n.Key.(*ast.Ident)
			return !ok || !slices.Contains([]string{"Use", "Short", "Long", "Example"}, key.Name)
		case *ast.Ident:
			b.WriteString(n.Name + "\n")
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				b.WriteString(n.Value + "\n")
			}
		}
		return true
	})
	return strings.ToLower(b.String())
}
