// Package internal_test holds the house's floors: who may import whom.
package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// floors, low to high. A package imports only packages of lower floors, or its own children.
var floors = [][]string{
	{"shell", "file", "dag", "budget"},
	{"secret"},
	{"probe", "inventory", "protocol"},
	{"act", "cluster"}, // an action names what it touches in the words of probe, a tool is asked in them
	{"plan", "facts", "template", "transport", "preflight", "lint"},
	{"status"}, // steps declare what it shows
	{"kind"},
	{"kinds"},
	{"recipe"},
	{"config", "engine", "lab"},
	{"drill", "takeover"},
	{"view"},
	{"cli"},
}

// only names the packages that may import a module; tests may, wherever they are. secret/sshkey makes keys
// and logs in nowhere.
var only = map[string][]string{
	"github.com/hashicorp/hcl/v2": {"config"},
	"github.com/zclconf/go-cty":   {"config"},
	"golang.org/x/crypto/ssh":     {"transport", "secret"},
	"github.com/pkg/sftp":         {"transport"},
	"github.com/spf13/cobra":      {"cli"},

	"github.com/anishathalye/porcupine": {"drill"},
	"github.com/go-sql-driver/mysql":    {"protocol"},
	"github.com/jackc/pgx/v5":           {"protocol"},
}

func TestPackagesImportOnlyLowerFloors(t *testing.T) {
	floor := map[string]int{}
	for n, names := range floors {
		for _, name := range names {
			floor[name] = n
		}
	}
	each(t, func(house, file string, f *ast.File) {
		mine, known := floor[house]
		if !known {
			t.Errorf("%s: %s has no floor: give it one in floors", file, house)
			return
		}
		for _, i := range f.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			theirs, inside := strings.CutPrefix(name, "haprov/internal/")
			if !inside || strings.HasSuffix(file, "_test.go") {
				continue
			}
			theirs, _, _ = strings.Cut(theirs, "/")
			if theirs != house && floor[theirs] >= mine {
				t.Errorf("%s: %s (floor %d) imports %s (floor %d)", file, house, mine, theirs, floor[theirs])
			}
		}
	})
}

func TestModulesHaveOneImportSite(t *testing.T) {
	each(t, func(house, file string, f *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, i := range f.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			for module, houses := range only {
				if name != module && !strings.HasPrefix(name, module+"/") {
					continue
				}
				allowed := false
				for _, h := range houses {
					allowed = allowed || h == house
				}
				if !allowed {
					t.Errorf("%s: %s is imported only by %s", file, name, strings.Join(houses, ", "))
				}
			}
		}
	})
}

// Only cmd hands the terminal out; everything else is given its writers.
func TestNothingInsideKnowsTheTerminal(t *testing.T) {
	each(t, func(_, file string, f *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := s.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch at := x.Name + "." + s.Sel.Name; at {
			case "fmt.Print", "fmt.Printf", "fmt.Println", "os.Stdout", "os.Stderr":
				t.Errorf("%s: %s: write to the writer that was passed in", file, at)
			}
			return true
		})
	})
}

// each visits every Go file below internal; house is the first element of its folder.
func each(t *testing.T, visit func(house, file string, f *ast.File)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		house, _, deeper := strings.Cut(filepath.ToSlash(file), "/")
		if d.IsDir() || !deeper || path.Ext(file) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		n++
		visit(house, file, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatal("no file was looked at")
	}
}
