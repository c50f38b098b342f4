// Package template renders configuration files: Go's text/template, strict, with a few functions.
//
// A name that is not given is an error, never an empty text. Rendering is pure: the same values
// make the same bytes. A template that never ends, or would fill the memory, is an error too: it
// spends from a budget. It must not know where templates or values come from.
package template

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"text/template"

	"haprov/internal/budget"
)

// MaxOutput bounds what one template or one function in it may make, in bytes.
const MaxOutput = 4 << 20

// Template is a parsed template. It may be rendered from several goroutines.
type Template struct {
	work int64     // of the actions of the outermost template
	runs sync.Pool // of *run
}

// Parse reads a template; name stands in its errors, with the line.
func Parse(name, text string) (*Template, error) {
	if err := scan(name, text); err != nil {
		return nil, err
	}
	t, err := template.New(name).Option("missingkey=error").Funcs((&run{}).functions(nil)).Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	work, loops := meter(t)
	out := &Template{work: work}
	out.runs.New = func() any {
		r := &run{t: template.Must(t.Clone())} // a clone fails only after it was executed
		r.t.Funcs(r.functions(loops))
		return r
	}
	return out, nil
}

var (
	missing   = regexp.MustCompile(`map has no entry for key (".*")`)
	executing = regexp.MustCompile(`: executing ".*?" at `)
	metering  = regexp.MustCompile(`^.*: error calling (turns\d+|enter): `) // which say the line themselves
	added     = regexp.MustCompile(` at <turns\d+>:`)
)

// Render fills the template with plain values: texts, int64, float64, bools, []any and
// map[string]any. What it does is spent from b, which may be nil; the error is a budget.Error, which
// holds nothing of a value, when that is why.
func (t *Template) Render(values map[string]any, b *budget.Budget) (string, error) {
	r := t.runs.Get().(*run)
	defer t.runs.Put(r)
	r.Budget, r.depth = b, 0
	if err := b.Work(t.work); err != nil {
		return "", err
	}
	var out limited
	err := r.t.Execute(&out, values)
	if err == nil {
		err = b.Bytes(int64(out.Len()))
	}
	if err != nil {
		s := strings.TrimPrefix(err.Error(), "template: ")
		s = executing.ReplaceAllString(s, ": at ")
		s = metering.ReplaceAllString(s, "")
		s = added.ReplaceAllString(s, "")
		s = missing.ReplaceAllString(s, "no value for $1 was given")
		return "", &failure{s, err}
	}
	return out.String(), nil
}

// failure is an error of rendering in words of ours.
type failure struct {
	text  string
	cause error
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() error { return f.cause }

type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > MaxOutput {
		return 0, fmt.Errorf("more than %d bytes are produced", MaxOutput)
	}
	return l.Buffer.Write(p)
}
