package engine

import (
	"context"
	"errors"
	"os"
	"testing"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/transport"
)

// taker takes db2 down from db1, once, and wants db2's answer afterwards.
type taker struct{ mark string }

func (k taker) look() probe.Query { return probe.Query{Kind: probe.File, Name: k.mark} }

func (k taker) Probe(host string, seen probe.Hosts) []probe.Query {
	if seen[host].Get(k.look()).State == probe.Unasked {
		return []probe.Query{k.look()}
	}
	return nil
}

func (k taker) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	for n, s := range seen {
		if s.Lost != "" {
			return plan.Phase{}, errors.New(n + " is lost: " + s.Lost)
		}
	}
	if f, _ := seen["db2"].File(k.mark); f.Exists {
		return plan.Phase{Note: "db2 was away"}, nil
	}
	return plan.Phase{Name: "take db2 down", Away: []string{"db2"}, Changes: map[string]plan.Change{
		"db1": {Actions: []act.Action{{Title: "take db2 down", Shell: ": >" + k.mark}}}}}, nil
}

func TestAHostThatAPhaseTakesDownIsWaitedFor(t *testing.T) {
	l := newLab(t)
	it := &recipe.Item{Address: "db:taker", Cluster: taker{t.TempDir() + "/down"}, Hosts: []string{"db1", "db2"}}
	logins, notes := 0, 0
	o := Options{Holder: "test", Events: func(e Event) {
		if _, ok := e.(Noted); ok {
			notes++
		}
	}}
	for _, h := range it.Hosts {
		l.state(h)
		o.Hosts = append(o.Hosts, recipe.Chain{Host: h, Items: []*recipe.Item{it}})
	}
	o.Open = func(ctx context.Context, host string) (transport.Session, error) {
		if host == "db2" {
			if logins++; logins == 2 {
				return nil, errors.New("still booting")
			}
			if logins > 2 { // a reboot clears /run
				if err := os.RemoveAll(l.dirs[host]); err != nil {
					return nil, err
				}
			}
		}
		return l.open(ctx, host)
	}
	s, err := Run(context.Background(), o)
	if err != nil || s.Changes != 1 || s.Failed != 0 || logins != 3 || notes != 1 {
		t.Errorf("%+v %v, %d logins, %d notes", s, err, logins, notes)
	}
}
