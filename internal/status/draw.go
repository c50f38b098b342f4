package status

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Draw writes the page for people, in at most 80 columns for usual names. All that hosts said is
// made printable.
func (p Page) Draw(w io.Writer, color bool) error {
	title := p.Cluster
	if p.Recipe != "" {
		title += " (" + p.Recipe + ")"
	}
	fmt.Fprintln(w, clean(title))
	var t table
	drawn := p.drawn()
	p.hosts(&t, drawn)
	p.tables(&t, drawn)
	p.services(&t)
	if said := p.fencing(); said != "" {
		t.row("fencing", said)
	}
	for _, x := range p.layers() {
		if name, text := x.any().line(p.said(x)); text != "" {
			t.row(name, text)
		}
	}
	if err := t.write(w); err != nil {
		return err
	}
	mark := func(code, text string) string {
		if color {
			return "\x1b[" + code + "m" + text + "\x1b[0m"
		}
		return text
	}
	if p.Healthy {
		fmt.Fprintln(w, mark("32", "healthy"))
	} else {
		fmt.Fprintln(w, mark("31", "not healthy"))
	}
	for _, r := range p.Reasons {
		fmt.Fprintln(w, fold("  ", clean(r)))
	}
	for _, n := range p.Notes {
		fmt.Fprintln(w, fold("  note: ", clean(n)))
	}
	return nil
}

// services tells where clients connect; names only where there are several.
func (p Page) services(t *table) {
	where := func(at string, on []string) string {
		if len(on) > 0 {
			at += " on " + strings.Join(on, " and ")
		}
		return at
	}
	if len(p.Endpoints) < 2 {
		if p.Endpoint != "" {
			t.row("endpoint", where(p.Endpoint, p.Holders))
		}
		return
	}
	for _, e := range p.Endpoints {
		t.row("endpoint", e.Name+" "+where(e.at(), e.On))
	}
}

// drawn are the parts that are drawn: the plain ones only where there is nothing else.
func (p Page) drawn() []Part {
	all := p.layers()
	special := slices.DeleteFunc(slices.Clone(all), func(x Part) bool { return x.any().plain() })
	if len(special) > 0 {
		return special
	}
	return all
}

// hosts is the table of the machines, with the columns of the parts.
func (p Page) hosts(t *table, parts []Part) {
	heads, rows := []string{"HOST", "STATE"}, make([][]string, len(p.Hosts))
	for i, r := range p.Hosts {
		rows[i] = []string{r.Name, r.state()}
	}
	var order []string
	cells := map[string][]string{} // by head: a cell for each host
	for _, x := range parts {
		for _, c := range x.any().columns() {
			if cells[c.head] == nil {
				cells[c.head] = make([]string, len(p.Hosts))
				order = append(order, c.head)
			}
			for i, r := range p.Hosts {
				v, ok := r.Parts[x.Kind][x.Name]
				if !ok || x.Sensors[r.Name] == nil || c.once && cells[c.head][i] != "" {
					continue
				}
				cells[c.head][i] = strings.TrimSpace(cells[c.head][i] + " " + c.cell(v))
			}
		}
	}
	for _, head := range order {
		if !slices.ContainsFunc(cells[head], func(s string) bool { return s != "" }) {
			continue
		}
		heads = append(heads, head)
		for i := range rows {
			rows[i] = append(rows[i], or(cells[head][i], "-"))
		}
	}
	t.row(heads...)
	for _, r := range rows {
		t.row(r...)
	}
	t.gap()
}

// tables are the parts' own tables; those with the same heads are one.
func (p Page) tables(t *table, parts []Part) {
	var heads [][]string
	rows := map[string][][]string{}
	for _, x := range parts {
		h, more := x.any().table(p.said(x))
		if len(more) == 0 {
			continue
		}
		key := strings.Join(h, "\x00")
		if rows[key] == nil {
			heads = append(heads, h)
		}
		rows[key] = append(rows[key], more...)
	}
	for _, h := range heads {
		t.row(slices.Clone(h)...)
		for _, r := range rows[strings.Join(h, "\x00")] {
			t.row(r...)
		}
		t.gap()
	}
}

func (r Row) state() string {
	switch {
	case r.Active:
		return "active"
	case r.Answers:
		return "up"
	case r.Machine != "" && r.Machine != "running":
		return r.Machine
	}
	return "no answer"
}
