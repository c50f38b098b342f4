package galera

import (
	"errors"
	"fmt"

	"haprov/internal/cluster/galera"
	"haprov/internal/cluster/mysql"
	"haprov/internal/probe"
	"haprov/internal/status"
)

// shown is what status shows of a member.
type shown struct {
	*galera.Status               // nil: its server does not run or does not answer
	Server         *mysql.Server `json:"server,omitempty"`
	Unit           string        `json:"unit"`                  // of the server: active, failed, ...
	Maintenance    string        `json:"maintenance,omitempty"` // who took it out of service
}

// Sense shows the members, from the answers that the step decides on.
func (g *Galera) Sense() status.Sensor {
	return status.Sense[shown]{
		Layer: status.Servers,
		Ask:   func(string) []probe.Query { return []probe.Query{g.unit(), g.owed(), g.kept(), g.sql()} },
		Read:  g.shown,
		Columns: []status.Column[shown]{{Head: "DATABASE", Once: true, Cell: func(x shown) string {
			if x.Server == nil {
				return ""
			}
			return x.Server.String()
		}}},
		Heads: []string{"MEMBER", "COMPONENT", "STATE", "SIZE", "LAST WRITE", "PAUSED", ""},
		Rows:  memberRows,
		Judge: g.judge,
	}
}

func (g *Galera) shown(host string, s probe.Seen) (*shown, error) {
	m := member{Node: galera.Node{Name: host}}
	if err := g.read(&m, s); err != nil {
		return nil, err
	}
	x := shown{Status: m.Status, Unit: m.Unit, Maintenance: m.drain}
	var server error
	if a := s.Get(g.sql()); m.Unit == "active" && m.Status == nil {
		server = errors.New(m.Mute)
	} else if m.Status != nil {
		var y mysql.Server
		if y, server = mysql.Parse(a.Out); server == nil {
			x.Server = &y
		}
	}
	return &x, status.Named("server", server)
}

func memberRows(all []status.Said[shown]) (out [][]string) {
	for _, h := range all {
		if h.Value == nil || h.Value.Status == nil {
			continue
		}
		x, note := h.Value, ""
		if x.Maintenance != "" {
			note = "maintenance"
		}
		out = append(out, []string{h.Host, x.Component, x.State, fmt.Sprint(x.Size), fmt.Sprint(x.LastWrite), fmt.Sprintf("%.0f %%", 100*x.FlowControl), note})
	}
	return out
}

func (g *Galera) judge(v *status.Verdict, all []status.Said[shown]) {
	first, size := "", (*galera.Status)(nil)
	for _, h := range all {
		if h.Value == nil {
			continue
		}
		s := h.Value.Status
		switch {
		case s != nil && !s.Healthy():
			v.Bad("%s: %s, %s", h.Host, s.Component, s.State)
		case s == nil && h.Value.Unit != "active":
			v.Bad("%s: %s is %s", h.Host, g.Unit, h.Value.Unit)
		}
		if h.Value.Maintenance != "" {
			v.Bad("%s is in maintenance: %s", h.Host, h.Value.Maintenance)
		}
	}
	for _, h := range all {
		if h.Value == nil || h.Value.Status == nil || !h.Value.Primary() {
			continue
		}
		switch s := h.Value.Status; {
		case size == nil:
			first, size = h.Host, s
		case s.UUID != size.UUID:
			v.Bad("%s and %s are in different clusters", first, h.Host)
		case s.Size != size.Size:
			v.Bad("%s sees %d members, %s sees %d", first, size.Size, h.Host, s.Size)
		}
	}
}
