package drbd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// A volume follows its disks when both have grown: DRBD takes the new room into use and copies it, and
// then the file system grows, mounted as it is. Nothing ever becomes smaller.

// room is how much more a volume or its file system could have before it is worth anybody's while.
const room = 32 << 20

// sizes asks for what DRBD offers, and where it is mounted for what the file system uses of it. The shell
// reads both files by itself, without a process.
func (d *DRBDVolume) sizes() probe.Query {
	ask := fmt.Sprintf("s=; [ ! -r /sys/class/block/drbd%[1]d/size ] || read -r s </sys/class/block/drbd%[1]d/size; echo \"sectors: $s\"", d.Minor)
	if d.fs().blocks != "" {
		ask += "\n" + d.findMount() + "\n[ -z \"$at\" ] || echo \"blocks: $(" + fmt.Sprintf(d.fs().blocks, d.device(), `"$at"`) + ")\""
	}
	return probe.Cmd("drbd sizes "+d.Name, ask, Resized(d.Name))
}

// findMount sets at to where the volume is mounted; empty when it is not.
func (d *DRBDVolume) findMount() string {
	return "at=; while read -r dev on _; do [ \"$dev\" != " + d.device() + " ] || at=$on; done </proc/mounts"
}

// Resized is that the size of a volume or of its file system has changed.
func Resized(name string) probe.Subject { return probe.Topic("drbd size " + name) }

// measure reads the answer; what is not known stays 0.
func (v *volume) measure(text string) {
	for _, l := range strings.Split(text, "\n") {
		k, t, _ := strings.Cut(l, ":")
		f := strings.Fields(t)
		switch {
		case k == "sectors" && len(f) == 1:
			v.device = number(f[0]) * 512
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
