package drbd

import (
	"strings"
	"testing"
)

func TestConfIsReadInStatements(t *testing.T) {
	all, err := ParseConf("# top\nglobal { usage-count no; }\nresource mysql {\n  protocol C;\n  handlers { fence-peer \"/usr/lib/drbd/crm-fence-peer.sh --timeout 90\"; }\n  on db1 { address 192.0.2.1:7789; disk /dev/vdb; }\n}\n")
	if err != nil || len(all) != 2 {
		t.Fatalf("%v %v", all, err)
	}
	r := In(all, "resource")[0]
	if r.Value() != "mysql" || r.Line != 3 || !r.Braces || In(r.Block, "protocol")[0].Value() != "C" {
		t.Errorf("%+v", r)
	}
	h := In(In(r.Block, "handlers")[0].Block, "fence-peer")[0]
	if h.Value() != "/usr/lib/drbd/crm-fence-peer.sh --timeout 90" || h.Line != 5 {
		t.Errorf("%+v", h)
	}
}

func TestConfThatIsBrokenIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "no statement",
		"# only a comment":             "no statement",
		"resource r {\n protocol C;":   "not closed",
		"}":                            "closes nothing",
		"{ }":                          "without a name",
		"net {\n secret\n}":            "line 3",
		"net { shared-secret \"secret": "not closed",
		"secret":                       "does not end",
		strings.Repeat("a {", 99):      "nested deeper",
		strings.Repeat("a;", 1<<15):    "more than",
	} {
		if _, err := ParseConf(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseConf(f *testing.F) {
	f.Add("resource r { net { protocol C; shared-secret \"x\"; } # c\n }\n")
	f.Fuzz(func(_ *testing.T, text string) {
		if all, err := ParseConf(text); err == nil {
			for _, s := range all {
				s.Value()
			}
		}
	})
}
