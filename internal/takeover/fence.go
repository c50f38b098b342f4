package takeover

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"haprov/internal/config/draft"
	"haprov/internal/lint"
)

var (
	agentName  = regexp.MustCompile(`^fence_[a-z0-9]([a-z0-9_]{0,40}[a-z0-9])?$`)
	optionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)
)

// device finds what cuts a node's power. A password is named, and never written.
func (t *taking) device(n *node) {
	for _, r := range t.cib.Resources() {
		if r.Class != "stonith" || !t.targets(r, n) {
			continue
		}
		switch {
		case !agentName.MatchString(r.Type):
			t.note("Fence device %s is of the agent %s: an inventory takes the fence_ agents of Debian's fence-agents. Write fence \"fence_...\" into host %s.", r.ID, r.Agent(), n.as)
			continue
		case r.Type == "fence_dummy" || r.Type == "fence_ack_manual" || r.Type == "fence_watchdog" || r.Type == "fence_sbd":
			t.note("Fence device %s is of the agent %s, which an inventory does not take: write another one into host %s.", r.ID, r.Type, n.as)
			continue
		}
		f := draft.Fence{Agent: r.Type}
		plug, password := plugOf(r, n.name), false
		for _, name := range slices.Sorted(maps.Keys(r.Params)) {
			value := r.Params[name]
			switch {
			case name == "action" || name == "nodename" || name == "pcmk_host_list" || name == "pcmk_host_map" || name == "pcmk_host_check":
				continue
			case name == "password" || name == "passwd" || name == "password_script" || name == "passwd_script":
				password = true
				continue
			case secretName.MatchString(name):
				t.note("Option %s of fence device %s is a secret that an inventory has no place for: it was left out.", name, r.ID)
				continue
			case !optionName.MatchString(name):
				t.note("Option %q of fence device %s is no name: it was left out.", name, r.ID)
				continue
			case len(value) > 1024 || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == utf8.RuneError }):
				t.note("Option %s of fence device %s is not one line of text: it was left out.", name, r.ID)
				continue
			case plug != "" && (name == "plug" || name == "port"):
				continue
			}
			f.Options = append(f.Options, draft.Option{Name: name, Value: value})
		}
		if plug != "" {
			f.Options = append(f.Options, draft.Option{Name: "plug", Value: plug})
		}
		if password {
			f.Secret = "fence-" + n.as
			if len(n.fence) > 0 {
				f.Secret += "-" + string(rune('1'+len(n.fence)%9))
			}
		}
		if n.fence = append(n.fence, f); len(n.fence) > 8 {
			t.note("Host %s has more than eight fence devices.", n.as)
			return
		}
	}
	if len(n.fence) == 0 {
		t.note("No fence device of host %s was found: the recipe wants one, fence \"fence_ipmilan\" { options = { ip = \"...\", ... } } in its block.", n.as)
	}
}

// targets tells whether a device is for a node: it lists it, or has a name for it; without a list its
// constraints say where it must not run, else its own name.
func (t *taking) targets(r lint.Resource, n *node) bool {
	list, listed := r.Params["pcmk_host_list"]
	hosts, mapped := r.Params["pcmk_host_map"]
	if mapped && plugIn(hosts, n.name) != "" {
		return true
	}
	if listed {
		return slices.Contains(strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(" \t,;", c) }), n.name)
	}
	if mapped {
		return false
	}
	avoids := map[string]bool{}
	for _, x := range t.cib.Below("constraints") {
		if x.Name == "rsc_location" && x.Attrs["rsc"] == r.ID && strings.HasPrefix(x.Attrs["score"], "-INF") {
			avoids[x.Attrs["node"]] = true
		}
	}
	if len(avoids) > 0 {
		return avoids[n.name]
	}
	if strings.Contains(r.ID, n.name) {
		return true
	}
	return r.Params["nodename"] == n.name || r.Params["plug"] == n.name || r.Params["port"] == n.name
}

// plugOf is the host's name on the device.
func plugOf(r lint.Resource, node string) string {
	if p := plugIn(r.Params["pcmk_host_map"], node); p != "" {
		return p
	}
	if r.Params["plug"] == "" && r.Params["port"] == "" && strings.ContainsAny(strings.TrimSpace(r.Params["pcmk_host_list"]), " ,;") {
		return node // as Pacemaker calls it for a device of several
	}
	return ""
}

// plugIn reads pcmk_host_map: NODE:PLUG, parted by semicolons or blanks.
func plugIn(hosts, node string) string {
	for _, p := range strings.FieldsFunc(hosts, func(c rune) bool { return c == ';' || c == ' ' || c == '\t' }) {
		name, plug, ok := strings.Cut(p, ":")
		if !ok {
			name, plug, ok = strings.Cut(p, "=")
		}
		if plug, _, _ = strings.Cut(plug, ","); ok && name == node {
			return plug
		}
	}
	return ""
}
