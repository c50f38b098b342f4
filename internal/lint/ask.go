package lint

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/cluster/corosync"
	"haprov/internal/cluster/galera"
	"haprov/internal/cluster/mysql"
)

// What several checks ask of the facts. A part that the cluster has nothing of gives no hosts; a host
// that has the part and lacks a file is for need to tell.

// nodes are the hosts of the Corosync and Pacemaker cluster.
func (f *Facts) nodes() (out []*Host) {
	names := f.members()
	for _, h := range f.Hosts {
		if h.Corosync.State != Missing || h.CIB.State != Missing || slices.Contains(names, h.Name) {
			out = append(out, h)
		}
	}
	return out
}

// members are the nodes' names, as the configurations that can be read have them.
func (f *Facts) members() []string {
	for _, h := range f.Hosts {
		if h.CIB.State == Given && len(h.CIB.Value.members()) > 0 {
			return h.CIB.Value.members()
		}
	}
	for _, h := range f.Hosts {
		if h.Corosync.State != Given {
			continue
		}
		var out []string
		for _, n := range h.Corosync.Value.All("nodelist", "node") {
			if k, ok := n.Get("name"); ok {
				out = append(out, k.Value)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// size is how many nodes the cluster has; 0 when it is not known.
func (f *Facts) size() int {
	for _, h := range f.Hosts {
		if h.Corosync.State == Given {
			if n := len(h.Corosync.Value.All("nodelist", "node")); n > 0 {
				return n
			}
		}
	}
	return len(f.members())
}

// device tells whether a quorum device is configured.
func (f *Facts) device() bool {
	return slices.ContainsFunc(f.Hosts, func(h *Host) bool {
		return h.Corosync.State == Given && len(h.Corosync.Value.All("quorum", "device")) > 0
	})
}

// cib is Pacemaker's configuration: the cluster has one, so of several hosts' the first that can be read.
// ok is false when there is none; then the check has been told why.
func (f *Facts) cib(v *verdict) (c *CIB, at place, ok bool) {
	nodes := f.nodes()
	if len(nodes) == 0 {
		return nil, at, false
	}
	for _, h := range f.Hosts {
		if h.CIB.State == Given {
			return h.CIB.Value, place{h.Name, h.CIB.File, 0}, true
		}
	}
	for _, h := range f.Hosts {
		if h.CIB.State == Broken {
			need(v, h.Name, h.CIB, "cib.xml")
			return nil, at, false
		}
	}
	need(v, nodes[0].Name, nodes[0].CIB, "cib.xml")
	return nil, at, false
}

// rings calls f for each node whose corosync.conf can be read, and tells of the others.
func (f *Facts) rings(v *verdict, each func(h *Host, c *corosync.Section)) {
	for _, h := range f.nodes() {
		if c, ok := need(v, h.Name, h.Corosync, "corosync.conf"); ok {
			each(h, c)
		}
	}
}

// token is Corosync's time-outs, as a node's file has them: the token, and the consensus that follows.
func timing(c *corosync.Section, size int) (token, consensus time.Duration, set bool) {
	ms := func(name string, def int) (time.Duration, bool) {
		k, ok := c.Get("totem", name)
		n, err := strconv.Atoi(k.Value)
		if !ok || err != nil || n < 0 || n > 1e9 {
			return time.Duration(def) * time.Millisecond, false
		}
		return time.Duration(n) * time.Millisecond, true
	}
	token, _ = ms("token", 3000)
	if coefficient, _ := ms("token_coefficient", 650); size > 2 {
		token += time.Duration(size-2) * coefficient // corosync.conf(5), token_coefficient
	}
	if consensus, set = ms("consensus", 0); !set {
		consensus = token * 6 / 5
	}
	return token, consensus, set
}

// volumes calls each for every resource of DRBD on every host that has any.
func (f *Facts) volumes(v *verdict, each func(h *Host, r resource)) {
	for _, h := range f.replicated() {
		if d, ok := need(v, h.Name, h.DRBD, "*.res"); ok {
			for _, r := range d.resources {
				each(h, r)
			}
		}
	}
}

// replicated are the hosts that have a DRBD resource, or should.
func (f *Facts) replicated() (out []*Host) {
	used := false
	for _, h := range f.Hosts {
		used = used || h.DRBD.State == Broken || h.DRBD.State == Given && len(h.DRBD.Value.resources) > 0
		if h.CIB.State == Given {
			used = used || slices.ContainsFunc(h.CIB.Value.primitives, primitive.drbd)
		}
	}
	if !used {
		return nil
	}
	for _, h := range f.Hosts {
		if h.DRBD.State != Missing || slices.Contains(f.nodes(), h) {
			out = append(out, h)
		}
	}
	return out
}

// drbdVersion is the module's: 8 or 9, of the module that is loaded, else of what the resource says; 0
// when neither tells.
func (h *Host) drbdVersion(r resource) int {
	for _, text := range []string{h.Module.Value, h.Modules.Value["loaded"]} {
		_, v, _ := strings.Cut(" "+text, "version:")
		switch v = strings.TrimSpace(cmp.Or(v, text)); {
		case strings.HasPrefix(v, "8."):
			return 8
		case strings.HasPrefix(v, "9."):
			return 9
		}
	}
	if _, _, ok := r.get("net", "fencing"); ok {
		return 9 // 8.4 has it among those of the disk
	}
	if _, _, ok := r.get("options", "quorum"); ok {
		return 9
	}
	if _, _, ok := r.get("disk", "fencing"); ok {
		return 8
	}
	return 0
}

// databases are the hosts with a MariaDB server's files or answers.
func (f *Facts) databases() (out []*Host) {
	for _, h := range f.Hosts {
		if h.Variables.State != Missing || h.Options.State == Broken || h.Options.State == Given && h.Options.Value.server() {
			out = append(out, h)
		}
	}
	return out
}

// setting is an option of a server: as it runs, else as its files have it, else the default (MariaDB
// 10.11). known is false when there is neither; then the check has been told.
type setting struct {
	value string
	at    place
	set   bool // by a file or by the running server
}

func (h *Host) setting(v *verdict, name, def string) (s setting, known bool) {
	if h.Variables.State == Given {
		if x, ok := h.Variables.Value[name]; ok {
			return setting{x, at(h, h.Variables, 0), true}, true
		}
	}
	o, ok := need(v, h.Name, h.Options, "*.cnf")
	if !ok {
		return s, false
	}
	if x, ok := o.get(name); ok {
		return setting{x.Value, place{h.Name, x.file, x.Line}, true}, true
	}
	return setting{def, at(h, h.Options, 0), false}, true
}

// both calls each for what the running server says and for what its files say: a value that was set by
// hand is gone after the next start, and one that was only written waits for it.
func (h *Host) both(v *verdict, name, def string, each func(s setting)) {
	running := h.Variables.State == Given
	if running {
		if x, ok := h.Variables.Value[name]; ok {
			each(setting{x, at(h, h.Variables, 0), true})
		}
	}
	if running && h.Options.State == Missing {
		return
	}
	o, ok := need(v, h.Name, h.Options, "*.cnf")
	if !ok {
		return
	}
	if x, ok := o.get(name); ok {
		each(setting{x.Value, place{h.Name, x.file, x.Line}, true})
	} else if !running {
		each(setting{def, at(h, h.Options, 0), false})
	}
}

// off tells whether a boolean setting is false.
func (s setting) off() bool {
	on, ok := mysql.On(s.value)
	return ok && !on
}

func (s setting) on() bool {
	on, ok := mysql.On(s.value)
	return ok && on
}

// galera are the hosts that are members of a Galera cluster, or are to be.
func (f *Facts) galera() (out []*Host) {
	for _, h := range f.databases() {
		v := &verdict{}
		on, _ := h.setting(v, "wsrep_on", "OFF")
		address, _ := h.setting(v, "wsrep_cluster_address", "")
		if on.on() || address.value != "" || h.Grastate.State != Missing {
			out = append(out, h)
		}
	}
	return out
}

// provider are a member's provider options.
func (h *Host) provider(v *verdict) (options map[string]string, at place, known bool) {
	s, known := h.setting(v, "wsrep_provider_options", "")
	return galera.ParseProviderOptions(s.value), s.at, known
}

// addressed are the members' addresses in wsrep_cluster_address, without ports.
func (h *Host) addressed(v *verdict) (out []string, s setting, known bool) {
	s, known = h.setting(v, "wsrep_cluster_address", "")
	rest, ok := strings.CutPrefix(s.value, "gcomm://")
	if !ok {
		return nil, s, known
	}
	rest, _, _ = strings.Cut(rest, "?")
	for _, a := range strings.Split(rest, ",") {
		if a = strings.TrimSpace(a); a != "" {
			out = append(out, bare(a))
		}
	}
	return out, s, known
}

// bare is an address without its port.
func bare(a string) string {
	if p, err := netip.ParseAddrPort(a); err == nil {
		return p.Addr().String()
	}
	if strings.Count(a, ":") == 1 {
		a, _, _ = strings.Cut(a, ":")
	}
	return strings.Trim(a, "[]")
}

// proxies are the hosts with HAProxy.
func (f *Facts) proxies() (out []*Host) {
	for _, h := range f.Hosts {
		if h.Proxy.State != Missing {
			out = append(out, h)
		}
	}
	return out
}

// together says a list of names in words.
func together(names []string) string { return strings.Join(names, ", ") }

// bytes reads a size such as 128M; ok is false when it is none.
func bytes(text string) (n float64, ok bool) {
	t := strings.TrimSpace(text)
	unit := 1.0
	if t != "" {
		if i := strings.IndexByte("KMGT", t[len(t)-1]&^0x20); i >= 0 {
			for range i + 1 {
				unit *= 1024
			}
			t = t[:len(t)-1]
		}
	}
	n, err := strconv.ParseFloat(t, 64)
	return n * unit, err == nil && n >= 0
}
