package galera

import (
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

const (
	newest = "fresh 1\nboot a\n"
	older  = newest + "Inst mariadb-server [1:10.11.6-0+deb12u1] (1:10.11.14-0+deb12u2 local [all])\n"
)

func upgrading(t *testing.T) (*Galera, kind.Cluster) {
	t.Helper()
	g := threeNodes()
	g.Writer = "/usr/local/lib/haprov/galera-writer"
	c, err := g.Intend(plan.Intent{Verb: plan.Upgrade, Reboot: true, Packages: map[string][]string{"db1": {"mariadb-server"}, "db2": {"mariadb-server"}, "db3": {"mariadb-server"}}})
	if err != nil {
		t.Fatal(err)
	}
	return g, c
}

// membersSay are three nodes of which each says what apt has.
func membersSay(g *Galera, c kind.Cluster, nodes map[string]galeraNode, apt map[string]string) probe.Hosts {
	out := probe.Hosts{}
	for n, x := range nodes {
		s := x.seen(g)
		out[n] = probe.HostSeen{Lost: s.Lost, Seen: s.With(kindtest.Answer(g.writerQuery(), 0, "db2\n")).With(kindtest.Answer(c.(*Galera).upgrades().Query(n), 0, apt[n]))}
	}
	return out
}

func TestMembersAreUpgradedOneByOneTheWriterLast(t *testing.T) {
	g, c := upgrading(t)
	nodes := map[string]galeraNode{"db1": synced, "db2": synced, "db3": synced}
	apt := map[string]string{"db1": older + "reboot a package asks for it\n", "db2": older, "db3": older}
	var begin probe.Hosts
	var order []string
	for range 9 {
		now := membersSay(g, c, nodes, apt)
		if begin == nil {
			begin = now
		}
		ph, err := kindtest.DecideLater(t, c, begin, now)
		if err != nil {
			t.Fatal(err)
		}
		if ph.Empty() {
			break
		}
		order = append(order, ph.Name)
		for n, ch := range ph.Changes {
			kindtest.NoteActions(ch.Actions...)
			switch {
			case strings.HasPrefix(ph.Name, "reboot"):
				apt[n] = strings.Replace(newest, "boot a", "boot b", 1)
				nodes[n] = but(nodes[n], func(n *galeraNode) { n.mark = upgradeMark })
			case strings.HasPrefix(ph.Name, "end the maintenance"):
				nodes[n] = but(nodes[n], func(n *galeraNode) { n.mark = "" })
			case n == "db1":
				apt[n] = newest + "reboot a package asks for it\n"
			default:
				apt[n] = newest
			}
		}
	}
	if got := strings.Join(order, ", "); got != "upgrade db1, reboot db1, end the maintenance of db1, upgrade db3, upgrade db2" {
		t.Errorf("did %s", got)
	}
}

func TestAMemberIsUpgradedOnlyWhileAllServe(t *testing.T) {
	g, c := upgrading(t)
	for _, x := range []struct {
		name                  string
		db3                   galeraNode
		apt                   string
		phase, waits, refused string
	}{
		{"all are Synced", synced, older, "upgrade db1", "newest", ""},
		{"lists that are old are read first", synced, "fresh 0\n" + older[len("fresh 1\n"):], "read the package lists", "", ""},
		{"one gives a copy", donor, older, "", "db3 is Synced", ""},
		{"one is away", galeraNode{}, older, "", "", "db3 cannot be asked"},
		{"one is in maintenance", but(synced, func(n *galeraNode) { n.mark = "by hand" }), older, "", "", "haprov maintenance db3 off"},
		{"an upgrade was cut short", but(synced, func(n *galeraNode) { n.mark = upgradeMark }), older, "end the maintenance of db3", "", ""},
		{"another series", synced, newest + "Inst mariadb-server [1:10.11.6-0+deb12u1] (1:11.8.3-0+deb13u1 local [all])\n", "", "", "haprov backup prove"},
	} {
		now := membersSay(g, c, map[string]galeraNode{"db1": synced, "db2": synced, "db3": x.db3}, map[string]string{"db1": x.apt, "db2": x.apt, "db3": x.apt})
		ph, err := kindtest.Decide(t, c, now)
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
	}
	minor := map[string]galeraNode{"db1": minority, "db2": minority, "db3": minority}
	ph, err := kindtest.Decide(t, c, membersSay(g, c, minor, map[string]string{"db1": older, "db2": older, "db3": older}))
	kindtest.Expect(t, "no quorum", ph, err, "", "", "haprov recover")
}
