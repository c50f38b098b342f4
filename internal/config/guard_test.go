package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"haprov/internal/config"
	"haprov/internal/config/source"
)

func load(text string) config.Problems {
	_, problems := config.Load("haprov.hcl", config.Options{Text: []byte(text), Secrets: secrets{}})
	return problems
}

// TestBombsMeetALimit gives what kills the parser, or fills the memory, when it is let through.
func TestBombsMeetALimit(t *testing.T) {
	n := 45_000
	in := func(expr string) string {
		return "host \"h\" {\n  address = \"10.0.0.1\"\n  vars = { x = " + expr + " }\n}\n"
	}
	big := "[" + strings.Repeat("1,", 400) + "1]"
	for name, c := range map[string]struct{ text, want string }{
		"parentheses":         {in(strings.Repeat("(", n) + "1" + strings.Repeat(")", n)), "Nesting is too deep"},
		"lists":               {in(strings.Repeat("[", n) + strings.Repeat("]", n)), "Nesting is too deep"},
		"objects":             {in(strings.Repeat("{a=", n) + "1" + strings.Repeat("}", n)), "Nesting is too deep"},
		"blocks":              {strings.Repeat("a {\n", 100_000) + strings.Repeat("}\n", 100_000), "File has too many words"},
		"fewer blocks":        {strings.Repeat("a {\n", 5000) + strings.Repeat("}\n", 5000), "Nesting is too deep"},
		"templates":           {in(strings.Repeat(`"${`, 50_000) + "1" + strings.Repeat(`}"`, 50_000)), "File has too many words"},
		"fewer templates":     {in(strings.Repeat(`"${`, 5000) + "1" + strings.Repeat(`}"`, 5000)), "Nesting is too deep"},
		"signs":               {in(strings.Repeat("!", n) + "true"), "Too many signs in a row"},
		"conditions":          {in(strings.Repeat("true ? 1 : ", 20_000) + "1"), "Expression has too many operators"},
		"sums":                {in(strings.Repeat("1+", 90_000) + "1"), "Expression has too many operators"},
		"a number":            {in(strings.Repeat("9", n)), "Number is too long"},
		"an exponent":         {in("1e999999999"), "Number is too long"},
		"a text":              {in(`"` + strings.Repeat("x", 300<<10) + `"`), "Text is too long"},
		"a file":              {strings.Repeat("# x\n", 300_000), "File is too large"},
		"loops":               {in("[for a in " + big + " : [for b in " + big + " : [for c in " + big + " : a]]]"), "Evaluation makes too much data"},
		"a wide format":       {in(`format("%999999999d", 1)`), "format(): wrong arguments"},
		"a growing text":      {in(`replace(` + fmt.Sprintf("%q", strings.Repeat("a", 100_000)) + `, "a", ` + fmt.Sprintf("%q", strings.Repeat("b", 100_000)) + `)`), "replace(): wrong arguments"},
		"unclosed everything": {strings.Repeat("([{\"${", 2000), "Nesting is too deep"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			problems := load(c.text)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if len(problems) == 0 || problems[0].Summary != c.want {
				t.Errorf("found %.500s, expected %s", problems.Render(80, false), c.want)
			}
			if took > time.Minute { // without the limits they take hours, or end the program
				t.Errorf("took %s", took)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 1200 {
				t.Errorf("allocated %d MB in all", mb)
			}
		})
	}
}

// TestManyMistakesAreCounted shows twenty and counts the rest.
func TestManyMistakesAreCounted(t *testing.T) {
	var b strings.Builder
	for i := range 50 {
		fmt.Fprintf(&b, "host \"h%d\" { addres = \"10.0.0.%d\" }\n", i, i)
	}
	problems := load(b.String())
	if len(problems) != 100 { // unknown argument, no address
		t.Errorf("%d problems", len(problems))
	}
	text := problems.Render(80, false)
	if strings.Count(text, "error:") != source.Shown || !strings.Contains(text, "... and 80 more") {
		t.Errorf("%s", text)
	}
	for i, p := range problems[1:] {
		if p.Line < problems[i].Line {
			t.Errorf("line %d after %d", p.Line, problems[i].Line)
		}
	}
}

// FuzzLoad must not panic, whatever is read, and must say something about what it refuses.
func FuzzLoad(f *testing.F) {
	for _, dir := range []string{"testdata/bad", "testdata/good"} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if text, err := os.ReadFile(dir + "/" + e.Name()); err == nil && strings.HasSuffix(e.Name(), ".hcl") {
				f.Add(string(text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, problems := config.Load("testdata/fuzz.hcl", config.Options{Text: []byte(text), Secrets: secrets{}})
		if (p == nil) != problems.Failed() {
			t.Errorf("program %v, problems %v", p != nil, problems)
		}
		problems.Render(40, true)
	})
}

func TestLoopsSideBySideAreNotNested(t *testing.T) {
	side := strings.Repeat("[for x in group.db.hosts : x.name], ", 30)
	text := "network \"a\" { cidr = \"10.0.0.0/24\" }\nhost \"db1\" {\n  address = \"10.0.0.1\"\n  vars = { x = length([" + strings.ReplaceAll(side, "group.db.hosts", "[\"a\"]") + "]) }\n}\n"
	for _, p := range load(strings.ReplaceAll(text, "x.name", "x")) {
		t.Errorf("%s: %s", p.Summary, p.Detail)
	}
}

// TestAFileIsCountedOnce reads one file for many hosts: all files together have a limit, the same
// one again is not another.
func TestAFileIsCountedOnce(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "host \"h%d\" { address = \"10.0.0.%d\" }\n", i, i+1)
	}
	text.WriteString("cluster \"c\" { recipe = \"r\" }\nrecipe \"r\" {\n  on \"all\" {\n    file \"/x\" { content = file(\"x\") }\n  }\n}\n")
	for name, s := range map[string]string{"haprov.hcl": text.String(), "templates/x": strings.Repeat("0123456789abcde\n", 20_000)} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, problems := config.Load(filepath.Join(dir, "haprov.hcl"), config.Options{}); len(problems) > 0 {
		t.Errorf("%s", problems.Render(80, false))
	}
}
