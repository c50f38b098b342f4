package cli

import (
	"fmt"
	"slices"
	"strings"

	"haprov/internal/secret"
)

// ofInventory is what the store calls the owner of secrets that the inventory itself asks for, as
// the passwords of fence devices are.
const ofInventory = "inventory"

// named is a secret and who asks for it: a cluster, or the inventory.
type named struct{ owner, name string }

func (n named) String() string {
	if n.owner == ofInventory {
		return n.name + " of the inventory"
	}
	return n.name + " of cluster " + n.owner
}

// secretsAsked are the secrets that the inventory and its clusters ask for, or only one of them.
func (j *job) secretsAsked(owner string) (out []named) {
	for _, n := range j.program.Secrets {
		out = append(out, named{ofInventory, n})
	}
	for _, c := range j.program.Clusters {
		for _, n := range c.Secrets {
			out = append(out, named{c.Name, n})
		}
	}
	return slices.DeleteFunc(out, func(n named) bool { return owner != "" && n.owner != owner })
}

// secretNamed is the one that is meant by a name.
func (j *job) secretNamed(name, owner string) (named, error) {
	var found []named
	var there, owners []string
	for _, n := range j.secretsAsked(owner) {
		if n.name == name {
			found, owners = append(found, n), append(owners, n.owner)
		}
		if !slices.Contains(there, n.name) {
			there = append(there, n.name)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return named{}, errInput{fmt.Sprintf("several secrets are named %s: use --cluster %s", name, strings.Join(owners, " or --cluster "))}
	case len(there) == 0 && owner != "":
		return named{}, errInput{fmt.Sprintf("no cluster %q asks for a secret", owner)}
	case len(there) == 0:
		return named{}, errInput{"this inventory asks for no secret"}
	}
	return named{}, errInput{fmt.Sprintf("nothing asks for a secret %q; there is %s", name, strings.Join(there, ", "))}
}

// missing are those secrets of the inventory that something beyond the hosts wants, a fence device
// or sudo, and that nobody gave yet. What was drawn for them is not what that knows.
func (j *job) missing() (out []named) {
	for _, drawn := range j.secrets.Drawn() {
		name, ok := strings.CutPrefix(drawn, ofInventory+"/")
		if !ok {
			continue
		}
		t, _ := j.secrets.Get(ofInventory, name, 0)
		for _, h := range j.program.Inventory.Hosts {
			known := []string{h.SSH.SudoPassword.Reveal()}
			for _, f := range h.Fence {
				known = append(known, f.Options["password"].Reveal())
			}
			if n := (named{ofInventory, name}); slices.Contains(known, t.Reveal()) && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// sudoPassword is what sudo is told; one that was drawn here is an error instead.
func (j *job) sudoPassword(pass secret.Text) (secret.Text, error) {
	for _, n := range j.missing() {
		if t, _ := j.secrets.Get(n.owner, n.name, 0); t.Reveal() == pass.Reveal() {
			return secret.Text{}, fmt.Errorf("it is not known here; add it: haprov secret adopt %s%s", n.name, j.flags())
		}
	}
	return pass, nil
}

// given refuses to go on with a drawn password where there is one already.
func (j *job) given() error {
	var all []string
	for _, n := range j.missing() {
		all = append(all, fmt.Sprintf("the password %q cannot be generated; add the existing one: haprov secret adopt %s%s", n.name, n.name, j.flags()))
	}
	if len(all) == 0 {
		return nil
	}
	return errInput{strings.Join(all, "; ")}
}
