// Package haproxy has the kind haproxy: a proxy whose servers are drained and moved at run time,
// over its admin socket.
package haproxy

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/haproxy"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var HaproxySpec = kind.Spec{
	Name:    "haproxy",
	Summary: "All proxies of the role send the writer's sessions to the same server, and that server is up. The backend uses a stick table with one key. `haprov switchover` moves it.",
	Example: `haproxy "writer" {
  key = "3306"
}`,
	New: func() any { return &HAProxy{} },
}

// HAProxy wants the proxies agreed on one writer. Configuration and service are steps of their own;
// this one reads and moves the entry of the backend's stick table, over the runtime socket
// (HAProxy Management Guide, 9.3). Once written by a session, the entry stays where it is when a
// failed server returns: the writer moves only when it must, or when asked to.
type HAProxy struct {
	kind.Where `hcl:"-"`
	Backend    string `hcl:"backend,label" about:"The backend, which is also the name of its stick table"`
	Key        string `hcl:"key" about:"The only key of the table, as HAProxy prints it: the port for stick on dst_port"`
	Socket     string `hcl:"socket,optional" default:"/run/haproxy/admin.sock" about:"The runtime socket"`

	Services []string `hcl:"services,optional" default:"keepalived.service,haproxy.service" about:"Units that are stopped and disabled, in this order, on a host that leaves the role: what holds the virtual address first"`

	move   bool   // the intent: make another server the writer
	target string // which one; "": the next one that is up, as seen when the run began

	asked *plan.Intent // the intent upgrade, else nil
}

// Check finds names that cannot be sent over the socket.
func (h *HAProxy) Check() []kind.Problem {
	var out kind.Problems
	out.Name("backend", h.Backend, haproxyWord, "backend name")
	out.Name("key", h.Key, haproxyWord, "key of a stick table")
	for _, u := range h.Services {
		out.Name("services", u, serviceUnit, "unit name")
	}
	out.Path("socket", h.Socket)
	out.Matches("socket", h.Socket, socketPath, "path that socat accepts")
	return out
}

// In an address of socat a comma begins options and "!!" a second address.
var (
	serviceUnit = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:_.@-]*\.service$`)
	haproxyWord = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)
	socketPath  = regexp.MustCompile(`^/[A-Za-z0-9_./@+-]*$`)
)

// Intend gives the step that moves the writer, or upgrades the proxies.
func (h *HAProxy) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb == plan.Upgrade {
		x := *h
		x.asked = &in
		return &x, nil
	}
	if in.Verb != plan.Switchover {
		return nil, kind.ErrNoIntent
	}
	x := *h
	x.move, x.target = true, in.Host
	return &x, nil
}

func (h *HAProxy) say(words string) string { return haproxy.Say(h.Socket, words) }
func (h *HAProxy) stat() probe.Query       { return haproxy.StatQuery(h.Socket) }
func (h *HAProxy) table() probe.Query      { return haproxy.TableQuery(h.Socket, h.Backend) }

// Probe asks every proxy for its servers and its table.
func (h *HAProxy) Probe(host string, seen probe.Hosts) []probe.Query {
	qs := []probe.Query{h.stat(), h.table()}
	if h.asked != nil {
		qs = append(qs, h.upgrades().Query(host))
		for _, u := range h.Services {
			qs = append(qs, kind.UnitQuery(u))
		}
	}
	return kind.Unread(seen[host].Seen, qs...)
}

// proxy is what one of them believes.
type proxy struct {
	servers []haproxy.Server
	writer  string // empty: no server is up
	stuck   bool   // the table says so
}

func (h *HAProxy) read(s probe.Seen) (p proxy, err error) {
	a, b := s.Get(h.stat()), s.Get(h.table())
	if a.State != probe.Answered || a.Exit != 0 || b.State != probe.Answered || b.Exit != 0 {
		return p, fmt.Errorf("no answer on %s", h.Socket)
	}
	all, err := haproxy.ParseStat(a.Out)
	if err != nil {
		return p, err
	}
	for _, x := range all {
		if x.Backend == h.Backend {
			p.servers = append(p.servers, x)
		}
	}
	if len(p.servers) == 0 {
		return p, fmt.Errorf("no backend %s with servers", h.Backend)
	}
	entries, err := haproxy.ParseTable(b.Out)
	if err != nil {
		return p, err
	}
	p.writer, p.stuck = haproxy.Writer(p.servers, entries, h.Key)
	return p, nil
}

// Decide waits until every proxy that answers has a writer; with the intent it moves it first.
// A proxy that is away does not hold the others up: it learns the entry from its peer.
func (h *HAProxy) Decide(begin, seen probe.Hosts) (plan.Phase, error) {
	if h.asked != nil {
		return h.upgrade(begin, seen)
	}
	return h.decide(begin, seen)
}

func (h *HAProxy) decide(begin, seen probe.Hosts) (plan.Phase, error) {
	var names []string
	for n, s := range seen {
		if s.Lost == "" {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return plan.Phase{}, fmt.Errorf("no proxy is reachable")
	}
	sort.Strings(names)
	proxies := map[string]proxy{}
	for _, n := range names {
		p, err := h.read(seen[n].Seen)
		if err != nil {
			if h.move {
				return plan.Phase{}, fmt.Errorf("%s: %w: nothing was moved", n, err)
			}
			return kind.Wait(n+": HAProxy answers", time.Minute, err.Error()), nil
		}
		if p.writer == "" && !h.move {
			return kind.Wait(n+": a server of backend "+h.Backend+" is up", 2*time.Minute, saying(p.servers)), nil
		}
		proxies[n] = p
	}
	if !h.move {
		return plan.Phase{}, nil
	}
	to := h.target
	for i := 0; to == "" && i < len(names); i++ {
		if p, err := h.read(begin[names[i]].Seen); err == nil {
			to = next(p)
		}
	}
	if to == "" {
		return plan.Phase{}, fmt.Errorf("no other server of backend %s is up: nothing was moved (%s)", h.Backend, saying(proxies[names[0]].servers))
	}
	return h.moved(to, names, proxies)
}

// moved is the phase that makes a server the writer on all proxies; none when it is.
func (h *HAProxy) moved(to string, names []string, proxies map[string]proxy) (plan.Phase, error) {
	ph := plan.Phase{Name: "move the writer to " + to, Changes: map[string]plan.Change{}}
	for _, n := range names {
		p := proxies[n]
		k := slices.IndexFunc(p.servers, func(s haproxy.Server) bool { return s.Name == to })
		switch {
		case k < 0:
			return plan.Phase{}, fmt.Errorf("%s: backend %s has no server %s; it has %s", n, h.Backend, to, saying(p.servers))
		case !p.servers[k].Up():
			return plan.Phase{}, fmt.Errorf("%s: %s is not up (%s): nothing was moved", n, to, saying(p.servers))
		case p.stuck && p.writer == to:
			continue
		}
		words := fmt.Sprintf("clear table %s; set table %s key %s data.server_id %d", h.Backend, h.Backend, h.Key, p.servers[k].ID)
		for _, s := range p.servers {
			if s.Name != to {
				words += fmt.Sprintf("; shutdown sessions server %s/%s", h.Backend, s.Name)
			}
		}
		// The socket answers a command that worked with an empty line, anything else is its complaint.
		ph.Changes[n] = plan.Change{
			Diffs: []plan.Diff{{Attribute: "writer", Have: p.writer, Want: to}},
			Actions: []act.Action{{
				Title:   "sessions of the writer go to " + to,
				Shell:   "said=$(" + h.say(words) + "); test -z \"$(printf %s \"$said\" | tr -d '\\n')\" || { printf '%s\\n' \"$said\" >&2; exit 1; }",
				Touches: []probe.Subject{haproxy.Proxy},
			}},
		}
	}
	if len(ph.Changes) == 0 {
		return plan.Phase{}, nil
	}
	return ph, nil
}

// next is the first server that is up after the writer, in the order of the backend.
func next(p proxy) string {
	at := slices.IndexFunc(p.servers, func(s haproxy.Server) bool { return s.Name == p.writer })
	for i := range p.servers {
		if s := p.servers[(at+1+i)%len(p.servers)]; s.Up() && s.Name != p.writer {
			return s.Name
		}
	}
	return ""
}

func saying(servers []haproxy.Server) string {
	var out []string
	for _, s := range servers {
		out = append(out, strings.TrimSpace(s.Name+" "+s.Status+" "+s.Check))
	}
	return strings.Join(out, ", ")
}
