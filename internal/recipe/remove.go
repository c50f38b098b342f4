package recipe

import (
	"fmt"
	"slices"
	"strings"

	"haprov/internal/kind"
)

// Left is what haprov remove leaves on a host, in words.
type Left struct {
	Host     string
	Data     []string // kept, or about to be destroyed
	Packages []string
	Other    []string
}

// Remove gives the cluster with its chains turned round, each step taking off the hosts what it has
// brought there: a cluster step that knows how, and what a step of one host owns. destroy names the
// steps whose data goes, too. Left is what stays.
func (c Cluster) Remove(destroy []string) (Cluster, []Left, error) {
	made := map[*Item]*Item{}
	var holders []string
	var left []Left
	chains := make([]Chain, 0, len(c.Chains))
	for _, ch := range c.Chains {
		out, stays := Chain{Host: ch.Host}, Left{Host: ch.Host}
		for _, it := range slices.Backward(ch.Items) {
			x, had := made[it]
			if r, ok := it.Cluster.(kind.Remover); ok {
				name := it.name()
				gone := slices.Contains(destroy, name)
				if !had {
					item := *it
					item.Cluster = r.Remove(gone)
					x = &item
					made[it] = x
				}
				if data := r.Holds(ch.Host); data != "" {
					holders = append(holders, name)
					if !gone {
						stays.Data = append(stays.Data, fmt.Sprintf("%s (--destroy-data %s)", data, name))
					}
				}
				out.Items = append(out.Items, x)
				continue
			}
			if i, ok := it.Step.(kind.Installer); ok && len(i.Packages()) > 0 {
				stays.Packages = append(stays.Packages, i.Packages()...)
				continue
			}
			o, ok := it.Step.(kind.Owner)
			if !ok {
				continue
			}
			r := &kind.Removal{Things: o.Owns(ch.Host)}
			stays.Other = append(stays.Other, r.Spared()...)
			item := *it
			item.Step = r
			out.Items = append(out.Items, &item)
		}
		for _, l := range []*[]string{&stays.Data, &stays.Packages, &stays.Other} {
			slices.Sort(*l)
			*l = slices.Compact(*l)
		}
		chains, left = append(chains, out), append(left, stays)
	}
	for _, n := range destroy {
		if !slices.Contains(holders, n) {
			slices.Sort(holders)
			there := "none"
			if len(holders) > 0 {
				there = strings.Join(slices.Compact(holders), ", ")
			}
			return c, nil, fmt.Errorf("--destroy-data %s: cluster %s has no data of that name; there is %s", n, c.Name, there)
		}
	}
	c.Chains, c.Checks = chains, nil
	return c, left, nil
}

// name is the label of the item's block.
func (it *Item) name() string {
	_, name, _ := strings.Cut(it.Address, ":"+it.Kind+".")
	return name
}
