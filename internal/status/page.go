package status

import (
	"fmt"
	"slices"
	"strings"

	"haprov/internal/cluster/corosync"
	"haprov/internal/plan"
)

// Page is how a cluster is, at one moment. Its JSON is a promise to scripts; fields may be added.
type Page struct {
	Healthy  bool     `json:"healthy"`
	Reasons  []string `json:"reasons"` // why it is not
	Notes    []string `json:"notes"`   // what is worth knowing, and does not make it unhealthy
	Cluster  string   `json:"cluster"`
	Recipe   string   `json:"recipe"`
	Endpoint string   `json:"endpoint"` // IP:PORT
	Active   string   `json:"active"`   // the host that serves
	Holders  []string `json:"virtual_ip_on"`
	Fencing  string   `json:"fencing,omitempty"` // "proved" for every host, else "not proved"; empty where it is not known
	Hosts    []Row    `json:"hosts"`
}

// Row is one host's part of the page.
type Row struct {
	Name    string `json:"name"`
	ID      int    `json:"id,omitempty"`      // as Corosync numbers it
	Machine string `json:"machine,omitempty"` // in a lab: running, off, ...
	Answers bool   `json:"answers"`
	Active  bool   `json:"active"`
	// Declared is what the recipe says of the host, Known its addresses in the inventory.
	Declared Declared `json:"-"`
	Known    []string `json:"-"`
	// Fencing tells whether the host's fence devices were fired; nil where that is not known.
	Fencing *plan.Proof `json:"fencing,omitempty"`
	Host
}

// ip is the endpoint's address.
func (p Page) ip() string {
	at := strings.LastIndex(p.Endpoint, ":")
	if at < 0 {
		return ""
	}
	return strings.Trim(p.Endpoint[:at], "[]")
}

// teller is the host that tells of Pacemaker: the first with quorum, else the last that answers.
func (p Page) teller() *Row {
	var last *Row
	for i := range p.Hosts {
		if s := p.Hosts[i].Pacemaker; s != nil {
			last = &p.Hosts[i]
			if s.Quorum {
				break
			}
		}
	}
	return last
}

// node names a node that links lead to: by an address that the inventory has, else by the number that
// a host gives itself.
func (p Page) node(id int, links []corosync.Link) string {
	for _, r := range p.Hosts {
		for _, l := range links {
			if l.Node == id && l.Address != "" && slices.Contains(r.Known, l.Address) {
				return r.Name
			}
		}
	}
	for _, r := range p.Hosts {
		if r.ID == id {
			return r.Name
		}
	}
	return fmt.Sprint("node ", id)
}

// Proofs puts what is known of the hosts' fence devices on the page.
func (p *Page) Proofs(all []plan.Proof) {
	for i := range p.Hosts {
		for _, x := range all {
			if x.Host == p.Hosts[i].Name {
				p.Hosts[i].Fencing = &x
			}
		}
	}
}

// fencing says of each host whether its fence devices were fired.
func (p Page) fencing() string {
	var out []string
	for _, r := range p.Hosts {
		if r.Fencing != nil {
			out = append(out, r.Name+" "+told[r.Fencing.State])
		}
	}
	return strings.Join(out, ", ")
}

// told are the states of a proof in words.
var told = map[string]string{plan.Proved: "proved", plan.Stale: "changed since it was proved", plan.NeverFired: "never fired"}
