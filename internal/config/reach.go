package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"haprov/internal/budget"
	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/secret"
	"haprov/internal/template"
)

// Secrets gives generated secrets of a cluster; "inventory" is the inventory itself. One that does not
// exist is drawn, exists is false then, and the caller keeps it before the first action. length is
// in characters, 0 for the store's own.
type Secrets interface {
	Get(cluster, name string, length int) (t secret.Text, exists bool)
	// Former is the value before the rotation in progress, and whether there is one.
	Former(cluster, name string) (t secret.Text, rotated bool)
	// Make is Get for a secret that make gives, not chance; the error is make's own.
	Make(cluster, name string, make func() (string, error)) (t secret.Text, exists bool, err error)
	// Renew has one that exists replaced by what make gives of it, unless that is empty; Make gives the
	// new one from then on.
	Renew(cluster, name string, make func(old string) (string, error)) error
}

// reach makes the functions that look beyond their arguments: template, file, secret, former,
// authority, certificate, ssh_key.
func reach(f *source.Files, cluster string, from Secrets, used *names) map[string]function.Function {
	out := map[string]function.Function{
		"template":    templateFunc(f),
		"file":        fileFunc(f),
		"secret":      secretFunc(cluster, from, used),
		"former":      formerFunc(cluster, from, used),
		"authority":   authorityFunc(cluster, from, used),
		"certificate": certificateFunc(cluster, from, used),
		"ssh_key":     sshKeyFunc(cluster, from, used),
	}
	for n, fn := range functions {
		out[n] = fn
	}
	return out
}

// names is a set that several goroutines may add to.
type names struct {
	mu  sync.Mutex
	set map[string]bool

	former *names // those of which the former value is asked for, too
}

func (n *names) add(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.set == nil {
		n.set = map[string]bool{}
	}
	n.set[s] = true
}

func (n *names) sorted() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.set))
}

func templateFunc(f *source.Files) function.Function {
	return function.New(&function.Spec{
		Description: "Renders a file in the templates folder; values are an object that the template sees as .NAME.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		VarParam:    &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowMarked: true},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := nameArg(args[0])
			if err != nil {
				return cty.NilVal, err
			}
			t, err := f.Template(name)
			if err != nil {
				return cty.NilVal, source.Sayable(err)
			}
			values, masked := map[string]any{}, map[string]any{}
			hide := false
			for _, a := range args[1:] {
				open, marks := a.UnmarkDeep()
				hide = hide || len(marks) > 0
				m, ok := plain(open).(map[string]any)
				if !ok {
					return cty.NilVal, source.Sayable(errors.New("the values of a template are an object: { name = value }"))
				}
				for k, v := range m {
					values[k], masked[k] = v, secret.Sensitive("")
				}
				if m, ok := plain(a).(map[string]any); ok {
					maps.Copy(masked, m)
				}
			}
			s, err := fill(t, values, masked, f.Budget())
			if err != nil {
				return cty.NilVal, err
			}
			if hide {
				return cty.StringVal(s).Mark(sensitive), nil
			}
			return cty.StringVal(s), nil
		},
	})
}

func fileFunc(f *source.Files) function.Function {
	return function.New(&function.Spec{
		Description: "The content of a file in the templates folder.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := nameArg(args[0])
			if err != nil {
				return cty.NilVal, err
			}
			text, err := f.Read("templates", name)
			if err != nil {
				return cty.NilVal, err
			}
			if len(text) > maxMade {
				return cty.NilVal, fmt.Errorf("%s has %d bytes, at most %d are read", name, len(text), maxMade)
			}
			return cty.StringVal(string(text)), nil
		},
	})
}

func secretFunc(cluster string, from Secrets, used *names) function.Function {
	return function.New(&function.Spec{
		Description: "A secret of the cluster by name, generated once and stored; length in characters. It is never shown.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		VarParam:    &function.Parameter{Name: "length", Type: cty.Number},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := secretName(args[0])
			if err != nil {
				return cty.NilVal, err
			}
			n := 0
			if len(args) > 1 {
				l, _ := args[1].AsBigFloat().Int64()
				if n = int(l); l < 8 || l > 4096 {
					return cty.NilVal, fmt.Errorf("a secret has 8 to 4096 characters, found %s", decode.Number(args[1]))
				}
			}
			if from == nil {
				return cty.NilVal, errors.New("no secret store is available")
			}
			t, _ := from.Get(cluster, name, n)
			used.add(name)
			return cty.StringVal(t.Reveal()).Mark(sensitive), nil
		},
	})
}

// former("app") is what secret("app") was before it was rotated, while both are valid, and empty
// otherwise. That a recipe asks for it says that hosts accept both: only such a secret is rotated.
func formerFunc(cluster string, from Secrets, used *names) function.Function {
	return function.New(&function.Spec{
		Description: "The value that a secret of the cluster had before `haprov secret rotate`, until the rotation is finished; empty when none is in progress. A secret can be rotated when the recipe asks for this, too: whatever the secret opens accepts both meanwhile.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, err := secretName(args[0])
			if err != nil {
				return cty.NilVal, err
			}
			if from == nil {
				return cty.NilVal, errors.New("no secret store is available")
			}
			t, _ := from.Former(cluster, name)
			used.former.add(name)
			return cty.StringVal(t.Reveal()).Mark(sensitive), nil
		},
	})
}

// secretName is an argument that names a secret.
func secretName(v cty.Value) (string, error) {
	name, err := nameArg(v)
	if err == nil && !decode.IsName(strings.ReplaceAll(name, "_", "-")) {
		err = fmt.Errorf("%s is not a name for a secret: lower-case letters, digits, - and _", source.Bounded(name))
	}
	return name, err
}

// plain is a value as templates and the inventory see it.
func plain(v cty.Value) any {
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	if v.IsMarked() {
		open, _ := v.UnmarkDeep()
		if s, ok := plain(open).(string); ok {
			return secret.Holding(s)
		}
		return secret.Holding("")
	}
	ty := v.Type()
	switch {
	case ty == cty.String:
		return v.AsString()
	case ty == cty.Bool:
		return v.True()
	case ty == cty.Number:
		if n, acc := v.AsBigFloat().Int64(); acc == 0 {
			return n
		}
		n, _ := v.AsBigFloat().Float64()
		return n
	case ty.IsObjectType() || ty.IsMapType():
		m := make(map[string]any, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			m[k.AsString()] = plain(e)
		}
		return m
	}
	l := make([]any, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		l = append(l, plain(e))
	}
	return l
}

// nameArg is an argument that names a file or a secret; it is shown and stands in paths.
func nameArg(v cty.Value) (string, error) {
	if v.IsMarked() {
		return "", source.Sayable(errors.New("a name cannot be a secret: it is shown, and stands in paths"))
	}
	return v.AsString(), nil
}

var templatePlace = regexp.MustCompile(`^[^ ]*?:\d+(:\d+)?`)

// fill renders a template with its secrets. masked are the same values, the secrets in them printing
// as such: the error comes from them.
func fill(t *template.Template, revealed, masked map[string]any, b *budget.Budget) (string, error) {
	s, err := t.Render(revealed, b)
	if err == nil {
		return s, nil
	}
	var spent *budget.Error
	if errors.As(err, &spent) {
		return "", source.Sayable(err)
	}
	at := templatePlace.FindString(err.Error())
	if _, err := t.Render(masked, b); err != nil && templatePlace.FindString(err.Error()) == at {
		return "", source.Sayable(err)
	}
	return "", source.Sayable(fmt.Errorf("%s: a value that is a secret does not fit here", at))
}
