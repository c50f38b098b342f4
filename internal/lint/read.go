package lint

import (
	"slices"
	"strings"
	"time"

	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/haproxy"
	"haprov/internal/cluster/keepalived"
	"haprov/internal/cluster/mysql"
	"haprov/internal/cluster/pacemaker"
)

// What haprov import reads of the facts, beside their exported fields.

// Resource is one primitive of Pacemaker with what its template gives it.
type Resource struct {
	ID, Class, Provider, Type string
	Params, Meta              map[string]string
	Ops                       []Op
	Inside                    []string // ids of the group and the clone that it is in, the nearest first
}

// Op is one operation of a resource.
type Op struct {
	Name, Role        string
	Interval, Timeout time.Duration // 0: not said
}

// Agent is the resource's agent as Pacemaker's tools write it.
func (r Resource) Agent() string {
	if r.Provider != "" {
		return r.Class + ":" + r.Provider + ":" + r.Type
	}
	return r.Class + ":" + r.Type
}

// Resources are all primitives, in the order of the configuration.
func (c *CIB) Resources() (out []Resource) {
	for _, p := range c.primitives {
		r := Resource{ID: p.id, Class: p.class, Provider: p.provider, Type: p.kind, Params: p.params, Meta: p.meta, Inside: p.inside}
		for _, o := range p.ops {
			r.Ops = append(r.Ops, Op{o.name, o.role, o.interval, o.timeout})
		}
		out = append(out, r)
	}
	return out
}

// Server tells whether the resource is a database server.
func (r Resource) Server() bool {
	return primitive{class: r.Class, kind: r.Type}.server()
}

// Properties are the cluster's options.
func (c *CIB) Properties() map[string]string { return c.properties }

// Defaults are the meta attributes of all resources.
func (c *CIB) Defaults() map[string]string { return c.defaults }

// Clone is what a clone says of itself; nil when it is no clone's id.
func (c *CIB) Clone(id string) map[string]string {
	t, ok := c.tops[id]
	if !ok {
		return nil
	}
	if t.meta == nil {
		return map[string]string{}
	}
	return t.meta
}

// Below are the elements of one part of the configuration: constraints, fencing-topology and so on.
func (c *CIB) Below(part string) []*pacemaker.Node {
	if n := c.config.Find(part); n != nil {
		return n.Children
	}
	return nil
}

// Replicated is one resource of DRBD: its own statements, and those of the common section.
type Replicated struct {
	Name, File    string
	Line          int
	Block, Common []*drbd.Statement
}

// Resources are DRBD's, in the order of the files.
func (r *Replication) Resources() (out []Replicated) {
	for _, x := range r.resources {
		out = append(out, Replicated{x.name, x.file, x.line, x.block, x.common})
	}
	return out
}

// Set is a line of an option file.
type Set struct {
	mysql.Option
	File string
}

// Server are the lines that a server reads, in the order in which it does.
func (o *Options) Server() (out []Set) {
	for _, x := range o.all {
		if mysql.OfServer(x.Group) {
			out = append(out, Set{x.Option, x.file})
		}
	}
	return out
}

// Databases are the hosts with a database server's files or answers.
func (f *Facts) Databases() []*Host { return f.databases() }

// Galera are the hosts that are members of a Galera cluster, or are to be.
func (f *Facts) Galera() []*Host { return f.galera() }

// Proxies are the hosts with HAProxy.
func (f *Facts) Proxies() []*Host { return f.proxies() }

// Group are the addresses in the member's wsrep_cluster_address, without ports.
func (h *Host) Group() []string {
	out, _, _ := h.addressed(&verdict{})
	return out
}

// Setting is an option of the server as it runs, else as its files have it.
func (h *Host) Setting(name string) (value string, ok bool) {
	s, known := h.setting(&verdict{}, name, "")
	return s.value, known && s.set
}

// Backend is a section of HAProxy's configuration with servers that are databases.
type Backend struct {
	haproxy.Section
	File    string
	Servers []haproxy.ConfLine
}

// Backends are those of a proxy.
func (f *Facts) Backends(h *Host) (out []Backend) {
	for _, b := range f.backends(h) {
		out = append(out, Backend{b.Section, b.file, b.servers})
	}
	return out
}

// File is where the section is written.
func (s proxySection) File() string { return s.file }

// Instances are the host's VRRP instances.
func (h *Host) Instances() []*keepalived.Line { return h.instances() }

// Virtual are the addresses of an instance, as they stand there.
func Virtual(instance *keepalived.Line) []string { return vips(instance) }

// Bare is an address without its port.
func Bare(address string) string { return bare(address) }

// Size reads a number of bytes such as 128M; ok is false when it is none.
func Size(text string) (n float64, ok bool) { return bytes(text) }

// Span reads a time as Pacemaker does: a number is seconds, or has a unit.
func Span(text string) (time.Duration, bool) { return span(text) }

// FromFiles makes facts of files as they would be read of hosts: texts by host and name.
func FromFiles(from string, hosts []string, files map[string]map[string]string, now time.Time) *Facts {
	f := &Facts{From: from, Now: now}
	for _, h := range hosts {
		var items []item
		for name, text := range files[h] {
			items = append(items, item{name: name, text: text})
		}
		slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.name, b.name) })
		f.add(hostFrom(h, items))
	}
	return f
}
