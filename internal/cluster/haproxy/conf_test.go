package haproxy

import (
	"strings"
	"testing"
)

func TestConfIsReadInSections(t *testing.T) {
	s, err := ParseConf("global\n\tlog /dev/log local0 # c\nbackend w\n\toption httpchk\n\tserver db1 192.0.2.1:3306 check port 9200 id 1\n\thttp-request return string \"a b\\n\" if { x }\n")
	if err != nil || len(s) != 2 || s[1].Kind != "backend" || s[1].Name != "w" || len(s[1].Lines) != 3 {
		t.Fatalf("%+v %v", s, err)
	}
	l := s[1].All("server")[0]
	if l.Line != 5 || l.After("port") != "9200" || !l.Has("check") || l.Has("backup") || len(s[1].All("option", "httpchk")) != 1 {
		t.Errorf("%+v", l)
	}
	if w := s[1].Lines[2].Words; w[3] != "a bn" {
		t.Errorf("%q", w)
	}
	for text, want := range map[string]string{"": "no section", "secret x": "before the first section", "global\n a 'secret": "not closed", strings.Repeat("\n", 1<<16): "more than"} {
		if _, err := ParseConf(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseConf(f *testing.F) {
	f.Add("global\n log \"a\\\"b\" # c\nlisten x\n server a b check\n")
	f.Fuzz(func(_ *testing.T, text string) { ParseConf(text) })
}
