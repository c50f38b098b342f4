package haproxy

import (
	"errors"
	"strings"

	"haprov/internal/cluster/haproxy"
	"haprov/internal/probe"
	"haprov/internal/status"
)

// shown is what status shows of one proxy: the backend of the step, no other.
type shown struct {
	Servers []haproxy.Server `json:"servers"`
	Writer  string           `json:"writer,omitempty"` // the server that sessions go to; empty: none is up
	Backend string           `json:"backend"`
}

// Sense shows the servers of the backend and which one of them is sent the sessions.
func (h *HAProxy) Sense() status.Sensor {
	return status.Sense[shown]{
		Layer: status.Proxies,
		Ask:   func(string) []probe.Query { return []probe.Query{h.stat(), h.table()} },
		Read:  func(_ string, s probe.Seen) (*shown, error) { return h.shown(s) },
		Heads: []string{"PROXY", "VIRTUAL IP", "WRITER", "SERVERS"},
		Rows:  proxyRows,
		Judge: h.judge,
	}
}

func (h *HAProxy) shown(s probe.Seen) (*shown, error) {
	for _, q := range []probe.Query{h.stat(), h.table()} {
		a := s.Get(q)
		if a.State == probe.Unasked {
			return nil, nil
		}
		if a.State == probe.Unanswered {
			return nil, status.Named("proxy", errors.New("no answer in time"))
		}
	}
	p, err := h.read(s)
	if err != nil {
		return nil, status.Named("proxy", err)
	}
	return &shown{p.servers, p.writer, h.Backend}, nil
}

func proxyRows(all []status.Said[shown]) (out [][]string) {
	for _, h := range all {
		if h.Value == nil {
			continue
		}
		var servers []string
		for _, s := range h.Value.Servers {
			servers = append(servers, s.Name+" "+s.Status)
		}
		here, writer := "-", h.Value.Writer
		if h.Holds {
			here = "here"
		}
		if writer == "" {
			writer = "none"
		}
		out = append(out, []string{h.Host, here, writer, strings.Join(servers, ", ")})
	}
	return out
}

// judge tells which servers are down, and whether the proxies agree on the writer.
func (h *HAProxy) judge(v *status.Verdict, all []status.Said[shown]) {
	first, writer := "", ""
	for _, x := range all {
		if x.Value == nil {
			continue
		}
		for _, s := range x.Value.Servers {
			if !s.Up() {
				v.Bad("%s: %s is %s %s", x.Host, s.Name, s.Status, s.Said)
			}
		}
		switch w := x.Value.Writer; {
		case w == "":
			v.Bad("%s: no server of backend %s is up", x.Host, h.Backend)
		case writer == "":
			first, writer = x.Host, w
		case w != writer:
			v.Bad("%s writes to %s, %s to %s", first, writer, x.Host, w)
		}
	}
}
