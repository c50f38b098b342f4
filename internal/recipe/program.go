// Package recipe holds what a recipe comes to for an inventory: chains of steps by host.
//
// A Program is data, made by config and handed to the engine. It must not know how recipes are
// written down, nor how steps are carried out.
package recipe

import (
	"slices"
	"strings"
	"time"

	"haprov/internal/inventory"
	"haprov/internal/kind"
	"haprov/internal/preflight"
	"haprov/internal/secret"
	"haprov/internal/status"
)

// Program is all that is wanted of the inventory's hosts.
type Program struct {
	Inventory *inventory.Inventory
	Clusters  []Cluster
	Secrets   []string // names that the inventory itself asks for, sorted
}

// Cluster is one recipe over its hosts.
type Cluster struct {
	Name      string
	Recipe    string
	About     string
	Roles     []inventory.Role
	Hosts     []string // of all roles, in inventory order
	Chains    []Chain  // one a host, in inventory order
	Checks    []Check
	Secrets   []string   // names that the recipe asks for, sorted
	Rotated   []string   // those of them of which hosts accept the former value, too, while they are rotated
	Active    []Run      // by host: succeeds on the host that is active; none when there is no such thing
	Endpoints []Endpoint // in the order written: the first is the cluster's main one
	Drills    Drills
}

// Chain is what one host does, in order.
type Chain struct {
	Host  string
	Items []*Item
}

// Item is one step. Exactly one of Step and Cluster is set. A cluster item stands in the chain of
// each of its hosts as the same pointer.
type Item struct {
	Address string // db1:package.socat, db:corosync.ring
	Kind    string // the kind's name
	Step    kind.Step
	Cluster kind.Cluster
	Hosts   []string // in inventory order; one for a Step
	File    string   // where it is written
	Line    int
	Serial  *Serial // which hosts wait for which; nil: none does
}

// Serial is shared by the host steps that are to run on a few hosts at once. Its steps stand in one
// piece in each host's chain, with no cluster step among them.
type Serial struct{ Hosts int }

// Check is a proof that the cluster does what it is for. It is tried until it succeeds or its
// deadline has passed.
type Check struct {
	Text     string // what is proved, in words
	On       string // active, one, each
	Runs     []Run  // for active: one a host, to be run where the active one is
	Deadline time.Duration
	Writes   bool // runs only after a change, or when verification was asked for
}

// Run is a shell command for one host.
type Run struct {
	Host  string
	Shell secret.Text
}

// Packages are the packages that steps install on any host, sorted, as far as they are known before
// a host was asked.
func (p *Program) Packages() []string {
	var all []string
	for _, c := range p.Clusters {
		for _, ch := range c.Chains {
			for _, it := range ch.Items {
				if i, ok := it.Step.(kind.Installer); ok {
					all = append(all, i.Packages()...)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Chain finds a host's chain.
func (c Cluster) Chain(host string) (Chain, bool) {
	for _, ch := range c.Chains {
		if ch.Host == host {
			return ch, true
		}
	}
	return Chain{}, false
}

// Addresses are those of all steps, each once.
func (c Cluster) Addresses() (out []string) {
	for _, ch := range c.Chains {
		for _, it := range ch.Items {
			if !slices.Contains(out, it.Address) {
				out = append(out, it.Address)
			}
		}
	}
	return out
}

// Parts are the steps that have something to show in status, in the order of the recipe.
func (c Cluster) Parts() (out []status.Part) {
	at := map[string]int{}
	for _, ch := range c.Chains {
		for _, it := range ch.Items {
			step, ok := it.step().(kind.Senser)
			if !ok {
				continue
			}
			_, name, _ := strings.Cut(it.Address, ":"+it.Kind+".")
			key := it.Kind + "." + name
			n, had := at[key]
			if !had {
				n, at[key] = len(out), len(out)
				out = append(out, status.Part{Kind: it.Kind, Name: name, Sensors: map[string]status.Sensor{}})
			}
			out[n].Sensors[ch.Host] = step.Sense()
		}
	}
	return out
}

// step is the item's step, of whichever sort it is.
func (it *Item) step() any {
	if it.Cluster != nil {
		return it.Cluster
	}
	return it.Step
}

// Needs are what the steps of each host need there and do not bring about. A tool that a package of the
// recipe has is none.
func (c Cluster) Needs() map[string][]preflight.Need {
	out := map[string][]preflight.Need{}
	for _, ch := range c.Chains {
		var packages []string
		for _, it := range ch.Items {
			if i, ok := it.Step.(kind.Installer); ok {
				packages = append(packages, i.Packages()...)
			}
		}
		for _, it := range ch.Items {
			step, ok := it.step().(kind.Needer)
			if !ok {
				continue
			}
			for _, n := range step.Needs(ch.Host) {
				if !slices.Contains(out[ch.Host], n) && (n.Package == "" || !slices.Contains(packages, n.Package)) {
					out[ch.Host] = append(out[ch.Host], n)
				}
			}
		}
	}
	return out
}

// Keeper is the step that keeps copies of the cluster's data, and the hosts that can be asked for them;
// nil where none does.
func (c Cluster) Keeper() (kind.Keeper, []string) {
	for _, ch := range c.Chains {
		for _, it := range ch.Items {
			if k, ok := it.Cluster.(kind.Keeper); ok {
				return k, it.Hosts
			}
		}
	}
	return nil, nil
}
