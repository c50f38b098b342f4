package takeover

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"haprov/internal/cluster/corosync"
	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/galera"
	"haprov/internal/cluster/haproxy"
	"haprov/internal/cluster/keepalived"
	"haprov/internal/lint"
)

// setting is one value of a configuration.
type setting struct {
	value string
	file  string
	line  int
	part  part // what becomes of it when the recipe does not write it
	note  string
}

// settings are those of one host by a name that is the same on both sides of the comparison.
type settings map[string]setting

// secretName are names of settings whose values are never shown.
var secretName = regexp.MustCompile(`(?i)passw|passphrase|secret|sst_auth|auth_pass|community|(^|_)token$|snmp_priv|userlist|stats auth`)

// hidden is a value as it may be shown.
func hidden(name, value string) string {
	if secretName.MatchString(name) || strings.Contains(value, "password ") {
		return "(a secret)"
	}
	return value
}

// settingsOf reads all of a host's settings that a recipe may write. wanted are those that it does: of
// the server's options they count as the server runs with them.
func settingsOf(h *lint.Host, t *lint.Facts, n names, wanted settings) settings {
	out := settings{}
	if h.Corosync.State == lint.Given {
		out.corosync("corosync.conf", h.Corosync.Value, h.Corosync.File)
	}
	if h.DRBD.State == lint.Given {
		for _, r := range h.DRBD.Value.Resources() {
			if r.Name == n.resource {
				out.drbd(r)
			}
		}
	}
	out.server(h, wanted)
	out.proxy(h, t)
	if h.VRRP.State == lint.Given {
		for _, i := range h.Instances() {
			if slices.ContainsFunc(lint.Virtual(i), func(v string) bool { v, _, _ = strings.Cut(v, "/"); return v == n.vip }) {
				out.vrrp("keepalived vrrp_instance", i.Block, h.VRRP.File)
			}
		}
		for _, l := range h.VRRP.Value {
			if len(l.Words) > 0 && l.Words[0] != "vrrp_instance" {
				out.vrrp("keepalived "+l.Words[0], l.Block, h.VRRP.File)
			}
		}
	}
	return out
}

func (s settings) put(name, value, file string, line int, p part) {
	if len(s) < 1<<14 {
		s[name] = setting{value: strings.TrimSpace(value), file: file, line: line, part: p}
	}
}

func (s settings) corosync(at string, c *corosync.Section, file string) {
	for _, k := range c.Keys {
		s.put(at+" "+k.Name, k.Value, file, k.Line, dropped)
	}
	for _, x := range c.Sections {
		name := x.Name
		switch name {
		case "node": // by the node's name: hosts and addresses stand in the inventory
			continue
		case "interface":
			k, _ := x.Get("linknumber")
			r, _ := x.Get("ringnumber")
			name += " " + cmp.Or(k.Value, r.Value, "0")
		}
		s.corosync(at+" "+name, x, file)
	}
}

// drbd has the resource's options, and of the common section those that it leaves.
func (s settings) drbd(r lint.Replicated) {
	for _, from := range []struct {
		block []*drbd.Statement
		file  string
		part  part
	}{{r.Common, "common section", stays}, {r.Block, r.File, dropped}} {
		for _, x := range from.block {
			switch {
			case x.Is("on") || x.Is("connection") || x.Is("connection-mesh") || x.Is("volume") || x.Is("disk") && !x.Braces || x.Is("device") || x.Is("address"):
			case x.Is("protocol"):
				s.put("drbd net protocol", x.Value(), from.file, x.Line, from.part)
			case x.Braces:
				for _, o := range x.Block {
					section := map[string]string{"syncer": "disk"}[x.Words[0]]
					name := map[string]string{"rate": "resync-rate"}[o.Words[0]]
					s.put("drbd "+cmp.Or(section, x.Words[0])+" "+cmp.Or(name, o.Words[0]), cmp.Or(o.Value(), "yes"), from.file, o.Line, from.part)
				}
			default:
				s.put("drbd "+x.Words[0], cmp.Or(x.Value(), "yes"), from.file, x.Line, from.part)
			}
		}
	}
	v := volumeOf(nil, r)
	for _, x := range v.sides[:min(1, len(v.sides))] {
		s.put("drbd device", x.device, r.File, r.Line, dropped)
		s.put("drbd meta-disk", strings.TrimSuffix(x.meta, "[0]"), r.File, r.Line, dropped)
		if _, port, ok := cutLast(x.address, ":"); ok {
			s.put("drbd port", port, r.File, r.Line, dropped)
		}
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// ownFiles are option files that recipes write whole: what stands in them and not in the recipe is dropped.
var ownFiles = []string{"90-haprov.cnf", "91-haprov-members.cnf", "haprov.cnf"}

// server has the options of a server's files. Those that the recipe writes, too, count as the running server
// has them.
func (s settings) server(h *lint.Host, wanted settings) {
	if h.Options.State == lint.Given {
		for _, o := range h.Options.Value.Server() {
			p, base := stays, path.Base(o.File)
			own := slices.Contains(ownFiles, base)
			if own {
				p = dropped
			}
			s.option(o.Name, o.Value, o.File, o.Line, p)
			if x, ok := s["mysqld "+o.Name]; ok && !own && path.Base(path.Dir(o.File)) == "mariadb.conf.d" && base > ownFiles[0] {
				x.note = ", read after the recipe's file"
				s["mysqld "+o.Name] = x
			}
		}
	}
	if h.Variables.State != lint.Given {
		return
	}
	running := settings{}
	for name, value := range h.Variables.Value {
		running.option(name, value, h.Variables.File, 0, stays)
	}
	for name, x := range running {
		_, set := s[name]
		if _, ok := wanted[name]; ok || set {
			had, part := s[name], x.part
			if set {
				part = had.part
			}
			s[name] = setting{x.value, cmp.Or(had.file, x.file), had.line, part, had.note}
		}
	}
}

func (s settings) option(name, value, file string, line int, p part) {
	if name == "wsrep_provider_options" {
		for k, v := range galera.ParseProviderOptions(value) {
			s.put("mysqld wsrep_provider_options "+k, v, file, line, dropped) // the recipe writes all of it
		}
		return
	}
	s.put("mysqld "+name, value, file, line, p)
}

// proxy has HAProxy's lines by the part that their section plays.
func (s settings) proxy(h *lint.Host, f *lint.Facts) {
	if h.Proxy.State != lint.Given {
		return
	}
	plays := playing(h, f)
	for i, x := range h.Proxy.Value {
		at := "haproxy " + plays[i]
		if plays[i] == "" {
			what := "haproxy " + strings.TrimSpace(x.Kind+" "+x.Name)
			bind := ""
			for _, l := range x.All("bind") {
				bind += strings.Join(l.Words, " ") + " "
			}
			s.put(what, cmp.Or(strings.TrimSpace(bind), fmt.Sprintf("%d lines", len(x.Lines))), x.File(), x.Line, dropped)
			continue
		}
		for _, l := range x.Lines {
			name, value := keyword(l)
			if name == "server" || name == "peer" {
				continue
			}
			s.put(at+" "+name, value, x.File(), l.Line, dropped)
		}
	}
}

// keyword parts a line of HAProxy into what it sets and the value.
func keyword(l haproxy.ConfLine) (name, value string) {
	n := 1
	switch l.Words[0] {
	case "option", "timeout", "http-check", "tcp-check", "stats", "no":
		n = 2
	case "http-request", "tcp-request", "acl", "use_backend":
		n = len(l.Words)
	}
	n = min(n, len(l.Words))
	return strings.Join(l.Words[:n], " "), strings.Join(l.Words[n:], " ")
}

// playing says of each section what it is to the stack: global, defaults, writers and readers with their
// back ends; nothing of the others.
func playing(h *lint.Host, f *lint.Facts) []string {
	out := make([]string, len(h.Proxy.Value))
	database := map[string]bool{}
	for _, b := range f.Backends(h) {
		database[b.Name] = true
	}
	at := func(name string) int {
		for i, s := range h.Proxy.Value {
			if s.Kind == "backend" && s.Name == name {
				return i
			}
		}
		return -1
	}
	for i, x := range h.Proxy.Value {
		switch x.Kind {
		case "global", "defaults", "peers":
			out[i] = x.Kind
			continue
		case "listen", "frontend":
		default:
			continue
		}
		target := x.Name
		for _, l := range x.All("default_backend") {
			if len(l.Words) > 1 {
				target = l.Words[1]
			}
		}
		if !database[target] {
			continue
		}
		part := "readers"
		if listensOn(x.All("bind"), "3306") {
			part = "writers"
		}
		if slices.Contains(out, part) {
			continue
		}
		out[i] = part
		if b := at(target); x.Kind == "frontend" && b >= 0 && out[b] == "" {
			out[b] = strings.TrimSuffix(part, "s") + " back end"
		}
	}
	return out
}

func listensOn(binds []haproxy.ConfLine, port string) bool {
	return slices.ContainsFunc(binds, func(l haproxy.ConfLine) bool {
		return len(l.Words) > 1 && portOf(l.Words[1]) == port
	})
}

func portOf(bind string) string {
	_, port, _ := cutLast(bind, ":")
	return port
}

// vrrp has keepalived's lines. Addresses and interfaces stand in the inventory, or are the host's own.
func (s settings) vrrp(at string, block []*keepalived.Line, file string) {
	for _, l := range block {
		if len(l.Words) == 0 {
			continue
		}
		switch l.Words[0] {
		case "virtual_ipaddress", "unicast_peer", "unicast_src_ip", "interface", "router_id", "track_script":
			continue
		}
		name := at + " " + l.Words[0]
		if len(l.Block) > 0 {
			s.vrrp(name, l.Block, file)
			continue
		}
		s.put(name, cmp.Or(strings.Join(l.Words[1:], " "), "yes"), file, l.Line, dropped)
	}
}
