package decode

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"haprov/internal/kind"
	"haprov/internal/protocol"
	"haprov/internal/secret"
)

// Layout is what a block may hold, as the tags of a struct say it:
//
//	Name  string        `hcl:"name,label"`                        the block's label
//	Path  string        `hcl:"path"`                              required
//	Owner string        `hcl:"owner,optional" default:"root"`
//	Port  int           `hcl:"port,optional" min:"1" max:"65535"`
//	On    string        `hcl:"on,optional" oneof:"each,one"`
//	Links []Link        `hcl:"link,block"`                        any number; *Link: at most one
//	Size  int64         `hcl:"size,optional" unit:"bytes"`        written "2GiB"
//	Run   string        `hcl:"run" text:"lines"`                  several lines; "shell": a command; "any": also control characters; else one line
//	Disk  map[string]string `hcl:"backing" each:"host"`           cluster steps: evaluated once a host, by its name
//
// A kind's label may also be given as an argument of its name: with for_each it must be.
type Layout struct {
	Attrs  map[string]*Field
	Blocks map[string]*Field
	Labels []*Field
	names  []string // of attrs and blocks, sorted
	Where  []int    // index of an embedded kind.Where
	rng    []int    // `hcl:",range"`: where the block begins
	ranges []int    // `hcl:",ranges"`: of its arguments, by name
	block  []int    // `hcl:",body"`: *hclsyntax.Body; anything is allowed in it
}

// Field is one argument, label or block of a Layout. One that is not of a struct has a Name, and what
// Assign shall look at.
type Field struct {
	Name       string
	Index      []int
	typ        reflect.Type
	required   bool
	def        string
	hasDef     bool
	Min, max   string
	OneOf      []string // one that begins with * is an ending of anything
	Text       string   // which characters a text may hold: see readable
	bytes      bool
	perHost    bool
	raw        bool // hclsyntax.Expression: kept, not evaluated
	label      bool
	many       bool // []struct
	StructType reflect.Type
}

var (
	layouts    sync.Map // reflect.Type -> *layout
	whereType  = reflect.TypeFor[kind.Where]()
	secretType = reflect.TypeFor[secret.Text]()
	durType    = reflect.TypeFor[time.Duration]()
	exprType   = reflect.TypeFor[hclsyntax.Expression]()
)

// LayoutOf reads the tags of a struct once. A wrong tag is a programmer's mistake: it panics.
func LayoutOf(t reflect.Type) *Layout {
	if l, ok := layouts.Load(t); ok {
		return l.(*Layout)
	}
	l := &Layout{Attrs: map[string]*Field{}, Blocks: map[string]*Field{}}
	l.read(t, nil)
	for n := range l.Attrs {
		l.names = append(l.names, n)
	}
	for n := range l.Blocks {
		l.names = append(l.names, n)
	}
	sort.Strings(l.names)
	layouts.Store(t, l)
	return l
}

func (l *Layout) read(t reflect.Type, at []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(append([]int(nil), at...), i)
		if sf.Type == whereType {
			l.Where = index
			continue
		}
		tag, ok := sf.Tag.Lookup("hcl")
		if !ok {
			if sf.Anonymous && sf.Type.Kind() == reflect.Struct {
				l.read(sf.Type, index)
			}
			continue
		}
		name, what, _ := strings.Cut(tag, ",")
		f := &Field{Name: name, Index: index, typ: sf.Type, Min: sf.Tag.Get("min"), max: sf.Tag.Get("max"), Text: sf.Tag.Get("text"),
			bytes: sf.Tag.Get("unit") == "bytes", perHost: sf.Tag.Get("each") == "host", raw: sf.Type == exprType}
		f.def, f.hasDef = sf.Tag.Lookup("default")
		if v := sf.Tag.Get("oneof"); v == "@protocols" { // those that there is code for, wherever it is
			f.OneOf = protocol.Names(false)
		} else if v != "" {
			f.OneOf = strings.Split(v, ",")
		}
		switch what {
		case "range":
			l.rng = index
		case "ranges":
			l.ranges = index
		case "body":
			l.block = index
		case "label":
			f.label = true
			l.Labels = append(l.Labels, f)
		case "block":
			f.many = sf.Type.Kind() == reflect.Slice
			f.StructType = sf.Type
			if f.many || sf.Type.Kind() == reflect.Pointer {
				f.StructType = sf.Type.Elem()
			}
			l.Blocks[name] = f
		case "optional":
			l.Attrs[name] = f
		case "":
			f.required = !f.hasDef
			l.Attrs[name] = f
		default:
			panic(fmt.Sprintf("%s.%s: tag %q", t, sf.Name, tag))
		}
	}
}
