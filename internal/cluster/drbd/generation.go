package drbd

import (
	"fmt"
	"regexp"
	"strconv"
)

// Generation is what one side's metadata says of the data it holds: which generation that is, and
// from which ones it comes (DRBD 8.4 user's guide, "Generation identifiers"). It tells whether two
// sides have writes that the other one lacks; /proc/drbd does not.
type Generation struct {
	Current uint64 // the generation of the data here; begun anew by a primary that loses its peer
	Bitmap  uint64 // the generation that the peer had when this side began to count changes; 0: none
	History [2]uint64

	Primary        bool // is, or was when it went down
	CrashedPrimary bool // went down as primary, and has not seen its peer since
}

// The lowest bit of an identifier tells a role, not a generation. justCreated is the current
// identifier of metadata whose disk never was up to date (UUID_JUST_CREATED of linux/drbd.h), and a
// source of a synchronisation gives its bitmap a new identifier this much above the old one
// (UUID_NEW_BM_OFFSET).
const (
	roleBit     = uint64(1)
	justCreated = uint64(4)
	syncOffset  = uint64(1) << 48
)

var generationForm = regexp.MustCompile(`^([0-9A-F]{16}):([0-9A-F]{16}):([0-9A-F]{16}):([0-9A-F]{16}):([01]):([01]):([01]):([01]):([01]):([01]):([01])$`)

// ParseGeneration reads the line of `drbdadm get-gi`: four identifiers and seven flags. What is
// anything else gives false.
func ParseGeneration(line string) (g Generation, ok bool) {
	m := generationForm.FindStringSubmatch(line)
	if m == nil {
		return g, false
	}
	for i, to := range []*uint64{&g.Current, &g.Bitmap, &g.History[0], &g.History[1]} {
		n, err := strconv.ParseUint(m[1+i], 16, 64)
		if err != nil {
			return Generation{}, false
		}
		*to = n &^ roleBit
	}
	g.Primary, g.CrashedPrimary = m[7] == "1", m[11] == "1"
	return g, g.Current != 0
}

// Relation says how the data of two sides, a and b, stand to each other.
type Relation string

const (
	Unclear   Relation = "unclear"   // the identifiers do not tell
	Equal     Relation = "equal"     // the same generation
	Behind    Relation = "behind"    // a's generation is one that b comes from: b has all that a has
	Ahead     Relation = "ahead"     // b's generation is one that a comes from
	Diverged  Relation = "diverged"  // both have changes since the generation that they had in common
	Unrelated Relation = "unrelated" // no generation in common
)

// Related reports whether neither side lacks a change for good: the two may be connected, and DRBD
// brings one up to date from the other.
func (r Relation) Related() bool { return r == Equal || r == Behind || r == Ahead }

// Compare says how a stands to b, and by which identifiers that is known. It is never less strict
// than the module's own comparison when two sides connect (drbd_uuid_compare of
// drivers/block/drbd/drbd_receiver.c): where the module would connect two sides of which each has a
// bitmap of its own, it says Unclear.
func Compare(a, b Generation) (Relation, string) {
	if a.Current == 0 || b.Current == 0 {
		return Unclear, "a side has no current generation"
	}
	if a.Current == b.Current {
		return compareSame(a, b)
	}
	behind, why := comesFrom(a, b)
	ahead, other := comesFrom(b, a)
	switch {
	case behind && ahead:
		return Unclear, "each side's generation is one that the other comes from"
	case behind:
		return Behind, why
	case ahead:
		return Ahead, other
	}
	if a.Bitmap != 0 && a.Bitmap == b.Bitmap {
		return Diverged, fmt.Sprintf("both have changes of their own since generation %016X", a.Bitmap)
	}
	if id := common(a, b); id != 0 {
		if a.Bitmap != 0 && b.Bitmap != 0 {
			return Diverged, fmt.Sprintf("both have changes of their own; the last generation in common is %016X", id)
		}
		return Unclear, fmt.Sprintf("both come from generation %016X, but not both counted their changes since", id)
	}
	return Unrelated, "no generation in common"
}

// compareSame is Compare for two sides with the same current generation. One bitmap is what a
// synchronisation leaves whose end one side did not hear of.
func compareSame(a, b Generation) (Relation, string) {
	switch {
	case a.Current == justCreated:
		return Equal, "neither side ever was up to date"
	case a.Bitmap != 0 && b.Bitmap != 0:
		return Unclear, "both have the same generation, and both count changes"
	case a.Bitmap != 0:
		return Ahead, fmt.Sprintf("both have generation %016X, and only one side counts changes", a.Current)
	case b.Bitmap != 0:
		return Behind, fmt.Sprintf("both have generation %016X, and only one side counts changes", a.Current)
	case a.Primary && b.Primary:
		return Unclear, "both have the same generation, and both are or were primary"
	}
	return Equal, fmt.Sprintf("both have generation %016X", a.Current)
}

// comesFrom reports whether new's data comes from old's current generation. A side that counts
// changes against another generation than that has some of its own, unless it is an interrupted
// synchronisation's.
func comesFrom(old, new Generation) (bool, string) {
	switch id := old.Current; {
	case new.Current == justCreated:
		return false, ""
	case id == justCreated:
		return true, "it never was up to date"
	case id == new.Bitmap:
		return true, fmt.Sprintf("its generation %016X is the one that the other side counts changes since", id)
	case id == new.History[0] && new.Bitmap == id+syncOffset:
		return true, fmt.Sprintf("its generation %016X is the one that a synchronisation began with", id)
	case id == new.History[0] || id == new.History[1]:
		return true, fmt.Sprintf("its generation %016X is in the other side's history", id)
	}
	return false, ""
}

// common is a generation, not the current one of either, that both sides come from.
func common(a, b Generation) uint64 {
	for _, x := range []uint64{a.Bitmap, a.History[0], a.History[1]} {
		for _, y := range []uint64{b.Bitmap, b.History[0], b.History[1]} {
			if x != 0 && x == y {
				return x
			}
		}
	}
	return 0
}
