// Package pacemaker reads the cluster's configuration and state as Pacemaker's tools print them.
//
// Pure: XML in, values out. It knows nothing of hosts or steps.
package pacemaker

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
)

// Node is one XML element. Text between elements does not count in a CIB.
type Node struct {
	Name     string
	Attrs    map[string]string
	Children []*Node
}

// maxDepth bounds what a host may send.
const maxDepth = 64

// Parse reads one XML document.
func Parse(text string) (*Node, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	var stack []*Node
	var root *Node
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			n := &Node{Name: t.Name.Local, Attrs: map[string]string{}}
			for _, a := range t.Attr {
				n.Attrs[a.Name.Local] = a.Value
			}
			switch {
			case len(stack) >= maxDepth:
				return nil, fmt.Errorf("XML is nested deeper than %d", maxDepth)
			case len(stack) > 0:
				top := stack[len(stack)-1]
				top.Children = append(top.Children, n)
			case root != nil:
				return nil, errors.New("more than one root element")
			default:
				root = n
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		}
	}
	if root == nil {
		return nil, errors.New("no XML element")
	}
	return root, nil
}

// Find walks down by element names; nil when there is no such element.
func (n *Node) Find(names ...string) *Node {
	for _, name := range names {
		var next *Node
		if n != nil {
			for _, c := range n.Children {
				if c.Name == name {
					next = c
					break
				}
			}
		}
		n = next
	}
	return n
}

// All calls f for n and everything below it.
func (n *Node) All(f func(*Node)) {
	if n == nil {
		return
	}
	f(n)
	for _, c := range n.Children {
		c.All(f)
	}
}

// Text is n and all below it in one form: attributes by name, children as they stand.
func (n *Node) Text() string {
	var b strings.Builder
	n.text(&b)
	return b.String()
}

func (n *Node) text(b *strings.Builder) {
	b.WriteString("<" + n.Name)
	keys := make([]string, 0, len(n.Attrs))
	for k := range n.Attrs {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		b.WriteString(" " + k + `="`)
		_ = xml.EscapeText(b, []byte(n.Attrs[k])) // a Builder takes everything
		b.WriteString(`"`)
	}
	if len(n.Children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	for _, c := range n.Children {
		c.text(b)
	}
	b.WriteString("</" + n.Name + ">")
}

// Difference is one thing that is not as wanted. An empty Have or Want says that it is absent.
type Difference struct{ What, Have, Want string }

// Missing lists what of the wanted configuration the current one lacks: elements by id, and
// attributes that differ. What the current one holds beyond that, such as a constraint that DRBD's
// fence handler put there, is none of ours and is not looked at.
func Missing(current, wanted *Node) (out []Difference) {
	have := map[string]*Node{}
	current.All(func(n *Node) {
		if id := n.Attrs["id"]; id != "" && have[n.Name+"#"+id] == nil {
			have[n.Name+"#"+id] = n
		}
	})
	wanted.All(func(n *Node) {
		id := n.Attrs["id"]
		if id == "" || n.Name == reference {
			return
		}
		c := have[n.Name+"#"+id]
		if c == nil {
			out = append(out, Difference{What: n.Name + " " + id, Want: n.says()})
			return
		}
		keys := make([]string, 0, len(n.Attrs))
		for k := range n.Attrs {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			if c.Attrs[k] != n.Attrs[k] {
				out = append(out, Difference{n.Name + " " + id + " " + k, c.Attrs[k], n.Attrs[k]})
			}
		}
	})
	return out
}

// says is an element's own attributes, for a person; of a name with a value only the value.
func (n *Node) says() string {
	if n.Name == "nvpair" {
		return n.Attrs["value"]
	}
	var parts []string
	for k, v := range n.Attrs {
		if k != "id" {
			parts = append(parts, k+"="+v)
		}
	}
	sort.Strings(parts)
	if len(parts) == 0 {
		return "there"
	}
	return strings.Join(parts, " ")
}
