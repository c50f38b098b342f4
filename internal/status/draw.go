package status

import (
	"fmt"
	"io"
	"strings"
	"time"
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
	for _, part := range []func(*table){p.hosts, p.galera, p.proxies, p.resources} {
		part(&t)
	}
	if p.Endpoint != "" {
		where := p.Endpoint
		if len(p.Holders) > 0 {
			where += " on " + strings.Join(p.Holders, " and ")
		}
		t.row("endpoint", where)
	}
	if said := p.fencing(); said != "" {
		t.row("fencing", said)
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

// column is one of the hosts' table; one that is empty for all of them is left out.
type column struct {
	head string
	cell func(Row) string
}

// hosts: machines, links, disks and servers.
func (p Page) hosts(t *table) {
	heads, rows := []string{"HOST", "STATE"}, make([][]string, len(p.Hosts))
	for i, r := range p.Hosts {
		rows[i] = []string{r.Name, r.state()}
	}
	for _, c := range []column{{"LINKS", Row.links}, {"QUORUM", Row.quorum}, {"ROLE", Row.role}, {"DISK", Row.disk}, {"DATABASE", Row.server}} {
		some := false
		for _, r := range p.Hosts {
			some = some || c.cell(r) != ""
		}
		if !some {
			continue
		}
		heads = append(heads, c.head)
		for i, r := range p.Hosts {
			rows[i] = append(rows[i], or(c.cell(r), "-"))
		}
	}
	t.row(heads...)
	for _, r := range rows {
		t.row(r...)
	}
	t.gap()
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

func (r Row) links() string {
	if len(r.Links) == 0 {
		return ""
	}
	up := 0
	for _, l := range r.Links {
		if l.Connected {
			up++
		}
	}
	return fmt.Sprintf("%d of %d", up, len(r.Links))
}

func (r Row) quorum() string {
	if r.Quorum == nil {
		return ""
	}
	return fmt.Sprintf("%s%d/%d", map[bool]string{false: "NO "}[r.Quorum.Quorate], r.Quorum.Votes, r.Quorum.Expect)
}

func (r Row) role() string {
	var out []string
	for _, m := range sorted(r.Volumes) {
		out = append(out, r.Volumes[m].Role)
	}
	return strings.Join(out, " ")
}

func (r Row) disk() string {
	var out []string
	for _, m := range sorted(r.Volumes) {
		text := r.Volumes[m].Disk
		if text != "UpToDate" { // the other side's is its own row's
			text += percent(r.Synced[m])
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func (r Row) server() string {
	if r.Server == nil {
		return ""
	}
	up := time.Duration(r.Server.Uptime) * time.Second
	text := r.Server.Release() + " up " + up.String()
	if up >= 48*time.Hour {
		text = fmt.Sprintf("%s up %d days", r.Server.Release(), up/(24*time.Hour))
	}
	if r.Server.ReadOnly {
		text += " read-only"
	}
	return text
}

func (p Page) galera(t *table) {
	first := true
	for _, r := range p.Hosts {
		if r.Galera == nil {
			continue
		}
		if first {
			t.row("MEMBER", "COMPONENT", "STATE", "SIZE", "LAST WRITE", "PAUSED", "")
			first = false
		}
		g, note := r.Galera, ""
		if r.Maintenance != "" {
			note = "maintenance"
		}
		t.row(r.Name, g.Component, g.State, fmt.Sprint(g.Size), fmt.Sprint(g.LastWrite), fmt.Sprintf("%.0f %%", 100*g.FlowControl), note)
	}
	if !first {
		t.gap()
	}
}

func (p Page) proxies(t *table) {
	first := true
	for _, r := range p.Hosts {
		for _, d := range r.Declared.Proxies {
			var said []string
			for _, s := range r.backend(d.Backend) {
				said = append(said, s.Name+" "+s.Status)
			}
			if len(said) == 0 {
				continue
			}
			if first {
				t.row("PROXY", "VIRTUAL IP", "WRITER", "SERVERS")
				first = false
			}
			name := r.Name
			if len(r.Declared.Proxies) > 1 {
				name += " " + d.Backend
			}
			t.row(name, map[bool]string{true: "here", false: "-"}[r.Has(p.ip())], or(r.writers[d.Backend], "none"), strings.Join(said, ", "))
		}
	}
	if !first {
		t.gap()
	}
}

// resources are Pacemaker's, as the host that tells of it sees them.
func (p Page) resources(t *table) {
	r := p.teller()
	if r == nil {
		return
	}
	t.row("RESOURCE", "ROLE", "ON", "")
	for _, x := range r.Pacemaker.Resources {
		note := ""
		if x.Failed {
			note = "failed"
		}
		t.row(x.ID, or(x.Role, "Stopped"), or(x.Node, "-"), note)
	}
	t.gap()
}
