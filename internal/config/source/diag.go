package source

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxMistakes is how many diagnostics of one expression are looked at: a loop may make thousands,
// all with the same place.
const maxMistakes = 100

// Diags turns the parser's and evaluator's diagnostics into problems.
func (r *Report) Diags(diags hcl.Diagnostics) {
	for i, d := range diags {
		if i == maxMistakes {
			return
		}
		if d.Severity != hcl.DiagError || r.unknownName(d) {
			continue
		}
		rng := hcl.Range{}
		if d.Subject != nil {
			rng = *d.Subject
		}
		detail := d.Detail
		private := d.Expression == nil || reveals(d.Expression, d.EvalContext)
		if private && d.Expression != nil {
			detail = "A secret is part of it: what is wrong with it is not shown."
		}
		summary := strings.TrimRight(d.Summary, ".")
		if u, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); ok {
			summary, detail = fmt.Sprintf("Unknown function %s", Bounded(u.CalledFunctionName())), r.Meant(u.CalledFunctionName(), called(d.EvalContext))
		}
		if e, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok && e.FunctionCallError() != nil {
			summary = e.CalledFunctionName() + "(): wrong arguments"
			var open harmless
			switch err := e.FunctionCallError(); {
			case !private:
				detail = Sentence(err.Error())
			case errors.As(err, &open):
				detail = Sentence(open.Error())
			default:
				detail = "One of them is a secret: what is wrong with it is not shown."
			}
		}
		r.At(rng, summary, "%s", detail)
	}
}

// syntax reports the first of the parser's diagnostics on each line: those after it on the same
// line follow from it.
func (r *Report) syntax(diags hcl.Diagnostics) {
	lines := map[int]bool{}
	for _, d := range diags {
		if d.Severity != hcl.DiagError || d.Subject != nil && lines[d.Subject.Start.Line] {
			continue
		}
		r.Diags(hcl.Diagnostics{d})
		if d.Subject != nil {
			lines[d.Subject.Start.Line] = true
		}
	}
}

// Sentence makes an error's text one. What begins with a path is left as it is.
func Sentence(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if !strings.ContainsAny(first, "./:") && s != "" {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	if s == "" || strings.HasSuffix(s, "?") || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// unknownName finds the name that is not there, and the nearest that is. It looks itself: the words of a
// diagnostic say nothing that a program may rely on.
func (r *Report) unknownName(d *hcl.Diagnostic) bool {
	if d.Expression == nil || d.EvalContext == nil {
		return false
	}
	for _, t := range d.Expression.Variables() {
		if r.missing(t, d.EvalContext) {
			return true
		}
	}
	return false
}

func (r *Report) missing(t hcl.Traversal, ctx *hcl.EvalContext) bool {
	v, roots := root(t.RootName(), ctx)
	if v == cty.NilVal {
		rng := t.SourceRange()
		if t.RootName() == "facts" {
			r.At(rng, "Facts are not available here", "Facts can be used only in the arguments and in the when of a step for one host.")
			return true
		}
		r.At(rng, fmt.Sprintf("Unknown name %s", Bounded(t.RootName())), "%s", r.Meant(t.RootName(), roots))
		return true
	}
	path := t.RootName()
	for _, step := range t[1:] {
		name, ok := StepName(step)
		if !ok {
			return false
		}
		v, _ = v.Unmark()
		if v.IsNull() || !v.IsKnown() {
			return false
		}
		ty := v.Type()
		switch {
		case ty.IsObjectType() && ty.HasAttribute(name):
			v = v.GetAttr(name)
		case ty.IsObjectType():
			known := make([]string, 0, len(ty.AttributeTypes()))
			for k := range ty.AttributeTypes() {
				known = append(known, k)
			}
			sort.Strings(known)
			next := r.Meant(name, known)
			if strings.HasSuffix(path, ".disk") && len(known) == 0 {
				next = fmt.Sprintf("Write disk %q { device = \"/dev/disk/by-id/...\" } in each host's block; in a lab, size instead of device.", name)
			}
			r.At(step.SourceRange(), fmt.Sprintf("Unknown name %s", Bounded(name)), "%s%s has no %s. %s", path, hostOf(t, ctx), name, next)
			return true
		default:
			return false
		}
		path += "." + name
	}
	return false
}

// StepName is the name that one step of a traversal goes to: .NAME or ["NAME"].
func StepName(s hcl.Traverser) (string, bool) {
	switch s := s.(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() {
			return s.Key.AsString(), true
		}
	}
	return "", false
}

// hostOf names the host when the name is looked up in each.host.
func hostOf(t hcl.Traversal, ctx *hcl.EvalContext) string {
	if t.RootName() != "each" {
		return ""
	}
	v, _ := root("each", ctx)
	if v == cty.NilVal || !v.Type().HasAttribute("host") {
		return ""
	}
	h := v.GetAttr("host")
	if h.IsNull() || !h.Type().IsObjectType() || !h.Type().HasAttribute("name") {
		return ""
	}
	return " of " + h.GetAttr("name").AsString()
}

func called(ctx *hcl.EvalContext) (names []string) {
	for ; ctx != nil; ctx = ctx.Parent() {
		for n := range ctx.Functions {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	return slices.Compact(names)
}

func root(name string, ctx *hcl.EvalContext) (cty.Value, []string) {
	var names []string
	for ; ctx != nil; ctx = ctx.Parent() {
		if v, ok := ctx.Variables[name]; ok {
			return v, nil
		}
		for n := range ctx.Variables {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	return cty.NilVal, names
}
