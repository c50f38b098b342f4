package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"haprov/internal/protocol"
	"haprov/internal/recipe"
	"haprov/internal/transport"
)

// service is an endpoint of a cluster, as the user named it.
type service struct {
	cluster  recipe.Cluster
	endpoint recipe.Endpoint
}

// meant is what the user said of the endpoint that is meant; all may be empty.
type meant struct {
	cluster string // its name; not needed when one cluster alone can be meant
	name    string // the endpoint's name or port; else it is the cluster's first one that will do
}

// endpoint finds the service that is meant. With sql only one that SQL is spoken at will do.
func (j *job) endpoint(which meant, sql bool) (service, error) {
	var serving, fit []service // all endpoints in question; those of them that will do
	var clusters, names []string
	for _, c := range j.program.Clusters {
		if len(c.Endpoints) == 0 {
			continue
		}
		if clusters = append(clusters, c.Name); which.cluster != "" && which.cluster != c.Name {
			continue
		}
		first := true
		for _, e := range c.Endpoints {
			serving, names = append(serving, service{c, e}), append(names, fmt.Sprintf("%s (%d)", e.Name, e.Port))
			does := !sql || speaksSQL(e) // without a name
			if which.name == "" && first && does || which.name != "" && e.Is(which.name) {
				fit, first = append(fit, service{c, e}), false
			}
		}
	}
	switch {
	case len(clusters) == 0:
		return service{}, errInput{"no recipe of this inventory has an endpoint (endpoint \"NAME\" { address, port, protocol })"}
	case len(serving) == 0:
		return service{}, errInput{fmt.Sprintf("no cluster %.60q with an endpoint; there is %s", which.cluster, strings.Join(clusters, ", "))}
	case len(fit) == 0 && which.name != "":
		return service{}, errInput{fmt.Sprintf("no endpoint %.60q; there is %s", which.name, strings.Join(names, ", "))}
	case len(fit) > 1 && fit[0].cluster.Name != fit[len(fit)-1].cluster.Name:
		return service{}, errInput{"several clusters have an endpoint: use --cluster " + strings.Join(clusters, " or --cluster ")}
	case len(fit) > 1:
		return service{}, errInput{fmt.Sprintf("several endpoints have port %s: name one of %s", which.name, strings.Join(names, ", "))}
	case len(fit) == 0 || sql && !speaksSQL(fit[0].endpoint):
		e := serving[0].endpoint
		if len(fit) > 0 {
			e = fit[0].endpoint
		}
		return service{}, errInput{fmt.Sprintf("endpoint %s speaks %s, sql only %s; haprov forward%s %s serves it on loopback", e.Name, e.Protocol, strings.Join(protocol.Names(true), " and "), j.flags(), e.Name)}
	}
	return fit[0], nil
}

// speaksSQL tells whether there is a client for the endpoint.
func speaksSQL(e recipe.Endpoint) bool {
	p, _ := protocol.Lookup(e.Protocol)
	return p.Open != nil
}

// endpointNames are what may be named, for completion; with sql those that there is a client for.
func endpointNames(sql bool) func(*job) []string {
	return func(j *job) (out []string) {
		for _, c := range j.program.Clusters {
			for _, e := range c.Endpoints {
				if !sql || speaksSQL(e) {
					out = append(out, e.Name)
				}
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
}

// way makes connections to an endpoint: through the lab's network, or from any of its cluster's
// hosts on that answers. Logins are kept and made anew when they are lost. Each connection looks
// for the endpoint again, so they follow a virtual IP when it moves.
type way struct {
	job  *job
	to   recipe.Cluster
	at   recipe.Endpoint
	mu   sync.Mutex
	over transport.Session // the login in use; nil in a lab
}

// oneTry bounds how long one host may take to answer.
const oneTry = 10 * time.Second

// Dial connects to the endpoint. The error is errNoAnswer with what was said by each host.
func (w *way) Dial(ctx context.Context) (net.Conn, error) {
	if w.job.lab != nil {
		ctx, cancel := context.WithTimeout(ctx, oneTry)
		defer cancel()
		c, err := w.job.lab.Dial(ctx, "tcp", w.at.At())
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", w.at.At(), errNoAnswer, err)
		}
		return c, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over != nil {
		if c, err := dialOver(ctx, w.over, w.at.At()); err == nil {
			return c, nil
		}
		w.over.Close()
		w.over = nil
	}
	var bad []error
	for _, h := range w.to.Hosts {
		s, err := w.login(ctx, h)
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", h, err))
			continue
		}
		c, err := dialOver(ctx, s, w.at.At())
		if err != nil {
			s.Close()
			bad = append(bad, fmt.Errorf("from %s to %s: %w", h, w.at.At(), err))
			continue
		}
		w.over = s
		return c, nil
	}
	said := make([]string, 0, len(bad))
	for _, err := range bad {
		said = append(said, err.Error())
	}
	return nil, fmt.Errorf("%w: %s", errNoAnswer, strings.Join(said, "; "))
}

func (w *way) login(ctx context.Context, host string) (transport.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	return w.job.open(ctx, host)
}

// Close ends the login in use, and with it its connections.
func (w *way) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over != nil {
		w.over.Close()
	}
}

func dialOver(ctx context.Context, s transport.Session, address string) (net.Conn, error) {
	d, ok := s.(transport.Dialer)
	if !ok {
		return nil, errors.New("this login cannot forward connections")
	}
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	return d.DialContext(ctx, "tcp", address)
}
