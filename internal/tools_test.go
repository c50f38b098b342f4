package internal_test

import (
	"go/ast"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// tools are the names by which code knows a tool; those of one tool count as one.
var tools = [][]string{
	{"mysql", "mariadb"},
	{"drbd"},
	{"galera", "wsrep"},
	{"pacemaker", "crm_mon"},
	{"corosync"},
	{"haproxy"},
}

// general are the rooms whose code names no tool: what they do is asked of the recipe's steps.
var general = []string{"status", "preflight", "recipe", "config", "cli", "view"}

// named are the files of general rooms (the room, and the file wherever it is in it) that name one all
// the same, and why. The list only shrinks.
var named = map[string]string{
	"config/load.go": "the shipped inventory that is taken when there is none",
}

// Comments may name what they like: names in code are what makes a room know a tool.
func TestGeneralRoomsNameNoTool(t *testing.T) {
	rooms := make([]map[string]bool, len(tools))
	unused := maps.Clone(named)
	each(t, func(house, file string, f *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		code := words(f)
		for i, names := range tools {
			if !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(code, n) }) {
				continue
			}
			if rooms[i] == nil {
				rooms[i] = map[string]bool{}
			}
			rooms[i][house] = true
			if at := house + "/" + path.Base(file); named[at] != "" {
				delete(unused, at)
			} else if slices.Contains(general, house) {
				t.Errorf("%s names %s: let the steps of the recipe say it (the abilities of package kind)", file, names[0])
			}
		}
	})
	for file := range unused {
		t.Errorf("%s names no tool any more: take it out of the list", file)
	}
	for i, names := range tools {
		t.Logf("%s: %d rooms (%s)", strings.Join(names, "/"), len(rooms[i]), strings.Join(slices.Sorted(maps.Keys(rooms[i])), ", "))
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
