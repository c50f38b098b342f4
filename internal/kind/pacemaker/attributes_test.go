package pacemaker

import (
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
)

func TestAttributesOfHostsAreSetWhereTheyDiffer(t *testing.T) {
	p := wantedVIP()
	p.Where = kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}}}
	p.Attributes = []NodeAttributes{{Host: "db1", Values: map[string]string{"size": "big one", "site": "a"}}}
	if ps := p.Check(); len(ps) > 0 {
		t.Fatal(ps)
	}
	crm := func(values string) pair {
		return pair{running: vipOn("db1"), crm: record("vip") + `<nodes><node id="1" uname="db1"><instance_attributes id="nodes-1">` + values + `</instance_attributes></node></nodes><resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/></resources>`}
	}
	ph, err := kindtest.Decide(t, p, crm(`<nvpair id="a" name="site" value="a"/>`).hosts(t, p))
	kindtest.Expect(t, "one lacks", ph, err, "set attributes of hosts", "", "")
	if a := ph.Changes["db1"].Actions; len(a) != 1 || a[0].Shell != "crm_attribute --node db1 --name size --update 'big one'" {
		t.Errorf("%+v", a)
	}
	ph, err = kindtest.Decide(t, p, crm(`<nvpair id="a" name="site" value="a"/><nvpair id="b" name="size" value="big one"/><nvpair id="c" name="theirs" value="1"/>`).hosts(t, p))
	kindtest.Expect(t, "all there", ph, err, "", "", "")

	p.Attributes = []NodeAttributes{{Host: "db9", Values: map[string]string{"standby": "on"}}, {Host: "db1", Values: map[string]string{"a b": "1"}}, {Host: "db1"}}
	var told []string
	for _, x := range p.Check() {
		told = append(told, x.Summary)
	}
	if got := strings.Join(told, "; "); got != "Unknown host; Attribute is not for a recipe; Invalid name of an attribute; Duplicate host" {
		t.Errorf("%s", got)
	}
}
