package haproxy

import (
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

// TestAProxyLeavesBeforeTheOthersForgetIt: two proxies that do not know each other would both hold
// the virtual address.
func TestAProxyLeavesBeforeTheOthersForgetIt(t *testing.T) {
	h := &HAProxy{Services: []string{"keepalived.service", "haproxy.service"}}
	l := h.Leave([]kind.Node{{Name: "p3"}})
	host := func(state string) probe.HostSeen {
		a := map[probe.Key]probe.Answer{}
		for _, u := range h.Services {
			a[kind.UnitQuery(u).Key()] = probe.Answer{State: probe.Answered, Out: strings.ReplaceAll(state, "|", "\n")}
		}
		return probe.HostSeen{Seen: probe.NewSeen(a)}
	}
	on, off := host("LoadState=loaded|ActiveState=active|SubState=running|UnitFileState=enabled"), host("LoadState=loaded|ActiveState=inactive|SubState=dead|UnitFileState=disabled")
	for _, x := range []struct {
		name           string
		p1, p3         probe.HostSeen
		shell, refused string
	}{
		{"serves", on, on, "systemctl disable --now keepalived.service\nsystemctl disable --now haproxy.service", ""},
		{"has left", on, off, "", ""},
		{"cannot be asked", on, probe.HostSeen{Lost: "no route"}, "", "cannot be asked"},
		{"nobody else serves", off, on, "", "no proxy that stays"},
		{"nobody else can be asked", probe.HostSeen{Lost: "no route"}, on, "", "no proxy that stays"},
	} {
		seen := probe.Hosts{"p1": x.p1, "p3": x.p3}
		ph, err := kindtest.Decide(t, l, seen)
		got := ""
		if as := ph.Changes["p3"].Actions; len(as) > 0 {
			got = as[0].Shell
		}
		if got != x.shell || (err != nil) != (x.refused != "") || err != nil && !strings.Contains(err.Error(), x.refused) {
			t.Errorf("%s: %q, %v", x.name, got, err)
		}
	}
}
