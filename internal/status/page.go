package status

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"text/tabwriter"
	"time"
)

// Page is how a cluster is, at one moment. Its JSON is a promise to scripts; fields may be added.
type Page struct {
	Healthy  bool     `json:"healthy"`
	Reasons  []string `json:"reasons"` // why it is not
	Cluster  string   `json:"cluster"`
	Recipe   string   `json:"recipe"`
	Endpoint string   `json:"endpoint"`
	Active   string   `json:"active"`
	Hosts    []Row    `json:"hosts"`
}

// Row is one host's part of the page.
type Row struct {
	Name    string `json:"name"`
	ID      int    `json:"id"`                // as Corosync numbers it
	Machine string `json:"machine,omitempty"` // in a lab: running, off, ...
	Answers bool   `json:"answers"`
	Active  bool   `json:"active"`
	Host
}

// Judge adds the reasons why the cluster is not healthy that the hosts' own words give.
func (p *Page) Judge() {
	bad := func(format string, args ...any) { p.Reasons = append(p.Reasons, clean(fmt.Sprintf(format, args...))) }
	names := map[int]string{}
	for _, r := range p.Hosts {
		names[r.ID] = r.Name
	}
	told := map[string]bool{}
	once := func(format string, args ...any) {
		if s := fmt.Sprintf(format, args...); !told[s] {
			told[s] = true
			bad("%s", s)
		}
	}
	for _, r := range p.Hosts {
		for _, s := range r.Silent {
			bad("%s: %s", r.Name, s)
		}
		for _, l := range r.Links {
			if !l.Connected {
				bad("%s: link %d to %s is down", r.Name, l.ID, or(names[l.Node], fmt.Sprint("node ", l.Node)))
			}
		}
		if r.Quorum != nil && !r.Quorum.Quorate {
			bad("%s: no quorum (%d of %d votes)", r.Name, r.Quorum.Votes, r.Quorum.Expect)
		}
		for _, minor := range sorted(r.Volumes) {
			if v := r.Volumes[minor]; !v.Healthy() {
				bad("%s: volume %s is %s %s/%s%s", r.Name, minor, v.Connection, v.Disk, v.PeerDisk, percent(r.Synced))
			}
		}
		if r.Fenced {
			once("DRBD forbids the standby to be promoted until it has caught up")
		}
		if r.Pacemaker != nil {
			for _, n := range r.Pacemaker.Nodes {
				switch {
				case !n.Online:
					once("%s is not online in Pacemaker", n.Name)
				case n.Standby:
					once("%s is in standby", n.Name)
				}
			}
			for _, x := range r.Pacemaker.Late() {
				once("resource %s failed or does not run", x)
			}
		}
		if r.Galera != nil && !r.Galera.Healthy() {
			bad("%s: %s, %s", r.Name, r.Galera.Component, r.Galera.State)
		}
		if r.Maintenance != "" {
			bad("%s is in maintenance: %s", r.Name, r.Maintenance)
		}
		for _, s := range r.Proxy {
			if s.Backend == "writer" && !s.Up() {
				bad("%s: %s is %s %s", r.Name, s.Name, s.Status, s.Said)
			}
		}
	}
	p.Healthy = len(p.Reasons) == 0
}

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
	if err := t.write(w); err != nil {
		return err
	}
	if p.Endpoint != "" {
		fmt.Fprintf(w, "endpoint  %s\n", p.Endpoint)
	}
	mark := func(code, text string) string {
		if color {
			return "\x1b[" + code + "m" + text + "\x1b[0m"
		}
		return text
	}
	if p.Healthy {
		_, err := fmt.Fprintln(w, mark("32", "healthy"))
		return err
	}
	fmt.Fprintln(w, mark("31", "not healthy"))
	for _, r := range p.Reasons {
		fmt.Fprintln(w, "  "+clean(r))
	}
	return nil
}

// hosts: machines, links, disks and servers.
func (p Page) hosts(t *table) {
	any := func(has func(Row) bool) bool {
		for _, r := range p.Hosts {
			if has(r) {
				return true
			}
		}
		return false
	}
	lab := any(func(r Row) bool { return r.Machine != "" })
	ring := any(func(r Row) bool { return r.Quorum != nil })
	disks := any(func(r Row) bool { return len(r.Volumes) > 0 })
	servers := any(func(r Row) bool { return r.Server != nil })
	head := []string{"HOST"}
	add := func(on bool, name string) {
		if on {
			head = append(head, name)
		}
	}
	add(lab, "MACHINE")
	add(ring, "LINKS")
	add(ring, "QUORUM")
	add(disks, "ROLE")
	add(disks, "DISK")
	add(servers, "DATABASE")
	add(true, "")
	t.row(head...)
	for _, r := range p.Hosts {
		cells := []string{r.Name}
		cell := func(on bool, text string) {
			if on {
				cells = append(cells, or(text, "-"))
			}
		}
		cell(lab, r.Machine)
		cell(ring, links(r))
		cell(ring, quorum(r))
		role, disk := volumes(r)
		cell(disks, role)
		cell(disks, disk)
		cell(servers, server(r))
		note := ""
		switch {
		case !r.Answers:
			note = "no answer"
		case r.Active:
			note = "active"
		}
		t.row(append(cells, note)...)
	}
	t.gap()
}

func links(r Row) string {
	up := 0
	for _, l := range r.Links {
		if l.Connected {
			up++
		}
	}
	if len(r.Links) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d", up, len(r.Links))
}

func quorum(r Row) string {
	if r.Quorum == nil {
		return ""
	}
	return fmt.Sprintf("%s %d/%d", map[bool]string{true: "yes", false: "NO"}[r.Quorum.Quorate], r.Quorum.Votes, r.Quorum.Expect)
}

func volumes(r Row) (role, disk string) {
	for _, m := range sorted(r.Volumes) {
		v := r.Volumes[m]
		role, disk = strings.TrimSpace(role+" "+v.Role), strings.TrimSpace(disk+" "+v.Disk+percent(r.Synced))
	}
	return role, disk
}

func server(r Row) string {
	if r.Server == nil {
		return ""
	}
	version, _, _ := strings.Cut(r.Server.Version, "-")
	text := version + " up " + (time.Duration(r.Server.Uptime) * time.Second).String()
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
			t.row("MEMBER", "COMPONENT", "STATE", "SIZE", "LAST WRITE", "FLOW CONTROL", "")
			first = false
		}
		g := r.Galera
		t.row(r.Name, g.Component, g.State, fmt.Sprint(g.Size), fmt.Sprint(g.LastWrite), fmt.Sprintf("%.0f %% paused", 100*g.FlowControl), r.Maintenance)
	}
	if !first {
		t.gap()
	}
}

func (p Page) proxies(t *table) {
	ip, _, _ := strings.Cut(p.Endpoint, ":")
	first := true
	for _, r := range p.Hosts {
		if len(r.Proxy) == 0 {
			continue
		}
		if first {
			t.row("PROXY", "VIRTUAL IP", "WRITER", "BELIEVES")
			first = false
		}
		var said []string
		for _, s := range r.Proxy {
			if s.Backend == "writer" {
				said = append(said, s.Name+" "+s.Status)
			}
		}
		t.row(r.Name, map[bool]string{true: "here", false: "-"}[r.Has(ip)], or(r.Writer(), "none"), strings.Join(said, ", "))
	}
	if !first {
		t.gap()
	}
}

// resources are Pacemaker's, as the first host that has quorum tells them.
func (p Page) resources(t *table) {
	for _, r := range p.Hosts {
		if r.Pacemaker == nil || !r.Pacemaker.Quorum && !p.last(r) {
			continue
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
		return
	}
}

func (p Page) last(r Row) bool {
	for i := len(p.Hosts) - 1; i >= 0; i-- {
		if p.Hosts[i].Pacemaker != nil {
			return p.Hosts[i].Name == r.Name
		}
	}
	return false
}

// table keeps rows; each run of rows up to a gap is aligned by itself.
type table struct{ rows [][]string }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }
func (t *table) gap()                { t.rows = append(t.rows, nil) }

func (t *table) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range t.rows {
		if r == nil {
			if err := tw.Flush(); err != nil {
				return err
			}
			fmt.Fprintln(w)
			continue
		}
		for i := range r {
			r[i] = clean(r[i])
		}
		for len(r) > 1 && r[len(r)-1] == "" {
			r = r[:len(r)-1]
		}
		fmt.Fprintln(tw, strings.Join(r, "\t"))
	}
	return tw.Flush()
}

func percent(s string) string {
	if s == "" {
		return ""
	}
	return " " + s + " %"
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func sorted[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// clean makes what a host said printable on one line.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u202e' {
			return '?'
		}
		return r
	}, s)
}
