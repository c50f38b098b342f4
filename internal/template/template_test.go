package template_test

import (
	"strings"
	"testing"

	"haprov/internal/budget"
	"haprov/internal/template"
)

func render(t *testing.T, text string, values map[string]any) (string, error) {
	t.Helper()
	p, err := template.Parse("x.tmpl", text)
	if err != nil {
		return "", err
	}
	return p.Render(values, budget.New())
}

func TestValuesAreEncodedForTheirFormat(t *testing.T) {
	values := map[string]any{
		"name": "db1", "n": int64(3), "bad": "a } b", "line": "x\ny", "quote": `it's "so" \`,
		"hosts": []any{map[string]any{"name": "a"}, map[string]any{"name": "b"}},
		"vip":   "10.0.0.9/24",
	}
	for text, want := range map[string]string{
		`{{ word .name }}`:                    "db1",
		`{{ cnf .name }}`:                     "db1",
		`{{ cnf .quote }}`:                    `"it's \"so\" \\"`,
		`{{ sql .quote }}`:                    `'it''s "so" \\'`,
		`{{ sql .line }}`:                     `'x\ny'`,
		`{{ shell .quote }}`:                  `'it'\''s "so" \'`,
		`{{ json .hosts }}`:                   `[{"name":"a"},{"name":"b"}]`,
		`{{ join ", " .hosts "name" }}`:       "a, b",
		`{{ ip .vip }}`:                       "10.0.0.9",
		`{{ add .n 1 }}`:                      "4",
		`{{ indent 2 .line }}`:                "x\n  y",
		`{{ upper .name }}{{ lower "A" }}`:    "DB1a",
		`{{ field (index .hosts 0) "name" }}`: "a",
	} {
		got, err := render(t, text, values)
		if err != nil || got != want {
			t.Errorf("%s gave %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestWhatWouldBreakOutIsRefused(t *testing.T) {
	values := map[string]any{"bad": "a } b", "line": "x\ny", "zero": "\x00", "hosts": []any{"a"}, "m": map[string]any{}}
	for text, want := range map[string]string{
		`{{ word .bad }}`:           "bare word",
		`{{ word "" }}`:             "bare word",
		`{{ cnf .line }}`:           "one line",
		`{{ sql .zero }}`:           "zero byte",
		`{{ join "," .hosts "x" }}`: `no "x"`,
		`{{ ip "x" }}`:              "ParseAddr",
		`{{ .nothing }}`:            `no value for "nothing" was given`,
		`{{ .m.nothing }}`:          `no value for "nothing" was given`,
		`{{ field .m "x" }}`:        `there is no "x"`,
		`{{ if }}`:                  "missing value for if",
		`{{ exec "x" }}`:            `function "exec" not defined`,
	} {
		if got, err := render(t, text, values); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x.tmpl:1") {
			t.Errorf("%s gave %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestAnEndlessTemplateEnds(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	if _, err := render(t, `{{ range .l }}{{ $.x }}{{ end }}`, map[string]any{"x": long, "l": make([]any, 100)}); err == nil || !strings.Contains(err.Error(), "bytes are produced") {
		t.Errorf("%v", err)
	}
}

func TestLoopsRunOverEverythingThatGoAllows(t *testing.T) {
	values := map[string]any{"l": []any{"a", "b"}, "m": map[string]any{"k": "v"}, "e": []any{}, "none": nil, "n": int64(3), "s": "xy"}
	for text, want := range map[string]string{
		`{{ range .l }}{{ . }};{{ end }}`:                                     "a;b;",
		`{{ range $i, $x := .l }}{{ $i }}{{ $x }}{{ end }}`:                   "0a1b",
		`{{ range $k, $v := .m }}{{ $k }}={{ $v }}{{ end }}`:                  "k=v",
		`{{ range .e }}x{{ else }}none{{ end }}`:                              "none",
		`{{ range .none }}x{{ else }}none{{ end }}`:                           "none",
		`{{ range .n }}{{ . }}{{ end }}`:                                      "012",
		`{{ range 2 }}{{ range 2 }}.{{ end }};{{ end }}`:                      "..;..;",
		`{{ range .l }}{{ if eq . "b" }}{{ break }}{{ end }}{{ . }}{{ end }}`: "a",
		`{{ range (join "," .l) | printf "%s" | len }}.{{ end }}`:             "...",
	} {
		if got, err := render(t, text, values); err != nil || got != want {
			t.Errorf("%s gave %q, %v; want %q", text, got, err, want)
		}
	}
	if _, err := render(t, "\n{{ range 1.5 }}{{ end }}", values); err == nil || strings.Contains(err.Error(), "turns") || !strings.HasPrefix(err.Error(), "x.tmpl:2:") {
		t.Errorf("%v", err)
	}
}
