package pacemaker

import (
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
	for _, c := range []struct{ wanted, missing string }{
		{`<configuration><resources><primitive class="ocf" id="vip" type="IPaddr2" provider="heartbeat"><operations><op name="monitor" id="m" interval="10s"/></operations></primitive></resources></configuration>`, ""},
		{`<configuration><resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"><operations><op id="m" name="monitor" interval="20s"/></operations></primitive></resources></configuration>`, `op m: interval "10s" -> "20s"`},
		{`<configuration><resources><primitive id="fs"/></resources></configuration>`, "primitive fs"},
	} {
		if got := strings.Join(Missing(parse(t, live), parse(t, c.wanted)), "; "); got != c.missing {
			t.Errorf("got %q, want %q", got, c.missing)
		}
	}
}

// In the form of crm_mon 2.1.5, shortened.
const mon = `<pacemaker-result api-version="2.25"><summary><current_dc present="true" name="db1" with_quorum="true"/><cluster_options maintenance-mode="false"/></summary>
<nodes><node name="db1" online="true" pending="false"/><node name="db2" online="false" pending="false"/></nodes>
<resources><clone id="c"><resource id="drbd" role="Promoted" active="true" failed="false"><node name="db1"/></resource><resource id="drbd" role="Stopped" active="false" failed="false"/></clone>
<resource id="vip" role="Started" active="true" failed="true"><node name="db1"/></resource></resources></pacemaker-result>`

func TestStateIsRead(t *testing.T) {
	s, err := ParseMon(mon)
	if err != nil || !s.Quorum || len(s.Online) != 1 || len(s.Offline) != 1 || len(s.Inactive) != 1 || len(s.Failed) != 1 || s.Running["drbd"][0] != "db1 Promoted" {
		t.Errorf("%+v %v", s, err)
	}
}

func TestBadXMLIsAnErrorAndNothingElse(t *testing.T) {
	for _, s := range []string{"", "<a>", "<a/><b/>", "crm_mon: error", strings.Repeat("<a>", 100), "<a b=\"\x00\"/>"} {
		if _, err := Parse(s); err == nil {
			t.Errorf("%.20q was read", s)
		}
	}
}
