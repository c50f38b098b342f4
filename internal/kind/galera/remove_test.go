package galera

import (
	"strings"
	"testing"

	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

func TestServersAreStoppedOneByOneTheWritersLast(t *testing.T) {
	var away galeraNode
	enabled := func(n galeraNode) galeraNode {
		return but(n, func(n *galeraNode) { n.unit += "\nUnitFileState=enabled" })
	}
	const held = "held\n"
	for _, c := range []struct {
		name                  string
		destroy               bool
		a, b, c               galeraNode
		held                  string
		phase, waits, refused string
		on                    string
	}{
		{"whole", false, writer, synced, synced, held, "stop the server on db2", "", "", "db2"},
		{"one is stopped", false, writer, ordered, synced, held, "stop the server on db3", "", "", "db3"},
		{"the writer's is left", false, writer, ordered, ordered, held, "stop the server on db1", "", "", "db1"},
		{"all stopped", false, last, ordered, ordered, held, "", "", "", ""},
		{"all stopped, one starts at boot", false, last, enabled(ordered), ordered, held, "clear what is left of the servers", "", "", "db2"},
		{"a host is away", false, writer, synced, away, held, "", "", "from all its hosts, or from none", ""},
		{"no primary component", false, minority, minority, minority, held, "", "", "in no primary component", ""},
		{"never configured", false, blank3, blank3, blank3, "", "", "", "", ""},
		{"named", true, writer, synced, synced, held, "stop the server on db2", "", "", "db2"},
		{"named, all stopped", true, last, ordered, ordered, held, "clear what is left of the servers", "", "", "db1 db2 db3"},
		{"named, all destroyed", true, blank3, blank3, blank3, "", "", "", "", ""},
	} {
		g := threeNodes()
		g.Writer = "writer"
		r := g.Remove(c.destroy).(removal)
		seen := probe.Hosts{}
		for n, x := range map[string]galeraNode{"db1": c.a, "db2": c.b, "db3": c.c} {
			h := x.seen(g)
			if h.Lost == "" {
				h.Seen = h.Seen.With(kindtest.Answer(g.writerQuery(), 0, "db1\n")).With(kindtest.Answer(r.held(), 0, c.held))
			}
			seen[n] = h
		}
		ph, err := kindtest.Decide(t, r, seen)
		kindtest.Expect(t, c.name, ph, err, c.phase, c.waits, c.refused)
		var on []string
		for _, n := range []string{"db1", "db2", "db3"} {
			ch, ok := ph.Changes[n]
			if !ok {
				continue
			}
			on = append(on, n)
			for _, a := range ch.Actions {
				if deletes := strings.Contains(a.Shell, "-delete"); deletes != (len(ch.Dangers()) > 0) || deletes && (!c.destroy || a.Guard == "") {
					t.Errorf("%s: %+v", c.name, a)
				}
			}
		}
		if strings.Join(on, " ") != c.on {
			t.Errorf("%s: done on %v, want %q", c.name, on, c.on)
		}
	}
}
