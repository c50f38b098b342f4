package takeover

import (
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"time"

	"haprov/internal/config"
	"haprov/internal/config/draft"
	"haprov/internal/kind"
	"haprov/internal/lint"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/secret"
)

// written is what the recipe writes for an inventory, read as if it stood on the hosts.
type written struct {
	facts *lint.Facts
	hosts map[string]*lint.Host
	cib   *lint.CIB
	names names
}

// load reads an inventory as haprov validate does.
func load(v draft.Inventory, shipped fs.FS) (*recipe.Program, config.Problems) {
	return config.Load("haprov.hcl", config.Options{Text: v.Text(), Shipped: shipped, Secrets: none{}})
}

// render gives the files of a program's hosts. Of those that are made of facts only the interface is not
// known, and it is not compared.
func render(p *recipe.Program) written {
	hosts, files := texts(p)
	w := written{facts: lint.FromFiles("recipe", hosts, files, time.Time{}), hosts: map[string]*lint.Host{}, names: names{resource: "mysql", device: "/dev/drbd0"}}
	for _, h := range w.facts.Hosts {
		w.hosts[h.Name] = h
		if h.CIB.State == lint.Given && w.cib == nil {
			w.cib = h.CIB.Value
		}
	}
	return w
}

// texts are the files by host and name.
func texts(p *recipe.Program) (hosts []string, files map[string]map[string]string) {
	files = map[string]map[string]string{}
	for _, ch := range p.Clusters[0].Chains {
		h, _ := p.Inventory.Host(ch.Host)
		files[ch.Host] = map[string]string{}
		hosts = append(hosts, ch.Host)
		for _, it := range ch.Items {
			var step any = it.Step
			if it.Cluster != nil {
				step = it.Cluster
			}
			if w, ok := step.(kind.Writer); ok {
				path, text := w.Writes()
				files[ch.Host][strings.TrimPrefix(path, "/")] = text.Reveal()
			} else if _, path, ok := strings.Cut(it.Address, ":file./"); ok {
				files[ch.Host][path] = late(it.Step, p.Inventory.Address(h, "service"))
			}
		}
	}
	return hosts, files
}

// late is the file of a step that is made of facts, on a host with one interface.
func late(s kind.Step, address string) string {
	if s == nil {
		return ""
	}
	seen := probe.Seen{}
	for range 3 {
		for _, q := range s.Probe(seen) {
			a := probe.Answer{State: probe.Answered}
			if q.Kind == probe.Command {
				a.Out = fmt.Sprintf("2: eth0    inet %s/24 scope global eth0", address)
			}
			seen = seen.With(map[probe.Key]probe.Answer{q.Key(): a})
		}
	}
	c, err := s.Decide(seen)
	if err != nil {
		return ""
	}
	for _, a := range c.Actions {
		if a.Write != nil {
			return a.Write.Content.Reveal()
		}
	}
	return ""
}

// none has no secret: what the recipe writes is compared with what was found, and goes nowhere.
type none struct{}

func (none) Get(string, string, int) (secret.Text, bool) { return secret.Holding("unknown"), false }

func (none) Former(string, string) (secret.Text, bool) { return secret.Text{}, false }

func (none) Make(_, _ string, make func() (string, error)) (secret.Text, bool, error) {
	s, err := make()
	return secret.Holding(s), false, err
}

func (none) Renew(string, string, func(string) (string, error)) error { return nil }

// filled is an inventory in which what is missing is made up, so that the recipe can be compared.
func filled(v draft.Inventory) draft.Inventory {
	c := v.Cluster
	hosts := append([]draft.Host{}, v.Hosts...)
	for i, h := range hosts {
		if c.Recipe == "mysql-drbd" && len(h.Fences) == 0 {
			hosts[i].Fences = []draft.Fence{{Agent: "fence_ipmilan", Options: []draft.Option{{Name: "ip", Value: h.Name}}}}
		}
		if c.Recipe == "mysql-drbd" && h.Disk == "" {
			hosts[i].Disk = "/dev/disk/by-id/unknown"
		}
	}
	v.Hosts = hosts
	if vip := free(v); !has(c, "vip") && vip != "" {
		v = v.With(draft.Input{Name: "vip", Value: vip})
	}
	if c.Recipe == "galera" && len(c.Roles) == 1 {
		v.Cluster.Roles = append(append([]draft.Role{}, c.Roles...), draft.Role{Name: "proxy", Hosts: c.Roles[0].Hosts[:1]})
	}
	return v
}

func has(c draft.Cluster, input string) bool {
	for _, in := range c.Inputs {
		if in.Name == input {
			return true
		}
	}
	return false
}

// free is an address of the service network that no host has.
func free(v draft.Inventory) string {
	for _, n := range v.Networks {
		p, err := netip.ParsePrefix(n.CIDR)
		if err != nil || n.Name != "cluster" && n.Name != "service" {
			continue
		}
		used := map[string]bool{}
		for _, h := range v.Hosts {
			for _, a := range h.Addresses {
				used[a.IP] = true
			}
		}
		for a, i := p.Addr().Next(), 0; p.Contains(a.Next()) && i < 64; a, i = a.Next(), i+1 {
			if !used[a.String()] {
				return netip.PrefixFrom(a, p.Bits()).String()
			}
		}
	}
	return ""
}
