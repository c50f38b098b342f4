package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/inventory"
	"haprov/internal/kind"
	"haprov/internal/secret"
)

var optionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)

// ours are options that a recipe sets by itself, and why.
var ours = map[string]string{
	"action":          "The cluster manager sets the action.",
	"nodename":        "The device belongs to the host whose block contains it.",
	"pcmk_host_list":  "The device belongs to the host whose block contains it.",
	"pcmk_host_map":   "The device belongs to the host whose block contains it; write plug = \"...\".",
	"pcmk_host_check": "The device belongs to the host whose block contains it.",
	"password_script": "Write password = secret(\"...\"): it goes into a file that only root reads.",
	"passwd_script":   "Write password = secret(\"...\"): it goes into a file that only root reads.",
}

// fence checks one fence device. Only the password may be a secret: the other options stand in the
// cluster's configuration, which more than root may read.
func (w *world) fence(f fenceBlock) inventory.Fence {
	if !strings.HasPrefix(f.Agent, "fence_") || !decode.IsName(strings.ReplaceAll(f.Agent, "_", "-")) {
		w.rep.At(f.Range, "Invalid name for a fence agent", "Found %s, expected a name such as fence_ipmilan.", source.Bounded(f.Agent))
	}
	out := inventory.Fence{Agent: f.Agent, Options: map[string]secret.Text{}}
	names := make([]string, 0, len(f.Options))
	for n := range f.Options {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		v := f.Options[n]
		switch {
		case !optionName.MatchString(n):
			w.rep.At(f.Range, "Invalid name of a fence option", "Found %s, expected one of the agent's parameters, such as ip or username.", source.Bounded(n))
		case ours[n] != "":
			w.rep.At(f.Range, fmt.Sprintf("Option %q is set by haprov", n), "%s", ours[n])
		case isPassword(n):
			secret.Learn(v.Reveal())
			if n = "password"; !v.IsSensitive() {
				w.openPassword(f.Range, n, v)
			}
		case v.IsSensitive():
			w.rep.At(f.Range, fmt.Sprintf("Option %q is a secret", n), "Only the password may be one: the others stand in the cluster's configuration.")
		}
		out.Options[n] = v
	}
	return out
}

// fencesNothing are agents that say yes and cut nobody's power.
var fencesNothing = map[string]bool{"fence_dummy": true, "fence_ack_manual": true}

// onePower are agents of a service processor: one device is one machine.
var onePower = regexp.MustCompile(`^fence_(ipmilan.*|i?drac.*|ilo.*|imm|rsa|rsb|redfish|amt.*|hpblade)$`)

// fences checks the devices of all hosts against each other.
func (w *world) fences() {
	first := map[string]string{}
	for i, b := range w.file.Hosts[:len(w.inv.Hosts)] {
		for k, f := range w.inv.Hosts[i].Fence {
			rng := b.Fences[k].Range
			if fencesNothing[f.Agent] {
				const why = "It reports success and cuts nobody's power: after a failure two machines may write at once."
				if w.inv.Lab == nil {
					w.rep.At(rng, "Fence agent fences nothing", why)
				} else {
					w.rep.Warn(rng, "Fence agent fences nothing", why)
				}
				continue
			}
			key, plug := deviceKey(f)
			o, had := first[key]
			switch {
			case !had:
				first[key] = b.Name
			case o == b.Name:
			case plug || onePower.MatchString(f.Agent):
				w.rep.At(rng, "Two hosts have one fence device", "%s has the same agent and options: to fence one of them would cut the other's power.", o)
			default:
				w.rep.Warn(rng, "Two hosts have one fence device", fmt.Sprintf("%s has the same agent and options, and no plug or port: only when the device knows both machines by their names of this inventory does it cut the right one. Write plug = \"...\" in each.", o))
			}
		}
	}
}

// fenced takes the devices of hosts that name none from where the machines come from.
func (w *world) fenced(of func(*inventory.Inventory, inventory.Host) []inventory.Fence) {
	for i := range w.inv.Hosts {
		if h := &w.inv.Hosts[i]; of != nil && len(h.Fence) == 0 {
			h.Fence = of(w.inv, *h)
		}
	}
}

// deviceKey is what tells a fence device from others, and whether the host's outlet is part of it.
// Logins do not tell: the same device may have several.
func deviceKey(f inventory.Fence) (key string, plug bool) {
	key = f.Agent
	for _, n := range slices.Sorted(maps.Keys(f.Options)) {
		switch n {
		case "username", "login", "password", "passwd":
			continue
		case "plug", "port":
			plug = true
		}
		key += fmt.Sprintf("\x00%s=%s", n, f.Options[n].Reveal())
	}
	return key, plug
}

// openPassword tells of a password that whoever reads the inventory reads too.
func (w *world) openPassword(at hcl.Range, name string, value secret.Text) {
	secret.Learn(value.Reveal())
	w.rep.Warn(at, "Password in plain text in the inventory", fmt.Sprintf("Write %s = secret(\"NAME\") and give it by: haprov secret adopt NAME.", name))
}

func isPassword(option string) bool { return option == "password" || option == "passwd" }

// devices are what cuts a host's power, and their passwords by their ids. In a lab it is the lab's
// own device, unless the inventory says otherwise.
func (w *world) devices(h inventory.Host) (out []kind.Device, passwords map[string]cty.Value) {
	list := h.Fence
	if len(list) == 0 && w.inv.Lab != nil {
		list = []inventory.Fence{{Agent: "fence_haprov"}}
	}
	passwords = map[string]cty.Value{}
	for i, f := range list {
		d := kind.Device{ID: "fence-" + h.Name, Agent: f.Agent, Options: map[string]string{}}
		if i > 0 {
			d.ID += fmt.Sprintf("-%d", i+1)
		}
		for n, v := range f.Options {
			if d.Secret = d.Secret || n == "password"; n == "password" {
				passwords[d.ID] = cty.StringVal(v.Reveal()).Mark(sensitive)
				continue
			}
			d.Options[n] = v.Reveal()
		}
		out = append(out, d)
	}
	return out, passwords
}

// options are those that stand in the cluster's configuration: no password among them.
func options(d kind.Device) cty.Value {
	all := map[string]cty.Value{}
	for n, v := range d.Options {
		all[n] = cty.StringVal(v)
	}
	return cty.ObjectVal(all)
}

// fenceValue is what each.host.fence and each.host.fence_passwords give.
func (w *world) fenceValue(h inventory.Host) (devices, passwords cty.Value) {
	list, secrets := w.devices(h)
	out := []cty.Value{}
	for _, d := range list {
		out = append(out, cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(d.ID), "host": cty.StringVal(h.Name), "agent": cty.StringVal(d.Agent), "secret": cty.BoolVal(d.Secret), "options": options(d)}))
	}
	return cty.TupleVal(out), cty.ObjectVal(secrets)
}
