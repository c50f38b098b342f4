package takeover

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/config/draft"
	"haprov/internal/lint"
)

// volume is a resource of DRBD with what it has on each host.
type volume struct {
	lint.Replicated
	from  *lint.Host
	sides []side
	odd   string // why it cannot be said
}

// side is one host of a resource.
type side struct{ host, address, device, disk, meta string }

// mostSides bounds the hosts of a resource; DRBD 9 has 32 at the most.
const mostSides = 32

// volumes are the resources of all hosts, each once.
func (t *taking) volumes() (out []volume) {
	for _, h := range t.facts.Hosts {
		if h.DRBD.State != lint.Given {
			continue
		}
		for _, r := range h.DRBD.Value.Resources() {
			if !slices.ContainsFunc(out, func(v volume) bool { return v.Name == r.Name }) {
				out = append(out, volumeOf(h, r))
			}
		}
	}
	return out
}

// volumeOf finds a resource's hosts: drbd.conf(5), on, with volumes or without, and the addresses of
// connections.
func volumeOf(h *lint.Host, r lint.Replicated) volume {
	v := volume{Replicated: r, from: h}
	common := side{}
	fill(&common, r.Block)
	for _, s := range r.Block {
		switch {
		case s.Is("on") && s.Braces && len(s.Words) > 1:
			if len(s.Words) > mostSides || len(v.sides) > mostSides {
				v.odd = fmt.Sprintf("has more than %d hosts", mostSides)
				return v
			}
			for _, name := range s.Words[1:] {
				x := common
				x.host = name
				fill(&x, s.Block)
				v.sides = append(v.sides, x)
			}
		case s.Is("floating"):
			v.odd = "has floating addresses instead of hosts"
		case s.Is("stacked-on-top-of"):
			v.odd = "is stacked on another resource"
		}
	}
	for _, c := range drbd.In(r.Block, "connection") {
		for _, s := range drbd.In(c.Block, "host") {
			for i := range v.sides {
				if a := address(s.Words[min(2, len(s.Words)):]); len(s.Words) > 1 && s.Words[1] == v.sides[i].host && a != "" {
					v.sides[i].address = a
				}
			}
		}
	}
	if n := volumesOf(r.Block); n > 1 && v.odd == "" {
		v.odd = fmt.Sprintf("has %d volumes", n)
	}
	return v
}

// fill takes what a block says of a side, by itself or in its first volume.
func fill(x *side, block []*drbd.Statement) {
	for _, s := range block {
		switch {
		case s.Is("address"):
			x.address = cmp.Or(address(s.Words[1:]), x.address)
		case s.Is("device") && !s.Braces:
			x.device = device(s.Words[1:])
		case s.Is("disk") && !s.Braces && strings.HasPrefix(s.Value(), "/"):
			x.disk = s.Value()
		case (s.Is("meta-disk") || s.Is("flexible-meta-disk")) && !s.Braces:
			x.meta = s.Value()
		case s.Is("volume") && s.Braces:
			fill(x, s.Block)
		}
	}
}

func volumesOf(block []*drbd.Statement) int {
	seen := map[string]bool{}
	for _, s := range block {
		if s.Is("volume") {
			seen[s.Value()] = true
		}
		if s.Is("on") {
			for _, y := range drbd.In(s.Block, "volume") {
				seen[y.Value()] = true
			}
		}
	}
	return len(seen)
}

// address reads [FAMILY] IP:PORT.
func address(w []string) string {
	if len(w) > 0 && slices.Contains([]string{"ipv4", "ipv6", "address"}, w[0]) {
		w = w[1:]
	}
	if len(w) > 0 && slices.Contains([]string{"ipv4", "ipv6"}, w[0]) {
		w = w[1:]
	}
	if len(w) == 0 {
		return ""
	}
	return w[0]
}

// device reads NAME [minor N], or minor N.
func device(w []string) string {
	for i, x := range w {
		if x == "minor" && i+1 < len(w) && i == 0 {
			return "/dev/drbd" + w[i+1]
		}
	}
	if len(w) == 0 {
		return ""
	}
	return w[0]
}

// drbd says a two-node cluster.
func (t *taking) drbd(all []volume) error {
	if t.cib == nil {
		why := "no host's cib.xml is there"
		for _, h := range t.facts.Hosts {
			if h.CIB.State == lint.Broken {
				why = h.Name + ": " + h.CIB.File + ": " + h.CIB.Why
			}
		}
		return fmt.Errorf("%w: DRBD's resource %s is there, and Pacemaker's configuration, which has the virtual IP and the fence devices, is not: %s", ErrStack, draft.Clean(all[0].Name), draft.Clean(why))
	}
	v := t.serving(all)
	switch {
	case v.odd != "":
		return fmt.Errorf("%w: DRBD's resource %s %s; recipe mysql-drbd has two hosts and one volume", ErrStack, draft.Clean(v.Name), v.odd)
	case len(v.sides) != 2:
		return fmt.Errorf("%w: DRBD's resource %s has %d hosts, recipe mysql-drbd two", ErrStack, draft.Clean(v.Name), len(v.sides))
	}
	for _, x := range all {
		if x.Name != v.Name {
			t.leave(left{part: stays, what: fmt.Sprintf("DRBD's resource %s (%s:%d)", x.Name, x.File, x.Line), hosts: []string{x.from.Name}})
		}
	}
	t.names.resource, t.names.device = v.Name, cmp.Or(v.sides[0].device, "/dev/drbd0")
	for _, s := range v.sides {
		n := t.node(s.host)
		n.disk = t.disk(n, s.disk)
		n.put("replication", lint.Bare(s.address))
	}
	vip := t.pacemakerVIP()
	for _, n := range t.nodes {
		t.links(n, vip)
		t.device(n)
	}
	t.networks(vip)
	name := ""
	for _, h := range t.facts.Hosts {
		if h.Corosync.State == lint.Given && name == "" {
			k, _ := h.Corosync.Value.Get("totem", "cluster_name")
			name = k.Value
		}
	}
	t.inv.Cluster = draft.Cluster{Name: t.name("cluster", name, "cluster"), Recipe: "mysql-drbd"}
	t.role("db", t.nodes)
	t.arbiter()
	t.hosts()
	if vip != "" {
		t.inv.Cluster.Inputs = append(t.inv.Cluster.Inputs, draft.Input{Name: "vip", Value: vip})
	} else {
		t.note("No virtual IP (ocf:heartbeat:IPaddr2) is in the configuration: give the input vip.")
	}
	t.server()
	t.database()
	t.untaken()
	return nil
}

// serving is the resource that the database is on: the one that the file system of the server's group has,
// else the first that Pacemaker runs.
func (t *taking) serving(all []volume) volume {
	group := t.serverGroup()
	for _, r := range t.cib.Resources() {
		if r.Type != "Filesystem" || !overlap(r.Inside, group) {
			continue
		}
		for _, v := range all {
			if v.holds(r.Params["device"]) {
				return v
			}
		}
	}
	for _, r := range t.cib.Resources() {
		for _, v := range all {
			if r.Type == "drbd" && r.Params["drbd_resource"] == v.Name {
				return v
			}
		}
	}
	return all[0]
}

// holds tells whether a device is that of the resource, by whichever of its names.
func (v volume) holds(device string) bool {
	return device != "" && (slices.ContainsFunc(v.sides, func(s side) bool { return s.device == device }) ||
		device == "/dev/drbd/by-res/"+v.Name || device == "/dev/drbd/by-res/"+v.Name+"/0")
}

// serverGroup is the group of the database server.
func (t *taking) serverGroup() []string {
	for _, r := range t.cib.Resources() {
		if r.Server() {
			return r.Inside
		}
	}
	return nil
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

var diskPath = regexp.MustCompile(`^/dev/[A-Za-z0-9/_:.+-]+$`)

func (t *taking) disk(n *node, found string) string {
	switch {
	case !diskPath.MatchString(found) || path.Clean(found) != found:
		t.note("The backing device of host %s is %q: write the path of a device into its block.", n.as, found)
		return ""
	case !strings.HasPrefix(found, "/dev/disk/by-") && !strings.HasPrefix(found, "/dev/mapper/") && strings.Count(found, "/") == 2:
		t.note("The disk of host %s is %s: such a name may be another disk's after the next start; take the one below /dev/disk/by-id that leads there.", n.as, found)
	}
	return found
}

// pacemakerVIP is the virtual IP: of several the one in the server's group.
func (t *taking) pacemakerVIP() string {
	group := t.serverGroup()
	var first lint.Resource
	found := false
	for _, r := range t.cib.Resources() {
		if r.Class != "ocf" || r.Type != "IPaddr2" && r.Type != "IPaddr" || r.Params["ip"] == "" {
			continue
		}
		if !found || !overlap(first.Inside, group) && overlap(r.Inside, group) {
			first, found = r, true
		}
	}
	if !found {
		return ""
	}
	return t.vip(first.Params["ip"], first.Params["cidr_netmask"])
}

// links are a node's addresses: Corosync's links, and the one that clients come to.
func (t *taking) links(n *node, vip string) {
	for _, h := range t.facts.Hosts {
		if h.Corosync.State != lint.Given {
			continue
		}
		for _, s := range h.Corosync.Value.All("nodelist", "node") {
			name, _ := s.Get("name")
			id, _ := s.Get("nodeid")
			zero, _ := s.Get("ring0_addr")
			if name.Value != n.name && (name.Value != "" || zero.Value != n.name) {
				continue
			}
			for i := range 8 {
				k, ok := s.Get(fmt.Sprintf("ring%d_addr", i))
				if !ok {
					continue
				}
				at := t.resolve(k.Value, id.Value)
				if at == "" {
					t.note("Corosync's link %d of %s is the name %s, and no file tells its address.", i, n.name, k.Value)
				}
				n.put("ring", at)
			}
		}
		break
	}
	service := prefixOf(vip)
	n.put("service", t.within(n.facts, service))
	for _, p := range []string{"ring", "replication"} {
		for _, a := range n.at[p] {
			if ip := addressOf(a); service.IsValid() && service.Masked().Contains(ip) && len(n.at["service"]) == 0 {
				n.put("service", a)
			}
		}
	}
	if len(n.at["service"]) == 0 {
		n.put("service", n.first("ring", "replication"))
	}
	if l, ok := t.login(n); ok {
		n.put("ssh", l.Address)
	}
}

func (t *taking) role(name string, nodes []*node) {
	r := draft.Role{Name: name}
	for _, n := range nodes {
		r.Hosts = append(r.Hosts, n.as)
	}
	t.inv.Cluster.Roles = append(t.inv.Cluster.Roles, r)
}

// arbiter says the quorum device's host.
func (t *taking) arbiter() {
	for _, h := range t.facts.Hosts {
		if h.Corosync.State != lint.Given {
			continue
		}
		k, ok := h.Corosync.Value.Get("quorum", "device", "net", "host")
		if !ok {
			continue
		}
		if t.networkOf(k.Value) == "" {
			t.note("The quorum device is at %s, which is in none of the networks: write a host for it and role \"arbiter\" { hosts = [...] }.", k.Value)
			return
		}
		n := t.node("arbiter")
		n.put("service", k.Value)
		n.at["network "+t.networkOf(k.Value)] = []string{k.Value}
		t.role("arbiter", []*node{n})
		return
	}
}

// server tells Oracle's MySQL from MariaDB by the version that a running server says.
func (t *taking) server() {
	for _, h := range t.facts.Hosts {
		if v := h.Variables.Value["version"]; h.Variables.State == lint.Given && v != "" {
			if !strings.Contains(v, "MariaDB") {
				t.inv.Cluster.Inputs = append(t.inv.Cluster.Inputs, draft.Input{Name: "server", Value: "mysql"})
			}
			return
		}
	}
}

// database is the application's, when the servers have one of users alone.
func (t *taking) database() {
	for _, h := range t.facts.Hosts {
		if h.Schema.State != lint.Given {
			continue
		}
		var names []string
		for n := range h.Schema.Value {
			if n != "drill" {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		switch {
		case len(names) == 1 && names[0] != "app":
			t.inv.Cluster.Inputs = append(t.inv.Cluster.Inputs, draft.Input{Name: "database", Value: names[0]})
		case len(names) > 1:
			t.note("The server has the databases %s: the input database names one, and it is left at its default.", strings.Join(names, ", "))
		}
		return
	}
}

// untaken lists parts of Pacemaker's configuration that no recipe writes.
func (t *taking) untaken() {
	for _, part := range []string{"fencing-topology", "tags", "acls", "alerts", "op_defaults"} {
		for _, n := range t.cib.Below(part) {
			t.leave(left{part: stays, what: "Pacemaker's " + part + ": " + element(n)})
		}
	}
	for _, n := range t.cib.Below("nodes") {
		n.All(func(x *pacemaker.Node) {
			if x.Name == "nvpair" {
				t.leave(left{part: stays, what: fmt.Sprintf("attribute of node %s: %s = %s", n.Attrs["uname"], x.Attrs["name"], hidden(x.Attrs["name"], x.Attrs["value"]))})
			}
		})
	}
}
