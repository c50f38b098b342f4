package host

import (
	"fmt"
	"strconv"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var LogicalVolumeSpec = kind.Spec{
	Name:    "logical_volume",
	Summary: "A linear LVM volume, /dev/GROUP/NAME, of at least a size; it grows, and is never made smaller or removed.",
	Example: `logical_volume "mysql" {
  group = "data"
  size  = "20GiB"
}
`,
	New: func() any { return &LogicalVolume{} },
}

// LogicalVolume is a volume of a group (lvm(8)). One that is larger than wanted is left as it is: it
// may have been grown by hand when that was needed. What the volume holds does not grow with it:
// that is for whoever made it (drbdadm resize, resize2fs).
type LogicalVolume struct {
	Name  string `hcl:"name,label" about:"Name of the volume"`
	Group string `hcl:"group" about:"Volume group that it is a part of"`
	Size  int64  `hcl:"size,optional" unit:"bytes" about:"Least size, rounded up to whole extents of the group; omitted: all that is free in the group, now and when it has grown"`
}

// Owns is the volume. The disk /dev/GROUP/NAME belongs to what is put on it.
func (l *LogicalVolume) Owns(_ string) []kind.Thing {
	out := []kind.Thing{{What: "logical volume " + l.path()}}
	if l.Size == 0 {
		out = append(out, kind.Thing{What: "what is free in volume group " + l.Group})
	}
	return out
}

// Check finds names that LVM refuses.
func (l *LogicalVolume) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("name", l.Name, lvmName, "name of a logical volume")
	ps.Name("group", l.Group, lvmName, "name of a volume group")
	if volumeTaken.MatchString(l.Name) {
		ps.Add("name", "Name is kept for LVM itself", "Found "+kind.Quoted(l.Name)+"; lvm(8) lists what the names of volumes must not contain.")
	}
	if l.Size < 0 {
		ps.Add("size", "Size is negative", `Expected a size such as "20GiB".`)
	}
	return ps
}

func (l *LogicalVolume) path() string { return l.Group + "/" + l.Name }

// query asks for the group's room, then for the volume. A group that is not there has no lines.
func (l *LogicalVolume) query() probe.Query {
	return probe.Cmd("logical volume "+l.path(), `command -v lvs >/dev/null || exit 127
vgs --noheadings --separator '|' --units b --nosuffix -o vg_name,vg_extent_size,vg_free_count -S `+shell.Quote(`vg_name="`+l.Group+`"`)+` 2>/dev/null
lvs --noheadings --separator '|' --units b --nosuffix -o lv_name,lv_size,lv_layout,lv_active -S `+shell.Quote(`vg_name="`+l.Group+`" && lv_name="`+l.Name+`"`)+` 2>/dev/null`, lvmSubject)
}

// Probe asks LVM for the volume and what is free in its group.
func (l *LogicalVolume) Probe(seen probe.Seen) []probe.Query { return kind.Unread(seen, l.query()) }

// Decide makes the volume, activates it, or grows it.
func (l *LogicalVolume) Decide(seen probe.Seen) (plan.Change, error) {
	a := seen.Get(l.query())
	switch {
	case a.State != probe.Answered:
		return kind.Unknown("logical volume " + l.path()), nil
	case a.Exit == 127:
		return plan.Change{Later: "the tools of LVM are not there: package lvm2"}, nil
	case a.Exit != 0:
		return plan.Change{}, fmt.Errorf("LVM does not list its volumes: lvs: exit %d", a.Exit)
	}
	group, volume, _ := strings.Cut(strings.TrimSpace(a.Out), "\n")
	g, v := fields(group), fields(volume)
	if len(g) != 3 {
		return plan.Change{Later: "volume group " + l.Group + " is not there"}, nil
	}
	extent, _ := strconv.ParseInt(g[1], 10, 64)
	free, _ := strconv.ParseInt(g[2], 10, 64)
	if extent <= 0 || free < 0 {
		return plan.Change{}, fmt.Errorf("volume group %s: extents of %q bytes, %q of them free", l.Group, g[1], g[2])
	}
	if v != nil && len(v) != 4 {
		return plan.Change{}, fmt.Errorf("logical volume %s: an answer of lvs that cannot be read: %.80q", l.path(), volume)
	}
	have := int64(0) // extents
	if v != nil {
		size, _ := strconv.ParseInt(v[1], 10, 64)
		have = size / extent
	}
	want := have + free
	if l.Size > 0 {
		want = (l.Size + extent - 1) / extent
	}
	if want > have+free || want == 0 {
		return plan.Change{}, fmt.Errorf("volume group %s has %s free; %s needs %s more", l.Group, mebibytes(free*extent), l.path(), mebibytes(max(want-have, 1)*extent))
	}
	return l.mend(v, have, want, extent)
}

func (l *LogicalVolume) mend(v []string, have, want, extent int64) (c plan.Change, err error) {
	mend := func(title string, args ...string) {
		// Devices and the links to them appear with it.
		c.Actions = append(c.Actions, act.Action{Title: title + " " + l.path(), Shell: shell.Join(args...), Touches: []probe.Subject{probe.All}})
	}
	size := "-l" + strconv.FormatInt(want, 10)
	switch {
	case v == nil:
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "size", Want: mebibytes(want * extent)})
		// What its extents held for a volume that was removed is no file system of this one: -W y.
		mend("create logical volume", "lvcreate", "-qq", "-y", "-W", "y", "-n", l.Name, size, l.Group)
		return c, nil
	case v[2] != "linear" && v[2] != "striped" && want > have:
		return c, fmt.Errorf("%s is a volume of type %s, which is not grown here", l.path(), v[2])
	}
	if v[3] != "active" {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "active", Have: "no", Want: "yes"})
		mend("activate logical volume", "lvchange", "-qq", "-a", "y", l.path())
	}
	if want > have {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "size", Have: mebibytes(have * extent), Want: mebibytes(want * extent)})
		mend("grow logical volume", "lvextend", "-qq", size, l.path())
	}
	return c, nil
}

// fields reads a line of lvs or vgs; nil when there is none.
func fields(line string) []string {
	if strings.TrimSpace(line) == "" {
		return nil
	}
	f := strings.Split(line, "|")
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	return f
}

func mebibytes(n int64) string { return strconv.FormatInt(n>>20, 10) + " MiB" }
