package pacemaker

import (
	"reflect"
	"strings"
	"testing"
)

func TestProofsAreReadAsWritten(t *testing.T) {
	want := []Proof{{"db1", true, "2026-01-01T10:00:00Z", "db2", []string{"devices:ab", "db1:cd"}}, {"db2", false, "2026-01-01T10:00:00Z", "-", []string{"devices:ef"}}}
	text := "devices:0123 db1:4567 x,fired,y " + want[0].Text() + " " + want[1].Text() // words of another form are none
	if got := ParseProofs(text); !reflect.DeepEqual(got, want) {
		t.Errorf("%q gives %+v", text, got)
	}
	if n := len(ParseProofs(strings.Repeat("a,fired,b,c,d ", 1000))); n != maxProofs {
		t.Errorf("%d proofs are kept", n)
	}
	p := want[0]
	for now, same := range map[string]bool{"devices:ab db1:cd": true, "devices:ab": true, "devices:ab db1:ce": false, "devices:ab db1:cd db3:00": false} {
		if p.Same(strings.Fields(now)) != same {
			t.Errorf("%s: the same %v", now, !same)
		}
	}
}

func TestADeviceFencesWhomItNames(t *testing.T) {
	for params, hosts := range map[string]string{
		`<nvpair name="pcmk_host_list" value="db1, db3"/>`:   "db1 db3",
		`<nvpair name="pcmk_host_map" value="db2:7;db3:8"/>`: "db2 db3",
		`<nvpair name="ip" value="db1"/>`:                    "db1 db2 db3",
	} {
		n := parse(t, "<primitive><instance_attributes>"+params+"</instance_attributes></primitive>")
		var got []string
		for _, h := range []string{"db1", "db2", "db3"} {
			if n.Fences(h) {
				got = append(got, h)
			}
		}
		if strings.Join(got, " ") != hosts {
			t.Errorf("%s fences %q", params, got)
		}
	}
}
