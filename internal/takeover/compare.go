package takeover

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"haprov/internal/cluster/mysql"
	"haprov/internal/lint"
)

// part is what becomes of something that the inventory does not say.
type part int

const (
	beside  part = iota // the recipe has its own name or place for it, and would make another beside it
	changed             // the recipe writes another value
	dropped             // it stands in a file that the recipe writes whole
	stays               // it stands where the recipe does not write
	parts
)

// left is one thing that the inventory does not say.
type left struct {
	part  part
	what  string
	hosts []string
	name  string // of the setting; empty for other things
	found string
	wants string // what the recipe writes; for changed and beside
	where string // FILE:LINE
}

// leave adds what the inventory does not say. The same of several hosts is one.
func (t *taking) leave(x left) {
	for i, y := range t.left {
		if y.part == x.part && y.what == x.what && y.name == x.name && y.found == x.found && y.wants == x.wants {
			t.left[i].hosts = append(y.hosts, x.hosts...)
			return
		}
	}
	if len(t.left) < most {
		t.left = append(t.left, x)
	}
}

// fixed are names and places that a recipe has of its own: where a cluster of other making has
// others, the recipe's would stand beside what runs.
var fixed = []string{"drbd device", "drbd port", "pacemaker DRBD parameter drbd_resource", "pacemaker file system parameter device", "pacemaker file system parameter directory",
	"pacemaker file system parameter fstype", "pacemaker server parameter datadir", "mysqld datadir", "mysqld wsrep_cluster_name", "corosync.conf totem cluster_name"}

func isFixed(name string) bool {
	return slices.Contains(fixed, name) || strings.HasPrefix(name, "pacemaker ") && strings.HasSuffix(name, " id")
}

// compare lists what differs between the hosts and what the recipe writes for the inventory.
func (t *taking) compare(w written) (out []left) {
	keep := t.left
	t.left = nil
	for _, n := range t.nodes {
		if n.facts == nil || w.hosts[n.as] == nil {
			continue
		}
		wants := settingsOf(w.hosts[n.as], w.facts, w.names, nil)
		t.differ(settingsOf(n.facts, t.facts, t.names, wants), wants, []string{n.as})
	}
	if t.cib != nil && w.cib != nil && t.inv.Cluster.Recipe == "mysql-drbd" {
		plays := roles(t.cib, t.names, func(r lint.Resource) string {
			for _, n := range t.nodes {
				if t.targets(r, n) {
					return n.as
				}
			}
			return ""
		})
		theirs := roles(w.cib, w.names, func(r lint.Resource) string {
			for _, n := range t.nodes {
				if r.ID == "fence-"+n.as {
					return n.as
				}
			}
			return ""
		})
		t.differ(cibSettings(t.cib, plays), cibSettings(w.cib, theirs), nil)
		t.strangers(plays)
		if t.names.resource != w.names.resource {
			t.leave(left{part: beside, name: "drbd resource", found: t.names.resource, wants: w.names.resource})
		}
	}
	out, t.left = t.left, keep
	return out
}

func (t *taking) differ(found, wants settings, hosts []string) {
	for _, name := range slices.Sorted(maps.Keys(found)) {
		f := found[name]
		w, ok := wants[name]
		x := left{part: f.part, name: name, hosts: hosts, found: f.value, where: f.file}
		if f.line > 0 {
			x.where += fmt.Sprintf(":%d", f.line)
		}
		x.where += f.note
		switch {
		case ok && same(name, f.value, w.value):
			continue
		case ok && isFixed(name):
			x.part, x.wants = beside, w.value
		case ok:
			x.part, x.wants = changed, w.value
		}
		t.leave(x)
	}
}

// same tells whether two values mean the same to the tool.
func same(name, a, b string) bool {
	a, b = strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/")
	if strings.EqualFold(a, b) {
		return true
	}
	if x, ok := truth(a); ok {
		if y, ok := truth(b); ok {
			return x == y
		}
	}
	if on, ok := mysql.On(a); name == "mysqld log_bin" && ok && on {
		// the running server does not say which files they are
		wanted, word := mysql.On(b)
		return wanted || !word
	}
	if strings.HasPrefix(name, "mysqld ") {
		if x, ok := lint.Size(a); ok {
			y, ok := lint.Size(b)
			return ok && x == y
		}
		if strings.HasPrefix(a, "gcomm://") {
			return sorted(a) == sorted(b)
		}
	}
	if strings.HasPrefix(name, "pacemaker ") {
		if x, ok := lint.Span(a); ok {
			y, ok := lint.Span(b)
			return ok && x == y
		}
	}
	return false
}

func truth(s string) (bool, bool) {
	switch strings.ToLower(s) {
	case "yes", "y":
		return true, true
	case "no", "n":
		return false, true
	}
	return mysql.On(s)
}

func sorted(list string) string {
	_, list, _ = strings.Cut(list, "://")
	all := strings.Split(list, ",")
	for i, a := range all {
		all[i] = lint.Bare(strings.TrimSpace(a))
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// says is the line of what the inventory does not say.
func (x left) says() string {
	text := x.what
	if x.name != "" {
		text = strings.TrimSuffix(x.name+" = "+hidden(x.name, x.found), " = ")
		switch {
		case x.part == changed && hidden(x.name, x.found) != x.found:
			text = x.name + ": a secret, another one than haprov's"
		case x.part == changed:
			text = x.name + ": " + hidden(x.name, x.found) + ", the recipe writes " + hidden(x.name, x.wants)
		case x.part == beside:
			text = x.name + ": " + x.found + ", the recipe's is " + x.wants
		}
	}
	var where []string
	if len(x.hosts) > 0 {
		where = append(where, strings.Join(x.hosts, ", "))
	}
	if x.where != "" {
		where = append(where, x.where)
	}
	if len(where) > 0 {
		text += " (" + strings.Join(where, " ") + ")"
	}
	return text
}
