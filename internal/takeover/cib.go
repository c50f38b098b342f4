package takeover

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"haprov/internal/cluster/pacemaker"
	"haprov/internal/lint"
)

// roles says of each of Pacemaker's resources what it is to the stack; nothing of the others. as gives a
// node's name in the inventory.
func roles(c *lint.CIB, n names, nodes func(lint.Resource) string) map[string]string {
	out, had := map[string]string{}, map[string]bool{}
	say := func(id, role string) {
		if !had[role] {
			out[id], had[role] = role, true
		}
	}
	for _, r := range c.Resources() {
		switch {
		case r.Class == "stonith":
			if of := nodes(r); of != "" {
				say(r.ID, "fence device of "+of)
			}
		case r.Type == "drbd" && r.Params["drbd_resource"] == n.resource:
			say(r.ID, "DRBD")
		case r.Type == "Filesystem" && (volume{Replicated: lint.Replicated{Name: n.resource}, sides: []side{{device: n.device}}}).holds(r.Params["device"]):
			say(r.ID, "file system")
		case r.Server():
			say(r.ID, "server")
		case (r.Type == "IPaddr2" || r.Type == "IPaddr") && r.Params["ip"] == n.vip:
			say(r.ID, "virtual IP")
		}
	}
	return out
}

// older are the names that Pacemaker 1.1 had.
var older = map[string]string{"master-max": "promoted-max", "master-node-max": "promoted-node-max", "Master": "Promoted", "Slave": "Unpromoted"}

func today(name string) string {
	if n, ok := older[name]; ok {
		return n
	}
	return name
}

// kept are properties that Pacemaker writes itself. Those that begin with haprov- are records.
var kept = []string{"dc-version", "cluster-infrastructure", "cluster-name", "have-watchdog", "last-lrm-refresh"}

// cibSettings are those of the stack's resources by what they are to it.
func cibSettings(c *lint.CIB, plays map[string]string) settings {
	s := settings{}
	put := func(name, value string) { s.put(name, value, "cib.xml", 0, stays) }
	for k, v := range c.Properties() {
		if !slices.Contains(kept, k) && !strings.HasPrefix(k, "haprov-") {
			put("pacemaker property "+k, v)
		}
	}
	for k, v := range c.Defaults() {
		put("pacemaker resource default "+k, v)
	}
	for _, r := range c.Resources() {
		role, ok := plays[r.ID]
		if !ok {
			continue
		}
		at := "pacemaker " + role
		put(at+" id", r.ID)
		put(at+" agent", r.Agent())
		for k, v := range r.Params {
			if !strings.HasPrefix(role, "fence device") || !ofDevice(k) {
				put(at+" parameter "+k, v)
			}
		}
		for k, v := range r.Meta {
			put(at+" meta "+k, v)
		}
		for _, o := range r.Ops {
			op := strings.TrimSpace(at + " " + o.Name + " " + today(o.Role))
			if o.Timeout > 0 {
				put(op+" timeout", seconds(o.Timeout))
			}
			if o.Interval > 0 {
				put(op+" interval", seconds(o.Interval))
			}
		}
		for _, id := range r.Inside {
			for k, v := range c.Clone(id) {
				put(at+" clone "+today(k), v)
			}
			if role == "server" && c.Clone(id) == nil {
				put("pacemaker group id", id)
			}
			if role == "DRBD" && c.Clone(id) != nil {
				put("pacemaker DRBD clone id", id)
			}
		}
	}
	return s
}

// ofDevice are parameters that the inventory says in its own way, or never.
func ofDevice(name string) bool {
	switch name {
	case "pcmk_host_list", "pcmk_host_map", "pcmk_host_check", "plug", "port", "password", "passwd", "password_script", "passwd_script", "nodename", "action":
		return true
	}
	return false
}

func seconds(d time.Duration) string { return fmt.Sprintf("%gs", d.Seconds()) }

// strangers lists the resources and constraints that the recipe has no counterpart of.
func (t *taking) strangers(plays map[string]string) {
	around := map[string]bool{} // ids of the stack's resources, groups and clones
	for _, r := range t.cib.Resources() {
		if _, ok := plays[r.ID]; ok {
			for _, id := range append([]string{r.ID}, r.Inside...) {
				around[id] = true
			}
		}
	}
	for _, r := range t.cib.Resources() {
		if _, ok := plays[r.ID]; ok {
			continue
		}
		var params []string
		for _, k := range slices.Sorted(maps.Keys(r.Params)) {
			params = append(params, k+"="+hidden(k, r.Params[k]))
		}
		in := ""
		if len(r.Inside) > 0 {
			in = " in " + strings.Join(r.Inside, " in ")
		}
		t.leave(left{part: stays, what: fmt.Sprintf("Pacemaker's resource %s (%s)%s: %s", r.ID, r.Agent(), in, strings.Join(params, " "))})
	}
	for _, n := range t.cib.Below("constraints") {
		if (n.Name == "rsc_colocation" && around[n.Attrs["rsc"]] && around[n.Attrs["with-rsc"]]) || (n.Name == "rsc_order" && around[n.Attrs["first"]] && around[n.Attrs["then"]]) {
			continue
		}
		if role := plays[n.Attrs["rsc"]]; n.Name == "rsc_location" && strings.HasPrefix(role, "fence device of ") && strings.HasPrefix(n.Attrs["score"], "-INF") {
			continue
		}
		what := "Pacemaker's constraint " + element(n)
		if strings.HasPrefix(n.Attrs["id"], "drbd-fence-by-handler-") {
			what = "DRBD's fence handler has put there " + element(n) + ": a side was outdated, or still is"
		}
		t.leave(left{part: stays, what: what})
	}
}

// element is an element of the CIB in one line.
func element(n *pacemaker.Node) string {
	text := n.Name
	for _, k := range slices.Sorted(maps.Keys(n.Attrs)) {
		text += " " + k + "=" + hidden(k, n.Attrs[k])
	}
	inside := 0
	n.All(func(x *pacemaker.Node) {
		if inside++; x != n && inside < 16 {
			text += " ("
			sep := ""
			for _, k := range slices.Sorted(maps.Keys(x.Attrs)) {
				if k != "id" {
					text += sep + k + "=" + hidden(x.Attrs["name"]+k, x.Attrs[k])
					sep = " "
				}
			}
			text += ")"
		}
	})
	return text
}
