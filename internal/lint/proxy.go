package lint

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"haprov/internal/cluster/haproxy"
	"haprov/internal/cluster/keepalived"
)

const (
	noProxy = "no haproxy.cfg"
	noVRRP  = "no keepalived.conf"
)

var proxyChecks = []Check{
	{ID: "proxy-health", Group: "proxy", Severity: Critical,
		Title:  "HAProxy asks each member for its state, not only for an open port",
		Why:    "A member of a minority, a donor and one that is joining all listen. A check of the port, or of the login (mysql-check), sends clients there.",
		Source: "HAProxy Configuration Manual, option httpchk; MariaDB, Galera with HAProxy (clustercheck)",
		Remedy: "option httpchk with a responder that demands Primary and Synced (clustercheck), and check port 9200 on each server", Command: "haprov up",
		Excluded: noProxy + " with servers of a database", Reads: []string{"haproxy*.cfg"}, judge: proxyHealth},
	{ID: "proxy-one-writer", Group: "proxy", Severity: Warning,
		Title:  "there is a back end with one writer at a time",
		Why:    "Writes on several members at once end in certification failures, which clients see as deadlocks at COMMIT, and in lost updates under snapshot reads.",
		Source: "Galera Cluster documentation, certification; Jepsen, MariaDB Galera Cluster 12.1.2 (2026)",
		Remedy: "backup on all servers but one, and a stick table so that a server that returns is not given the writes back", Command: "haprov up",
		Excluded: noProxy + " with servers of a database", Reads: []string{"haproxy*.cfg"}, judge: proxyOneWriter},
	{ID: "proxy-sessions", Group: "proxy", Severity: Warning,
		Title:  "sessions with a member that is marked down are ended",
		Why:    "Otherwise clients go on with a member that left the cluster: they wait for it, or read and write there.",
		Source: "HAProxy Configuration Manual, on-marked-down",
		Remedy: "default-server on-marked-down shutdown-sessions", Command: "haprov up",
		Excluded: noProxy + " with servers of a database", Reads: []string{"haproxy*.cfg"}, judge: proxySessions},
	{ID: "proxy-alike", Group: "proxy", Severity: Critical,
		Title:  "the proxies have the same servers in the same order",
		Why:    "Two proxies that prefer different members write to both; after the virtual IP moves, to another than before.",
		Source: "galera-doctor, the proxy's view against the cluster's",
		Remedy: "copy the configuration of one to the others, then reload", Command: "haprov up",
		Excluded: "there are not two proxies", Reads: []string{"haproxy*.cfg"}, judge: proxyAlike},
	{ID: "proxy-members", Group: "proxy", Severity: Warning,
		Title:  "each Galera member is a server of the proxies",
		Why:    "A member that was added and not told to the proxies serves nobody, and is not there when the others are gone.",
		Source: "galera-doctor, the proxy's view against the cluster's",
		Remedy: "add a server line for it", Command: "haprov up",
		Excluded: "not both a proxy and Galera members", Reads: []string{"haproxy*.cfg", "*.cnf"}, judge: proxyMembers},
	{ID: "proxy-servers", Group: "proxy", Severity: Warning,
		Title:  "each server of a database is up, as the proxy sees it",
		Why:    "A server that the proxy holds for down is not there in the next failure, whatever it says of itself: a firewall, a responder that does not run, or maintenance that was forgotten.",
		Source: "HAProxy Management Guide, show stat; galera-doctor, the proxy's view against the cluster's",
		Remedy: "see what the proxy's last check said, and ask the same from the proxy's host", Command: "haprov status",
		Excluded: noProxy + " with servers of a database", Reads: []string{"haproxy*.cfg", "haproxy-stat.csv"}, judge: proxyServers},
	{ID: "proxy-bind", Group: "proxy", Severity: Critical,
		Title:  "HAProxy may listen on the virtual IP before it has it",
		Why:    "Without net.ipv4.ip_nonlocal_bind HAProxy does not start on the standby: the address moves there, and nobody listens.",
		Source: "HAProxy Configuration Manual, bind (transparent); Linux, ip-sysctl, ip_nonlocal_bind",
		Remedy: "sysctl net.ipv4.ip_nonlocal_bind=1, in /etc/sysctl.d too", Command: "haprov up",
		Excluded: "HAProxy does not listen on an address of keepalived's", Reads: []string{"haproxy*.cfg", "keepalived.conf", "sysctl.txt"}, judge: proxyBind},
	{ID: "vrrp-same", Group: "proxy", Severity: Critical,
		Title:  "all keepalived name one router number, one address and one interval, at different priorities",
		Why:    "Two numbers, or two intervals, are two masters: both hosts hold the address. Equal priorities make the master a matter of chance.",
		Source: "keepalived.conf(5), virtual_router_id, advert_int and priority; RFC 5798",
		Remedy: "the same virtual_router_id, virtual_ipaddress and advert_int, and a priority of its own on each host", Command: "haprov up",
		Excluded: "there are not two hosts with keepalived", Reads: []string{"keepalived.conf"}, judge: vrrpSame},
	{ID: "vrrp-stays", Group: "proxy", Severity: Warning,
		Title:  "the address stays where it is when a host returns",
		Why:    "With state MASTER, or without nopreempt, a host that returns takes the address back, and every session breaks a second time. keepalived passes nopreempt over when the state is MASTER.",
		Source: "keepalived.conf(5), nopreempt: the initial state must not be MASTER",
		Remedy: "state BACKUP and nopreempt on all hosts", Command: "haprov up",
		Excluded: noVRRP, Reads: []string{"keepalived.conf"}, judge: vrrpStays},
	{ID: "vrrp-tracks", Group: "proxy", Severity: Critical,
		Title:  "keepalived gives the address up when the proxy does not work",
		Why:    "Without track_script or track_process the address stays with a host whose proxy is dead.",
		Source: "keepalived.conf(5), track_script and track_process",
		Remedy: "a vrrp_script that asks HAProxy, and track_script in the instance", Command: "haprov up",
		Excluded: noVRRP, Reads: []string{"keepalived.conf"}, judge: vrrpTracks},
	{ID: "vip-subnet", Group: "proxy", Severity: Critical,
		Title:  "the virtual IP is in a network of each host that may get it",
		Why:    "An address outside of all networks of a host is not reachable there: the service moves, and its clients do not.",
		Source: "ocf_heartbeat_IPaddr2(7), ip and cidr_netmask; keepalived.conf(5), virtual_ipaddress",
		Remedy: "take an address of the hosts' network, with its prefix length", Command: "correct the input vip, then haprov up",
		Excluded: "no virtual IP of Pacemaker or keepalived", Reads: []string{"cib.xml", "keepalived.conf", "addresses.txt"}, judge: vipSubnet},
}

// backend is a section with servers, and what default-server and the defaults add.
type backend struct {
	proxySection
	servers []haproxy.ConfLine
	base    []haproxy.ConfLine // default-server lines that apply
	checks  []haproxy.ConfLine // option lines that apply
}

// backends are the sections whose servers are databases: port 3306, or a name or address of a host that has
// a server.
func (f *Facts) backends(h *Host) (out []backend) {
	servers := map[string]bool{}
	for _, d := range f.databases() {
		servers[d.Name] = true
	}
	var defaults []haproxy.ConfLine
	for _, s := range h.Proxy.Value {
		if s.Kind == "defaults" {
			defaults = s.Lines
		}
		if s.Kind != "backend" && s.Kind != "listen" {
			continue
		}
		b := backend{proxySection: s}
		database := false
		for _, l := range s.All("server") {
			if len(l.Words) < 3 {
				continue
			}
			b.servers = append(b.servers, l)
			_, port, _ := strings.Cut(l.Words[2], ":")
			database = database || port == "3306" || servers[l.Words[1]]
		}
		for _, from := range [][]haproxy.ConfLine{defaults, s.Lines} {
			for _, l := range from {
				switch {
				case l.Is("default-server"):
					b.base = append(b.base, l)
				case l.Is("option"):
					b.checks = append(b.checks, l)
				}
			}
		}
		if database {
			out = append(out, b)
		}
	}
	return out
}

// has tells whether a server has a word, by itself or by default-server.
func (b backend) has(server haproxy.ConfLine, word string) bool {
	if server.Has("no-" + word) {
		return false
	}
	return server.Has(word) || slices.ContainsFunc(b.base, func(l haproxy.ConfLine) bool { return l.Has(word) })
}

func (b backend) option(name string) bool {
	return slices.ContainsFunc(b.checks, func(l haproxy.ConfLine) bool { return l.Is("option", name) })
}

// each calls what for every back end of every proxy.
func (f *Facts) eachBackend(v *verdict, what func(h *Host, b backend)) {
	for _, h := range f.proxies() {
		if _, ok := need(v, h.Name, h.Proxy, "haproxy*.cfg"); ok {
			for _, b := range f.backends(h) {
				what(h, b)
			}
		}
	}
}

func proxyHealth(v *verdict, f *Facts) {
	f.eachBackend(v, func(h *Host, b backend) {
		asks := b.option("httpchk") || b.option("external-check") || b.option("tcp-check") && slices.ContainsFunc(b.Lines, func(l haproxy.ConfLine) bool { return l.Is("tcp-check", "expect") })
		for _, s := range b.servers {
			where := place{h.Name, b.file, s.Line}
			switch name := s.Words[1]; {
			case s.Has("track"):
				v.OK() // as the server that it follows, which is judged itself
			case !b.has(s, "check") && !s.Has("check"):
				v.Bad(where, "check", "server %.64s of %.64s is not checked", name, b.Name)
			case !asks && b.option("mysql-check"):
				v.Bad(where, "option httpchk with a responder", "server %.64s of %.64s is checked by a login alone", name, b.Name)
			default:
				v.Is(asks, where, "option httpchk with a responder", "server %.64s of %.64s is checked by its port alone", name, b.Name)
			}
		}
	})
}

func proxyOneWriter(v *verdict, f *Facts) {
	for _, h := range f.proxies() {
		if _, ok := need(v, h.Name, h.Proxy, "haproxy*.cfg"); !ok {
			continue
		}
		all := f.backends(h)
		if len(all) == 0 {
			continue
		}
		one := slices.ContainsFunc(all, func(b backend) bool {
			active := 0
			for _, s := range b.servers {
				if !s.Has("backup") {
					active++
				}
			}
			return active <= 1
		})
		v.Is(one, place{h.Name, all[0].file, all[0].Line}, "backup on all servers but one", "no back end has a single active server")
	}
}

func proxySessions(v *verdict, f *Facts) {
	f.eachBackend(v, func(h *Host, b backend) {
		for _, s := range b.servers {
			value := s.After("on-marked-down")
			for _, l := range b.base {
				value = first(value, l.After("on-marked-down"))
			}
			v.Is(value == "shutdown-sessions", place{h.Name, b.file, s.Line}, "on-marked-down shutdown-sessions", "sessions with server %.64s of %.64s outlive it", s.Words[1], b.Name)
		}
	})
}

func proxyAlike(v *verdict, f *Facts) {
	all := f.proxies()
	if len(all) < 2 {
		return
	}
	want, on := "", ""
	for _, h := range all {
		if _, ok := need(v, h.Name, h.Proxy, "haproxy*.cfg"); !ok {
			continue
		}
		var have []string
		var where place
		for _, b := range f.backends(h) {
			where = place{h.Name, b.file, b.Line}
			for _, s := range b.servers {
				x := b.Name + "/" + s.Words[1] + "=" + s.Words[2]
				if s.Has("backup") {
					x += " backup"
				}
				have = append(have, x)
			}
		}
		if on == "" {
			want, on = together(have), h.Name
			continue
		}
		v.Is(together(have) == want, where, "as on "+on, "other servers, or another order, than on %s: %.300s", on, together(have))
	}
}

func proxyMembers(v *verdict, f *Facts) {
	members := f.galera()
	if len(members) == 0 {
		return
	}
	for _, p := range f.proxies() {
		if _, ok := need(v, p.Name, p.Proxy, "haproxy*.cfg"); !ok {
			continue
		}
		known := map[string]bool{}
		for _, b := range f.backends(p) {
			for _, s := range b.servers {
				known[s.Words[1]], known[bare(s.Words[2])] = true, true
			}
		}
		for _, m := range members {
			ids := []string{m.Name}
			for _, n := range []string{"wsrep_node_name", "wsrep_node_address", "bind_address"} {
				if s, ok := m.setting(&verdict{}, n, ""); ok && s.value != "" {
					ids = append(ids, bare(s.value))
				}
			}
			for _, a := range m.Addresses.Value {
				ids = append(ids, a.Addr().String())
			}
			v.Is(slices.ContainsFunc(ids, func(id string) bool { return known[id] }), at(p, p.Proxy, 0), "a server line for it", "member %.64s is no server of the proxy", m.Name)
		}
	}
}

func proxyServers(v *verdict, f *Facts) {
	for _, h := range f.proxies() {
		if _, ok := need(v, h.Name, h.Proxy, "haproxy*.cfg"); !ok {
			continue
		}
		ours := map[string]bool{}
		for _, b := range f.backends(h) {
			ours[b.Name] = true
		}
		if len(ours) == 0 {
			continue
		}
		all, ok := need(v, h.Name, h.Servers, "haproxy-stat.csv")
		if !ok {
			continue
		}
		for _, s := range all {
			if ours[s.Backend] {
				v.Is(s.Up(), at(h, h.Servers, 0), "UP", "server %.64s of %.64s is %.40s: %.120s", s.Name, s.Backend, s.Status, first(s.Said, s.Check))
			}
		}
	}
}

// instances are a host's VRRP instances.
func (h *Host) instances() []*keepalived.Line { return keepalived.In(h.VRRP.Value, "vrrp_instance") }

// vips are the addresses of an instance, as they stand there.
func vips(instance *keepalived.Line) (out []string) {
	for _, b := range keepalived.In(instance.Block, "virtual_ipaddress") {
		for _, l := range b.Block {
			if len(l.Words) > 0 {
				out = append(out, l.Words[0])
			}
		}
	}
	return out
}

func (f *Facts) vrrp(v *verdict, each func(h *Host, instance *keepalived.Line)) (hosts int) {
	for _, h := range f.Hosts {
		if h.VRRP.State == Missing {
			continue
		}
		hosts++
		if _, ok := need(v, h.Name, h.VRRP, "keepalived.conf"); ok {
			for _, i := range h.instances() {
				each(h, i)
			}
		}
	}
	return hosts
}

func vrrpSame(v *verdict, f *Facts) {
	type seen struct{ host, id, ips, advert string }
	had, priorities := map[string]seen{}, map[string]string{}
	w := &verdict{}
	n := f.vrrp(w, func(h *Host, i *keepalived.Line) {
		name := ""
		if len(i.Words) > 1 {
			name = i.Words[1]
		}
		id, line, _ := keepalived.Get(i.Block, "virtual_router_id")
		advert, advertLine, _ := keepalived.Get(i.Block, "advert_int")
		advert = first(advert, "1")
		ips := vips(i)
		slices.Sort(ips)
		x := seen{h.Name, id, together(ips), advert}
		old, twice := had[name]
		if !twice {
			had[name] = x
		} else {
			w.Is(old.id == id, at(h, h.VRRP, line), old.id, "virtual_router_id is %.20s, on %s %.20s", id, old.host, old.id)
			w.Is(old.advert == advert, at(h, h.VRRP, advertLine), old.advert, "advert_int is %.20s, on %s %.20s: they take each other for dead", advert, old.host, old.advert)
			w.Is(old.ips == x.ips, at(h, h.VRRP, i.Line), old.ips, "other addresses than on %s: %.200s", old.host, x.ips)
		}
		p, line, _ := keepalived.Get(i.Block, "priority")
		p = name + " " + first(p, "100")
		w.Is(priorities[p] == "", at(h, h.VRRP, line), "a priority of its own", "the priority is that of %s", priorities[p])
		priorities[p] = h.Name
	})
	if n > 1 {
		*v = *w
	}
}

func vrrpStays(v *verdict, f *Facts) {
	f.vrrp(v, func(h *Host, i *keepalived.Line) {
		state, line, _ := keepalived.Get(i.Block, "state")
		_, _, stays := keepalived.Get(i.Block, "nopreempt")
		v.Is(state != "MASTER", at(h, h.VRRP, line), "BACKUP", "the state is MASTER")
		v.Is(stays, at(h, h.VRRP, i.Line), "nopreempt", "no nopreempt")
	})
}

func vrrpTracks(v *verdict, f *Facts) {
	f.vrrp(v, func(h *Host, i *keepalived.Line) {
		tracks := len(keepalived.In(i.Block, "track_script")) + len(keepalived.In(i.Block, "track_process"))
		v.Is(tracks > 0, at(h, h.VRRP, i.Line), "track_script", "nothing is tracked")
	})
}

func proxyBind(v *verdict, f *Facts) {
	for _, h := range f.proxies() {
		if h.VRRP.State == Missing {
			continue
		}
		sections, ok := need(v, h.Name, h.Proxy, "haproxy*.cfg")
		if _, both := need(v, h.Name, h.VRRP, "keepalived.conf"); !ok || !both {
			continue
		}
		moves := map[string]bool{}
		for _, i := range h.instances() {
			for _, a := range vips(i) {
				ip, _, _ := strings.Cut(a, "/")
				moves[ip] = true
			}
		}
		for _, s := range sections {
			for _, l := range s.All("bind") {
				if len(l.Words) < 2 || !moves[bare(l.Words[1])] || l.Has("transparent") {
					continue
				}
				if k, ok := need(v, h.Name, h.Sysctl, "sysctl.txt"); ok {
					v.Is(k["net.ipv4.ip_nonlocal_bind"] == "1", at(h, h.Sysctl, 0), "1", "net.ipv4.ip_nonlocal_bind is %.8s", first(k["net.ipv4.ip_nonlocal_bind"], "not there"))
				}
			}
		}
	}
}

func vipSubnet(v *verdict, f *Facts) {
	judge := func(h *Host, ip netip.Addr, bits int, at place) {
		own, ok := need(v, h.Name, h.Addresses, "addresses.txt")
		if !ok {
			return
		}
		in := func(p netip.Prefix) bool { // the address itself, where it is just now, proves nothing
			return p.Addr() != ip && p.Contains(ip)
		}
		v.Is(slices.ContainsFunc(own, in), at, "an address of a network of each host", "%s is in no network of %s", ip, h.Name)
		i := slices.IndexFunc(own, in)
		v.Is(i < 0 || bits == 0 || bits == own[i].Bits() || bits == ip.BitLen(), at, strconv.Itoa(own[max(i, 0)].Bits()), "%s has the prefix length %d", ip, bits)
	}
	for _, ip := range f.virtualIPs() {
		if _, where, ok := f.cib(v); ok {
			for _, h := range f.nodes() {
				judge(h, ip.ip, ip.bits, where)
			}
		}
	}
	f.vrrp(v, func(h *Host, i *keepalived.Line) {
		for _, a := range vips(i) {
			if p, err := netip.ParsePrefix(a); err == nil {
				judge(h, p.Addr(), p.Bits(), at(h, h.VRRP, i.Line))
			} else if ip, err := netip.ParseAddr(a); err == nil {
				judge(h, ip, 0, at(h, h.VRRP, i.Line))
			}
		}
	})
}
