package config

import (
	"net/netip"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"haprov/internal/config/source"
	"haprov/internal/inventory"
	"haprov/internal/kind"
)

// scope makes the values that recipes see of the inventory: host, network and lab.
func (w *world) scope() {
	w.values = map[string]cty.Value{}
	for _, h := range w.inv.Hosts {
		w.values[h.Name] = w.hostValue(h)
	}
	driver, image, enabled := w.driver, "", w.inv.Lab != nil && !w.vagrant
	if enabled {
		image = w.inv.Lab.Image
	}
	if enabled && driver == "" {
		driver = w.inv.Lab.Driver
	}
	w.ctx = w.ctx.NewChild()
	w.ctx.Variables = map[string]cty.Value{
		"host": cty.ObjectVal(w.values),
		"lab": cty.ObjectVal(map[string]cty.Value{
			"enabled": cty.BoolVal(enabled),
			"driver":  cty.StringVal(driver),
			"image":   cty.StringVal(image),
			"speed":   cty.NumberFloatVal(w.speed),
			"can":     cty.ObjectVal(map[string]cty.Value{"filter_packets": cty.BoolVal(inventory.DriverOf(driver).Can.FilterPackets)}),
		}),
	}
}

func (w *world) hostValue(h inventory.Host) cty.Value {
	disks := map[string]cty.Value{}
	for _, d := range h.Disks {
		disks[d.Name] = cty.ObjectVal(map[string]cty.Value{
			"name": cty.StringVal(d.Name), "device": cty.StringVal(d.Device), "size": cty.NumberIntVal(d.Size)})
	}
	nets := map[string]cty.Value{}
	for _, p := range inventory.Purposes {
		nets[p] = w.purpose(h, p)
	}
	fence, passwords := w.fenceValue(h)
	return cty.ObjectVal(map[string]cty.Value{
		"name":    cty.StringVal(h.Name),
		"id":      cty.NumberIntVal(int64(h.ID)),
		"address": cty.StringVal(w.inv.Address(h, "ssh")),
		"disk":    cty.ObjectVal(disks),
		"network": cty.ObjectVal(nets),
		"vars":    w.vars[h.Name],
		"fence":   fence,

		"fence_passwords": passwords,
	})
}

// purpose is what each.host.network.ring and the like give: the first address and all of them.
func (w *world) purpose(h inventory.Host, purpose string) cty.Value {
	all := []cty.Value{}
	cidr, name := "", ""
	for i, a := range w.inv.AddressesFor(h, purpose) {
		all = append(all, cty.StringVal(a.IP))
		if n, ok := w.inv.Network(a.Network); ok && i == 0 {
			cidr, name = n.CIDR, n.Name
		}
	}
	return cty.ObjectVal(map[string]cty.Value{
		"address":   cty.StringVal(w.inv.Address(h, purpose)),
		"addresses": cty.TupleVal(all),
		"cidr":      cty.StringVal(cidr),
		"name":      cty.StringVal(name),
	})
}

// nodes are hosts as cluster steps see them. Further addresses for a purpose are there as ring2,
// ring3 and so on.
func (w *world) nodes(hosts []string) (out []kind.Node) {
	for _, h := range w.inv.Hosts {
		if !slices.Contains(hosts, h.Name) {
			continue
		}
		name := h.Name
		n := kind.Node{Name: name, Lab: w.inv.Lab != nil, Addresses: map[string][]string{}}
		for _, p := range inventory.Purposes {
			for _, a := range w.inv.AddressesFor(h, p) {
				n.Addresses[p] = append(n.Addresses[p], a.IP)
			}
		}
		n.Fence, _ = w.devices(h)
		out = append(out, n)
	}
	return out
}

// vip checks a virtual address against the inventory; "" is right.
func (w *world) vip(s string) (summary, detail string) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return "Invalid virtual address", "Found " + source.Bounded(s) + ", expected an address with its prefix length, such as \"192.168.56.100/24\"."
	}
	for _, h := range w.inv.Hosts {
		for _, a := range h.Addresses {
			if a.IP == p.Addr().String() {
				return "Virtual address belongs to a host", a.IP + " is the address of " + h.Name + "."
			}
		}
	}
	if len(w.inv.Networks) == 0 {
		return "", ""
	}
	for _, n := range w.inv.Networks {
		q, err := netip.ParsePrefix(n.CIDR)
		if err != nil || !q.Contains(p.Addr()) {
			continue
		}
		switch {
		case q.Bits() != p.Bits():
			return "Virtual address has another prefix length", "Network " + n.Name + " is " + n.CIDR + "; found " + s + "."
		case p.Addr().Is4() && (p.Addr() == q.Masked().Addr() || p.Addr() == lastOf(q)):
			return "Virtual address cannot be used", p.Addr().String() + " is the network's own or its broadcast address."
		case w.inv.Lab != nil && p.Addr() == q.Masked().Addr().Next():
			return "Virtual address belongs to the lab", p.Addr().String() + " is the gateway of network " + n.Name + "."
		case !slices.Contains(n.Carries, "service"):
			return "Virtual address is in a wrong network", "Network " + n.Name + " does not carry \"service\"."
		}
		return "", ""
	}
	return "Virtual address outside of all networks", p.Addr().String() + " is in none of the inventory's networks."
}
