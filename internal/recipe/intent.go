package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"haprov/internal/kind"
	"haprov/internal/plan"
)

// Intend gives the cluster with its chains cut down to the steps that know the intent, in the
// order written, each deciding for it, and the checks to those hosts. kind.ErrNoIntent when there is none.
func (c Cluster) Intend(in plan.Intent) (Cluster, error) {
	if in.Host != "" && !slices.Contains(c.Hosts, in.Host) {
		return c, fmt.Errorf("cluster %s has no host %s", c.Name, in.Host)
	}
	made := map[*Item]*Item{}
	var chains []Chain
	if in.Verb == plan.Upgrade {
		in.Packages = c.packages()
	}
	served := map[string]bool{} // hosts with a step that decides for the intent
	for _, ch := range c.Chains {
		out := Chain{Host: ch.Host}
		for _, it := range ch.Items {
			x, ok := made[it]
			if !ok {
				var err error
				if x, err = it.intend(in); err != nil {
					return c, err
				}
				made[it] = x
			}
			_, joins := it.Cluster.(kind.Joint)
			switch {
			case x != nil:
				served[ch.Host] = true
				out.Items = append(out.Items, x)
			case joins && in.Verb == plan.Upgrade:
				out.Items = append(out.Items, it)
			}
		}
		if len(out.Items) > 0 {
			chains = append(chains, out)
		}
	}
	if len(served) == 0 {
		other := "it supports none of them"
		if verbs := c.Verbs(); len(verbs) > 0 {
			other = "it supports " + strings.Join(verbs, ", ")
		}
		verb := in.Verb
		if in.Discard != "" {
			verb += " --discard"
		}
		return c, fmt.Errorf("%s: cluster %s: %w (%s)", verb, c.Name, kind.ErrNoIntent, other)
	}
	for _, host := range c.Hosts {
		if len(in.Packages[host]) > 0 && !served[host] {
			return c, fmt.Errorf("%s: cluster %s: no step of %s's knows when it may be out of service", in.Verb, c.Name, host)
		}
	}
	c.Chains = chains
	c.Checks = c.seenFrom(chains)
	return c, nil
}

// packages are those that the recipe installs on each host, sorted.
func (c Cluster) packages() map[string][]string {
	out := map[string][]string{}
	for _, ch := range c.Chains {
		for _, it := range ch.Items {
			if i, ok := it.Step.(kind.Installer); ok {
				out[ch.Host] = append(out[ch.Host], i.Packages()...)
			}
		}
		slices.Sort(out[ch.Host])
		out[ch.Host] = slices.Compact(out[ch.Host])
	}
	return out
}

// Replace gives the cluster with each step that knows of it taking the host for a new machine.
func (c Cluster) Replace(host string) (Cluster, error) {
	if !slices.Contains(c.Hosts, host) {
		return c, fmt.Errorf("cluster %s has no host %s; there is %s", c.Name, host, strings.Join(c.Hosts, ", "))
	}
	made := map[*Item]*Item{}
	chains := make([]Chain, len(c.Chains))
	for i, ch := range c.Chains {
		ch.Items = slices.Clone(ch.Items)
		for k, it := range ch.Items {
			step, ok := it.Cluster.(kind.Replacer)
			if !ok {
				continue
			}
			if made[it] == nil {
				x := *it
				x.Cluster = step.Replace(host)
				made[it] = &x
			}
			ch.Items[k] = made[it]
		}
		chains[i] = ch
	}
	c.Chains = chains
	return c, nil
}

// Verbs are the intents that some step of the cluster knows.
func (c Cluster) Verbs() (out []string) {
	for _, verb := range plan.Verbs {
		if slices.ContainsFunc(c.Chains, func(ch Chain) bool {
			return slices.ContainsFunc(ch.Items, func(it *Item) bool {
				step, ok := it.Cluster.(kind.Intended)
				if !ok {
					return false
				}
				_, err := step.Intend(plan.Intent{Verb: verb})
				return !errors.Is(err, kind.ErrNoIntent)
			})
		}) {
			out = append(out, verb)
		}
	}
	return out
}

// seenFrom are the checks that the chains' hosts can prove among them: nobody logs in elsewhere.
func (c Cluster) seenFrom(chains []Chain) (out []Check) {
	for _, k := range c.Checks {
		k.Runs = slices.DeleteFunc(slices.Clone(k.Runs), func(r Run) bool {
			return !slices.ContainsFunc(chains, func(ch Chain) bool { return ch.Host == r.Host })
		})
		if len(k.Runs) > 0 {
			out = append(out, k)
		}
	}
	return out
}

// intend is the item that decides for the intent; nil when it knows nothing of it.
func (it *Item) intend(in plan.Intent) (*Item, error) {
	step, ok := it.Cluster.(kind.Intended)
	if !ok {
		return nil, nil
	}
	made, err := step.Intend(in)
	switch {
	case errors.Is(err, kind.ErrNoIntent):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", it.Address, err)
	}
	x := *it
	x.Cluster = made
	return &x, nil
}
