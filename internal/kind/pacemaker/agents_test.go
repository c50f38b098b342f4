package pacemaker

import (
	"strings"
	"testing"

	"haprov/internal/kind/kindtest"
)

// As a host with resource-agents 4.12 tells it.
const ipaddr2 = "ocf:heartbeat:IPaddr2 ip nic cidr_netmask broadcast iflabel lvs_support mac arp_count\nocf:x:quiet\n"

func TestAParameterThatItsAgentDoesNotKnowIsAMistake(t *testing.T) {
	p := &Pacemaker{Name: "cib", Primitives: []Primitive{
		{ID: "vip", Agent: "ocf:heartbeat:IPaddr2", Params: map[string]string{"ip": "192.0.2.9", "cidr_netmsk": "24"}},
		{ID: "web", Agent: "systemd:nginx"}, {ID: "q", Agent: "ocf:x:quiet", Params: map[string]string{"any": "1"}}}}
	look := pair{commands: map[string]string{"agents' parameters": ipaddr2}}
	_, err := kindtest.Decide(t, p, look.hosts(t, p))
	if err == nil || err.Error() != `primitive vip: ocf:heartbeat:IPaddr2 has no parameter "cidr_netmsk"; the nearest is cidr_netmask` {
		t.Errorf("%v", err)
	}
	p.Primitives[0].Params = map[string]string{"ip": "192.0.2.9", "cidr_netmask": "24"}
	ph, err := kindtest.Decide(t, p, look.hosts(t, p))
	kindtest.Expect(t, "right", ph, err, "configure the cluster", "", "")
	for _, q := range p.metadata() {
		if !strings.Contains(q.Shell, "for a in ocf:heartbeat:IPaddr2 ocf:x:quiet;") {
			t.Errorf("asks %s", q.Shell)
		}
	}
}
