// Package template renders configuration files: Go's text/template, strict, with a few functions.
//
// A name that is not given is an error, never an empty text. Rendering is pure: the same values
// make the same bytes. It must not know where templates or values come from.
package template

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
)

// MaxOutput bounds what one template may make, in bytes.
const MaxOutput = 4 << 20

// Template is a parsed template. It may be rendered from several goroutines.
type Template struct{ t *template.Template }

// Parse reads a template; name stands in its errors.
func Parse(name, text string) (*Template, error) {
	t, err := template.New(name).Option("missingkey=error").Funcs(functions).Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	return &Template{t}, nil
}

var (
	missing   = regexp.MustCompile(`map has no entry for key (".*")`)
	executing = regexp.MustCompile(`: executing ".*?" at `)
)

// Render fills the template with plain values: texts, int64, float64, bools, []any and
// map[string]any.
func (t *Template) Render(values map[string]any) (string, error) {
	var b limited
	if err := t.t.Execute(&b, values); err != nil {
		s := strings.TrimPrefix(err.Error(), "template: ")
		s = executing.ReplaceAllString(s, ": at ")
		s = missing.ReplaceAllString(s, "no value for $1 was given")
		return "", errors.New(s)
	}
	return b.String(), nil
}

type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > MaxOutput {
		return 0, fmt.Errorf("more than %d bytes come out", MaxOutput)
	}
	return l.Buffer.Write(p)
}
