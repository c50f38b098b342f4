package source

import (
	"errors"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"haprov/internal/budget"
)

// HCL's evaluation cannot be cancelled, and knows no limits. So every place of an expression where
// one value becomes many, or a large one is copied, compared or converted, is given a metered
// expression in its stead, which spends from the load's budget before that happens. Once a limit
// is passed every metered expression is the same mistake at once, so that all loops run out.

// meter rewrites expressions.
type meter struct {
	*budget.Budget
	told atomic.Pointer[hcl.Diagnostic] // the mistake, at the place where a limit was passed first
}

// Units of work.
const (
	workNode  = 30  // one composed expression
	workLoop  = 100 // one turn of a loop: a scope
	workValue = 20  // one element of a value that is walked
	WorkGroup = 50  // one host in one group, or one variable of it
	WorkHost  = 300 // one step, or one use of a recipe, on one host
)

// use is what an expression's value is used for.
type use int

const (
	asValue use = iota // nothing more than it is
	asLoop             // a loop runs over it
	asTurn             // it is one turn's of a loop
	asText             // it is copied into a text
	asTexts            // a list whose elements are
	asArg              // it is walked, once or more
	asType             // it is walked, and its elements' types are compared with each other
)

// metered is an expression that spends. The parentheses keep the walks of HCL, which find the
// variables, working.
type metered struct {
	*hclsyntax.ParenthesesExpr
	m   *meter
	use use
}

// UnwrapExpression lets HCL see what stands in the file.
func (x *metered) UnwrapExpression() hcl.Expression { return x.Expression }

func (x *metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if err := x.m.Work(workNode); err != nil {
		return x.m.over(x, err)
	}
	v, diags := x.Expression.Value(ctx)
	var err error
	switch {
	case !diags.HasErrors():
		if err = x.made(v); err == nil {
			err = x.used(v)
		}
	case x.use == asTurn:
		err = x.m.Bytes(int64(len(diags)) * bytesMistake)
	}
	if err != nil {
		return x.m.over(x, err)
	}
	return v, diags
}

// over is the mistake of an expression: always the same one once a limit was passed.
func (m *meter) over(e hclsyntax.Expression, err error) (cty.Value, hcl.Diagnostics) {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Number is too large", Detail: Sentence(err.Error()), Subject: e.Range().Ptr()}
	var spent *budget.Error
	if errors.As(err, &spent) {
		d = m.passed(e.Range(), spent)
	}
	return cty.DynamicVal, hcl.Diagnostics{d}
}

func (m *meter) passed(at hcl.Range, e *budget.Error) *hcl.Diagnostic {
	m.told.CompareAndSwap(nil, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: e.Summary, Detail: e.Detail, Subject: &at})
	return m.told.Load()
}

// Spend takes from the budget what a place of a file costs; false says that a limit was passed.
func (r *Report) Spend(at hcl.Range, work, bytes int64) bool {
	m := r.Files.meter
	err := m.Work(work)
	if err == nil {
		err = m.Bytes(bytes)
	}
	var spent *budget.Error
	if !errors.As(err, &spent) {
		return true
	}
	r.Diags(hcl.Diagnostics{m.passed(at, spent)})
	return false
}

// made spends for what an expression has newly made.
func (x *metered) made(v cty.Value) error {
	switch x.Expression.(type) {
	case *hclsyntax.ForExpr, *hclsyntax.TupleConsExpr, *hclsyntax.ObjectConsExpr, *hclsyntax.SplatExpr:
		return errors.Join(x.m.Bytes(Width(v)*BytesElement), x.m.walk(v))
	case *hclsyntax.FunctionCallExpr:
		return errors.Join(x.m.Bytes(Width(v)*BytesElement+TextOf(v)), x.m.walk(v))
	case *hclsyntax.TemplateExpr, *hclsyntax.TemplateJoinExpr:
		return x.m.Bytes(TextOf(v))
	case *hclsyntax.BinaryOpExpr:
		return magnitude(v)
	}
	return nil
}

// used spends for what is done with the value next.
func (x *metered) used(v cty.Value) error {
	switch x.use {
	case asLoop:
		return x.m.Work(Width(v) * workLoop)
	case asText:
		return x.m.Bytes(TextOf(v))
	case asTexts:
		open, _ := v.Unmark()
		if !open.CanIterateElements() {
			return nil
		}
		for it := open.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if err := x.m.Bytes(TextOf(e)); err != nil {
				return err
			}
		}
	case asArg:
		return x.m.walk(v)
	case asType:
		if err := x.m.walk(v); err != nil {
			return err
		}
		_, pairs := pairs(v.Type())
		return x.m.Work(pairs)
	}
	return nil
}

// unified are functions that convert their arguments' elements to one type: HCL compares each of
// them with each other for that.
var unified = map[string]bool{"distinct": true, "coalesce": true, "concat": true}

// body meters all expressions of a file.
func (m *meter) body(b *hclsyntax.Body) {
	for _, a := range b.Attributes {
		a.Expr = m.expr(a.Expr, asValue)
	}
	for _, in := range b.Blocks {
		m.body(in.Body)
	}
}

// expr meters an expression and all in it. What makes nothing stays as it is unless its use costs.
func (m *meter) expr(e hclsyntax.Expression, u use) hclsyntax.Expression {
	if e == nil {
		return nil
	}
	simple := false
	switch e := e.(type) {
	case *hclsyntax.ForExpr:
		e.CollExpr = m.expr(e.CollExpr, asLoop)
		e.KeyExpr, e.ValExpr, e.CondExpr = m.expr(e.KeyExpr, asTurn), m.expr(e.ValExpr, asTurn), m.expr(e.CondExpr, asTurn)
	case *hclsyntax.SplatExpr:
		e.Source, e.Each = m.expr(e.Source, asLoop), m.expr(e.Each, asTurn)
	case *hclsyntax.FunctionCallExpr:
		u := asArg
		if unified[e.Name] {
			u = asType
		}
		m.all(e.Args, u)
	case *hclsyntax.ConditionalExpr:
		e.Condition, e.TrueResult, e.FalseResult = m.expr(e.Condition, asValue), m.expr(e.TrueResult, asType), m.expr(e.FalseResult, asType)
	case *hclsyntax.BinaryOpExpr:
		e.LHS, e.RHS = m.expr(e.LHS, asArg), m.expr(e.RHS, asArg)
	case *hclsyntax.TupleConsExpr:
		m.all(e.Exprs, asValue)
	case *hclsyntax.ObjectConsExpr:
		for i := range e.Items {
			e.Items[i].KeyExpr, e.Items[i].ValueExpr = m.expr(e.Items[i].KeyExpr, asValue), m.expr(e.Items[i].ValueExpr, asValue)
		}
	case *hclsyntax.TemplateExpr:
		m.all(e.Parts, asText)
	case *hclsyntax.TemplateJoinExpr:
		e.Tuple = m.expr(e.Tuple, asTexts)
	case *hclsyntax.TemplateWrapExpr:
		e.Wrapped, simple = m.expr(e.Wrapped, asValue), true
	case *hclsyntax.IndexExpr:
		e.Collection, e.Key, simple = m.expr(e.Collection, asValue), m.expr(e.Key, asValue), true
	case *hclsyntax.RelativeTraversalExpr:
		e.Source, simple = m.expr(e.Source, asValue), true
	case *hclsyntax.ParenthesesExpr:
		e.Expression, simple = m.expr(e.Expression, asValue), true
	case *hclsyntax.UnaryOpExpr:
		e.Val, simple = m.expr(e.Val, asValue), true
	case *hclsyntax.ObjectConsKeyExpr:
		if _, isName := e.Wrapped.(*hclsyntax.ScopeTraversalExpr); !isName {
			e.Wrapped = m.expr(e.Wrapped, asValue)
		}
		return e
	default: // a name or a literal
		simple = true
	}
	if simple && u == asValue {
		return e
	}
	return &metered{&hclsyntax.ParenthesesExpr{Expression: e, SrcRange: e.Range()}, m, u}
}

func (m *meter) all(list []hclsyntax.Expression, u use) {
	for i := range list {
		list[i] = m.expr(list[i], u)
	}
}
