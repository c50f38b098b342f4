package config

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/inventory"
	"haprov/internal/recipe"
	"haprov/internal/secret"
)

// builder makes a program of an inventory and its recipes.
type builder struct {
	rep     *source.Report // where mistakes go
	dec     decode.Decoder
	files   *source.Files
	inv     *inventory.Inventory
	world   *world // the same inventory, as expressions see it
	opts    Options
	recipes map[string]*recipeDef // nil: looked for and not there
	scopes  scopeValues
	asked   *names                     // secrets that the inventory itself asks for
	made    map[*recipe.Item]hcl.Range // where steps are written
	wide    map[string]owned           // what only one host may own
	serves  map[string]string          // by ADDRESS:PORT of an endpoint: the cluster that has it
	faults  map[string]*recipe.Fault   // nil: told what is wrong with it
}

// cluster makes one cluster's chains.
func (b *builder) cluster(blk clusterBlock) (c recipe.Cluster, ok bool) {
	b.dec.Name("cluster", blk.Name, blk.Range)
	b.world.once("cluster", blk.Name, blk.Range)
	c.Name, c.Recipe = blk.Name, blk.Recipe
	c.Roles = b.roles(blk)
	c.Hosts = b.inOrder(c.Roles)
	b.inv.Clusters = append(b.inv.Clusters, inventory.Cluster{Name: c.Name, Recipe: c.Recipe, Roles: c.Roles})
	for _, h := range c.Hosts {
		b.world.once("cluster host", h, blk.Range)
	}
	d := b.recipe(blk.Recipe, blk.Ranges["recipe"])
	if d == nil {
		return c, false
	}
	c.About = d.About
	if !b.wants(d, &c, blk) {
		return c, false // all that is said of the role would be told again
	}
	used := &names{former: &names{}}
	p := b.place(c, blk.Name, used)
	p.shared.Variables["backup"] = b.backup(d, blk.Backup)
	input, ok := b.inputs(d, blk.Inputs, p.shared, p.shared, blk.Range)
	if !ok {
		return c, false
	}
	p.input(input)
	chains := map[string]*recipe.Chain{}
	all := b.inOrder(append(b.leaving(c), c.Roles...))
	for _, h := range all {
		chains[h] = &recipe.Chain{Host: h}
	}
	for _, on := range d.on {
		hosts := roleHosts(c, on.role)
		before := map[string]int{}
		for h, chain := range chains {
			before[h] = len(chain.Items)
		}
		b.steps(on.steps, p.of(b, on.role, hosts), chains, []string{d.Name})
		if on.serial > 0 {
			b.inTurn(on, before, chains)
		}
	}
	for _, h := range c.Hosts {
		b.owners(*chains[h])
	}
	b.leave(c, blk, chains)
	for _, h := range all {
		if len(chains[h].Items) > 0 || slices.Contains(c.Hosts, h) {
			c.Chains = append(c.Chains, *chains[h])
		}
	}
	b.proofs(d, &c, p)
	c.Endpoints = b.endpoints(d, p)
	b.served(c, blk)
	b.drills(d, &c, blk, p)
	c.Secrets, c.Rotated = used.sorted(), used.former.sorted()
	return c, true
}

// roles reads a cluster's roles; one without any has the role all, of all hosts.
func (b *builder) roles(blk clusterBlock) (out []inventory.Role) {
	if len(blk.Roles) == 0 {
		all := inventory.Role{Name: "all"}
		for _, h := range b.inv.Hosts {
			all.Hosts = append(all.Hosts, h.Name)
		}
		return []inventory.Role{all}
	}
	seen := map[string]bool{}
	for _, r := range blk.Roles {
		b.dec.Name("role", r.Name, r.Range)
		if seen[r.Name] || r.Name == "all" {
			b.rep.At(r.Range, fmt.Sprintf("Role %s is defined twice", source.Bounded(r.Name)), "Name all its hosts in one role block; all stands for all hosts of the cluster.")
			continue
		}
		seen[r.Name] = true
		hosts := b.world.hostList(r.Hosts)
		if len(hosts) == 0 && b.rep.Failed() == 0 {
			b.rep.At(r.Range, "Role has no hosts", "Write hosts = [host.NAME, ...].")
		}
		leaving := b.world.hostList(r.Leaving)
		for _, h := range leaving {
			if slices.Contains(hosts, h) {
				b.rep.At(r.Range, fmt.Sprintf("Host %s is both in hosts and in leaving", source.Bounded(h)), "Name it in hosts or in leaving.")
			}
		}
		out = append(out, inventory.Role{Name: r.Name, Hosts: hosts, Leaving: leaving})
	}
	return out
}

func (b *builder) inOrder(roles []inventory.Role) (out []string) {
	for _, h := range b.inv.Hosts {
		for _, r := range roles {
			if slices.Contains(r.Hosts, h.Name) && !slices.Contains(out, h.Name) {
				out = append(out, h.Name)
			}
		}
	}
	return out
}

func roleHosts(c recipe.Cluster, role string) []string {
	if role == "all" {
		return c.Hosts
	}
	for _, r := range c.Roles {
		if r.Name == role {
			return r.Hosts
		}
	}
	return nil
}

// wants checks a cluster's roles and machines against what the recipe asks for.
// whole says that no role is missing.
func (b *builder) wants(d *recipeDef, c *recipe.Cluster, blk clusterBlock) (whole bool) {
	var known []string
	for _, on := range d.on {
		if !slices.Contains(known, on.role) {
			known = append(known, on.role)
		}
	}
	sizes := map[string]wantBlock{}
	for _, w := range d.Roles {
		sizes[w.Name] = w
		if !slices.Contains(known, w.Name) {
			known = append(known, w.Name)
		}
	}
	for i, r := range c.Roles {
		if !slices.Contains(known, r.Name) && !(len(blk.Roles) == 0) {
			b.rep.At(blk.Roles[min(i, len(blk.Roles)-1)].Range, fmt.Sprintf("Unknown role %s", source.Bounded(r.Name)), "Recipe %s has no such role. %s", d.Name, b.rep.Meant(r.Name, known))
		}
		if w, ok := sizes[r.Name]; ok && (len(r.Hosts) < w.Min || len(r.Hosts) > w.Max) && b.rep.Failed() == 0 {
			want := fmt.Sprintf("%d to %d", w.Min, w.Max)
			if w.Min == w.Max {
				want = fmt.Sprint(w.Min)
			}
			b.rep.At(blk.Roles[i].Range, fmt.Sprintf("Role %q has a wrong size", r.Name), "Found %d hosts, recipe %s takes %s.", len(r.Hosts), d.Name, want)
		}
	}
	whole = true
	for _, n := range known {
		if w, ok := sizes[n]; ok && w.Min == 0 && !slices.ContainsFunc(c.Roles, func(r inventory.Role) bool { return r.Name == n }) {
			c.Roles = append(c.Roles, inventory.Role{Name: n})
			continue
		}
		if n != "all" && roleHosts(*c, n) == nil && b.rep.Failed() == 0 {
			whole = false
			b.rep.At(blk.Range, fmt.Sprintf("Missing role %q", n), "Recipe %s needs it: write role %q { hosts = [host.NAME, ...] }.", d.Name, n)
		}
	}
	b.needs(d, c)
	return whole
}

func (b *builder) needs(d *recipeDef, c *recipe.Cluster) {
	apart := func(role string) bool {
		return slices.ContainsFunc(d.Roles, func(w wantBlock) bool { return w.Name == role && w.Apart })
	}
	members := b.inOrder(slices.DeleteFunc(slices.Clone(c.Roles), func(r inventory.Role) bool { return apart(r.Name) }))
	for _, need := range d.Needs {
		for _, name := range members {
			h, _ := b.inv.Host(name)
			switch {
			case need == "fencing" && (b.inv.Lab == nil || b.opts.Vagrant) && len(h.Fence) == 0:
				b.rep.At(b.world.places["host "+name], "Host has no fencing", "Recipe %s needs it, or two machines may write at once: write fence \"fence_ipmilan\" { options = { ... } }.", d.Name)
			case need == "two_links" && len(b.inv.AddressesFor(h, "ring")) < 2:
				b.rep.At(b.world.places["host "+name], "Host has one ring link", "Recipe %s needs two networks that carry \"ring\".", d.Name)
			case need == "replication" && len(b.inv.AddressesFor(h, "replication")) == 0:
				b.rep.At(b.world.places["host "+name], "Host has no replication network", "Recipe %s needs a network that carries \"replication\".", d.Name)
			}
		}
	}
}

// proofs evaluates what tells that the cluster works: checks and the active side.
func (b *builder) proofs(d *recipeDef, c *recipe.Cluster, p place) {
	run := func(name string, e hclsyntax.Expression, hosts []string) (out []recipe.Run) {
		for _, h := range hosts {
			v, ok := b.dec.Value(e, p.host[h])
			if !ok {
				return out
			}
			var t secret.Text
			if m := assignSecretTo(v, &t); m != nil {
				b.rep.At(e.Range(), fmt.Sprintf("Wrong type for %q", name), "%s", m.Detail)
				return out
			}
			if t.IsSensitive() {
				b.rep.At(e.Range(), fmt.Sprintf("Sensitive value in %q", name), "Its text is an argument of a process on the host, which everybody there can read. Write the secret to a file with mode \"0600\" and let the command read that.")
				return out
			}
			out = append(out, recipe.Run{Host: h, Shell: t})
		}
		return out
	}
	first := "all"
	if len(d.on) > 0 {
		first = d.on[0].role
	}
	for _, chk := range d.Checks {
		role := chk.Role
		if role == "" {
			role = first
		}
		hosts := roleHosts(*c, role)
		if len(hosts) == 0 && slices.ContainsFunc(c.Roles, func(r inventory.Role) bool { return r.Name == role }) {
			continue // a role that may be left out, and is
		}
		if len(hosts) == 0 {
			b.rep.At(chk.Range, fmt.Sprintf("Unknown role %s", source.Bounded(role)), "The cluster has no such role.")
			continue
		}
		if chk.On == "one" {
			hosts = hosts[:1]
		}
		if chk.On == "active" && d.Active == nil {
			b.rep.At(chk.Range, "The active host is not defined", "Give the recipe active = \"COMMAND\", which succeeds on it alone.")
		}
		if chk.Run == nil {
			continue
		}
		c.Checks = append(c.Checks, recipe.Check{Text: chk.Text, On: chk.On, Runs: run("run", chk.Run, hosts), Deadline: chk.Deadline, Writes: chk.Writes})
	}
	if d.Active != nil {
		c.Active = run("active", d.Active, roleHosts(*c, first))
	}
}

// place is where steps are evaluated: what all hosts share, and what each has of its own.
type place struct {
	role    string
	hosts   []string
	shared  *hcl.EvalContext            // nil: inputs differ between hosts
	host    map[string]*hcl.EvalContext // by host
	address string                      // of cluster steps: the role, or the cluster for all
}

// place makes the outermost one of a cluster.
func (b *builder) place(c recipe.Cluster, name string, used *names) place {
	ctx := b.world.ctx.NewChild()
	roles := map[string]cty.Value{}
	for _, r := range append([]inventory.Role{{Name: "all", Hosts: c.Hosts}}, c.Roles...) {
		roles[r.Name] = cty.ObjectVal(map[string]cty.Value{"hosts": b.tuple(r.Hosts), "leaving": b.tuple(r.Leaving)})
	}
	ctx.Variables = map[string]cty.Value{
		"cluster": cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(name), "hosts": b.tuple(c.Hosts)}),
		"role":    cty.ObjectVal(roles),
	}
	ctx.Functions = reach(b.files, name, b.opts.Secrets, used)
	return b.perHost(place{address: name, hosts: c.Hosts, shared: ctx})
}

func (b *builder) perHost(p place) place {
	p.host = map[string]*hcl.EvalContext{}
	for _, h := range p.hosts {
		ctx := p.shared.NewChild()
		ctx.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"host": b.world.values[h]})}
		p.host[h] = ctx
	}
	return p
}

// input adds a recipe's inputs to what all hosts share.
func (p place) input(v cty.Value) { p.shared.Variables["input"] = v }

// of narrows a place to one role's hosts.
func (p place) of(b *builder, role string, hosts []string) place {
	p.role, p.hosts = role, hosts
	if role != "all" {
		p.address = role
	}
	return p
}

// inTurn has an on block's steps run on so many hosts at once. A step over all its hosts would wait for
// those whose turn has not come.
func (b *builder) inTurn(on onDef, before map[string]int, chains map[string]*recipe.Chain) {
	turn := &recipe.Serial{Hosts: on.serial}
	told := map[string]bool{}
	for _, h := range b.inv.Hosts {
		chain := chains[h.Name]
		if chain == nil {
			continue
		}
		for _, it := range chain.Items[before[h.Name]:] {
			if it.Cluster == nil {
				it.Serial = turn
				continue
			}
			if !told[it.Address] {
				b.rep.At(b.made[it], "Step over all hosts in a serial block", "%s is one step over all hosts of the role, and these come one batch after the other: write it in an on block of its own, without serial.", source.Bounded(it.Address))
			}
			told[it.Address] = true
		}
	}
}

func (b *builder) tuple(hosts []string) cty.Value {
	l := make([]cty.Value, 0, len(hosts))
	for _, h := range hosts {
		l = append(l, b.world.values[h])
	}
	return cty.TupleVal(l)
}
