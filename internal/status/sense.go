// Package status shows how a cluster is: what its machines and the parts of its recipe say, drawn as
// one screen or as JSON, with one verdict and its reasons.
//
// The steps of the recipe give what is asked, read, drawn and judged (Sensor). This package puts it
// together. It must not know any tool, nor decide what should be: it asks nothing that no step gave it,
// but for the addresses of the host.
package status

import (
	"errors"
	"fmt"
	"strings"

	"haprov/internal/probe"
)

// Sensor is what a step shows of itself. It is a Sense of some type; the type is the step's own
// business.
type Sensor interface {
	layer() Layer
	plain() bool
	ask(host string) []probe.Query
	read(host string, seen probe.Seen) (any, error)
	columns() []column
	table(all []Said[any]) ([]string, [][]string)
	line(all []Said[any]) (name, text string)
	judge(v *Verdict, all []Said[any])
}

// Layer is where a part stands on the page: from the machines' links up to the service.
type Layer int

// The layers, in the order in which columns and tables are drawn and reasons are told.
const (
	Links Layer = iota
	Storage
	Servers
	Proxies
	Manager
	Units
)

// Sense is a Sensor whose answers come to a T, which is also what JSON has of the host.
type Sense[T any] struct {
	Layer Layer
	// Plain is drawn only for a recipe of which nothing else is drawn. It is judged all the same.
	Plain bool
	// Ask gives the questions. They only read. One that the step asks for its decision too costs
	// nothing: a question is asked once.
	Ask func(host string) []probe.Query
	// Read takes the answers of one host. No value says that there is nothing to show; an error says
	// what should have answered and did not, one line each, and may come with what was read besides.
	Read func(host string, seen probe.Seen) (*T, error)
	// Columns are cells of the hosts' table.
	Columns []Column[T]
	// Heads and Rows are a table of its own. Parts with the same heads share one.
	Heads []string
	Rows  func(all []Said[T]) [][]string
	// Line is a line of its own below the tables, as "fencing  proved"; none when the text is empty.
	Line func(all []Said[T]) (name, text string)
	// Judge tells what is wrong, from what all hosts of the step said.
	Judge func(v *Verdict, all []Said[T])
}

// Column is a column of the hosts' table. It is left out where all its cells are empty.
type Column[T any] struct {
	Head string
	Cell func(T) string
	// Once: several parts may be able to tell it, and the first one does. Otherwise all are shown.
	Once bool
}

// Said is what one host said of a part.
type Said[T any] struct {
	Host    string
	Answers bool     // the host itself does
	Known   []string // its addresses in the inventory
	Holds   bool     // it has the endpoint's address
	Value   *T       // nil: it said nothing
}

type column struct {
	head string
	once bool
	cell func(any) string
}

func (s Sense[T]) layer() Layer { return s.Layer }
func (s Sense[T]) plain() bool  { return s.Plain }

func (s Sense[T]) ask(host string) []probe.Query { return s.Ask(host) }

func (s Sense[T]) read(host string, seen probe.Seen) (any, error) {
	v, err := s.Read(host, seen)
	if v == nil {
		return nil, err
	}
	return v, err
}

func (s Sense[T]) columns() (out []column) {
	for _, c := range s.Columns {
		out = append(out, column{c.Head, c.Once, func(v any) string { return c.Cell(*v.(*T)) }})
	}
	return out
}

func (s Sense[T]) table(all []Said[any]) ([]string, [][]string) {
	if s.Rows == nil {
		return nil, nil
	}
	return s.Heads, s.Rows(typed[T](all))
}

func (s Sense[T]) line(all []Said[any]) (name, text string) {
	if s.Line == nil {
		return "", ""
	}
	return s.Line(typed[T](all))
}

func (s Sense[T]) judge(v *Verdict, all []Said[any]) {
	if s.Judge != nil {
		s.Judge(v, typed[T](all))
	}
}

func typed[T any](all []Said[any]) (out []Said[T]) {
	for _, x := range all {
		y := Said[T]{Host: x.Host, Answers: x.Answers, Known: x.Known, Holds: x.Holds}
		if x.Value != nil {
			y.Value = (*x.Value).(*T)
		}
		out = append(out, y)
	}
	return out
}

// Part is one step of the recipe with its sensor on each of its hosts.
type Part struct {
	Kind, Name string
	Sensors    map[string]Sensor // by host
}

// on tells of any of its sensors: they are of one kind, so they draw and judge alike.
func (p Part) any() Sensor {
	for _, host := range sorted(p.Sensors) {
		return p.Sensors[host]
	}
	return nil
}

// addresses asks for the host's own addresses: who has the endpoint's is told from them.
func addresses() probe.Query {
	return probe.Cmd("addresses", "ip -o -4 addr show", probe.Topic("addresses"))
}

// Queries are asked of a host, all in one exchange. They only read.
func Queries(parts []Part, host string) []probe.Query {
	out := []probe.Query{addresses()}
	for _, p := range parts {
		if s := p.Sensors[host]; s != nil {
			out = append(out, s.ask(host)...)
		}
	}
	return probe.Unique(out)
}

// Read takes the answers to Queries.
func (r *Row) Read(parts []Part, seen probe.Seen) {
	r.Parts = map[string]map[string]any{}
	text, ok, err := Answer(seen, addresses())
	if ok {
		r.Addresses = inet(text)
	}
	r.silent(err)
	for _, p := range parts {
		s := p.Sensors[r.Name]
		if s == nil {
			continue
		}
		v, err := s.read(r.Name, seen)
		r.silent(err)
		if v == nil {
			continue
		}
		if r.Parts[p.Kind] == nil {
			r.Parts[p.Kind] = map[string]any{}
		}
		r.Parts[p.Kind][p.Name] = v
	}
}

func (r *Row) silent(err error) {
	if err == nil {
		return
	}
	for l := range strings.Lines(err.Error()) {
		r.Silent = append(r.Silent, brief(l))
	}
}

// What a shell says of a tool that is not installed, and timeout(1) of one that hung.
const (
	noTool = 127
	hung   = 124
	killed = 137
)

// Answer is the text that answers a question about a tool. ok is false without an error where the
// question was not asked or the tool is not installed: there is nothing to tell then. An error says
// that the tool did not answer, and what it said instead.
func Answer(seen probe.Seen, q probe.Query) (text string, ok bool, err error) {
	a := seen.Get(q)
	switch {
	case a.State == probe.Unasked || a.State == probe.Answered && a.Exit == noTool:
		return "", false, nil
	case a.State == probe.Unanswered || a.Exit == hung || a.Exit == killed:
		return "", false, errors.New("no answer in time")
	case a.Exit != 0:
		return "", false, errors.New(brief(a.Out))
	}
	return a.Out, true, nil
}

// Named puts before an error which part of the host did not answer.
func Named(part string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", part, err)
}

// brief is the first line of an answer that is none; one that ends with a colon goes on in the next.
func brief(s string) string {
	l, rest, more := strings.Cut(strings.TrimSpace(s), "\n")
	for more && strings.HasSuffix(l, ":") {
		var next string
		next, rest, more = strings.Cut(rest, "\n")
		l += " " + strings.TrimSpace(next)
	}
	if len(l) > 160 {
		l = l[:160]
	}
	if l == "" {
		return "no answer"
	}
	return l
}

// inet reads the addresses of ip(8)'s one-line form, without those of the loopback network.
func inet(text string) (out []string) {
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) > 3 && f[2] == "inet" && !strings.HasPrefix(f[3], "127.") && len(out) < 256 {
			out = append(out, f[3])
		}
	}
	return out
}
