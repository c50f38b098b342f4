package pacemaker

import (
	"reflect"
	"strings"
	"testing"
)

// In the form of crm_mon 2.1.5, shortened.
const troubled = `<pacemaker-result api-version="2.25"><summary><cluster_options stonith-enabled="false" maintenance-mode="true" stop-all-resources="false"/></summary>
<nodes><node name="db1" online="true" maintenance="true"/><node name="db2" online="true" maintenance="false"/></nodes>
<bans><ban id="drbd-fence-by-handler-data" resource="drbd" node="db2" weight="-1000000" promoted-only="true"/><ban id="cli-ban-x" resource="x" node="db2"/></bans>
<node_history><node name="db2"><resource_history id="mysql" orphan="false" migration-threshold="3" fail-count="3" last-failure="x"><operation_history/></resource_history>
<resource_history id="vip" orphan="false" migration-threshold="1000000"/><resource_history id="fs" orphan="false" migration-threshold="1000000" fail-count="1000000"/></node></node_history>
<failures><failure op_key="mysql_monitor_10000" node="db1" exitstatus="not running" exitreason="gone" exitcode="7" last-rc-change="2026-11-21 07:00:00Z"/></failures></pacemaker-result>`

func TestTroubleIsRead(t *testing.T) {
	got, err := ParseTrouble(troubled)
	want := Trouble{Unmanaged: true, Unfenced: true, Unwatched: []string{"db1"}, Constraint: []string{"drbd-fence-by-handler-data"},
		Failures: []Failure{{"db1", "mysql_monitor_10000", "not running: gone", "2026-11-21 07:00:00Z"}},
		Barred:   []Barred{{"mysql", "db2", 3}, {"fs", "db2", 1000000}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := ParseTrouble(mon(both, "")); err != nil || !reflect.DeepEqual(got, Trouble{}) {
		t.Errorf("none: %+v %v", got, err)
	}
	for _, bad := range []string{"", troubled[:300], "crm_mon: Error: cluster is not available on this node", strings.Repeat("<a>", 100)} {
		if got, err := ParseTrouble(bad); err == nil {
			t.Errorf("%.20q: %+v", bad, got)
		}
	}
}

func TestWhoWaitedInVainSeesWhatFailedAndWhere(t *testing.T) {
	got := Evidence(troubled)
	for _, want := range []string{"mysql_monitor_10000 failed on db1: not running: gone", "fs may not run on db2", "drbd-fence-by-handler-data"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if got := Evidence("no answer"); got != "" {
		t.Errorf("%q", got)
	}
}

func FuzzParseTrouble(f *testing.F) {
	f.Add(troubled)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = ParseTrouble(text) })
}
