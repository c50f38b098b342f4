package pacemaker

import (
	"slices"
	"strings"
	"testing"
)

const live = `<cib epoch="7" num_updates="3"><configuration>
  <crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="dc" name="dc-version" value="2.1.5"/></cluster_property_set></crm_config>
  <resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"><operations><op id="m" name="monitor" interval="10s"/></operations></primitive></resources>
  <constraints><rsc_location id="drbd-fence-by-handler-mysql-drbd-mysql-clone" rsc="x"/></constraints>
</configuration><status/></cib>`

func parse(t *testing.T, s string) *Node {
	t.Helper()
	n, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOnlyWhatIsOursIsCompared(t *testing.T) {
	for _, c := range []struct {
		wanted  string
		missing []Difference
	}{
		{`<configuration><resources><primitive class="ocf" id="vip" type="IPaddr2" provider="heartbeat"><operations><op name="monitor" id="m" interval="10s"/></operations></primitive></resources></configuration>`, nil},
		{`<configuration><resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"><operations><op id="m" name="monitor" interval="20s"/></operations></primitive></resources></configuration>`, []Difference{{"op m interval", "10s", "20s"}}},
		{`<configuration><resources><primitive id="fs" class="ocf" type="x"><instance_attributes id="a"><nvpair id="n" name="device" value="/dev/x"/></instance_attributes></primitive></resources></configuration>`,
			[]Difference{{"primitive fs", "", "class=ocf type=x"}, {"instance_attributes a", "", "there"}, {"nvpair n", "", "/dev/x"}}},
	} {
		if got := Missing(parse(t, live), parse(t, c.wanted)); !slices.Equal(got, c.missing) {
			t.Errorf("got %q, want %q", got, c.missing)
		}
	}
}

func TestBadXMLIsAnErrorAndNothingElse(t *testing.T) {
	for _, s := range []string{"", "<a>", "<a/><b/>", "crm_mon: error", strings.Repeat("<a>", 100), "<a b=\"\x00\"/>"} {
		if _, err := Parse(s); err == nil {
			t.Errorf("%.20q was read", s)
		}
	}
}
