package host

import (
	"testing"

	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

func TestABarrierNeedsOneOfTheHostsThatMatter(t *testing.T) {
	b := &Barrier{Name: "a server is up", Any: []string{"db1", "db2"}}
	seen := probe.Hosts{"db1": {Lost: "no route"}, "db2": {}, "proxy1": {}}
	if ph, err := kindtest.Decide(t, b, seen); err != nil || !ph.Empty() {
		t.Errorf("%+v %v", ph, err)
	}
	seen["db2"] = probe.HostSeen{Lost: "the server does not start"}
	if _, err := kindtest.Decide(t, b, seen); err == nil {
		t.Error("went on without a server")
	}
}
