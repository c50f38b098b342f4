package status

import "strings"

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
	Fencing  string   `json:"fencing,omitempty"` // "proved", "not proved"; empty where it is not known
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
