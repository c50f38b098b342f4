package host

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var VolumeGroupSpec = kind.Spec{
	Name:    "volume_group",
	Summary: "An LVM volume group on disks that were proved blank; it takes further disks and grows with them, and never gives one up.",
	Example: `volume_group "data" {
  disks = ["/dev/disk/by-id/wwn-0x5000c500a1b2c3d1"]
}
`,
	New: func() any { return &VolumeGroup{} },
}

// VolumeGroup is a volume group with its physical volumes (lvm(8)); logical_volume divides it. A disk
// is taken when it is blank, or when LVM itself calls it a physical volume that no group uses, as a run
// that was cut short leaves it. Disks that the group has besides those named here stay in it.
type VolumeGroup struct {
	Name  string   `hcl:"name,label" about:"Name of the group"`
	Disks []string `hcl:"disks" about:"Block devices, preferably by stable names: each.host.disk.NAME.device"`
}

// lvmName is what lvm(8) takes for both groups and volumes; some names are kept for its own volumes,
// or stand below /dev already.
var (
	lvmName     = regexp.MustCompile(`^[A-Za-z0-9_+][A-Za-z0-9_+.-]{0,99}$`)
	groupTaken  = regexp.MustCompile(`^(block|bus|char|cpu|disk|dri|fd|hugepages|input|mapper|mqueue|net|pts|shm|snd|vfio)$`)
	volumeTaken = regexp.MustCompile(`^(snapshot|pvmove)|_(cdata|cmeta|corig|cpool|cvol|imeta|iorig|mimage|mlog|pmspare|rimage|rmeta|tdata|tmeta|tpool|vdata|vorigin|wcorig)`)
)

// Owns are the group's name and the disks.
func (g *VolumeGroup) Owns(_ string) []kind.Thing {
	out := []kind.Thing{{What: "volume group " + g.Name}}
	for _, d := range g.Disks {
		out = append(out, kind.Thing{What: "disk " + d})
	}
	return out
}

// Check finds names that LVM refuses, and disks that are named twice or not at all.
func (g *VolumeGroup) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("name", g.Name, lvmName, "name of a volume group")
	if groupTaken.MatchString(g.Name) {
		ps.Add("name", "Name is taken below /dev", "Found "+kind.Quoted(g.Name)+"; the group's volumes would be in a directory that other devices use.")
	}
	if len(g.Disks) == 0 {
		ps.Add("disks", "Volume group without a disk", "Expected at least one block device.")
	}
	for i, d := range g.Disks {
		ps.Path("disks", d)
		if slices.Contains(g.Disks[:i], d) {
			ps.Add("disks", "Disk is named twice", "Found "+kind.Quoted(d)+" more than once.")
		}
	}
	return ps
}

// lvmSubject is what the questions about LVM read, and what its actions touch besides devices.
var lvmSubject = probe.Topic("lvm")

// pvsQuery lists all physical volumes by their real names, then the disks with theirs.
func (g *VolumeGroup) pvsQuery() probe.Query {
	return probe.Cmd("physical volumes for "+g.Name, `list=$(pvs --noheadings --separator '|' --units b --nosuffix -o pv_name,vg_name,pv_in_use,dev_size,pe_start,vg_extent_size,pv_pe_count 2>/dev/null) || { command -v pvs >/dev/null || exit 127; exit 1; }
printf '%s\n' "$list" | while IFS='|' read -r dev rest; do [ -z "$dev" ] || printf 'pv|%s|%s\n' "$(readlink -f -- "$(printf %s "$dev" | tr -d ' ')")" "$rest"; done
for d in `+shell.Join(g.Disks...)+`; do printf 'disk|%s|%s\n' "$(readlink -f -- "$d")" "$d"; done`, lvmSubject)
}

// Probe asks LVM for its physical volumes, and what the disks hold.
func (g *VolumeGroup) Probe(seen probe.Seen) []probe.Query {
	qs := []probe.Query{g.pvsQuery()}
	for _, d := range g.Disks {
		qs = append(qs, probe.Query{Kind: probe.Block, Name: d})
	}
	return kind.Unread(seen, qs...)
}

// physical is a physical volume as pvs(8) shows it.
type physical struct {
	group                        string
	used                         bool // also by a group whose other disks are missing
	size, start, extent, extents int64
}

// grown reports whether the disk has room for extents that the group does not know of. One is left
// out: a second metadata area may take it.
func (p physical) grown() bool {
	return p.extent > 0 && (p.size-p.start)/p.extent > p.extents+1
}

// physicals reads the answer: the physical volumes by real name, and the disks' real names.
func physicals(out string) (pvs map[string]physical, real map[string]string) {
	pvs, real = map[string]physical{}, map[string]string{}
	for l := range strings.Lines(out) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "|")
		switch {
		case f[0] == "disk" && len(f) == 3:
			real[f[2]] = f[1]
		case f[0] == "pv" && len(f) == 8:
			n := func(i int) int64 { x, _ := strconv.ParseInt(strings.TrimSpace(f[i]), 10, 64); return x }
			pvs[f[1]] = physical{strings.TrimSpace(f[2]), strings.TrimSpace(f[3]) != "", n(4), n(5), n(6), n(7)}
		}
	}
	return pvs, real
}

// Decide makes the group, or adds disks to it, then takes up what its disks have grown by.
func (g *VolumeGroup) Decide(seen probe.Seen) (plan.Change, error) {
	a := seen.Get(g.pvsQuery())
	switch {
	case a.State != probe.Answered:
		return kind.Unknown("the volume group " + g.Name), nil
	case a.Exit == 127:
		return plan.Change{Later: "the tools of LVM are not there: package lvm2"}, nil
	case a.Exit != 0:
		return plan.Change{}, fmt.Errorf("LVM does not list its physical volumes: pvs: exit %d", a.Exit)
	}
	pvs, real := physicals(a.Out)
	there := false
	for _, p := range pvs {
		there = there || p.group == g.Name
	}
	var fresh, in, larger []string
	for _, d := range g.Disks {
		b, ok := seen.Block(d)
		p, physical := pvs[real[d]]
		switch {
		case !ok:
			return kind.Unknown("disk " + d), nil
		case !b.Exists:
			return plan.Change{Later: "disk " + d + " is not there"}, nil
		case physical && p.group == g.Name:
			in = append(in, d)
			if p.grown() {
				larger = append(larger, d)
			}
		case physical && p.group != "":
			return plan.Change{}, fmt.Errorf("disk %s belongs to volume group %s; it is not taken from there", d, p.group)
		case physical && p.used:
			return plan.Change{}, fmt.Errorf("disk %s belongs to a volume group whose other disks are missing; it is not taken from there", d)
		case !physical && (!b.Blank || b.Holds != ""):
			return plan.Change{}, fmt.Errorf("disk %[1]s is not blank (%[2]s): a disk that holds anything is not taken. If it is of no use to anybody: wipefs -a %[1]s && dd if=/dev/zero of=%[1]s bs=1M count=1; then run this again", d, contents(tags(b.Holds)))
		default:
			fresh = append(fresh, d)
		}
	}
	if there && len(in) == 0 {
		return plan.Change{}, fmt.Errorf("there is a volume group %s on other disks; choose another name, or name those disks", g.Name)
	}
	return g.mend(there, fresh, in, larger), nil
}

func (g *VolumeGroup) mend(there bool, fresh, in, larger []string) (c plan.Change) {
	// What is made of the group has devices whose steps must know that something is to come.
	touches := []probe.Subject{probe.All}
	if len(fresh) > 0 {
		a := act.Action{Title: "create volume group " + g.Name, Shell: shell.Join(append([]string{"vgcreate", "-qq", g.Name}, fresh...)...), Touches: touches}
		if there {
			a.Title, a.Shell = "add "+strings.Join(fresh, ", ")+" to volume group "+g.Name, shell.Join(append([]string{"vgextend", "-qq", g.Name}, fresh...)...)
		}
		for _, d := range fresh {
			if a.Guard != "" {
				a.Guard += " &&\n"
			}
			a.Guard += takeable(d)
		}
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "disks", Have: strings.Join(in, ", "), Want: strings.Join(g.Disks, ", ")})
		c.Actions = append(c.Actions, a)
	}
	for _, d := range larger {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: d, Have: "larger than its physical volume", Want: "all of it"})
		c.Actions = append(c.Actions, act.Action{Title: "grow physical volume " + d, Shell: shell.Join("pvresize", "-qq", d), Touches: touches})
	}
	return c
}

// takeable holds for a disk that is blank, or a physical volume without a group.
func takeable(disk string) string {
	return "{ [ \"$(pvs --noheadings --separator '|' -o vg_name,pv_in_use " + shell.Quote(disk) + " 2>/dev/null | tr -d ' ')\" = '|' ] || { " + kind.BlankGuard(disk) + "; }; }"
}
