package pacemaker

import (
	"os"
	"testing"
)

func FuzzParse(f *testing.F) {
	mon, err := os.ReadFile("testdata/crm_mon-2.1.5-healthy.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(mon))
	f.Add(`<cib epoch="1" admin_epoch="0"><configuration><resources><primitive id="a" class="ocf"/></resources></configuration></cib>`)
	f.Add("<a><b>&lt;</b><!-- x --></a>")
	f.Add("db1 fired 1700000000 db2")
	f.Fuzz(func(t *testing.T, text string) {
		ParseMon(text)
		ParseFencings(text)
		ParseProofs(text)
		Transitions(text)
		Evidence(text)
		if n, err := Parse(text); err == nil {
			if n == nil {
				t.Fatal("no tree and no error")
			}
			if more := Surplus(n, n); len(more) > 0 {
				t.Errorf("it has more than itself: %q", more)
			}
		}
	})
}
