package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"haprov/internal/recipe"
	"haprov/internal/transport"
)

// endpoint finds the cluster that offers a service; name is empty when there is only one.
func (j *job) endpoint(name string) (recipe.Cluster, error) {
	var found []recipe.Cluster
	var names []string
	for _, c := range j.program.Clusters {
		if c.Endpoint == "" {
			continue
		}
		if names = append(names, c.Name); name == "" || name == c.Name {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return recipe.Cluster{}, errInput{"several clusters have an endpoint: use --cluster " + strings.Join(names, " or --cluster ")}
	case len(names) > 0:
		return recipe.Cluster{}, errInput{fmt.Sprintf("no cluster %.60q with an endpoint; there is %s", name, strings.Join(names, ", "))}
	}
	return recipe.Cluster{}, errInput{"no recipe of this inventory has an endpoint (endpoint = \"ADDRESS:PORT\")"}
}

// way makes connections to a cluster's endpoint: through the lab's network, or from any of its
// hosts on that answers. Logins are kept and made anew when they are lost. Each connection looks
// for the endpoint again, so they follow a virtual IP when it moves.
type way struct {
	job  *job
	to   recipe.Cluster
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
		c, err := w.job.lab.Dial(ctx, "tcp", w.to.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", w.to.Endpoint, errNoAnswer, err)
		}
		return c, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over != nil {
		if c, err := dialOver(ctx, w.over, w.to.Endpoint); err == nil {
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
		c, err := dialOver(ctx, s, w.to.Endpoint)
		if err != nil {
			s.Close()
			bad = append(bad, fmt.Errorf("from %s to %s: %w", h, w.to.Endpoint, err))
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
