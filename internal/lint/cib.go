package lint

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/cluster/pacemaker"
)

// CIB is Pacemaker's configuration as the checks ask for it.
type CIB struct {
	properties map[string]string // cluster options
	defaults   map[string]string // of resources
	opDefaults map[string]string
	nodes      []cibNode
	primitives []primitive
	tops       map[string]top          // clones by their id
	links      []constraint            // colocations and orders
	of         map[string][]constraint // the same by what they bind
	around     map[string][]string     // of a resource what it is in, of a group or clone what it holds
	left       []string                // ids of all constraints
	config     *pacemaker.Node
}

type cibNode struct {
	name   string
	attrs  map[string]string
	remote bool
}

// primitive is one resource with what a template gives it.
type primitive struct {
	id, class, provider, kind string
	params, meta              map[string]string
	ops                       []operation
	inside                    []string // ids of the group and the clone that it is in, the nearest first
	node                      *pacemaker.Node
}

type operation struct {
	name, role        string
	interval, timeout time.Duration
	hasTimeout        bool
}

type top struct {
	id        string
	meta      map[string]string
	master    bool // the old element for a promotable clone
	primitive string
}

// constraint binds one resource to another.
type constraint struct {
	order     bool
	rsc, with string // order: with is what comes first
	withRole  string
	action    string // of what comes first
	mandatory bool
}

func (p primitive) fence() bool { return p.class == "stonith" }

func (p primitive) server() bool {
	switch p.class {
	case "ocf":
		return p.kind == "mysql" || p.kind == "mariadb" || p.kind == "galera"
	case "systemd", "lsb", "service":
		return slices.Contains([]string{"mysql", "mysqld", "mariadb"}, strings.TrimSuffix(p.kind, ".service"))
	}
	return false
}

func (p primitive) is(kind string) bool { return p.class == "ocf" && p.kind == kind }

func (p primitive) drbd() bool { return p.is("drbd") }

// ids are the primitive's own and those of what it is in.
func (p primitive) ids() []string { return append([]string{p.id}, p.inside...) }

func parseCIB(text string) (*CIB, error) {
	root, err := pacemaker.Parse(text)
	if err != nil {
		return nil, err
	}
	config := root
	if root.Name == "cib" {
		config = root.Find("configuration")
	}
	if config == nil || config.Name != "configuration" {
		return nil, errors.New("no cib element with a configuration in it")
	}
	byID := map[string]*pacemaker.Node{}
	config.All(func(n *pacemaker.Node) {
		if id := n.Attrs["id"]; id != "" && byID[id] == nil {
			byID[id] = n
		}
	})
	values := func(of *pacemaker.Node, set string) map[string]string {
		out := map[string]string{}
		if of == nil {
			return out
		}
		for _, s := range of.Children {
			if s.Name != set {
				continue
			}
			if ref := byID[s.Attrs["id-ref"]]; ref != nil {
				s = ref
			}
			for _, p := range s.Children {
				if _, had := out[p.Attrs["name"]]; p.Name == "nvpair" && !had {
					out[p.Attrs["name"]] = p.Attrs["value"]
				}
			}
		}
		return out
	}
	c := &CIB{config: config, properties: values(config.Find("crm_config"), "cluster_property_set"), defaults: values(config.Find("rsc_defaults"), "meta_attributes"),
		opDefaults: values(config.Find("op_defaults"), "meta_attributes"), tops: map[string]top{}}
	if ns := config.Find("nodes"); ns != nil {
		for _, n := range ns.Children {
			if n.Name == "node" {
				c.nodes = append(c.nodes, cibNode{n.Attrs["uname"], values(n, "instance_attributes"), n.Attrs["type"] == "remote"})
			}
		}
	}
	var walk func(n *pacemaker.Node, inside []string)
	walk = func(n *pacemaker.Node, inside []string) {
		switch n.Name {
		case "primitive":
			p := primitive{id: n.Attrs["id"], class: n.Attrs["class"], provider: n.Attrs["provider"], kind: n.Attrs["type"], inside: inside, node: n,
				params: values(n, "instance_attributes"), meta: values(n, "meta_attributes"), ops: operations(n, byID)}
			if t := byID[n.Attrs["template"]]; t != nil && n.Attrs["template"] != "" {
				p.class, p.provider, p.kind = t.Attrs["class"], t.Attrs["provider"], t.Attrs["type"]
				merge(p.params, values(t, "instance_attributes"))
				merge(p.meta, values(t, "meta_attributes"))
				if len(p.ops) == 0 {
					p.ops = operations(t, byID)
				}
			}
			c.primitives = append(c.primitives, p)
			for _, id := range inside {
				if t, ok := c.tops[id]; ok && t.primitive == "" {
					t.primitive = p.id
					c.tops[id] = t
				}
			}
		case "group", "clone", "master", "bundle":
			if n.Name == "clone" || n.Name == "master" {
				c.tops[n.Attrs["id"]] = top{id: n.Attrs["id"], meta: values(n, "meta_attributes"), master: n.Name == "master"}
			}
			for _, x := range n.Children {
				walk(x, append([]string{n.Attrs["id"]}, inside...))
			}
		}
	}
	if rs := config.Find("resources"); rs != nil {
		for _, n := range rs.Children {
			walk(n, nil)
		}
	}
	if cs := config.Find("constraints"); cs != nil {
		for _, n := range cs.Children {
			c.left = append(c.left, n.Attrs["id"])
			c.links = append(c.links, constraints(n)...)
		}
	}
	if len(c.nodes) > maxNodes || len(c.primitives) > maxPrimitives || len(c.links) > maxLinks {
		return nil, fmt.Errorf("more than %d nodes, %d resources or %d constraints", maxNodes, maxPrimitives, maxLinks)
	}
	c.of, c.around = map[string][]constraint{}, map[string][]string{}
	for _, x := range c.links {
		c.of[x.rsc] = append(c.of[x.rsc], x)
	}
	for _, p := range c.primitives {
		for _, id := range p.ids() {
			c.around[id] = append(c.around[id], p.ids()...)
		}
	}
	return c, nil
}

// Bounds of a configuration: questions about constraints take time with the product of their numbers.
const (
	maxNodes      = 256
	maxPrimitives = 512
	maxLinks      = 2048
)

func merge(to, from map[string]string) {
	for k, v := range from {
		if _, had := to[k]; !had {
			to[k] = v
		}
	}
}

func operations(n *pacemaker.Node, byID map[string]*pacemaker.Node) (out []operation) {
	ops := n.Find("operations")
	if ops == nil {
		return nil
	}
	if ref := byID[ops.Attrs["id-ref"]]; ref != nil {
		ops = ref
	}
	for _, x := range ops.Children {
		if x.Name != "op" || x.Attrs["enabled"] == "false" {
			continue
		}
		o := operation{name: x.Attrs["name"], role: x.Attrs["role"]}
		o.interval, _ = span(x.Attrs["interval"])
		o.timeout, o.hasTimeout = span(x.Attrs["timeout"])
		out = append(out, o)
	}
	return out
}

// span reads a time as Pacemaker does ("Time Intervals"): a number is seconds, or has a unit.
func span(text string) (time.Duration, bool) {
	t := strings.TrimSpace(text)
	n := strings.TrimRight(t, "abcdefghijklmnopqrstuvwxyz ")
	f, err := strconv.ParseFloat(n, 64)
	if err != nil || f < 0 || f > 1e9 {
		return 0, false
	}
	unit, ok := map[string]time.Duration{"": time.Second, "s": time.Second, "sec": time.Second, "ms": time.Millisecond, "msec": time.Millisecond,
		"us": time.Microsecond, "usec": time.Microsecond, "m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour}[strings.TrimSpace(t[len(n):])]
	return time.Duration(f * float64(unit)), ok
}

// constraints reads one colocation or order, with its resource sets when it has any.
func constraints(n *pacemaker.Node) (out []constraint) {
	score := n.Attrs["score"]
	switch n.Name {
	case "rsc_colocation":
		must := score == "INFINITY" || score == "+INFINITY" || score == ""
		if n.Attrs["rsc"] != "" {
			return []constraint{{rsc: n.Attrs["rsc"], with: n.Attrs["with-rsc"], withRole: n.Attrs["with-rsc-role"], mandatory: must}}
		}
		return ofSets(n, false, must)
	case "rsc_order":
		kind := n.Attrs["kind"]
		must := kind == "Mandatory" || kind == "" && (score == "" || score == "INFINITY")
		if n.Attrs["first"] != "" {
			return []constraint{{order: true, rsc: n.Attrs["then"], with: n.Attrs["first"], action: n.Attrs["first-action"], mandatory: must}}
		}
		return ofSets(n, true, must)
	}
	return nil
}

// maxSetPairs bounds what the sets of one constraint come to.
const maxSetPairs = 1024

// ofSets binds each resource to all that stand before it, in its set and in those before. It is more
// than Pacemaker makes of some sets, and never less.
func ofSets(n *pacemaker.Node, order, must bool) (out []constraint) {
	type member struct{ id, role, action string }
	var before []member
	for _, s := range n.Children {
		if s.Name != "resource_set" {
			continue
		}
		for _, r := range s.Children {
			m := member{r.Attrs["id"], s.Attrs["role"], s.Attrs["action"]}
			for _, b := range before {
				if len(out) >= maxSetPairs {
					return out
				}
				out = append(out, constraint{order: order, rsc: m.id, with: b.id, withRole: b.role, action: b.action, mandatory: must})
				if !order {
					out = append(out, constraint{rsc: b.id, with: m.id, withRole: m.role, mandatory: must})
				}
			}
			before = append(before, m)
		}
	}
	return out
}

// bound tells whether one of the ids must run where another does, or must wait for it, on its own or
// through others. fits says which constraints with the last of them count.
func (c *CIB) bound(ids []string, order bool, fits func(constraint) bool) bool {
	seen := map[string]bool{}
	queue := slices.Clone(ids)
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		for _, x := range c.of[id] {
			if x.order != order || !x.mandatory {
				continue
			}
			if fits(x) {
				return true
			}
			if !seen[x.with] {
				queue = append(append(queue, x.with), c.around[x.with]...)
			}
		}
	}
	return false
}

// members are the names of the cluster's own nodes.
func (c *CIB) members() (out []string) {
	for _, n := range c.nodes {
		if !n.remote && n.name != "" {
			out = append(out, n.name)
		}
	}
	return out
}

// devices are the fence devices.
func (c *CIB) devices() (out []primitive) {
	for _, p := range c.primitives {
		if p.fence() {
			out = append(out, p)
		}
	}
	return out
}

// watchdog tells whether nodes without quorum are trusted to reset themselves (stonith-watchdog-timeout).
func (c *CIB) watchdog() bool {
	v := c.properties["stonith-watchdog-timeout"]
	return v != "" && v != "0" && v != "0s"
}

// addresses are the virtual IPs.
func (c *CIB) addresses() (out []virtualIP) {
	for _, p := range c.primitives {
		if !p.is("IPaddr2") && !p.is("IPaddr") {
			continue
		}
		v := virtualIP{of: p.id}
		v.ip, _ = netip.ParseAddr(p.params["ip"])
		v.bits, _ = strconv.Atoi(p.params["cidr_netmask"])
		if v.ip.IsValid() {
			out = append(out, v)
		}
	}
	return out
}

type virtualIP struct {
	of   string
	ip   netip.Addr
	bits int
}

// truth is a boolean as Pacemaker reads it; empty is the default.
func truth(text string, def bool) bool {
	switch strings.ToLower(text) {
	case "true", "on", "yes", "y", "1":
		return true
	case "false", "off", "no", "n", "0":
		return false
	}
	return def
}

func hasRole(r string) bool { return r == "Promoted" || r == "Master" }
