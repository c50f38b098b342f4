package drbd

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

// Printed by drbdadm 9.22 over module 8.4.11: a primary that waits for its standby, and the standby,
// alone since drbdadm killed the command that connects. Then a split brain that was made on purpose:
// the primary that serves, and the other side, mounted and written to meanwhile. The last two are
// made up: a side that counts changes since the first pair's generation, and one of another volume.
const (
	primaryProc = `version: 8.4.11 (api:1/proto:86-101)
srcversion: DA6B55A41DED5E58CDBAB30 
 0: cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated C r-----
    ns:32922 nr:32951 dw:34482 dr:36987 al:6 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:368
`
	aloneProc = `version: 8.4.11 (api:1/proto:86-101)
srcversion: DA6B55A41DED5E58CDBAB30 
 0: cs:StandAlone ro:Secondary/Unknown ds:Outdated/DUnknown   r-----
    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
`
	splitProc = `version: 8.4.11 (api:1/proto:86-101)
srcversion: DA6B55A41DED5E58CDBAB30 
 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----
    ns:358 nr:0 dw:14694 dr:3370 al:10 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
`
	otherProc = `version: 8.4.11 (api:1/proto:86-101)
srcversion: DA6B55A41DED5E58CDBAB30 
 0: cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown   r-----
    ns:0 nr:0 dw:2184272 dr:1425 al:11 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:80
`
	splitServes = "5D1C954792C38C5D:A0355F85F281D6D3:0000000000000000:0000000000000000:1:1:1:0:0:0:0"
	splitOther  = "FEA1AF2F2A7DF83C:A0355F85F281D6D2:0000000000000000:0000000000000000:1:1:0:0:0:0:0"

	surviving = "76C27E8A06A05B9F:184E99D9862C8C05:A717D00A1EC29F0D:A716D00A1EC29F0D:1:1:1:0:0:1:0"
	comeBack  = "184E99D9862C8C04:0000000000000000:A717D00A1EC29F0C:A716D00A1EC29F0D:1:0:0:0:0:0:0"
	wroteToo  = "5D1E77C02A0B94F3:184E99D9862C8C04:A717D00A1EC29F0C:A716D00A1EC29F0D:1:1:1:0:0:1:0"
	stranger  = "1111111111111110:0000000000000000:2222222222222222:3333333333333332:1:1:0:0:0:0:0"
)

func TestTwoSidesThatDoNotTalkAreJudgedByTheirGenerations(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Filesystem: "ext4"}
	at := func(proc, identifiers string) side {
		return side{proc: kindtest.ProcLine(proc) + "    ns:0 nr:0 dw:2184045 dr:1185 al:224 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:368\n", signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used, identifiers: identifiers}
	}
	proc := func(text, identifiers string) side {
		s := at("", identifiers)
		s.proc = text
		return s
	}
	changed := func(s side, pending string) side { s.pending = pending; return s }
	const (
		primaryWaits   = "cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated"
		primaryAlone   = "cs:StandAlone ro:Primary/Unknown ds:UpToDate/Outdated"
		secondaryAlone = "cs:StandAlone ro:Secondary/Unknown ds:Consistent/DUnknown"
		secondaryWaits = "cs:WFConnection ro:Secondary/Unknown ds:Consistent/DUnknown"
	)
	for _, c := range []struct {
		name    string
		a, b    side
		connect []string // the hosts on which it is connected again
		title   string
		refused []string
	}{
		{"the command that connects was killed", proc(primaryProc, surviving), proc(aloneProc, comeBack), []string{"db2"}, "db2 has no change that the other side lacks", nil},
		{"the standby gave up while the peer was promoted", at(primaryWaits, surviving), at(secondaryAlone, comeBack), []string{"db2"}, "db2 has no change that the other side lacks", nil},
		{"the old primary returns and gives up", at(secondaryAlone, comeBack), at(primaryWaits, surviving), []string{"db1"}, "db1 has no change that the other side lacks", nil},
		{"both gave up", at(primaryAlone, surviving), at(secondaryAlone, comeBack), []string{"db1", "db2"}, "db2 has no change", nil},
		{"the primary alone gave up", at(primaryAlone, surviving), at(secondaryWaits, comeBack), []string{"db1"}, "db2 has no change", nil},
		{"both hold the same", at(secondaryAlone, comeBack), at(secondaryAlone, strings.Replace(comeBack, ":1:0:0:", ":1:1:0:", 1)), []string{"db1", "db2"}, "neither side lacks a change", nil},
		{"drbdadm would connect, too", changed(at(primaryWaits, surviving), ""), changed(at(secondaryAlone, comeBack), "connect\n"), []string{"db2"}, "db2 has no change", nil},

		{"both were primary while disconnected", proc(splitProc, splitServes), proc(otherProc, splitOther), nil, "", []string{"split brain", "since generation A0355F85F281D6D2", "db1: cs:StandAlone ro:Primary/Unknown", "out of sync: 80 KiB", splitOther}},
		{"both wrote", at(primaryWaits, surviving), at(secondaryAlone, wroteToo), nil, "", []string{"split brain", "184E99D9862C8C04", "haprov recover --discard HOST", "76C27E8A06A05B9F", "5D1E77C02A0B94F3", "out of sync: 368 KiB", "db1: cs:WFConnection ro:Primary", "role( Primary -> Secondary )"}},
		{"nothing in common", at(primaryWaits, surviving), at(secondaryAlone, stranger), nil, "", []string{"no generation in common", "1111111111111110"}},
		{"one side's identifiers are not readable", at(primaryWaits, surviving), at(secondaryAlone, ""), nil, "", []string{"do not tell", "unreadable"}},
		{"one side's identifiers are something else", at(primaryWaits, "$(reboot)"), at(secondaryAlone, comeBack), nil, "", []string{"do not tell", "unreadable"}},
		{"the side that is behind is primary", at(primaryAlone, comeBack), at(secondaryAlone, surviving), nil, "", []string{"db1 is primary, but lacks changes"}},
		{"both are primary", at(primaryAlone, surviving), at(primaryAlone, comeBack), nil, "", []string{"both are primary"}},
	} {
		seen := volumes(d, map[string]side{"db1": c.a, "db2": c.b})
		for n, h := range seen {
			h.Seen = h.Seen.With(map[probe.Key]probe.Answer{d.past(n).Key(): {State: probe.Answered, Out: "2026-11-24T18:09:10+0000 " + n + " kernel: drbd mysql/0 drbd0: role( Primary -> Secondary )\n"}})
			seen[n] = h
		}
		ph, err := kindtest.Decide(t, d, seen)
		if c.refused != nil {
			if err == nil {
				t.Errorf("%s: want a refusal, got %+v", c.name, ph)
				continue
			}
			for _, want := range c.refused {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %q is not in %v", c.name, want, err)
				}
			}
			if strings.Contains(err.Error(), "--discard") != strings.Contains(err.Error(), "split brain") || strings.Contains(err.Error(), "$(") {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || ph.Name != "connect again" || ph.Wait != nil || len(ph.Changes) != len(c.connect) {
			t.Errorf("%s: %+v %v", c.name, ph, err)
			continue
		}
		for _, n := range c.connect {
			a := ph.Changes[n].Actions
			kindtest.NoteActions(a...)
			if len(a) != 1 || !strings.Contains(a[0].Shell, "drbdadm connect mysql") || strings.Contains(a[0].Shell, "discard") || !strings.Contains(a[0].Title, c.title) {
				t.Errorf("%s: %s: %+v", c.name, n, a)
			}
		}
	}
}

func TestASideThatChangedMeanwhileIsNotConnected(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/a", "db2": "/b"}}
	v := volume{gi: comeBack}
	v.Up, v.Connection, v.Role = true, "StandAlone", "Secondary"
	bin, proc := t.TempDir(), t.TempDir()+"/drbd"
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for name, x := range map[string]struct {
		state, identifiers string
		want               act.State
	}{
		"as it was":                        {"cs:StandAlone ro:Secondary/Unknown ds:Consistent/DUnknown", comeBack, act.Done},
		"it connects already":              {"cs:WFConnection ro:Secondary/Unknown ds:Consistent/DUnknown", comeBack, act.Refused},
		"it was promoted":                  {"cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown", comeBack, act.Refused},
		"it began a generation of its own": {"cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown", wroteToo, act.Refused},
		"its metadata cannot be read":      {"cs:StandAlone ro:Secondary/Unknown ds:Diskless/DUnknown", "", act.Refused},
	} {
		kindtest.Write(t, proc, kindtest.ProcLine(x.state))
		kindtest.Write(t, bin+"/drbdadm", "#!/bin/sh\n[ \"$1\" != get-gi ] || echo '"+x.identifiers+"'\n")
		if err := os.Chmod(bin+"/drbdadm", 0o755); err != nil {
			t.Fatal(err)
		}
		a := act.Action{Title: name, Shell: "true", Guard: strings.ReplaceAll(d.stillAlone(v), "/proc/drbd", proc)}
		if rs := kindtest.Run(t, a); rs[0].State != x.want {
			t.Errorf("%s: %+v", name, rs[0])
		}
	}
}

func TestTheKernelsLogIsAskedOnlyWhenASideIsAlone(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/a", "db2": "/b"}}
	for state, want := range map[string]bool{"cs:StandAlone ro:Secondary/Unknown ds:Consistent/DUnknown": true, "cs:WFConnection ro:Secondary/Unknown ds:Consistent/DUnknown": false} {
		seen := volumes(d, map[string]side{"db1": {proc: kindtest.ProcLine("cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated"), block: used}, "db2": {proc: kindtest.ProcLine(state), block: used}})
		for _, n := range []string{"db1", "db2"} {
			asked := slices.ContainsFunc(d.Probe(n, seen), func(q probe.Query) bool { return q.Key() == d.past(n).Key() })
			if asked != want {
				t.Errorf("%s, %s: asked %v", state, n, asked)
			}
		}
	}
}

// A drbdadm whose connect is refused by the peer until it was tried $REFUSED times, and that finds
// another generation after $MOVED tries.
const refusing = `#!/bin/sh
tries=$(cat "$STATE/tries")
case $1 in
get-gi) if [ "$tries" -ge "$MOVED" ]; then echo '` + wroteToo + `'; else echo '` + comeBack + `'; fi ;;
connect)
	tries=$((tries + 1)); echo $tries >"$STATE/tries"
	if [ "$tries" -gt "$REFUSED" ]; then s=SyncTarget; else s=StandAlone; fi
	echo " 0: cs:$s ro:Secondary/Unknown ds:Consistent/DUnknown C r-----" >"$STATE/drbd" ;;
esac
`

func TestConnectingIsTriedAgainWhileNothingChanged(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/a", "db2": "/b"}}
	v := volume{gi: comeBack}
	v.Up, v.Connection, v.Role = true, "StandAlone", "Secondary"
	bin, state := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("STATE", state)
	for name, text := range map[string]string{"drbdadm": refusing, "journalctl": "#!/bin/sh\necho 'drbd mysql: Split-Brain detected'\n"} {
		kindtest.Write(t, bin+"/"+name, text)
		if err := os.Chmod(bin+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, refused, moved, tries string
		fails                       bool
	}{
		{"at once", "0", "9", "1", false},
		{"at the third time", "2", "9", "3", false},
		{"never", "9", "9", "5", true},
		{"another generation meanwhile", "9", "1", "1", true},
	} {
		t.Setenv("REFUSED", c.refused)
		t.Setenv("MOVED", c.moved)
		kindtest.Write(t, state+"/tries", "0")
		kindtest.Write(t, state+"/drbd", kindtest.ProcLine("cs:StandAlone ro:Secondary/Unknown ds:Consistent/DUnknown"))
		out, err := exec.Command("sh", "-e", "-c", strings.ReplaceAll(d.connect(v), "/proc/drbd", state+"/drbd")).CombinedOutput()
		tries, _ := os.ReadFile(state + "/tries")
		if (err != nil) != c.fails || strings.TrimSpace(string(tries)) != c.tries || c.fails != strings.Contains(string(out), "Split-Brain detected") {
			t.Errorf("%s: %v, %s tries\n%s", c.name, err, tries, out)
		}
	}
}

// Pacemaker's agent attaches the disk and then connects; in between nothing is wrong.
func TestASideThatPacemakerIsTakingUpIsWaitedFor(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/a", "db2": "/b"}}
	peer := side{proc: primaryProc, signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used, identifiers: surviving}
	rising := side{proc: kindtest.ProcLine("cs:StandAlone ro:Secondary/Unknown ds:Attaching/DUnknown"), signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used, unit: "activating"}
	ph, err := kindtest.Decide(t, d, volumes(d, map[string]side{"db1": rising, "db2": peer}))
	kindtest.Expect(t, "attaching", ph, err, "", "Pacemaker starts the volume", "")
	if ph.Wait != nil && !strings.Contains(ph.Wait.Evidence, "unreadable") {
		t.Errorf("evidence: %s", ph.Wait.Evidence)
	}
	rising.unit = "inactive"
	ph, err = kindtest.Decide(t, d, volumes(d, map[string]side{"db1": rising, "db2": peer}))
	kindtest.Expect(t, "nobody attaches", ph, err, "", "", "do not tell")
}
