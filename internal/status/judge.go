package status

import (
	"fmt"
	"strings"

	"haprov/internal/cluster/pacemaker"
	"haprov/internal/plan"
)

// verdict collects reasons and notes, each once.
type verdict struct {
	p    *Page
	told map[string]bool
}

func (v verdict) bad(format string, args ...any) { v.add(&v.p.Reasons, format, args) }

func (v verdict) note(format string, args ...any) { v.add(&v.p.Notes, format, args) }

func (v verdict) add(to *[]string, format string, args []any) {
	if s := strings.TrimSpace(clean(fmt.Sprintf(format, args...))); !v.told[s] {
		v.told[s] = true
		*to = append(*to, s)
	}
}

// Judge adds the reasons why the cluster is not healthy that the hosts' own words give.
func (p *Page) Judge() {
	v := verdict{p, map[string]bool{}}
	p.Holders = []string{}
	if p.Notes == nil {
		p.Notes = []string{}
	}
	for i := range p.Hosts {
		p.Hosts[i].ID = p.Hosts[i].Node
	}
	for _, r := range p.Hosts {
		if r.Has(p.ip()) {
			p.Holders = append(p.Holders, r.Name)
		}
	}
	if len(p.Holders) > 1 {
		v.bad("more than one host holds the virtual IP %s: %s", p.ip(), strings.Join(p.Holders, ", "))
	}
	for _, r := range p.Hosts {
		v.host(r)
	}
	if t := p.teller(); t != nil {
		v.pacemaker(*t.Pacemaker, *t.Trouble)
	}
	v.fencing()
	v.members()
	v.proxies()
	p.Healthy = len(p.Reasons) == 0
}

// fencing notes the hosts whose fence devices were not fired as they are.
func (v verdict) fencing() {
	var due []string
	for _, r := range v.p.Hosts {
		if r.Fencing == nil {
			continue
		}
		if v.p.Fencing = plan.Proved; r.Fencing.State != plan.Proved {
			due = append(due, r.Name)
		}
	}
	if len(due) > 0 {
		v.p.Fencing = "not proved"
		v.note("fencing is not proved for %s (haprov up --prove-fencing)", strings.Join(due, ", "))
	}
}

// host judges what one host says of itself.
func (v verdict) host(r Row) {
	for _, s := range r.Silent {
		v.bad("%s: %s", r.Name, s)
	}
	down := map[int][]string{}
	for _, l := range r.Links {
		if !l.Connected {
			down[l.Node] = append(down[l.Node], fmt.Sprint(l.ID))
		}
	}
	for _, l := range r.Links {
		if ids := down[l.Node]; len(ids) > 0 {
			what, verb := "link ", "is"
			if len(ids) > 1 {
				what, verb = "links ", "are"
			}
			v.bad("%s: %s to %s %s down", r.Name, what+strings.Join(ids, " and "), v.p.node(l.Node, r.Links), verb)
		}
	}
	if r.Quorum != nil && !r.Quorum.Quorate {
		v.bad("%s: no quorum (%d of %d votes)", r.Name, r.Quorum.Votes, r.Quorum.Expect)
	}
	for _, minor := range sorted(r.Volumes) {
		if x := r.Volumes[minor]; !x.Healthy() {
			next := percent(r.Synced[minor])
			if x.Connection == "StandAlone" {
				next = " (disconnected: haprov up)" // no side in this state tries again by itself
			}
			v.bad("%s: volume %s is %s %s/%s%s", r.Name, minor, x.Connection, x.Disk, x.PeerDisk, next)
		}
	}
	if r.Galera != nil && !r.Galera.Healthy() {
		v.bad("%s: %s, %s", r.Name, r.Galera.Component, r.Galera.State)
	}
	if r.Maintenance != "" {
		v.bad("%s is in maintenance: %s", r.Name, r.Maintenance)
	}
}

// pacemaker judges what the whole cluster knows of itself.
func (v verdict) pacemaker(s pacemaker.State, t pacemaker.Trouble) {
	for _, n := range s.Nodes {
		switch {
		case !n.Online:
			v.bad("%s is not online in Pacemaker", n.Name)
		case n.Standby:
			v.bad("%s is in standby", n.Name)
		}
	}
	if t.Unmanaged {
		v.bad("Pacemaker is in maintenance mode: it neither monitors nor moves resources")
	}
	for _, n := range t.Unwatched {
		v.bad("Pacemaker monitors nothing on %s: the node is in maintenance", n)
	}
	if t.Stopped {
		v.bad("Pacemaker is configured to stop all resources")
	}
	if t.Unfenced {
		v.bad("fencing is disabled in Pacemaker")
	}
	if late := s.Late(); len(late) > 0 {
		v.bad("failed or not running: %s", strings.Join(late, ", "))
	}
	for _, b := range t.Barred {
		v.bad("%s may not run on %s: it failed too often there (crm_resource --cleanup -r %s)", b.Resource, b.Node, b.Resource)
	}
	if len(t.Constraint) > 0 {
		v.bad("DRBD forbids the standby to be promoted until it has caught up")
	}
	for _, f := range t.Failures {
		v.note("%s failed on %s: %s (%s)", f.Action, f.Node, f.Said, f.When)
	}
}

// members judges Galera's nodes together.
func (v verdict) members() {
	var of *Row
	for i := range v.p.Hosts {
		r := &v.p.Hosts[i]
		if r.Galera == nil || !r.Galera.Primary() {
			continue
		}
		if of == nil {
			of = r
		}
		if r.Galera.UUID != of.Galera.UUID {
			v.bad("%s and %s are in different clusters", of.Name, r.Name)
		} else if r.Galera.Size != of.Galera.Size {
			v.bad("%s sees %d members, %s sees %d", of.Name, of.Galera.Size, r.Name, r.Galera.Size)
		}
	}
}

// proxies judges what they believe of the servers, and whether they agree.
func (v verdict) proxies() {
	type believed struct{ host, writer string }
	first := map[string]believed{} // by backend
	for _, r := range v.p.Hosts {
		for _, d := range r.Declared.Proxies {
			all := r.backend(d.Backend)
			for _, s := range all {
				if !s.Up() {
					v.bad("%s: %s is %s %s", r.Name, s.Name, s.Status, s.Said)
				}
			}
			w := r.writers[d.Backend]
			switch f := first[d.Backend]; {
			case !r.Answers || len(all) == 0 && len(r.Silent) > 0: // told already
			case len(all) == 0:
				v.bad("%s: HAProxy does not run, or has no backend %s", r.Name, d.Backend)
			case w == "":
				v.bad("%s: no server of backend %s is up", r.Name, d.Backend)
			case f.host == "":
				first[d.Backend] = believed{r.Name, w}
			case w != f.writer:
				v.bad("%s writes to %s, %s to %s", f.host, f.writer, r.Name, w)
			}
		}
	}
}
