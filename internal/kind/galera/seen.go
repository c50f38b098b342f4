package galera

import (
	"encoding/base64"
	"fmt"
	"slices"
	"sort"
	"strings"

	"haprov/internal/cluster/galera"
	"haprov/internal/probe"
)

// members reads what each host said, in the inventory's order.
func (g *Galera) members(seen probe.Hosts) ([]member, error) {
	var out []member
	for n, s := range seen {
		m := member{Node: galera.Node{Name: n, Lost: s.Lost}}
		if s.Lost == "" {
			if err := g.read(&m, s.Seen); err != nil {
				return nil, fmt.Errorf("%s: %w", n, err)
			}
		}
		out = append(out, m)
	}
	place := map[string]int{}
	for i, n := range g.Nodes {
		place[n.Name] = i
	}
	sort.Slice(out, func(i, j int) bool {
		if a, b := place[out[i].Name], place[out[j].Name]; a != b {
			return a < b
		}
		return out[i].Name < out[j].Name
	})
	return out, nil
}

func (g *Galera) read(m *member, s probe.Seen) error {
	u, ok := s.Unit(g.Unit)
	if !ok {
		return fmt.Errorf("no answer about %s", g.Unit)
	}
	if u.Load == "not-found" {
		return fmt.Errorf("there is no unit %s", g.Unit)
	}
	m.Unit = u.Active
	owed, ok := s.OwedTo(g.Unit)
	if !ok {
		return fmt.Errorf("no answer about what is owed to %s", g.Unit)
	}
	m.owes = slices.Contains(owed, "restart")
	kept := s.Get(g.kept())
	if kept.State != probe.Answered || kept.Exit != 0 {
		return fmt.Errorf("no answer about the files in %s", g.Data)
	}
	position := ""
	for _, l := range strings.Split(kept.Out, "\n") {
		name, value, ok := strings.Cut(l, " ")
		if !ok {
			continue
		}
		text := ""
		if value != "-" {
			if b, err := base64.StdEncoding.DecodeString(value); err == nil {
				text = string(b)
			}
		}
		switch name {
		case "grastate":
			if value == "-" {
				break
			}
			if m.empty = strings.TrimSpace(text) == ""; m.empty {
				m.State = &galera.Grastate{Position: galera.Position{UUID: galera.ZeroUUID, Seqno: -1}}
			} else if st, err := galera.ParseGrastate(text); err != nil {
				m.Unread = err.Error()
			} else {
				m.State = &st
			}
		case "gvwstate":
			m.View = value != "-"
		case "position":
			position = text
		case "maintenance":
			if value != "-" {
				m.drain = "on"
				if t := strings.TrimSpace(text); t != "" {
					m.drain = firstLine(t)
				}
			}
		case "life":
			m.life = value
		case "data":
			m.data = value
		case "unmounted":
			m.away = firstLine(value)
		case "broke":
			m.broke = value == "1"
		case "watched":
			m.watched = value != "0"
		case "torn":
			m.Torn = value != "0"
		case "process":
			m.Process = value != "0"
		case "database":
			m.Databases = append(m.Databases, text)
		}
	}
	g.readStatus(m, s.Get(g.sql()))
	if a := s.Get(g.writerQuery()); g.Writer != "" && a.State == probe.Answered && a.Exit == 0 && g.member(strings.TrimSpace(a.Out)) {
		m.writer = strings.TrimSpace(a.Out)
	}
	if !m.Stopped() {
		m.away = ""
	}
	// A position recovered before the server's last start, or of other data, says nothing any more.
	if life, p, ok := strings.Cut(strings.TrimSpace(position), " "); ok && life == m.life+"."+m.data && m.Stopped() {
		if p, err := galera.ParseRecovered(p); err == nil {
			m.Recovered = &p
		} else {
			m.Recovered = &galera.Position{Seqno: -1}
			m.Unread = "its data gives no position: " + err.Error()
		}
	}
	return nil
}

func (g *Galera) readStatus(m *member, a probe.Answer) {
	switch {
	case a.State != probe.Answered:
		m.Mute = "no answer in time"
	case a.Exit != 0:
		m.Mute = firstLine(a.Out)
		if m.Mute == "" {
			m.Mute = "no answer in time"
		}
	default:
		st, err := galera.ParseStatus(a.Out)
		if err != nil {
			m.Mute = err.Error()
			return
		}
		m.Status = &st
	}
}

func firstLine(s string) string {
	l, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if len(l) > 120 {
		l = l[:120]
	}
	return l
}
