package pacemaker

import (
	"strings"
	"testing"
	"time"

	"haprov/internal/kind"
)

func TestBlocksBecomeElementsOfTheCIB(t *testing.T) {
	p := &Pacemaker{Where: kind.Where{Nodes: []kind.Node{
		{Name: "db1", Fence: []kind.Device{{ID: "fence-db1", Agent: "fence_ipmilan", Secret: true, Options: map[string]string{"username": "a<b"}}}},
		{Name: "db2", Fence: []kind.Device{{ID: "fence-db2", Agent: "fence_virsh", Options: map[string]string{"pcmk_reboot_timeout": "45s"}}}}}},
		Properties: map[string]string{"stonith-enabled": "true", "priority-fencing-delay": "15s"},
		Primitives: []Primitive{
			{ID: "drbd", Agent: "ocf:linbit:drbd", Ops: []Operation{{Name: "monitor", Role: "Promoted", Interval: 29 * time.Second, Timeout: 20 * time.Second}}},
			{ID: "vip", Agent: "ocf:heartbeat:IPaddr2", Params: map[string]string{"ip": "10.0.0.9"}},
			{ID: "proxy", Agent: "systemd:haproxy"}},
		Clones: []ResourceClone{{ID: "c", Of: "drbd", Meta: map[string]string{"promotable": "true"}}},
		Groups: []ResourceGroup{{ID: "g", Of: []string{"proxy", "vip"}}},
		Orders: []Order{{ID: "o", First: "c", Action: "promote", Then: "g", Kind: "Mandatory"}},
		Fence:  &Fences{Reboot: 90 * time.Second, Delay: time.Second, Passwords: "/etc/haprov"}}
	if ps := p.Check(); len(ps) > 0 {
		t.Fatal(ps)
	}
	got := p.Wanted().Text()
	for _, want := range []string{
		`<clone id="c"><meta_attributes id="c-meta"><nvpair id="c-meta-promotable" name="promotable" value="true"/></meta_attributes><primitive class="ocf" id="drbd" provider="linbit" type="drbd"><operations><op id="drbd-monitor-promoted" interval="29s" name="monitor" role="Promoted" timeout="20s"/></operations></primitive></clone>`,
		`<group id="g"><primitive class="systemd" id="proxy" type="haproxy"/><primitive class="ocf" id="vip"`,
		`<rsc_order first="c" first-action="promote" id="o" kind="Mandatory" then="g" then-action="start"/>`,
		`<nvpair id="haprov-options-stonith-enabled" name="stonith-enabled" value="true"/>`,
		`name="password_script" value="/etc/haprov/fence-db1.password"`, `value="a&lt;b"`, `name="pcmk_delay_base" value="db1:1s"`, `name="pcmk_reboot_timeout" value="90s"`,
		`<nvpair id="fence-db2-attributes-pcmk_host_list" name="pcmk_host_list" value="db2"/><nvpair id="fence-db2-attributes-pcmk_reboot_timeout" name="pcmk_reboot_timeout" value="45s"/>`,
		`<op id="fence-db2-monitor" interval="60s" name="monitor" timeout="60s"/><op id="fence-db2-start" interval="0s" name="start" timeout="60s"/>`,
		`<rsc_location id="fence-db2-not-itself" node="db2" rsc="fence-db2" score="-INFINITY"/>`,
		`name="haprov-owned" value="c c-meta`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	p.Fence.Reboot = 30 * time.Second // a lab's
	if quick := p.Wanted().Text(); !strings.Contains(quick, `<operations><op id="fence-db2-monitor" interval="60s" name="monitor" timeout="20s"/></operations>`) {
		t.Error(quick)
	}
	if strings.Count(got, `name="password_script"`) != 1 || strings.Count(got, `name="pcmk_delay_base"`) != 1 {
		t.Error(got)
	}
}

func TestBlocksThatDoNotFitAreFound(t *testing.T) {
	vip := Primitive{ID: "vip", Agent: "ocf:heartbeat:IPaddr2"}
	for want, p := range map[string]*Pacemaker{
		"Duplicate identifier":    {Primitives: []Primitive{vip, vip}},
		"Invalid resource agent":  {Primitives: []Primitive{{ID: "vip", Agent: "IPaddr2"}}},
		"Invalid identifier":      {Primitives: []Primitive{{ID: "a b", Agent: "systemd:x"}}},
		"Unknown resource":        {Primitives: []Primitive{vip}, Groups: []ResourceGroup{{ID: "g", Of: []string{"vpi"}}}},
		"Resource has two places": {Primitives: []Primitive{vip}, Groups: []ResourceGroup{{ID: "g", Of: []string{"vip"}}}, Clones: []ResourceClone{{ID: "c", Of: "vip"}}},
		"Invalid operation":       {Primitives: []Primitive{{ID: "vip", Agent: "systemd:x", Ops: []Operation{{Name: "moniter"}}}}},
		"Unknown host":            {Primitives: []Primitive{vip}, Locations: []Location{{ID: "l", Of: "vip", Node: "db9", Score: "INFINITY"}}},
		"Invalid score":           {Primitives: []Primitive{vip}, Colocations: []Colocation{{ID: "l", Of: "vip", With: "vip", Score: "much"}}},
	} {
		ps := p.Check()
		if len(ps) == 0 || ps[0].Summary != want {
			t.Errorf("want %q, got %v", want, ps)
		}
	}
}
