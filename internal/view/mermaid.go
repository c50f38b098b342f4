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
			last := m.node(ch.Host, "([%q])", ch.Host)
			var alone []string
			flush := func(next string) {
				if len(alone) == 0 {
					return
				}
				n := m.node(ch.Host+" before "+next, "[%q]", strings.Join(alone, "<br/>"))
				m.edge(last, n)
				last, alone = n, nil
			}
			for _, it := range ch.Items {
				if it.Cluster == nil {
					alone = append(alone, strings.TrimPrefix(it.Address, ch.Host+":"))
					continue
				}
				flush(it.Address)
				n := m.node(it.Address, "{{%q}}", it.Address)
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
		m.node("network "+n.Name, "[/%q/]", fmt.Sprintf("network %s<br/>%s<br/>%s", n.Name, n.CIDR, strings.Join(n.Carries, ", ")))
	}
	for _, h := range v.Hosts {
		host := m.node("host "+h.Name, "[%q]", h.Name)
		for _, at := range h.Addresses {
			fmt.Fprintf(&m.b, "  %s ---|%s| %s\n", m.node("network "+at.Network, "[/%q/]", "network "+at.Network), at.IP, host)
		}
		for _, d := range h.Disks {
			m.edge(host, m.node("disk "+h.Name+" "+d.Name, "[(%q)]", "disk "+d.Name))
		}
	}
	for _, c := range p.Clusters {
		if c.Endpoint == "" {
			continue
		}
		e := m.node("endpoint "+c.Name, "([%q])", c.Name+"<br/>"+c.Endpoint)
		for _, h := range c.Hosts {
			fmt.Fprintf(&m.b, "  %s -.- %s\n", e, m.node("host "+h, "[%q]", h))
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

// node names a node and writes it the first time. Labels are quoted; a quote within is left out.
func (m *mermaid) node(key, shape, label string) string {
	id, had := m.ids[key]
	if !had {
		id = fmt.Sprintf("n%d", len(m.ids))
		m.ids[key] = id
		fmt.Fprintf(&m.b, "  %s"+shape+"\n", id, strings.NewReplacer(`"`, "'", `\`, "/").Replace(Clean(label)))
	}
	return id
}

func (m *mermaid) edge(from, to string) { fmt.Fprintf(&m.b, "  %s --> %s\n", from, to) }
