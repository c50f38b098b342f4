package takeover

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"haprov/internal/config/draft"
	"haprov/internal/inventory"
	"haprov/internal/lint"
)

// put adds an address that a host has for a purpose.
func (n *node) put(purpose, address string) {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Zone() == "" && !slices.Contains(n.at[purpose], ip.String()) {
		n.at[purpose] = append(n.at[purpose], ip.String())
	}
}

// first is the host's address for the first of the purposes that it has one for.
func (n *node) first(purposes ...string) string {
	for _, p := range purposes {
		if len(n.at[p]) > 0 {
			return n.at[p][0]
		}
	}
	return ""
}

// own are the addresses that a host says to have, but the virtual one.
func (t *taking) own(h *lint.Host) (out []netip.Prefix) {
	if h == nil || h.Addresses.State != lint.Given {
		return nil
	}
	for _, p := range h.Addresses.Value {
		if p.Addr().String() != t.names.vip && p.Bits() < p.Addr().BitLen() {
			out = append(out, p)
		}
	}
	return out
}

// within finds the address that a host has in a network.
func (t *taking) within(h *lint.Host, in netip.Prefix) string {
	for _, p := range t.own(h) {
		if in.IsValid() && in.Masked().Contains(p.Addr()) {
			return p.Addr().String()
		}
	}
	return ""
}

// prefix is the network that an address is in, as hosts have it; ok is false when none says.
func (t *taking) prefix(a netip.Addr) (out netip.Prefix, ok bool) {
	for _, h := range t.facts.Hosts {
		for _, p := range t.own(h) {
			if p.Masked().Contains(a) {
				return p.Masked(), true
			}
		}
	}
	return out, false
}

// vip gives the virtual address its prefix length: that of the hosts' network, else as it was found.
func (t *taking) vip(address, bits string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	t.names.vip = ip.String()
	if p, ok := t.prefix(ip); ok {
		return netip.PrefixFrom(ip, p.Bits()).String()
	}
	if p, err := netip.ParsePrefix(address + "/" + bits); err == nil && p.Bits() < ip.BitLen() {
		return p.String()
	}
	p := assumed(ip)
	t.note("No host's addresses (addresses.txt) say how long the prefix of the virtual IP %s is: /%d is an assumption.", ip, p.Bits())
	return netip.PrefixFrom(ip, p.Bits()).String()
}

func assumed(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// networks makes networks of the hosts' addresses, each with the purposes that they have in it.
func (t *taking) networks(vip string) {
	service, _ := netip.ParsePrefix(vip)
	type subnet struct {
		prefix  netip.Prefix
		carries map[string]bool
	}
	var nets []*subnet
	of := func(a netip.Addr) *subnet {
		p, known := t.prefix(a)
		if !known && service.IsValid() && service.Masked().Contains(a) {
			p, known = service.Masked(), true
		}
		if !known {
			p = assumed(a)
		}
		for _, n := range nets {
			if n.prefix.Overlaps(p) {
				if p.Bits() < n.prefix.Bits() {
					n.prefix = p
				}
				return n
			}
		}
		if !known {
			t.note("No host's addresses say which network %s is in: %s is an assumption.", a, p)
		}
		nets = append(nets, &subnet{p, map[string]bool{}})
		return nets[len(nets)-1]
	}
	for _, purpose := range []string{"service", "replication", "ring", "ssh"} {
		for _, n := range t.nodes {
			for _, a := range n.at[purpose] {
				of(netip.MustParseAddr(a)).carries[purpose] = true
			}
		}
	}
	if service.IsValid() {
		of(service.Addr()).carries["service"] = true
	}
	if len(nets) == 0 {
		return
	}
	apart := func(purpose string) bool { // no network carries it, or some host stands in none that does
		return slices.ContainsFunc(t.nodes, func(n *node) bool {
			return !slices.ContainsFunc(nets, func(s *subnet) bool { return s.carries[purpose] && n.in(s.prefix) != "" })
		})
	}
	for _, purpose := range []string{"service", "replication", "ssh"} {
		if apart(purpose) {
			for _, s := range nets {
				if s.carries["service"] {
					s.carries[purpose] = true
				}
			}
		}
	}
	// the first network that carries a purpose is taken for it: those for one purpose alone come first
	slices.SortStableFunc(nets, func(a, b *subnet) int {
		return rank(a.carries) - rank(b.carries)
	})
	used := map[string]bool{}
	for _, s := range nets {
		n := draft.Network{CIDR: s.prefix.String()}
		for _, p := range inventory.Purposes {
			if s.carries[p] {
				n.Carries = append(n.Carries, p)
			}
		}
		switch {
		case len(nets) == 1:
			n.Name, n.Carries = "cluster", nil
		case s.carries["service"]:
			n.Name = "service"
		case s.carries["replication"]:
			n.Name = "replication"
		case s.carries["ring"]:
			n.Name = "ring"
		default:
			n.Name = "ssh"
		}
		for base, i := n.Name, 2; used[n.Name]; i++ {
			n.Name = fmt.Sprintf("%s-%d", base, i)
		}
		used[n.Name] = true
		t.inv.Networks = append(t.inv.Networks, n)
		for _, x := range t.nodes {
			if a := x.in(s.prefix); a != "" {
				x.at["network "+n.Name] = []string{a}
			}
		}
	}
}

// rank orders networks: a network for replication alone before the one that also carries it for hosts
// outside of it.
func rank(carries map[string]bool) int {
	switch {
	case carries["replication"] && !carries["service"]:
		return 1
	case carries["service"]:
		return 0 + btoi(carries["replication"])*2
	case carries["ring"]:
		return 3
	}
	return 4
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// in is the host's address in a network: of several the one for the first purpose.
func (n *node) in(p netip.Prefix) string {
	for _, purpose := range []string{"service", "replication", "ring", "ssh"} {
		for _, a := range n.at[purpose] {
			if p.Contains(netip.MustParseAddr(a)) {
				return a
			}
		}
	}
	return ""
}

// hosts writes the nodes into the inventory.
func (t *taking) hosts() {
	for _, n := range t.nodes {
		h := draft.Host{Name: n.as, Disk: n.disk, Fences: n.fence}
		for _, w := range t.inv.Networks {
			if a := n.at["network "+w.Name]; len(a) > 0 {
				h.Addresses = append(h.Addresses, draft.Address{Network: w.Name, IP: a[0]})
			}
		}
		for _, p := range []string{"service", "replication", "ring"} {
			for _, a := range n.at[p] {
				if !slices.Contains(h.Addresses, draft.Address{Network: t.networkOf(a), IP: a}) {
					t.note("Host %s has %s for %s, a second address in its network: an inventory has one.", n.as, a, p)
				}
			}
		}
		if len(h.Addresses) == 0 {
			t.note("No address of host %s is known: write it into its block.", n.as)
		}
		if l, ok := t.login(n); ok {
			if l.Address != n.name && l.Address != n.as && l.Address != n.first("ssh", "service") {
				h.About = "reached as " + l.Address
			}
			if t.inv.Login == (draft.Login{}) {
				t.inv.Login = draft.Login{User: l.User, Port: l.Port, Sudo: l.Sudo}
			} else if l.Port != t.inv.Login.Port {
				h.Port = l.Port
			}
		} else if n.facts == nil {
			h.About = "not looked at: known from the other hosts' files alone"
		}
		t.inv.Hosts = append(t.inv.Hosts, h)
	}
}

func (t *taking) login(n *node) (l Login, ok bool) {
	if n.facts != nil {
		l, ok = t.Logins[n.facts.Name]
	}
	return l, ok
}

func (t *taking) networkOf(a string) string {
	ip, err := netip.ParseAddr(a)
	for _, n := range t.inv.Networks {
		if p, bad := netip.ParsePrefix(n.CIDR); err == nil && bad == nil && p.Contains(ip) {
			return n.Name
		}
	}
	return ""
}

// resolve is the address of what a file names: an address, or a node's name.
func (t *taking) resolve(text string, id string) string {
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.String()
	}
	for _, h := range t.facts.Hosts {
		if h.Cmap.State != lint.Given || id == "" {
			continue
		}
		// runtime.members.1.ip (str) = r(0) ip(10.0.0.11)
		for _, key := range []string{"runtime.members." + id + ".ip", "runtime.totem.pg.mrp.srp.members." + id + ".ip"} {
			if _, rest, ok := strings.Cut(h.Cmap.Value[key], "r(0) ip("); ok {
				a, _, _ := strings.Cut(rest, ")")
				return a
			}
		}
	}
	return ""
}

func prefixOf(vip string) netip.Prefix {
	p, _ := netip.ParsePrefix(vip)
	return p
}

func addressOf(a string) netip.Addr {
	ip, _ := netip.ParseAddr(a)
	return ip
}
