package view

import (
	"fmt"
	"io"
	"strings"

	"haprov/internal/recipe"
)

// Mermaid writes the order of all steps in the Mermaid language, which many sites draw by
// themselves: a box for the stretch of steps that a host does alone, a rounded one for each cluster
// step, where hosts meet.
func Mermaid(w io.Writer, p *recipe.Program) error {
	m := mermaid{ids: map[string]string{}}
	m.b.WriteString("flowchart LR\n")
	for _, c := range p.Clusters {
		for _, ch := range c.Chains {
			last := m.node(ch.Host, "([%s])", mermaidText(ch.Host))
			var alone []string
			flush := func(next string) {
				if len(alone) == 0 {
					return
				}
				n := m.node(ch.Host+" before "+next, "[%s]", mermaidText(alone...))
				m.edge(last, n)
				last, alone = n, nil
			}
			for _, it := range ch.Items {
				if it.Cluster == nil {
					alone = append(alone, strings.TrimPrefix(it.Address, ch.Host+":"))
					continue
				}
				flush(it.Address)
				n := m.node(it.Address, "{{%s}}", mermaidText(it.Address))
				m.edge(last, n)
				last = n
			}
			flush("the end")
		}
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

// Machines writes the inventory's machines, disks and networks in the Mermaid language.
func Machines(w io.Writer, p *recipe.Program) error {
	m := mermaid{ids: map[string]string{}}
	m.b.WriteString("flowchart TB\n")
	v := p.Inventory
	for _, n := range v.Networks {
		m.node("network "+n.Name, "[/%s/]", mermaidText("network "+n.Name, n.CIDR, strings.Join(n.Carries, ", ")))
	}
	for _, h := range v.Hosts {
		host := m.node("host "+h.Name, "[%s]", mermaidText(h.Name))
		for _, at := range h.Addresses {
			fmt.Fprintf(&m.b, "  %s ---|%s| %s\n", m.node("network "+at.Network, "[/%s/]", mermaidText("network "+at.Network)), mermaidText(at.IP), host)
		}
		for _, d := range h.Disks {
			m.edge(host, m.node("disk "+h.Name+" "+d.Name, "[(%s)]", mermaidText("disk "+d.Name)))
		}
	}
	for _, c := range p.Clusters {
		for _, x := range c.Endpoints {
			e := m.node("endpoint "+c.Name+" "+x.Name, "([%s])", mermaidText(c.Name+" "+x.Name, x.At()+" "+x.Protocol))
			for _, h := range c.Hosts {
				fmt.Fprintf(&m.b, "  %s -.- %s\n", e, m.node("host "+h, "[%s]", mermaidText(h)))
			}
		}
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

// mermaid gives nodes short names: those of the language allow few characters.
type mermaid struct {
	b   strings.Builder
	ids map[string]string
}

// mermaidText is a quoted label of one line each. Labels are HTML where they are drawn, and a hash
// begins one of the language's own entities: all that means something is written as such an entity.
func mermaidText(lines ...string) string {
	esc := strings.NewReplacer("&", "#amp;", "<", "#lt;", ">", "#gt;", `"`, "#quot;", "#", "#35;", "`", "#96;", `\`, "#92;", "\n", " ")
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = esc.Replace(Clean(l))
	}
	return `"` + strings.Join(out, "<br/>") + `"`
}

// node names a node and writes it the first time.
func (m *mermaid) node(key, shape, label string) string {
	id, had := m.ids[key]
	if !had {
		id = fmt.Sprintf("n%d", len(m.ids))
		m.ids[key] = id
		fmt.Fprintf(&m.b, "  %s"+shape+"\n", id, label)
	}
	return id
}

func (m *mermaid) edge(from, to string) { fmt.Fprintf(&m.b, "  %s --> %s\n", from, to) }
