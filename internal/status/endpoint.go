package status

import (
	"net"
	"strconv"
)

// Endpoint is a service that the recipe declares, and whether it is there.
type Endpoint struct {
	Name     string   `json:"name"`
	About    string   `json:"about,omitempty"`
	Address  string   `json:"address"`
	Port     int      `json:"port"`
	Protocol string   `json:"protocol"`
	Answers  bool     `json:"answers"` // a connection was taken
	On       []string `json:"on"`      // hosts that hold the address; none for one that is not the hosts' own
}

// at is ADDRESS:PORT.
func (e Endpoint) at() string { return net.JoinHostPort(e.Address, strconv.Itoa(e.Port)) }

// holders are the hosts that hold an address.
func (p Page) holders(ip string) []string {
	out := []string{}
	for _, r := range p.Hosts {
		if r.Has(ip) {
			out = append(out, r.Name)
		}
	}
	return out
}
