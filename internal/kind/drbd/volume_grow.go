package drbd

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// A volume follows its disks when both have grown: DRBD takes the new room into use and copies it, and
// then the file system grows, mounted as it is. Nothing ever becomes smaller. DRBD's metadata lie at the
// end of a disk: of one that has grown while the volume was down, they are moved to its new end first.

// room is how much more a volume or its file system could have before it is worth anybody's while.
const room = 32 << 20

// sizes asks for what DRBD offers, and where it is mounted for what the file system uses of it. The shell
// reads both files by itself, without a process.
func (d *DRBDVolume) sizes(host string) probe.Query {
	ask := fmt.Sprintf("s=; [ ! -r /sys/class/block/drbd%[1]d/size ] || read -r s </sys/class/block/drbd%[1]d/size; echo \"sectors: $s\"", d.Minor)
	ask += fmt.Sprintf("\nk=; [ ! -r %[1]s ] || read -r k _ <%[1]s; echo \"known: $k\"", d.lastKnown())
	if d.fs().blocks != "" {
		// Where it is mounted, the kernel's view counts; nowhere, what the disk says, past the page cache.
		ask += "\n" + d.findMount() + fmt.Sprintf(`
peer=; [ ! -r /proc/drbd ] || while read -r n rest; do case "$n $rest" in "%d: "*" ro:Secondary/Primary "*) peer=1;; esac; done </proc/drbd
if [ -n "$at" ]; then echo "blocks: $(%s)"; elif [ -z "$peer" ]; then echo "superblock: $(dd if=%s iflag=direct bs=4096 count=1 2>/dev/null | od -An -v -tx1 -j%d -N%d | tr -d ' \n')"; fi`,
			d.Minor, fmt.Sprintf(d.fs().blocks, d.device(), `"$at"`), shell.Quote(d.Backing[host]), d.fs().superAt, superblock)
	}
	return probe.Cmd("drbd sizes "+d.Name, ask, Resized(d.Name))
}

// lastKnown is the file in which DRBD's tools remember how large a disk was, and which metadata were at its
// end (drbdmeta(8), check-resize).
func (d *DRBDVolume) lastKnown() string {
	return fmt.Sprintf("/var/lib/drbd/drbd-minor-%d.lkbd", d.Minor)
}

// findMount sets at to where the volume is mounted; empty when it is not.
func (d *DRBDVolume) findMount() string {
	return "at=; while read -r dev on _; do [ \"$dev\" != " + d.device() + " ] || at=$on; done </proc/mounts"
}

// Resized is that the size of a volume or of its file system has changed.
func Resized(name string) probe.Subject { return probe.Topic("drbd size " + name) }

// measure reads the answer; what is not known stays 0.
func (d *DRBDVolume) measure(v *volume, text string) {
	for _, l := range strings.Split(text, "\n") {
		k, t, _ := strings.Cut(l, ":")
		f := strings.Fields(t)
		switch {
		case k == "sectors" && len(f) == 1:
			v.device = number(f[0]) * 512
		case k == "known" && len(f) == 1:
			v.known = number(f[0])
		case k == "superblock" && len(f) == 1:
			if b, err := hex.DecodeString(f[0]); err == nil && len(b) == superblock && v.formatted {
				v.onDisk = d.fs().extent(b)
			}
		case k == "blocks" && len(f) == 2:
			v.extent = number(f[0]) * number(f[1])
		}
	}
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<50 {
		return 0
	}
	return n
}

// usable is how much of a disk a volume can have: DRBD's internal metadata take the rest (DRBD 8.4 User's
// Guide, Estimating meta data size).
func usable(disk int64) int64 {
	sectors := disk / 512
	return (sectors - ((sectors+1<<18-1)>>18*8 + 72)) * 512
}

// strayed reports whether the metadata lie where the disk ended before it has grown. A larger disk in the
// place of the old one, blank or with what somebody else put there, is not that.
func (d *DRBDVolume) strayed(v volume) bool {
	ours := v.formatted && v.label == d.label() || d.fsName() == none && !v.blank
	return ours && !v.metadata && !v.Up && v.known > 0 && v.size > v.known
}

// gather moves metadata to the ends of disks that have grown. drbdmeta finds them by what it remembers of
// the disk, and changes nothing when they are not there.
func (d *DRBDVolume) gather(names []string, vs map[string]volume) plan.Phase {
	ph := plan.Phase{Name: "move the metadata", Changes: map[string]plan.Change{}, Then: []string{"connect", "grow the volume"}}
	for _, n := range names {
		if v := vs[n]; d.strayed(v) {
			one := d.larger("", n, "move DRBD's metadata to the new end of "+d.Backing[n], v.known, v.size, fmt.Sprintf("drbdmeta %d v08 %s internal check-resize", d.Minor, shell.Quote(d.Backing[n])),
				fmt.Sprintf("! grep -q '^ *%d: cs:' /proc/drbd 2>/dev/null || grep -q '^ *%[1]d: cs:Unconfigured' /proc/drbd", d.Minor))
			ph.Changes[n] = one.Changes[n]
		}
	}
	return ph
}

// grow gives the next phase of a volume whose disks have grown; an empty one when there is nothing to do.
func (d *DRBDVolume) grow(names []string, vs map[string]volume) plan.Phase {
	a, b := vs[names[0]], vs[names[1]]
	host := names[0]
	if b.Role == "Primary" {
		host = names[1]
	}
	more := min(usable(a.size), usable(b.size))
	if a.device > 0 && b.device > 0 && more-max(a.device, b.device) >= room && !a.Comparing() && !b.Comparing() {
		ph := d.larger("grow the volume", host, "the disks on both sides have grown: have "+d.Name+" take the new room, and copy it", min(a.device, b.device), more, hushed("drbdadm resize "+d.Name),
			fmt.Sprintf("grep -q '^ *%d: cs:Connected .* ds:UpToDate/UpToDate ' /proc/drbd", d.Minor))
		ph.Then = []string{"wait until the volume is synchronised"}
		if d.fs().grow != "" {
			ph.Then = append(ph.Then, "grow the file system")
		}
		return ph
	}
	// A run that finds the machines off sees the volume before Pacemaker has mounted it.
	if v := vs[host]; a.extent == 0 && b.extent == 0 && v.onDisk > 0 && v.device-v.onDisk >= room && a.managed && b.managed {
		ph := d.waiting("Pacemaker mounts the file system, which is to grow", 3*time.Minute, names, vs)
		ph.Then = []string{"grow the file system"}
		return ph
	}
	if v := vs[host]; v.extent > 0 && v.device-v.extent >= room {
		do := fmt.Sprintf(d.fs().grow, d.device(), `"$at"`)
		if strings.Contains(do, "$at") {
			do = d.findMount() + "\n" + do
		}
		return d.larger("grow the file system", host, "grow "+d.fsName()+" on "+d.device(), v.extent, v.device, do, d.findMount()+"\n[ -n \"$at\" ]")
	}
	return plan.Phase{}
}

func (d *DRBDVolume) larger(name, host, title string, from, to int64, do, guard string) plan.Phase {
	mib := func(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
	return plan.Phase{Name: name, Changes: map[string]plan.Change{host: {
		Diffs:   []plan.Diff{{Attribute: "volume " + d.Name, Have: mib(from), Want: mib(to)}},
		Actions: []act.Action{{Title: title, Shell: do, Guard: guard, Timeout: time.Hour, Touches: append(d.subjects(host), Resized(d.Name))}},
	}}}
}
