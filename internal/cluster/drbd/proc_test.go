package drbd

import "testing"

// Printed by module 8.4.11 (api:1/proto:86-101) on User-Mode Linux 7.2.
const fresh = `version: 8.4.11 (api:1/proto:86-101)
srcversion: DA6B55A41DED5E58CDBAB30 
 0: cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent C r-----
    ns:0 nr:0 dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:1048508
`

func TestTheModulesLineIsRead(t *testing.T) {
	got := ParseProc(fresh, "0")
	if want := (Status{true, "Connected", "Secondary", "Secondary", "Inconsistent", "Inconsistent"}); got != want {
		t.Errorf("%+v", got)
	}
	for text, up := range map[string]bool{"": false, " 0: cs:Unconfigured\n": false, " 10: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----": false, " 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown r-----": true, " 0: \x00garbage ro: ds:/": true} {
		if s := ParseProc(text, "0"); s.Up != up || s.Healthy() {
			t.Errorf("%q: %+v", text, s)
		}
	}
}

func FuzzParseProc(f *testing.F) {
	f.Add(fresh, "0")
	f.Fuzz(func(_ *testing.T, text, minor string) { _ = ParseProc(text, minor).String() })
}
