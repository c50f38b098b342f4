// Package takeover says in an inventory what a running cluster of other making is.
//
// Facts of hosts in, an inventory out: its hosts, networks and roles come from what was read; what a recipe
// has an input for is found by writing the recipe's own files for that inventory and comparing them with
// those of the hosts; what differs then is listed and not said. The package asks no host, and never writes a
// password or a key. It must not know how the facts were collected.
package takeover

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"haprov/internal/config"
	"haprov/internal/config/decode"
	"haprov/internal/config/draft"
	"haprov/internal/lint"
)

// ErrStack: what was found is no cluster that a recipe of haprov describes. The text says what it is.
var ErrStack = errors.New("nothing to take over")

// Options are what the facts do not hold.
type Options struct {
	Shipped fs.FS            // recipes and templates, as config has them
	Logins  map[string]Login // by the facts' names: how the hosts were reached; none for files
}

// Login is how a host was reached.
type Login struct {
	Address string // as it was named
	User    string
	Port    int
	Sudo    bool
}

// Result is an inventory with what it does not say.
type Result struct {
	Text     []byte
	Problems config.Problems // of the written inventory: what is to be filled in before it is valid
	Unsaid   int             // lines of what the inventory does not say
}

// taking is one cluster while it is looked at.
type taking struct {
	Options
	facts *lint.Facts
	cib   *lint.CIB // nil: there is none
	nodes []*node
	inv   draft.Inventory
	look  []string // what was assumed, or is to be looked at
	left  []left
	// what the stack's parts are called here
	names names
}

// names are the parts of the stack that a recipe has names of its own for.
type names struct {
	resource, device string // DRBD's
	vip              string // the address alone
}

// node is one machine of the cluster.
type node struct {
	name  string     // as the cluster calls it
	as    string     // as the inventory does
	facts *lint.Host // nil: it was not looked at
	at    map[string][]string
	disk  string
	fence []draft.Fence
}

// Take says the cluster in an inventory.
//
// Errors: ErrStack. What cannot be read of one host is told in the inventory's comments.
func Take(f *lint.Facts, o Options) (Result, error) {
	t := &taking{Options: o, facts: f}
	if err := t.read(); err != nil {
		return Result{}, err
	}
	problems := t.inputs()
	t.write(problems)
	return Result{Text: t.inv.Text(), Problems: problems, Unsaid: len(t.left)}, nil
}

// read finds the cluster's hosts and what they are to it.
func (t *taking) read() error {
	f := t.facts
	for _, h := range f.Hosts {
		if h.CIB.State == lint.Given {
			t.cib = h.CIB.Value
			break
		}
	}
	volumes, members := t.volumes(), f.Galera()
	switch {
	case len(volumes) > 0 && len(members) > 0:
		return fmt.Errorf("%w: DRBD's resource %s and members of Galera (%s) are there, and one inventory is written of one cluster: name the hosts of one", ErrStack, draft.Clean(volumes[0].Name), strings.Join(called(members), ", "))
	case len(volumes) > 0:
		return t.drbd(volumes)
	case len(members) > 0:
		return t.galera(members)
	}
	return t.neither()
}

// neither says what there is instead of a stack.
func (t *taking) neither() error {
	var found, broken []string
	for _, h := range t.facts.Hosts {
		switch {
		case h.Lost != "":
			broken = append(broken, h.Name+": "+h.Lost)
		case h.DRBD.State == lint.Broken:
			broken = append(broken, h.Name+": "+h.DRBD.File+": "+h.DRBD.Why)
		case h.Options.State == lint.Broken:
			broken = append(broken, h.Name+": "+h.Options.File+": "+h.Options.Why)
		}
		for _, x := range []struct {
			name string
			is   bool
		}{{"Corosync", h.Corosync.State == lint.Given}, {"Pacemaker", h.CIB.State == lint.Given}, {"HAProxy", h.Proxy.State == lint.Given}, {"keepalived", h.VRRP.State == lint.Given}, {"a database server", slices.Contains(t.facts.Databases(), h)}} {
			if x.is {
				found = append(found, x.name+" on "+h.Name)
			}
		}
	}
	text := "expected a resource of DRBD under Pacemaker (recipe mysql-drbd) or members of a Galera cluster (recipe galera); found "
	if len(found) == 0 {
		text += "none of their files"
	} else {
		text += strings.Join(found, ", ") + " alone"
	}
	if len(broken) > 0 {
		text += "; not readable: " + strings.Join(broken, "; ")
	}
	return fmt.Errorf("%w: %s", ErrStack, draft.Clean(text))
}

func called(hosts []*lint.Host) (out []string) {
	for _, h := range hosts {
		out = append(out, h.Name)
	}
	return out
}

// note adds a line to what is to be looked at.
func (t *taking) note(text string, args ...any) {
	if l := draft.Clean(fmt.Sprintf(text, args...)); !slices.Contains(t.look, l) && len(t.look) < most {
		t.look = append(t.look, l)
	}
}

// most bounds how many lines are written of a kind: hosts may hold any number of anything.
const most = 400

// node finds the node of a name, or adds it.
func (t *taking) node(name string) *node {
	for _, n := range t.nodes {
		if n.name == name {
			return n
		}
	}
	n := &node{name: name, at: map[string][]string{}}
	for _, h := range t.facts.Hosts {
		if nodeName(h) == name || h.Name == name {
			n.facts = h
			break
		}
	}
	n.as = t.name("host", name, fmt.Sprintf("db%d", len(t.nodes)+1))
	for i := 2; slices.ContainsFunc(t.nodes, func(x *node) bool { return x.as == n.as }); i++ {
		n.as = fmt.Sprintf("host%d", len(t.nodes)+i)
	}
	t.nodes = append(t.nodes, n)
	return n
}

// nodeName is what a host is called by itself, or in the folder.
func nodeName(h *lint.Host) string {
	if h.Uname.State == lint.Given {
		return h.Uname.Value
	}
	return h.Name
}

// name makes a name of an inventory of one of the cluster's.
func (t *taking) name(what, found, other string) string {
	if decode.IsName(found) {
		return found
	}
	short, _, _ := strings.Cut(found, ".")
	short = strings.Trim(strings.ReplaceAll(strings.ToLower(short), "_", "-"), "-")
	if !decode.IsName(short) {
		short = other
	}
	switch {
	case found == "":
		t.note("The %s has no name in its files: %s is an assumption.", what, short)
	case what == "host":
		t.note("Host %s is called %s here: names of an inventory have lower case, digits and hyphens. The two-node stack wants it to be what uname -n says.", found, short)
	default:
		t.note("The %s %s is called %s here: names of an inventory have lower case, digits and hyphens.", what, found, short)
	}
	return short
}
