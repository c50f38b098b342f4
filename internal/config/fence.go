package config

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"haprov/internal/inventory"
	"haprov/internal/secret"
)

var optionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)

// ours are options that a recipe sets by itself, and why.
var ours = map[string]string{
	"action":          "Pacemaker says what is to be done.",
	"nodename":        "The device belongs to the host that its block stands in.",
	"pcmk_host_list":  "The device belongs to the host that its block stands in.",
	"pcmk_host_map":   "The device belongs to the host that its block stands in; write plug = \"...\".",
	"pcmk_host_check": "The device belongs to the host that its block stands in.",
	"password_script": "Write password = secret(\"...\"): it goes into a file that only root reads.",
	"passwd_script":   "Write password = secret(\"...\"): it goes into a file that only root reads.",
}

// fence checks one fence device. Only the password may be a secret: the other options stand in the
// cluster's configuration, which more than root may read.
func (w *world) fence(f fenceBlock) inventory.Fence {
	if !strings.HasPrefix(f.Agent, "fence_") || !goodName.MatchString(strings.ReplaceAll(f.Agent, "_", "-")) {
		w.at(f.Range, "Bad name for a fence agent", "Found %s, expected a name such as fence_ipmilan.", bounded(f.Agent))
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
			w.at(f.Range, "Bad name of a fence option", "Found %s, expected one of the agent's parameters, such as ip or username.", bounded(n))
		case ours[n] != "":
			w.at(f.Range, fmt.Sprintf("Option %q is not the user's", n), "%s", ours[n])
		case strings.ContainsAny(v.Reveal(), "\x00\n\r"):
			w.at(f.Range, fmt.Sprintf("Option %q has several lines", n), "A fence option is one line.")
		case isPassword(n):
			n = "password"
		case v.IsSensitive():
			w.at(f.Range, fmt.Sprintf("Option %q is a secret", n), "Only the password may be one: the others stand in the cluster's configuration.")
		}
		out.Options[n] = v
	}
	return out
}

func isPassword(option string) bool { return option == "password" || option == "passwd" }

// fenceValue is what each.host.fence gives: the devices that cut the host's power, less their
// passwords, which are in each.host.fence_passwords by the device's id. In a lab it is the lab's
// own device, unless the inventory says otherwise.
func (w *world) fenceValue(h inventory.Host) (devices, passwords cty.Value) {
	list := h.Fence
	if len(list) == 0 && w.inv.Lab != nil {
		list = []inventory.Fence{{Agent: "fence_haprov"}}
	}
	out := []cty.Value{}
	secrets := map[string]cty.Value{}
	for i, f := range list {
		id := "fence-" + h.Name
		if i > 0 {
			id += fmt.Sprintf("-%d", i+1)
		}
		options := map[string]cty.Value{}
		for n, v := range f.Options {
			if n == "password" {
				secrets[id] = cty.StringVal(v.Reveal()).Mark(sensitive)
				continue
			}
			options[n] = cty.StringVal(v.Reveal())
		}
		_, secret := secrets[id]
		out = append(out, cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(id), "host": cty.StringVal(h.Name), "agent": cty.StringVal(f.Agent),
			"options": cty.ObjectVal(options), "secret": cty.BoolVal(secret)}))
	}
	return cty.TupleVal(out), cty.ObjectVal(secrets)
}
