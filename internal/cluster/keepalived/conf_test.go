package keepalived

import (
	"strings"
	"testing"
)

func TestConfIsReadInBlocks(t *testing.T) {
	all, err := ParseConf("! c\nvrrp_instance service {\n\tstate BACKUP\n\tnopreempt\n\tvirtual_router_id 51 # c\n\tvirtual_ipaddress\n\t{\n\t\t192.0.2.100/24 dev eth0\n\t}\n\tauthentication { auth_type PASS }\n}\n")
	if err != nil || len(all) != 1 || all[0].Words[1] != "service" {
		t.Fatalf("%v %v", all, err)
	}
	b := all[0].Block
	if v, line, ok := Get(b, "virtual_router_id"); !ok || v != "51" || line != 5 {
		t.Error(v, line, ok)
	}
	if v, _, ok := Get(b, "nopreempt"); !ok || v != "" {
		t.Error(v, ok)
	}
	if ips := In(b, "virtual_ipaddress"); len(ips) != 1 || len(ips[0].Block) != 1 || ips[0].Block[0].Words[0] != "192.0.2.100/24" {
		t.Errorf("%+v", ips)
	}
	if a := In(b, "authentication"); len(a) != 1 || len(a[0].Block) != 1 {
		t.Errorf("%+v", a)
	}
	for text, want := range map[string]string{"": "no line", "secret {": "not closed", "}": "closes nothing", "{": "without a name", strings.Repeat("a {", 99): "nested deeper", strings.Repeat("\n", 1<<15): "more than"} {
		if _, err := ParseConf(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseConf(f *testing.F) {
	f.Add("a b {\n c d\n e { f }\n}\n")
	f.Fuzz(func(_ *testing.T, text string) { ParseConf(text) })
}
