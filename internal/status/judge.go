package status

import (
	"fmt"
	"strings"

	"haprov/internal/plan"
)

// Verdict collects reasons why the cluster is not healthy, and notes, each once.
type Verdict struct {
	p    *Page
	told map[string]bool
}

// Bad adds a reason. All that a host said in it is made printable.
func (v *Verdict) Bad(format string, args ...any) { v.add(&v.p.Reasons, format, args) }

// Note adds what is worth knowing and does not make the cluster unhealthy.
func (v *Verdict) Note(format string, args ...any) { v.add(&v.p.Notes, format, args) }

func (v *Verdict) add(to *[]string, format string, args []any) {
	if s := strings.TrimSpace(clean(fmt.Sprintf(format, args...))); !v.told[s] {
		v.told[s] = true
		*to = append(*to, s)
	}
}

// Judge adds the reasons why the cluster is not healthy that the hosts' own words give.
func (p *Page) Judge() {
	v := &Verdict{p, map[string]bool{}}
	p.Version, p.Holders = Version, p.holders(p.ip())
	if p.Reasons == nil {
		p.Reasons = []string{}
	}
	if p.Notes == nil {
		p.Notes = []string{}
	}
	if p.Endpoints == nil {
		p.Endpoints = []Endpoint{}
	}
	for i, e := range p.Endpoints {
		p.Endpoints[i].On = p.holders(e.Address)
	}
	if len(p.Holders) > 1 {
		v.Bad("more than one host holds the virtual IP %s: %s", p.ip(), strings.Join(p.Holders, ", "))
	}
	for _, e := range p.Endpoints {
		if len(e.On) > 1 { // two of one address are told once
			v.Bad("more than one host holds the virtual IP %s: %s", e.Address, strings.Join(e.On, ", "))
		}
	}
	for _, r := range p.Hosts {
		for _, s := range r.Silent {
			v.Bad("%s: %s", r.Name, s)
		}
	}
	for _, x := range p.layers() {
		x.any().judge(v, p.said(x))
	}
	v.fencing()
	p.Healthy = len(p.Reasons) == 0
}

// fencing notes the hosts whose fence devices were not fired as they are.
func (v *Verdict) fencing() {
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
		v.Note("fencing is not proved for %s (haprov up --prove-fencing)", strings.Join(due, ", "))
	}
}
