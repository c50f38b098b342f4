package config

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/protocol"
	"haprov/internal/recipe"
)

// endpoints reads what a recipe says that its cluster serves. An address need not be one that a step of
// the recipe sets up: a load balancer's in front of the cluster is as good.
func (b *builder) endpoints(d *recipeDef, p place) (out []recipe.Endpoint) {
	names, at := map[string]hcl.Range{}, map[string]string{}
	for _, x := range d.Endpoints {
		b.dec.Name("endpoint", x.Name, x.Range)
		if first, twice := names[x.Name]; twice {
			b.rep.At(x.Range, fmt.Sprintf("Endpoint %s is defined twice", source.Bounded(x.Name)), "The first one is at %s:%d.", first.Filename, first.Start.Line)
		}
		names[x.Name] = x.Range
		e, ok := b.endpoint(x, p)
		if !ok {
			continue
		}
		if other := at[e.At()]; other != "" && other != e.Name {
			b.rep.At(x.Range, fmt.Sprintf("Two endpoints at %s", source.Bounded(e.At())), "The other one is %s: one server answers there, for one of them.", source.Bounded(other))
		}
		at[e.At()] = e.Name
		out = append(out, e)
	}
	return out
}

// endpoint evaluates where one is.
func (b *builder) endpoint(x endpointBlock, p place) (e recipe.Endpoint, ok bool) {
	if x.Address == nil || x.Port == nil {
		return e, false // told by the decoder
	}
	e = recipe.Endpoint{Name: x.Name, About: strings.TrimSpace(x.About), Protocol: x.Protocol}
	address, known := b.dec.Value(x.Address, p.shared)
	port, also := b.dec.Value(x.Port, p.shared)
	if !known || !also {
		return e, false
	}
	ok = true
	switch {
	case address.IsMarked() || address.IsNull() || address.Type() != cty.String:
		b.rep.At(x.Address.Range(), "Wrong type for \"address\"", "Found %s, expected an address or a name, such as \"192.168.56.100\".", decode.Describe(address))
		ok = false
	default:
		e.Address = strings.TrimSpace(address.AsString())
		if _, err := netip.ParseAddr(e.Address); err != nil && !dnsName.MatchString(e.Address) {
			b.rep.At(x.Address.Range(), "Invalid address of an endpoint", "Found %s, expected an address or a name without prefix length and port, such as \"192.168.56.100\".", source.Bounded(e.Address))
			ok = false
		}
	}
	if port.IsMarked() || port.IsNull() || port.Type() != cty.Number {
		b.rep.At(x.Port.Range(), "Wrong type for \"port\"", "Found %s, expected a number between 1 and 65535.", decode.Describe(port))
		return e, false
	}
	if says, detail := b.form("port", "port", port); says != "" {
		b.rep.At(x.Port.Range(), "Port is out of range", "%s", detail)
		return e, false
	}
	n, _ := port.AsBigFloat().Int64()
	e.Port = int(n)
	return e, b.verified(x, p, &e) && ok
}

// verified evaluates what clients verify an endpoint by.
func (b *builder) verified(x endpointBlock, p place, e *recipe.Endpoint) (ok bool) {
	if x.CA == nil {
		return true
	}
	v, ok := b.dec.Value(x.CA, p.shared)
	if !ok {
		return false
	}
	if v.IsMarked() || v.IsNull() || v.Type() != cty.String {
		b.rep.At(x.CA.Range(), "Wrong type for \"ca\"", "Found %s, expected a certificate as PEM, such as authority().", decode.Describe(v))
		return false
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(v.AsString())) {
		b.rep.At(x.CA.Range(), "Not a certificate in \"ca\"", "Found %s, expected a certificate as PEM, such as authority(), or file(\"ca.pem\") of the templates folder.", source.Bounded(v.AsString()))
		return false
	}
	if t, _ := protocol.Lookup(e.Protocol); t.Open == nil {
		b.rep.At(x.CA.Range(), "No TLS client for the endpoint", "It speaks %s; \"ca\" is for %s.", e.Protocol, strings.Join(protocol.Names(true), " and "))
		return false
	}
	e.CA = v.AsString()
	return true
}

// served reports that two clusters serve at the same address and port.
func (b *builder) served(c recipe.Cluster, blk clusterBlock) {
	for _, e := range c.Endpoints {
		if other := b.serves[e.At()]; other != "" && b.rep.Failed() == 0 {
			b.rep.At(blk.Range, fmt.Sprintf("Two clusters serve at %s", source.Bounded(e.At())), "The other one is %s: clients would reach one of them, and nobody could say which.", source.Bounded(other))
		}
		b.serves[e.At()] = c.Name
	}
}
