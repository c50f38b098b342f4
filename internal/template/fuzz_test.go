package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/budget"
	"haprov/internal/template"
)

// FuzzTemplate must neither panic nor go on for ever, whatever the template is, and must name the
// file in what it refuses.
func FuzzTemplate(f *testing.F) {
	shipped, _ := filepath.Glob("../../templates/*")
	for _, name := range shipped {
		if text, err := os.ReadFile(name); err == nil {
			f.Add(string(text))
		}
	}
	for _, s := range []string{
		`{{ range 1000 }}{{ printf "%9s" . }}{{ end }}`, `{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`,
		`{{ with $x := .m }}{{ $x.k }}{{ else with .l }}{{ . }}{{ end }}`, `{{ range $i, $e := .l }}{{ if $i }},{{ else if 1 }}{{ continue }}{{ end }}{{ end }}`,
		`{{ join " " .l "name" | sql | cnf }}`, `{{ block "b" . }}{{ json . }}{{ break }}{{ end }}`, `{{/* {{ if */}}{{- "}}" -}}`,
	} {
		f.Add(s)
	}
	values := map[string]any{"s": "text", "n": int64(7), "m": map[string]any{"k": "v"}, "l": []any{map[string]any{"name": "a"}, "b", 1.5, nil}}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := template.Parse("x.tmpl", text)
		if err == nil {
			_, err = p.Render(values, budget.New())
		}
		if err != nil && !strings.HasPrefix(err.Error(), "x.tmpl") && !strings.HasPrefix(err.Error(), "All files together") {
			t.Errorf("the error does not name the file: %v", err)
		}
	})
}
