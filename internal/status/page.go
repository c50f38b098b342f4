package status

import (
	"slices"
	"strings"

	"haprov/internal/plan"
)

// Version is of the page's JSON. It changes when the meaning of a field does; fields may be added.
const Version = 2

// Page is how a cluster is, at one moment. Its JSON is a promise to scripts (docs/json.md).
type Page struct {
	Version  int      `json:"version"`
	Healthy  bool     `json:"healthy"`
	Reasons  []string `json:"reasons"` // why it is not
	Notes    []string `json:"notes"`   // what is worth knowing, and does not make it unhealthy
	Cluster  string   `json:"cluster"`
	Recipe   string   `json:"recipe"`
	Endpoint string   `json:"endpoint"` // IP:PORT of the first endpoint; empty when there is none
	// Endpoints are the services that the recipe declares, the main one first.
	Endpoints []Endpoint `json:"endpoints"`
	Active    string     `json:"active"` // the host that serves
	Holders   []string   `json:"virtual_ip_on"`
	Fencing   string     `json:"fencing,omitempty"` // "proved" for every host, else "not proved"; empty where it is not known
	Hosts     []Row      `json:"hosts"`

	// Elects: the recipe tells one host that serves from the others.
	Elects bool `json:"-"`
	// Parts are the recipe's steps that have something to show, in the order of the recipe.
	Parts []Part `json:"-"`
}

// Row is one host's part of the page.
type Row struct {
	Name    string `json:"name"`
	Machine string `json:"machine,omitempty"` // in a lab: running, off, ...
	Answers bool   `json:"answers"`
	Active  bool   `json:"active"`
	// Known are the host's addresses in the inventory.
	Known []string `json:"-"`
	// Fencing tells whether the host's fence devices were fired; nil where that is not known.
	Fencing   *plan.Proof `json:"fencing,omitempty"`
	Addresses []string    `json:"addresses,omitempty"`
	// Silent names what should have answered and did not, or said what cannot be read.
	Silent []string `json:"silent,omitempty"`
	// Parts are what the host said, by the kind of the step and its name.
	Parts map[string]map[string]any `json:"parts,omitempty"`
}

// ip is the endpoint's address.
func (p Page) ip() string {
	at := strings.LastIndex(p.Endpoint, ":")
	if at < 0 {
		return ""
	}
	return strings.Trim(p.Endpoint[:at], "[]")
}

// layers are the parts from the links up to the service, those of one layer as the recipe has them.
func (p Page) layers() []Part {
	out := slices.Clone(p.Parts)
	slices.SortStableFunc(out, func(a, b Part) int { return int(a.any().layer()) - int(b.any().layer()) })
	return out
}

// said is what the hosts of a part said of it, in the order of the page.
func (p Page) said(x Part) (out []Said[any]) {
	for _, r := range p.Hosts {
		if x.Sensors[r.Name] == nil {
			continue
		}
		s := Said[any]{Host: r.Name, Answers: r.Answers, Known: r.Known, Holds: r.Has(p.ip())}
		if v, ok := r.Parts[x.Kind][x.Name]; ok {
			s.Value = &v
		}
		out = append(out, s)
	}
	return out
}

// Has tells whether the host holds an address, written with or without its prefix length.
func (r Row) Has(address string) bool {
	ip, _, _ := strings.Cut(address, "/")
	for _, a := range r.Addresses {
		if have, _, _ := strings.Cut(a, "/"); have == ip && ip != "" {
			return true
		}
	}
	return false
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
