package corosync

import (
	"strings"
	"testing"
)

func TestConfIsReadInBlocks(t *testing.T) {
	c, err := ParseConf("# a comment\ntotem {\n  token: 3000\n  token:4000\n}\nquorum {\n  device {\n    model: net\n    net {\n      host: 192.0.2.9\n    }\n  }\n}\nnodelist {\n  node {\n    nodeid: 1\n  }\n  node {\n    nodeid: 2\n  }\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := c.Get("totem", "token"); !ok || k.Value != "4000" || k.Line != 4 {
		t.Errorf("the last value counts: %+v", k)
	}
	if k, _ := c.Get("quorum", "device", "net", "host"); k.Value != "192.0.2.9" {
		t.Errorf("%+v", k)
	}
	if n := len(c.All("nodelist", "node")); n != 2 {
		t.Errorf("%d nodes", n)
	}
	if _, ok := c.Get("totem", "consensus"); ok {
		t.Error("a key that is not there")
	}
}

func TestConfThatCorosyncWouldNotTakeIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "no block",
		"totem {\n token: 1":        "not closed",
		"}":                         "closes nothing",
		"totem {\nsecret\n}":        "line 2",
		"{\n}":                      "without a name",
		strings.Repeat("a {\n", 99): "nested deeper",
		strings.Repeat("\n", 9999):  "more than",
	} {
		if _, err := ParseConf(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

func TestCmap(t *testing.T) {
	m, err := ParseCmap("runtime.config.totem.token (u32) = 3000\ntotem.cluster_name (str) = shop = x\ninternal_configuration.service.0.name (str) = corosync_cmap\n")
	if err != nil || m["runtime.config.totem.token"] != "3000" || m["totem.cluster_name"] != "shop = x" {
		t.Errorf("%v %v", m, err)
	}
	if m, err := ParseCmap("Failed to initialize the cmap API. Error CS_ERR_LIBRARY"); err == nil {
		t.Errorf("%v", m)
	}
}

func FuzzParseConf(f *testing.F) {
	f.Add("totem {\n  token: 3000\n}\n")
	f.Fuzz(func(_ *testing.T, text string) {
		if c, err := ParseConf(text); err == nil {
			c.Get("totem", "token")
		}
		ParseCmap(text)
	})
}
