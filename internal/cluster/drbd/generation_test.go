package drbd

import (
	"fmt"
	"strings"
	"testing"
)

// Printed by drbdadm 9.22 over module 8.4.11 on User-Mode Linux 7.2: a primary that waits for its
// standby, the standby, alone since drbdadm killed the command that connects, and both after they
// had been connected again. Then a primary whose standby was fenced, and the standby as it booted,
// which had once crashed as primary itself. Then a split brain that was made on purpose: the side that
// serves, which had not written since, and the other one, mounted and written to meanwhile. The identifiers of the old primary that returns after a
// failover, and of the side that was promoted, are from the kernel's log of a handshake, the fresh
// ones from its attach; their flags are not recorded.
const (
	waiting      = "76C27E8A06A05B9F:184E99D9862C8C05:A717D00A1EC29F0D:A716D00A1EC29F0D:1:1:1:0:0:1:0"
	alone        = "184E99D9862C8C04:0000000000000000:A717D00A1EC29F0C:A716D00A1EC29F0D:1:0:0:0:0:0:0"
	againPrimary = "76C27E8A06A05B9F:0000000000000000:184F99D9862C8C05:184E99D9862C8C05:1:1:1:1:0:0:0"
	againStandby = "76C27E8A06A05B9E:0000000000000000:184F99D9862C8C04:184E99D9862C8C05:1:1:0:1:0:0:0"
	fencing      = "D676699E5D6AAC45:C1BA66749665FBA1:BBD3B874266389E2:BBD2B874266389E2:1:1:1:0:0:1:0"
	fenced       = "C1BA66749665FBA0:0000000000000000:BBD3B874266389E2:BBD2B874266389E2:1:1:0:1:0:0:1"
	serves       = "5D1C954792C38C5D:A0355F85F281D6D3:0000000000000000:0000000000000000:1:1:1:0:0:0:0"
	wroteToo     = "FEA1AF2F2A7DF83C:A0355F85F281D6D2:0000000000000000:0000000000000000:1:1:0:0:0:0:0"
	survivor     = "C1BA66749665FBA1:BBD2B874266389E2:26B9A28CCFC6E62A:26B8A28CCFC6E62A:1:1:1:0:0:1:0"
	returned     = "BBD2B874266389E3:0000000000000000:26B9A28CCFC6E62A:26B8A28CCFC6E62A:1:1:1:1:0:0:0"
	fresher      = "0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0:0:0:0:0:0"
)

// tuple writes identifiers by their first digits: "A B - -" is current A, bitmap B, no history.
func tuple(text string) string {
	var ids []string
	for _, f := range strings.Fields(text) {
		if f == "-" {
			f = ""
		}
		ids = append(ids, (f + strings.Repeat("0", 16))[:16])
	}
	return strings.Join(ids, ":") + ":1:1:0:0:0:0:0"
}

func primary(gi string) string { return strings.Replace(gi, ":1:1:0:", ":1:1:1:", 1) }

func TestTheGenerationsOfTwoSidesTellWhichHasWhat(t *testing.T) {
	for _, c := range []struct {
		name, a, b string
		want       Relation
	}{
		{"the standby was not connected, and the primary went on", alone, waiting, Behind},
		{"both were primary while disconnected", serves, wroteToo, Diverged},
		{"connected again", againStandby, againPrimary, Equal},
		{"the standby was fenced", fenced, fencing, Behind},
		{"before and after a synchronisation", alone, againPrimary, Behind},
		{"the old primary is back after a failover", returned, survivor, Behind},
		{"the lowest bit, which is the role, does not count", tuple("A1 - - -"), tuple("A1 - - -")[:15] + "1" + tuple("A1 - - -")[16:], Equal},
		{"the same generation, one crashed as primary", primary(tuple("A - - -")), tuple("A - - -"), Equal},
		{"the same generation, both were primary", primary(tuple("A - - -")), primary(tuple("A - - -")), Unclear},
		{"the same generation, one side did not hear of the end of the synchronisation", tuple("A B - -"), tuple("A - B -"), Ahead},
		{"the same generation, both count changes", tuple("A B - -"), tuple("A C - -"), Unclear},
		{"both fresh", fresher, fresher, Equal},
		{"one fresh", fresher, survivor, Behind},
		{"one fresh, whose peer heard of the first generation alone", fresher, tuple("A - - -"), Behind},
		{"in the other's bitmap", tuple("A - - -"), tuple("B A - -"), Behind},
		{"in the other's bitmap, with an own older bitmap", tuple("A C - -"), tuple("B A C -"), Behind},
		{"in the other's younger history", tuple("A - C -"), tuple("B - A C"), Behind},
		{"in the other's older history", tuple("A - - -"), tuple("B - C A"), Behind},
		{"an interrupted synchronisation's beginning", tuple("BBD2B874266389E2 - - -"), tuple("C BBD3B874266389E2 BBD2B874266389E2 -"), Behind},
		{"an interrupted synchronisation's target", tuple("BBD3B874266389E2 - - -"), tuple("C BBD3B874266389E2 BBD2B874266389E2 -"), Behind},
		{"each comes from the other", tuple("A B - -"), tuple("B A - -"), Unclear},
		{"each in the other's history", tuple("A - B -"), tuple("B - A -"), Unclear},
		{"both count changes since the same generation", tuple("A C - -"), tuple("B C - -"), Diverged},
		{"both count changes, the common generation is older", tuple("A D C -"), tuple("B E C -"), Diverged},
		{"both count changes, one since the other's history", tuple("A C - -"), tuple("B D C -"), Diverged},
		{"a common generation, and one side counts no changes", tuple("A C - -"), tuple("B - C -"), Unclear},
		{"nothing in common", tuple("A B - -"), tuple("C D - -"), Unrelated},
		{"nothing in common but missing history", tuple("A - - -"), tuple("B - - -"), Unrelated},
		{"one cannot be read", "", survivor, Unclear},
		{"neither can be read", "", "", Unclear},
		{"one has no generation", tuple("- - - -"), survivor, Unclear},
	} {
		a, _ := ParseGeneration(c.a)
		b, _ := ParseGeneration(c.b)
		mirrored := map[Relation]Relation{Behind: Ahead, Ahead: Behind}
		back := c.want
		if m, ok := mirrored[c.want]; ok {
			back = m
		}
		if got, why := Compare(a, b); got != c.want || why == "" {
			t.Errorf("%s: %s (%s), want %s", c.name, got, why, c.want)
		}
		if got, why := Compare(b, a); got != back {
			t.Errorf("%s, the other way round: %s (%s), want %s", c.name, got, why, back)
		}
		if want := c.want == Equal || c.want == Behind || c.want == Ahead; c.want.Related() != want {
			t.Errorf("%s: related %v", c.name, !want)
		}
	}
}

// Nothing that both sides changed on their own may ever pass for related, whatever else is in the
// tuples.
func TestTwoSidesWithChangesOfTheirOwnAreNeverConnected(t *testing.T) {
	rest := []uint64{0, 1 << 60, 2 << 60, 3 << 60}
	for _, h := range rest {
		for _, k := range rest {
			a := Generation{Current: 10 << 58, Bitmap: 7 << 60, History: [2]uint64{h, k}}
			b := Generation{Current: 11 << 58, Bitmap: 7 << 60, History: [2]uint64{k, h}}
			if r, why := Compare(a, b); r != Diverged {
				t.Errorf("%+v %+v: %s (%s)", a, b, r, why)
			}
		}
	}
}

func TestIdentifiersThatAreNoneAreRefused(t *testing.T) {
	g, ok := ParseGeneration(survivor)
	if want := (Generation{Current: 0xC1BA66749665FBA0, Bitmap: 0xBBD2B874266389E2, History: [2]uint64{0x26B9A28CCFC6E62A, 0x26B8A28CCFC6E62A}, Primary: true}); !ok || g != want {
		t.Errorf("%+v %v", g, ok)
	}
	for _, bad := range []string{"", "mysql: No valid meta data found", survivor[:66], survivor + ":0", " " + survivor, strings.ToLower(survivor), strings.Replace(survivor, "C1BA", "G1BA", 1), fmt.Sprint(survivor, "\n", survivor)} {
		if g, ok := ParseGeneration(bad); ok || g != (Generation{}) {
			t.Errorf("%q: %+v %v", bad, g, ok)
		}
	}
}

func FuzzParseGeneration(f *testing.F) {
	f.Add(survivor, returned)
	f.Fuzz(func(t *testing.T, x, y string) {
		a, _ := ParseGeneration(x)
		b, _ := ParseGeneration(y)
		if r, _ := Compare(a, b); r.Related() && (a == Generation{} || b == Generation{}) {
			t.Errorf("%q %q: %s", x, y, r)
		}
	})
}
