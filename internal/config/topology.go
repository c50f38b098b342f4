package config

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"haprov/internal/config/source"
	"haprov/internal/inventory"
)

var dnsName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

// addresses reads a host's address and network blocks. A bare address belongs to the network that
// it lies in.
func (w *world) addresses(b hostBlock) (out []inventory.Address) {
	if b.Address != "" {
		out = append(out, inventory.Address{Network: w.networkOf(b.Address, b.Ranges["address"]), IP: b.Address})
	}
	for _, n := range b.Networks {
		if _, ok := w.inv.Network(n.Network); !ok {
			w.rep.At(n.Range, fmt.Sprintf("Unknown network %s", source.Bounded(n.Network)), "%s", w.rep.Meant(n.Network, w.networkNames()))
			continue
		}
		out = append(out, inventory.Address{Network: n.Network, IP: n.Address})
	}
	if rng := b.Ranges["address"]; len(out) == 0 && len(b.Networks) == 0 && !w.rep.ToldAt(rng) {
		if rng.Empty() {
			rng = b.Range
		}
		w.rep.At(rng, "Host has no address", "Write address = \"...\", or a network block for each network it stands in.")
	}
	return out
}

func (w *world) networkNames() (out []string) {
	for _, n := range w.inv.Networks {
		out = append(out, n.Name)
	}
	return out
}

func (w *world) networkOf(address string, rng hcl.Range) string {
	ip, err := netip.ParseAddr(address)
	for _, n := range w.inv.Networks {
		if p, bad := netip.ParsePrefix(n.CIDR); err == nil && bad == nil && p.Contains(ip) {
			return n.Name
		}
	}
	if len(w.inv.Networks) == 0 {
		if err != nil && (strings.Contains(address, "/") || !dnsName.MatchString(address)) || err == nil && ip.Zone() != "" {
			w.rep.At(rng, "Invalid address", "Found %s, expected an IP address without prefix length, or a host name.", source.Bounded(address))
		}
		return ""
	}
	for _, n := range w.inv.Networks {
		if _, bad := netip.ParsePrefix(n.CIDR); bad != nil {
			return "" // reported already; nothing follows from it
		}
	}
	if err == nil && ip.Zone() == "" {
		w.rep.At(rng, "Address is in no network", "%s is in none of %s.", ip, strings.Join(w.cidrs(), ", "))
	} else {
		w.rep.At(rng, "Invalid address", "Found %s, expected an IP address without prefix length.", source.Bounded(address))
	}
	return ""
}

func (w *world) cidrs() (out []string) {
	for _, n := range w.inv.Networks {
		out = append(out, n.CIDR)
	}
	return out
}

// topology checks networks and addresses against each other.
func (w *world) topology() {
	nets := map[string]netip.Prefix{}
	for i, n := range w.inv.Networks {
		b := w.file.Networks[i]
		rng := b.Ranges["cidr"]
		if rng == (hcl.Range{}) {
			continue
		}
		p, err := netip.ParsePrefix(n.CIDR)
		switch {
		case n.CIDR == "":
			continue // reported already
		case err != nil:
			w.rep.At(rng, "Invalid network", "Found %s, expected one such as \"192.168.56.0/24\".", source.Bounded(n.CIDR))
			continue
		case p.Masked() != p:
			w.rep.At(rng, "Invalid network", "%s has host bits set; the network is %s.", n.CIDR, p.Masked())
		case p.Addr().IsLoopback() || p.Addr().IsMulticast():
			w.rep.At(rng, "Invalid network", "%s cannot be a network between machines.", n.CIDR)
		case w.inv.Lab != nil && (!p.Addr().Is4() || p.Bits() > 29):
			w.rep.At(rng, "Invalid network", "A lab's networks are IPv4 and /29 or wider; found %s.", n.CIDR)
		}
		for _, o := range w.inv.Networks[:i] {
			if q, ok := nets[o.Name]; ok && q.Overlaps(p) && o.Name != n.Name {
				w.rep.At(rng, "Networks overlap", "%s overlaps network %s (%s).", n.CIDR, o.Name, o.CIDR)
			}
		}
		nets[n.Name] = p
	}
	for _, b := range w.file.Hosts {
		w.hostAddresses(b, nets)
	}
	if w.inv.Lab != nil && len(w.inv.Networks) == 0 {
		w.rep.At(w.file.Lab.Range, "Lab has no network", "Write network \"cluster\" { cidr = \"192.168.56.0/24\" }.")
	}
}

func (w *world) hostAddresses(b hostBlock, nets map[string]netip.Prefix) {
	in := map[string]bool{}
	check := func(network, address string, rng hcl.Range) {
		ip, err := netip.ParseAddr(address)
		p, known := nets[network]
		if network == "" {
			port := 0
			if b.SSH != nil {
				port = b.SSH.Port
			}
			if len(w.inv.Networks) == 0 {
				w.once("address", strings.TrimSuffix(fmt.Sprintf("%s:%d", address, port), ":0"), rng)
			}
			return
		}
		switch {
		case err != nil || ip.Zone() != "":
			w.rep.At(rng, "Invalid address", "Found %s, expected an IP address without prefix length.", source.Bounded(address))
			return
		case known && !p.Contains(ip):
			w.rep.At(rng, "Address outside of its network", "%s is not in network %s (%s).", ip, network, p)
			return
		case known && ip.Is4() && p.Bits() < 31 && (ip == p.Masked().Addr() || ip == lastOf(p)):
			w.rep.At(rng, "Address cannot be a host's", "%s is the network's own or its broadcast address.", ip)
		case known && w.inv.Lab != nil && ip == p.Masked().Addr().Next():
			w.rep.At(rng, "Address belongs to the lab", "%s is the gateway of network %s.", ip, network)
		}
		if in[network] {
			w.rep.At(rng, fmt.Sprintf("Host has two addresses in network %q", network), "One address a network.")
		}
		in[network] = true
		w.once("address", ip.String(), rng)
	}
	if r, ok := b.Ranges["address"]; ok && b.Address != "" {
		n := ""
		if ip, err := netip.ParseAddr(b.Address); err == nil {
			for _, net := range w.inv.Networks {
				if nets[net.Name].IsValid() && nets[net.Name].Contains(ip) {
					n = net.Name
					break
				}
			}
		}
		check(n, b.Address, r)
	}
	for _, n := range b.Networks {
		if _, ok := nets[n.Network]; ok {
			check(n.Network, n.Address, n.Ranges["address"])
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

// disk checks one disk: a lab makes it from its size, a real machine has a device.
func (w *world) disk(h hostBlock, d diskBlock) inventory.Disk {
	w.dec.Name("disk", d.Name, d.Range)
	w.once("disk", h.Name+"."+d.Name, d.Range)
	out := inventory.Disk{Name: d.Name, Size: d.Size, Device: d.Device}
	switch {
	case w.inv.Lab != nil && d.Device != "":
		w.rep.At(d.Ranges["device"], "Disk of a lab has a device", "The lab makes it and names it; leave device out.")
	case w.inv.Lab != nil && d.Size == 0 && d.Ranges["size"] == hcl.Range{}:
		w.rep.At(d.Range, "Disk has no size", "The lab makes it: write size = \"2GiB\".")
	case w.inv.Lab != nil && d.Size > 0 && d.Size < 1<<20:
		w.rep.At(d.Ranges["size"], "Disk is too small", "Found %d bytes, expected at least 1MiB.", d.Size)
	case w.inv.Lab == nil && d.Device == "":
		w.rep.At(d.Range, "Disk has no device", "Write device = \"/dev/disk/by-id/...\".")
	case w.inv.Lab == nil:
		w.device(h, d)
	}
	if w.inv.Lab != nil {
		out.Device = "/dev/disk/by-haprov/" + d.Name
	}
	return out
}

var devicePath = regexp.MustCompile(`^/dev/[A-Za-z0-9/_:.+-]+$`)

func (w *world) device(h hostBlock, d diskBlock) {
	rng := d.Ranges["device"]
	if !devicePath.MatchString(d.Device) || path.Clean(d.Device) != d.Device {
		w.rep.At(rng, "Invalid device", "Found %s, expected a path such as \"/dev/disk/by-id/...\".", source.Bounded(d.Device))
		return
	}
	w.once("device", h.Name+":"+d.Device, rng)
}
