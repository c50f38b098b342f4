package pacemaker

import (
	"fmt"
	"strings"
	"testing"

	"haprov/internal/kind/kindtest"
)

func TestWhatFailedIsTriedAgainButNotForEver(t *testing.T) {
	const configured = `<resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/></resources>`
	resource := func(role, active string) string {
		return `<resource id="vip" resource_agent="ocf:heartbeat:IPaddr2" role="` + role + `" active="` + active + `"><node name="db1"/></resource>`
	}
	failed := func(key, node string, minute int) string {
		return fmt.Sprintf(`</resources><failures><failure op_key="%s" node="%s" exitstatus="not installed" exitreason="No such file or directory" last-rc-change="2026-01-01 10:%02d:00Z"/></failures><resources>`, key, node, minute)
	}
	p := wantedVIP()
	for _, x := range []struct {
		name, running, phase, waits string
	}{
		{"failed, does not run", resource("Stopped", "false") + failed("vip_monitor_10000", "db2", 1), "retry failed resources", "vip not yet"},
		{"failed once, runs", resource("Started", "true") + failed("vip_monitor_10000", "db2", 1), "", ""},
		{"is being started", resource("Starting", "true") + failed("vip_start_0", "db2", 1), "", "vip not yet"},
		{"another resource failed", resource("Stopped", "false") + failed("vip_2_start_0", "db2", 1), "", "vip not yet"},
		{"on a node that nobody knows", resource("Stopped", "false") + failed("vip_start_0", "db9", 1), "", "vip not yet"},
	} {
		ph, err := kindtest.Decide(t, p, pair{crm: record("vip") + configured, running: x.running}.hosts(t, p))
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, "")
		if tried := ph.Name != ""; tried != (ph.Tries == maxTries) {
			t.Errorf("%s: %d tries", x.name, ph.Tries)
		}
		for _, ch := range ph.Changes {
			if a := ch.Actions[0]; len(ch.Actions) != 1 || !strings.HasPrefix(a.Shell, "crm_resource --cleanup --resource vip --node db") {
				t.Errorf("%s: %+v", x.name, ch.Actions)
			}
		}
	}
}
