package takeover

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"haprov/internal/cluster/keepalived"
	"haprov/internal/config/draft"
	"haprov/internal/lint"
)

// The recipe's bounds of the role db.
const (
	fewest  = 3
	largest = 9
)

// galera says a Galera cluster.
func (t *taking) galera(members []*lint.Host) error {
	vip := t.keepalivedVIP()
	servers := t.servers()
	name := ""
	for _, h := range members {
		n := t.node(nodeName(h))
		n.facts = h
		node, _ := h.Setting("wsrep_node_address")
		bind, _ := h.Setting("bind_address")
		if ip, err := netip.ParseAddr(bind); err == nil && !ip.IsUnspecified() {
			n.put("service", bind)
		}
		for _, s := range servers {
			if s.name == n.name || s.name == n.as || slices.ContainsFunc(t.own(h), func(p netip.Prefix) bool { return p.Addr().String() == s.address }) {
				n.put("service", s.address)
			}
		}
		n.put("replication", lint.Bare(node))
		for _, a := range h.Group() {
			if slices.ContainsFunc(t.own(h), func(p netip.Prefix) bool { return p.Addr().String() == a }) {
				n.put("replication", a)
			}
		}
		if len(n.at["service"]) == 0 {
			n.put("service", t.within(h, prefixOf(vip)))
		}
		t.oneWay(n)
		if x, ok := h.Setting("wsrep_cluster_name"); ok && name == "" {
			name = x
		}
	}
	t.unseen(members, servers)
	if n := len(t.nodes); n < fewest || n > largest {
		return fmt.Errorf("%w: Galera has %d members here (%s), and recipe galera takes %d to %d: an odd number, so that one half is always the larger", ErrStack, n, draft.Clean(strings.Join(called(members), ", ")), fewest, largest)
	}
	db := slices.Clone(t.nodes)
	proxies := t.proxies(vip)
	for _, n := range t.nodes {
		if l, ok := t.login(n); ok {
			n.put("ssh", l.Address)
		}
	}
	t.networks(vip)
	t.inv.Cluster = draft.Cluster{Name: t.name("cluster", name, "cluster"), Recipe: "galera"}
	t.role("db", db)
	if len(proxies) > 0 {
		t.role("proxy", proxies)
	} else {
		t.note("No HAProxy with servers of the cluster was found: write role \"proxy\" { hosts = [...] } with one host or two; they may be members.")
	}
	t.hosts()
	if vip != "" {
		t.inv.Cluster.Inputs = append(t.inv.Cluster.Inputs, draft.Input{Name: "vip", Value: vip})
	} else {
		t.note("No virtual IP of keepalived was found: give the input vip.")
	}
	t.database()
	return nil
}

// oneWay gives a member one address for what it has no other for.
func (t *taking) oneWay(n *node) {
	if len(n.at["service"]) == 0 {
		n.put("service", n.first("replication"))
	}
	if own := t.own(n.facts); len(n.at["service"]) == 0 && len(own) > 0 {
		n.put("service", own[0].Addr().String())
		if len(own) > 1 {
			t.note("No file says which of its addresses member %s serves at: %s is an assumption.", n.name, own[0].Addr())
		}
	}
	if len(n.at["replication"]) == 0 {
		n.put("replication", n.first("service"))
	}
}

// unseen adds the members that others name and that were not looked at.
func (t *taking) unseen(members []*lint.Host, servers []server) {
	known := func(a string) bool {
		return slices.ContainsFunc(t.nodes, func(n *node) bool {
			return n.name == a || slices.Contains(n.at["replication"], a) || slices.Contains(n.at["service"], a) ||
				slices.ContainsFunc(t.own(n.facts), func(p netip.Prefix) bool { return p.Addr().String() == a })
		})
	}
	for _, h := range members {
		for _, a := range h.Group() {
			if known(a) || len(t.nodes) > largest {
				continue
			}
			if _, err := netip.ParseAddr(a); err != nil {
				t.node(a)
				t.note("Member %s was not looked at, and its address is not known: write it into its block.", a)
				continue
			}
			name := ""
			for _, s := range servers {
				if s.address == a {
					name = s.name
				}
			}
			n := t.node(cmp.Or(name, fmt.Sprintf("member-%s", strings.NewReplacer(".", "-", ":", "-").Replace(a))))
			n.put("replication", a)
			n.put("service", a)
			t.note("Member %s was not looked at: it is known from wsrep_cluster_address of %s alone.", a, h.Name)
		}
	}
}

// server is one of a proxy's.
type server struct{ name, address string }

func (t *taking) servers() (out []server) {
	for _, h := range t.facts.Proxies() {
		for _, b := range t.facts.Backends(h) {
			for _, s := range b.Servers {
				x := server{s.Words[1], lint.Bare(s.Words[2])}
				if !slices.Contains(out, x) && len(out) < most {
					out = append(out, x)
				}
			}
		}
	}
	return out
}

// proxies are the hosts whose HAProxy has the members.
func (t *taking) proxies(vip string) (out []*node) {
	for _, h := range t.facts.Proxies() {
		if h.Proxy.State == lint.Broken {
			t.note("%s: %s: %s: whether it is a proxy is not known.", h.Name, h.Proxy.File, h.Proxy.Why)
			continue
		}
		if len(t.facts.Backends(h)) == 0 {
			continue
		}
		n := t.node(nodeName(h))
		n.facts = h
		if i := t.instance(h); i != nil {
			a, _, _ := keepalived.Get(i.Block, "unicast_src_ip")
			if len(n.at["service"]) == 0 {
				n.put("service", a)
			}
			for _, p := range keepalived.In(i.Block, "unicast_peer") {
				for _, l := range p.Block {
					t.peer(l.Words, h)
				}
			}
		}
		if len(n.at["service"]) == 0 {
			n.put("service", t.within(h, prefixOf(vip)))
		}
		if own := t.own(h); len(n.at["service"]) == 0 && len(own) > 0 {
			n.put("service", own[0].Addr().String())
		}
		out = append(out, n)
	}
	return out
}

// peer tells of a proxy that was not looked at.
func (t *taking) peer(words []string, from *lint.Host) {
	if len(words) == 0 || slices.ContainsFunc(t.facts.Hosts, func(h *lint.Host) bool {
		return slices.ContainsFunc(t.own(h), func(p netip.Prefix) bool { return p.Addr().String() == words[0] }) || h.Name == words[0]
	}) {
		return
	}
	for _, h := range t.facts.Hosts {
		if i := t.instance(h); i != nil {
			if a, _, _ := keepalived.Get(i.Block, "unicast_src_ip"); a == words[0] {
				return
			}
		}
	}
	t.note("Proxy %s was not looked at: keepalived of %s names it. Import it with the others, or write it into the role proxy.", words[0], from.Name)
}

// instance is the VRRP instance of a proxy that has the virtual IP.
func (t *taking) instance(h *lint.Host) *keepalived.Line {
	if h.VRRP.State != lint.Given {
		return nil
	}
	for _, i := range h.Instances() {
		for _, v := range lint.Virtual(i) {
			if lint.Bare(strings.SplitN(v, "/", 2)[0]) == t.names.vip {
				return i
			}
		}
	}
	return nil
}

// keepalivedVIP is the virtual IP of the proxies: of several the first that HAProxy listens at.
func (t *taking) keepalivedVIP() string {
	var all []string
	for _, h := range t.facts.Hosts {
		if h.VRRP.State == lint.Broken {
			t.note("%s: %s: %s.", h.Name, h.VRRP.File, h.VRRP.Why)
		}
		if h.VRRP.State != lint.Given {
			continue
		}
		for _, i := range h.Instances() {
			for _, v := range lint.Virtual(i) {
				if !slices.Contains(all, v) && len(all) < 64 {
					all = append(all, v)
				}
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	chosen := all[0]
	for _, v := range all {
		if ip, _, _ := strings.Cut(v, "/"); t.listens(ip) {
			chosen = v
			break
		}
	}
	for _, v := range all {
		if v != chosen {
			t.leave(left{part: dropped, what: "keepalived's virtual address " + v})
		}
	}
	ip, bits, _ := strings.Cut(chosen, "/")
	return t.vip(ip, bits)
}

// listens tells whether a proxy has an address of its own for a section.
func (t *taking) listens(ip string) bool {
	for _, h := range t.facts.Proxies() {
		for _, s := range h.Proxy.Value {
			for _, l := range s.All("bind") {
				if len(l.Words) > 1 && lint.Bare(l.Words[1]) == ip {
					return true
				}
			}
		}
	}
	return false
}
