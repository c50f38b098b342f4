package config

import (
	"strings"

	"haprov/internal/inventory"
	"haprov/internal/kind"
	"haprov/internal/recipe"
)

// leaving are the cluster's roles as far as hosts leave them.
func (b *builder) leaving(c recipe.Cluster) (out []inventory.Role) {
	for _, r := range c.Roles {
		if len(r.Leaving) > 0 {
			out = append(out, inventory.Role{Name: r.Name, Hosts: r.Leaving})
		}
	}
	return out
}

// leave puts a step before all others for each cluster step that hosts leave: they are taken out
// while everything still knows them. A role that no step can take hosts out of is a mistake: they
// would go on, and nobody else would know them.
func (b *builder) leave(c recipe.Cluster, blk clusterBlock, chains map[string]*recipe.Chain) {
	for _, r := range b.leaving(c) {
		taken := false
		members := roleHosts(c, r.Name)
		var steps []*recipe.Item
		if len(members) > 0 {
			steps = chains[members[0]].Items
		}
		for _, it := range steps {
			step, ok := it.Cluster.(kind.Leaver)
			if !ok || !strings.HasPrefix(it.Address, r.Name+":") { // of another role of the same host
				continue
			}
			taken = true
			x := *it
			x.Address += ".leaving"
			x.Cluster = step.Leave(b.world.nodes(r.Hosts))
			x.Hosts = b.inOrder([]inventory.Role{{Hosts: it.Hosts}, {Hosts: r.Hosts}})
			b.made[&x] = b.made[it]
			for _, h := range x.Hosts {
				chains[h].Items = append([]*recipe.Item{&x}, chains[h].Items...)
			}
		}
		for _, x := range blk.Roles {
			if x.Name == r.Name && !taken && b.rep.Failed() == 0 {
				b.rep.At(x.Ranges["leaving"], "Hosts cannot leave this role", "No step of recipe %s takes hosts out of role %s: stop and empty them by hand, then leave them out of the file.", c.Recipe, r.Name)
			}
		}
	}
}
