package galera

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the parsers find into testdata")

// A case is one file, testdata/KIND-NAME.txtar: what the tool wrote (its version stands in the
// name where it was captured), and what is made of it.
func TestWhatServersWriteIsReadAsItsCasesSay(t *testing.T) {
	parse := map[string]func(string) (any, error){
		"grastate":  func(s string) (any, error) { return ParseGrastate(s) },
		"recovered": func(s string) (any, error) { return ParseRecovered(s) },
		"status":    func(s string) (any, error) { return ParseStatus(s) },
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txtar")
		kind, _, _ := strings.Cut(name, "-")
		t.Run(name, func(t *testing.T) {
			ar, err := txtar.ParseFile(f)
			if err != nil || len(ar.Files) != 2 {
				t.Fatal(err)
			}
			v, err := parse[kind](string(ar.Files[0].Data))
			got := fmt.Sprintf("%#v\n", v)
			if err != nil {
				got = "refused: " + err.Error() + "\n"
			}
			if *update {
				ar.Files[1].Data = []byte(got)
				if err := os.WriteFile(f, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(ar.Files[1].Data) {
				t.Errorf("got  %swant %s", got, ar.Files[1].Data)
			}
		})
	}
}
