package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

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

// waiter wants a mark that somebody makes while it waits, and changes nothing.
type waiter struct{ mark string }

func (k waiter) look() probe.Query { return probe.Query{Kind: probe.File, Name: k.mark} }

func (k waiter) Probe(host string, seen probe.Hosts) []probe.Query {
	if seen[host].Get(k.look()).State == probe.Unasked {
		return []probe.Query{k.look()}
	}
	return nil
}

func (k waiter) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	for n, s := range seen {
		if s.Lost != "" {
			return plan.Phase{}, errors.New(n + " is lost: " + s.Lost)
		}
	}
	if f, _ := seen["db2"].File(k.mark); f.Exists {
		return plan.Phase{}, nil
	}
	return plan.Phase{Wait: &plan.Wait{Reason: "the mark is there", Deadline: time.Minute}}, nil
}

// A busy cluster fences a member that is well, which starts again: the run that only waits for the
// cluster meanwhile goes on when the member is back.
func TestAHostThatGoesAwayWhileAStepWaitsIsWaitedFor(t *testing.T) {
	for _, returns := range []bool{true, false} {
		t.Run(fmt.Sprintf("returns %v", returns), func(t *testing.T) {
			l := newLab(t)
			mark := t.TempDir() + "/mark"
			it := &recipe.Item{Address: "db:waiter", Cluster: waiter{mark}, Hosts: []string{"db1", "db2"}}
			var mu sync.Mutex
			logins, away := 0, 0
			var of transport.Session
			o := Options{Holder: "test", Speed: 0.1, Events: func(e Event) {
				w, ok := e.(Waiting)
				mu.Lock()
				defer mu.Unlock()
				if ok && w.Reason == "the mark is there" && away == 0 {
					of.Close() // as a machine that is reset
				}
				if ok && w.Reason == "db2 answers again" {
					away++
				}
			}}
			for _, h := range it.Hosts {
				l.state(h)
				o.Hosts = append(o.Hosts, recipe.Chain{Host: h, Items: []*recipe.Item{it}})
			}
			o.Open = func(ctx context.Context, host string) (transport.Session, error) {
				if host == "db2" {
					mu.Lock()
					defer mu.Unlock()
					if logins++; logins > 1 && (!returns || logins == 2) {
						return nil, errors.New("still booting")
					}
					if logins > 1 {
						if err := errors.Join(os.RemoveAll(l.dirs[host]), os.WriteFile(mark, nil, 0o600)); err != nil {
							return nil, err
						}
					}
				}
				s, err := l.open(ctx, host)
				if host == "db2" {
					of = s
				}
				return s, err
			}
			s, err := Run(context.Background(), o)
			if returns && (err != nil || s.Failed != 0 || away == 0) {
				t.Errorf("%+v %v, waited %d times", s, err, away)
			}
			if !returns && (err == nil || s.Failed != 2 || away == 0) {
				t.Errorf("it never came back: %+v %v, waited %d times", s, err, away)
			}
		})
	}
}
