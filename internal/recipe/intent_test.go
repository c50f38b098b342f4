package recipe

import (
	"errors"
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// ring knows one verb.
type ring struct{ verb string }

func (ring) Probe(string, probe.Hosts) []probe.Query     { return nil }
func (ring) Decide(_, _ probe.Hosts) (plan.Phase, error) { return plan.Phase{}, nil }
func (r ring) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb != plan.Switchover {
		return nil, kind.ErrNoIntent
	}
	return ring{in.Verb}, nil
}

func TestIntendKeepsWhatKnowsIt(t *testing.T) {
	shared := &Item{Address: "db:ring", Cluster: ring{}, Hosts: []string{"db1", "db2"}}
	c := Cluster{Name: "shop", Hosts: []string{"db1", "db2", "proxy1"}, Chains: []Chain{
		{Host: "db1", Items: []*Item{{Address: "db1:package.x"}, shared}},
		{Host: "db2", Items: []*Item{shared}},
		{Host: "proxy1", Items: []*Item{{Address: "proxy1:package.x"}}},
	}, Checks: []Check{
		{Text: "each", On: "each", Runs: []Run{{Host: "db1"}, {Host: "db2"}, {Host: "proxy1"}}},
		{Text: "proxies", On: "each", Runs: []Run{{Host: "proxy1"}}},
	}}
	got, err := c.Intend(plan.Intent{Verb: plan.Switchover, Host: "db2"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Chains) != 2 || len(got.Chains[0].Items) != 1 {
		t.Fatalf("chains: %+v", got.Chains)
	}
	a, b := got.Chains[0].Items[0], got.Chains[1].Items[0]
	if a != b || a.Cluster.(ring).verb != plan.Switchover {
		t.Errorf("items: %+v %+v", a, b)
	}
	if len(got.Checks) != 1 || len(got.Checks[0].Runs) != 2 || len(c.Checks) != 2 || len(c.Checks[0].Runs) != 3 {
		t.Errorf("checks: %+v", got.Checks)
	}
	if shared.Cluster.(ring).verb != "" || len(c.Chains) != 3 {
		t.Error("the program itself was changed")
	}
	if _, err := c.Intend(plan.Intent{Verb: plan.Recover}); !errors.Is(err, kind.ErrNoIntent) || err.Error() != "recover: cluster shop: no step of its recipe supports that (it supports switchover)" {
		t.Errorf("recover: %v", err)
	}
	if _, err := (Cluster{Name: "web"}).Intend(plan.Intent{Verb: plan.Recover}); !errors.Is(err, kind.ErrNoIntent) || err.Error() != "recover: cluster web: no step of its recipe supports that (it supports none of them)" {
		t.Errorf("nothing: %v", err)
	}
	if _, err := c.Intend(plan.Intent{Verb: plan.Switchover, Host: "db9"}); err == nil || errors.Is(err, kind.ErrNoIntent) {
		t.Errorf("unknown host: %v", err)
	}
}

// parted puts hosts in order; roller knows how to upgrade.
type parted struct{ ring }

func (parted) Joins()                                   {}
func (parted) Intend(plan.Intent) (kind.Cluster, error) { return nil, kind.ErrNoIntent }

type roller struct {
	ring
	in plan.Intent
}

func (roller) Intend(in plan.Intent) (kind.Cluster, error) { return roller{in: in}, nil }

// installs is a step with packages.
type installs struct{ kind.Step }

func (installs) Packages() []string { return []string{"b", "a", "b"} }

func TestAnUpgradeKeepsTheOrderOfHostsAndKnowsTheirPackages(t *testing.T) {
	members, between, proxies := &Item{Cluster: roller{}}, &Item{Cluster: parted{}}, &Item{Cluster: roller{}}
	pack := &Item{Step: installs{}}
	c := Cluster{Name: "shop", Hosts: []string{"db1", "proxy1"}, Chains: []Chain{
		{Host: "db1", Items: []*Item{pack, members, between}},
		{Host: "proxy1", Items: []*Item{pack, between, proxies}},
	}}
	got, err := c.Intend(plan.Intent{Verb: plan.Upgrade})
	if err != nil {
		t.Fatal(err)
	}
	first, second := got.Chains[0].Items, got.Chains[1].Items
	if len(first) != 2 || len(second) != 2 || first[1] != between || second[0] != between {
		t.Errorf("the members and the proxies are not in order: %v %v", first, second)
	}
	if in := first[0].Cluster.(roller).in; strings.Join(in.Packages["db1"], " ") != "a b" {
		t.Errorf("packages: %v", in.Packages)
	}
	c.Chains[1].Items = []*Item{pack, between}
	if _, err := c.Intend(plan.Intent{Verb: plan.Upgrade}); err == nil || err.Error() != "upgrade: cluster shop: no step of proxy1's knows when it may be out of service" {
		t.Errorf("a host that nobody upgrades: %v", err)
	}
}
