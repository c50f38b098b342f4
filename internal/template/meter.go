package template

import (
	"errors"
	"fmt"
	"reflect"
	"text/template"
	"text/template/parse"

	"haprov/internal/budget"
)

// Units of work.
const (
	workNode = 30  // one action, or one piece of text
	workCall = 250 // one call of a function
	workTurn = 50  // one turn of a loop
)

// maxCalls bounds how deep templates may call each other.
const maxCalls = 50

// run is one rendering: a copy of the template whose functions spend from the rendering's budget.
type run struct {
	t *template.Template
	*budget.Budget
	depth int
}

// meter makes of {{ range LIST }} {{ range LIST | turns1 }}, with a function for each loop, and adds
// {{ enter WORK LINE }} and {{ leave }} around each call of a template, with the work of what it
// calls. It gives the work of the outermost, and the loops.
func meter(t *template.Template) (int64, []loop) {
	work := map[string]int64{}
	var loops []loop
	for _, x := range t.Templates() {
		if x.Tree != nil {
			work[x.Name()] = size(x.Tree.Root)
		}
	}
	for _, x := range t.Templates() {
		if x.Tree != nil {
			m := &marker{x.Tree, work, loops}
			m.mark(x.Tree.Root)
			loops = m.loops
		}
	}
	return work[t.Name()], loops
}

// loop is one in a template: the work of a turn, and its place.
type loop struct{ work, line int64 }

func (l loop) name(i int) string { return fmt.Sprintf("turns%d", i) }

type marker struct {
	tree  *parse.Tree
	work  map[string]int64 // by template
	loops []loop
}

func (w *marker) mark(l *parse.ListNode) {
	if l == nil {
		return
	}
	var out []parse.Node
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			w.mark(n.List)
			w.mark(n.ElseList)
		case *parse.WithNode:
			w.mark(n.List)
			w.mark(n.ElseList)
		case *parse.RangeNode:
			l := loop{workTurn + size(n.List), int64(n.Line)}
			turns := action("leave").(*parse.ActionNode).Pipe.Cmds[0]
			turns.Args[0] = parse.NewIdentifier(l.name(len(w.loops))).SetTree(w.tree).SetPos(n.Pos)
			n.Pipe.Cmds = append(n.Pipe.Cmds, turns)
			w.loops = append(w.loops, l)
			w.mark(n.List)
			w.mark(n.ElseList)
		case *parse.TemplateNode:
			out = append(out, action(fmt.Sprintf("enter %d %d", w.work[n.Name], n.Line)), n, action("leave"))
			continue
		}
		out = append(out, n)
	}
	l.Nodes = out
}

// action is a parsed one.
func action(text string) parse.Node {
	trees, err := parse.Parse("", "{{ "+text+" }}", "", "", map[string]any{"enter": 0, "leave": 0})
	if err != nil {
		panic(err)
	}
	return trees[""].Root.Nodes[0]
}

// size is the work of a list when nothing in it is repeated.
func size(l *parse.ListNode) (work int64) {
	if l == nil {
		return 0
	}
	for _, n := range l.Nodes {
		work += workNode
		switch n := n.(type) {
		case *parse.ActionNode:
			work += int64(len(n.Pipe.Cmds)) * workNode
		case *parse.IfNode:
			work += size(n.List) + size(n.ElseList)
		case *parse.WithNode:
			work += size(n.List) + size(n.ElseList)
		case *parse.RangeNode:
			work += size(n.ElseList)
		}
	}
	return work
}

func (r *run) spend(work, line int64) error {
	if err := r.Work(workCall + work); err != nil {
		return fmt.Errorf("%s:%d: %w", r.t.Name(), line, err)
	}
	return nil
}

// turns spends for all turns of a loop before the first.
func (r *run) turns(l loop, over any) (any, error) {
	n := int64(1)
	switch v := reflect.ValueOf(over); v.Kind() {
	case reflect.Int, reflect.Int64:
		n = v.Int()
	case reflect.Slice, reflect.Map, reflect.String:
		n = int64(v.Len())
	}
	n = min(max(n, 0), budget.MaxWork/l.work+1) // the product fits
	return over, r.spend(n*l.work, l.line)
}

func (r *run) enter(work, line int64) (string, error) {
	if r.depth++; r.depth > maxCalls {
		return "", fmt.Errorf("%s:%d: templates call each other more than %d deep", r.t.Name(), line, maxCalls)
	}
	return "", r.spend(work, line)
}

func (r *run) leave() string {
	r.depth--
	return ""
}

// functions are those of a template, each spending what its arguments and its result cost.
func (r *run) functions(loops []loop) template.FuncMap {
	out := template.FuncMap{"enter": r.enter, "leave": r.leave}
	for i, l := range loops {
		out[l.name(i)] = func(over any) (any, error) { return r.turns(l, over) }
	}
	for _, m := range []template.FuncMap{functions, own} {
		for n, f := range m {
			out[n] = r.spending(f)
		}
	}
	return out
}

var errorType = reflect.TypeFor[error]()

// spending is a function with the same arguments that spends. An encoder makes six bytes of one at
// most.
func (r *run) spending(f any) any {
	v := reflect.ValueOf(f)
	t := v.Type()
	var in []reflect.Type
	for i := range t.NumIn() {
		in = append(in, t.In(i))
	}
	out := []reflect.Type{t.Out(0), errorType}
	return reflect.MakeFunc(reflect.FuncOf(in, out, t.IsVariadic()), func(args []reflect.Value) []reflect.Value {
		fail := func(err error) []reflect.Value {
			return []reflect.Value{reflect.Zero(out[0]), reflect.ValueOf(&err).Elem()}
		}
		if err := r.before(args); err != nil {
			return fail(err)
		}
		var got []reflect.Value
		if t.IsVariadic() {
			got = v.CallSlice(args)
		} else {
			got = v.Call(args)
		}
		if len(got) == 2 && !got[1].IsNil() {
			return []reflect.Value{got[0], got[1]}
		}
		if got[0].Kind() == reflect.String {
			if err := r.Bytes(int64(got[0].Len())); err != nil {
				return fail(err)
			}
		}
		return []reflect.Value{got[0], reflect.Zero(errorType)}
	}).Interface()
}

var errLarge = fmt.Errorf("more than %d bytes could be produced", MaxOutput)

func (r *run) before(args []reflect.Value) error {
	n := int64(0)
	for _, a := range args {
		n += length(a.Interface())
	}
	if err := r.Work(workCall + n/4); err != nil {
		return err
	}
	if n*6 > 6*MaxOutput {
		return errLarge
	}
	return nil
}

// length is about that of a value as text, in bytes.
func length(v any) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v))
	case []any:
		n := int64(2)
		for _, e := range v {
			n += 2 + length(e)
		}
		return n
	case map[string]any:
		n := int64(2)
		for k, e := range v {
			n += 2 + int64(len(k)) + length(e)
		}
		return n
	case []string:
		n := int64(2)
		for _, e := range v {
			n += int64(len(e))
		}
		return n
	}
	return 16
}

// printf refuses widths that fill the memory, which fmt allows.
func printf(format string, args ...any) (string, error) {
	longest := int64(0)
	for _, a := range args {
		longest = max(longest, length(a))
	}
	if budget.Format(format, longest) > MaxOutput {
		return "", errLarge
	}
	for _, c := range format {
		if c == '*' {
			return "", errors.New("a width cannot be an argument: write it into the format, as %8d")
		}
	}
	return fmt.Sprintf(format, args...), nil
}
