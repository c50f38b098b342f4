package recipe

import (
	"net"
	"strconv"
)

// Endpoint is a service that a cluster offers: where its clients connect, and what they speak there.
type Endpoint struct {
	Name     string
	About    string
	Address  string // an IP address or a name
	Port     int
	Protocol string // a name of package protocol's table
	// CA is the certificate, as PEM, that clients verify the endpoint by, over TLS; empty: it has no TLS.
	CA string `json:",omitempty"`
}

// At is ADDRESS:PORT, as it is dialled.
func (e Endpoint) At() string { return net.JoinHostPort(e.Address, strconv.Itoa(e.Port)) }

// Is tells whether the user means this endpoint, by its name or its port.
func (e Endpoint) Is(text string) bool { return e.Name == text || strconv.Itoa(e.Port) == text }

// Named finds an endpoint by its name.
func (c Cluster) Named(name string) (Endpoint, bool) {
	for _, e := range c.Endpoints {
		if e.Name == name {
			return e, true
		}
	}
	return Endpoint{}, false
}

// Endpoint finds the first endpoint that speaks a protocol; of any, when protocol is empty.
func (c Cluster) Endpoint(protocol string) (Endpoint, bool) {
	for _, e := range c.Endpoints {
		if protocol == "" || e.Protocol == protocol {
			return e, true
		}
	}
	return Endpoint{}, false
}
