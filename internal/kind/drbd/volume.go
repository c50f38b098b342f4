// Package drbd has the kind drbd_volume: a block device replicated between two hosts, with its file
// system. It reads Pacemaker's view, because Pacemaker takes volumes up and down by itself.
package drbd

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var DrbdVolumeSpec = kind.Spec{
	Name:    "drbd_volume",
	Summary: "A DRBD 8.4 resource of two hosts has metadata, is connected, in sync, and holds a file system, if one is wanted. Only disks that are proved blank are ever written to; the resource file is a step of its own.",
	Example: `drbd_volume "data" {
  backing = "/dev/disk/by-haprov/data"
}`,
	New: func() any { return &DRBDVolume{} },
}

// DRBDVolume brings a resource from two blank disks to a file system in sync, phase by phase. How
// far it is, is told by the disks themselves: the metadata's signature, the identifiers' state in
// /proc/drbd, and the file system's label, which becomes final only as the last thing.
type DRBDVolume struct {
	kind.Where `hcl:"-"`
	Name       string `hcl:"name,label" about:"The resource's name in the resource file"`

	Backing map[string]string `hcl:"backing" each:"host" about:"The disk under it on each host: each.host.disk.NAME.device"`

	Minor      int    `hcl:"minor,optional" default:"0" min:"0" max:"1048575" about:"The device's number: /dev/drbdN"`
	Filesystem string `hcl:"filesystem,optional" default:"ext4" oneof:"ext4,xfs,none" about:"The file system; xfs needs the package xfsprogs and 300 MiB; none: nothing is written to the new volume"`
	Seed       string `hcl:"seed,optional" text:"shell" about:"A shell command that fills the new file system, mounted at $1; it runs once, on one host"`
	Written    string `hcl:"written,optional" text:"shell" about:"A shell command that only reads and prints the last changes of the data, mounted at $1: one a line, the oldest first, a name, a time, and TABLE=ROWS as often as needed; haprov recover says by it what each side of a split brain would lose"`

	Verify string `hcl:"verify,optional" about:"A unit that compares both sides, as drbdadm verify does, on the side that is Primary, and writes /var/lib/haprov-drbd-verify/NAME when it is done: finished (seconds since 1970), seconds and differs_kib, each with = and a number on a line of its own; haprov verify --volumes starts it"`

	replaced string // the host whose disk may be filled from the other one
}

// Replace gives the step that fills the host's disk from the other one, when it is blank.
func (d *DRBDVolume) Replace(host string) kind.Cluster {
	x := *d
	x.replaced = host
	return &x
}

// Owns is the disk under the volume, its number and its name.
func (d *DRBDVolume) Owns(host string) []kind.Thing {
	out := []kind.Thing{{What: "DRBD resource " + d.Name}, {What: fmt.Sprintf("DRBD minor %d", d.Minor)}}
	if disk := d.Backing[host]; disk != "" {
		out = append(out, kind.Thing{What: "disk " + disk})
	}
	return out
}

// Check finds what cannot be done.
func (d *DRBDVolume) Check() []kind.Problem {
	var p kind.Problems
	if n := len(d.Nodes); n != 0 && n != 2 {
		p.Add("", "DRBD volume needs two hosts", fmt.Sprintf("Found %d in its role; DRBD 8.4 mirrors a disk between two.", n))
	}
	for _, n := range slices.Sorted(maps.Keys(d.Backing)) {
		p.Path("backing", d.Backing[n])
	}
	p.Name("name", d.Name, resourceName, "resource name")
	p.Matches("verify", d.Verify, verifier, "unit name, such as compare.service, or nothing")
	if d.Seed != "" && d.Filesystem == none {
		p.Add("seed", "Nothing to seed", "The volume gets no file system; leave seed out.")
	}
	return p
}

var resourceName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$`)

var verifier = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9:_.@-]*\.service)?$`)

func (d *DRBDVolume) device() string { return fmt.Sprintf("/dev/drbd%d", d.Minor) }

// justCreated begins the identifiers of a volume that never was up to date: the current one is 4,
// UUID_JUST_CREATED of DRBD 8.4's linux/drbd.h, and there is no older one.
const justCreated = "0000000000000004:0000000000000000:"

// finished reports whether the volume is what its user may have. Without a file system it is so from the
// first synchronisation on.
func (d *DRBDVolume) finished(v volume) bool {
	if d.fsName() == none {
		return v.metadata && v.used()
	}
	return v.label == d.label()
}

// Decide gives the next phase.
func (d *DRBDVolume) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	if len(names) != 2 {
		return plan.Phase{}, fmt.Errorf("a volume has two hosts, not %d", len(names))
	}
	vs := map[string]volume{}
	for _, n := range names {
		if seen[n].Lost != "" {
			return plan.Phase{}, fmt.Errorf("%s is not reachable (%s): the volume is not changed while one side is missing", n, seen[n].Lost)
		}
		v, err := d.read(n, seen[n].Seen)
		if err != nil {
			return plan.Phase{}, fmt.Errorf("%s: %w", n, err)
		}
		v.standby, v.managed = pacemaker.Standby(seen[n].Get(pacemaker.CIBQuery()), n), d.caredFor(seen[n].Seen, n)
		vs[n] = v
	}
	a, b := vs[names[0]], vs[names[1]]
	done := d.finished(a) && d.finished(b)
	switch {
	case done && (a.standby || b.standby):
		return plan.Phase{}, nil // Pacemaker takes the volume down there, and up again afterwards
	case a.Up && b.Up && (a.alone() || b.alone()):
		return d.rejoin(names, vs)
	case a.Up && b.Up && len(a.pending)+len(b.pending) > 0:
		return d.takeUp(names, vs)
	case done && a.Healthy() && b.Healthy():
		return d.grow(names, vs), nil
	case a.Syncing() || b.Syncing():
		return d.synchronising(names, vs), nil
	case d.strayed(a) || d.strayed(b):
		return d.gather(names, vs), nil
	case !a.metadata || !b.metadata:
		return d.metadata(names, vs)
	case done && (a.Up || a.managed) && (b.Up || b.managed) && (!a.Up || !b.Up):
		return d.waiting("Pacemaker starts the volume", 3*time.Minute, names, vs), nil
	case !a.Up || !b.Up:
		return d.up(names, vs), nil
	case !a.Connected() || !b.Connected():
		return d.waiting("the two sides connect", time.Minute, names, vs), nil
	case a.Disk == "Inconsistent" && b.Disk == "Inconsistent":
		if a.formatted || b.formatted {
			return plan.Phase{}, fmt.Errorf("both sides are inconsistent and hold a file system\n%s", table(names, vs))
		}
		if !a.unused || !b.unused {
			return plan.Phase{}, fmt.Errorf("both sides are inconsistent, and not fresh: they held data once\n%s", table(names, vs))
		}
		if a.otherData || b.otherData {
			return plan.Phase{}, fmt.Errorf("both sides are inconsistent and hold something that haprov did not put there: only blank disks are used\n%s", table(names, vs))
		}
		return d.phase("first sync", names[0], "skip the initial sync: both disks are blank", "drbdadm new-current-uuid --clear-bitmap "+d.Name, d.stillFresh(names[0])), nil
	case !a.Healthy() || !b.Healthy():
		return d.waiting("both sides are up to date", 5*time.Minute, names, vs), nil
	case d.fsName() == none:
		return plan.Phase{}, fmt.Errorf("drbdadm get-gi does not tell since when both sides are up to date\n%s", table(names, vs))
	case a.formatted && a.label != d.unfinished() || b.formatted && b.label != d.unfinished():
		return plan.Phase{}, fmt.Errorf("the volume holds a file system labelled %q that is not this volume's (%q)\n%s", a.label, d.label(), table(names, vs))
	}
	if !a.formatted && a.otherData || !b.formatted && b.otherData {
		return plan.Phase{}, fmt.Errorf("the volume holds something that is not %[4]s, and it is not overwritten. "+
			"If it is of no use to anybody (a power cut while the file system was made): drbdadm primary %[1]s && wipefs -a %[2]s && dd if=/dev/zero of=%[2]s bs=1M count=1 && drbdadm secondary %[1]s, on one host\n%[3]s",
			d.Name, d.device(), table(names, vs), d.fsName())
	}
	host := names[0]
	if b.Role == "Primary" {
		host = names[1] // where a run was cut short
	}
	return d.format(host), nil
}

func (d *DRBDVolume) metadata(names []string, vs map[string]volume) (plan.Phase, error) {
	ph := plan.Phase{Name: "create metadata", Changes: map[string]plan.Change{}, Then: []string{"connect", "first sync", "create the file system"}}
	for i, n := range names {
		v := vs[n]
		if v.metadata {
			other := names[1-i]
			if vs[other].blank && (v.formatted || v.otherData || v.used() || v.Disk != "" && v.Disk != "Inconsistent") {
				return d.fill(n, other, names, vs)
			}
			continue
		}
		if !v.blank {
			return ph, fmt.Errorf("%[1]s on %[2]s is not blank (%[3]s): a disk that holds anything is not used. If what it holds is of no use to anybody, on %[2]s: wipefs -a %[1]s && dd if=/dev/zero of=%[1]s bs=1M count=1; then run this again\n%[4]s", d.Backing[n], n, v.holds, table(names, vs))
		}
		one := d.phase("", n, "write DRBD's metadata to "+d.Backing[n], "drbdadm create-md --force "+d.Name, d.stillBlank(n))
		ph.Changes[n] = one.Changes[n]
	}
	return ph, nil
}

// fill prepares a blank disk for what the other side holds. Nothing here tells whether the disk that was
// there had changes that the other side lacks, so it is done for the host that the user named, and only
// from a side that DRBD calls up to date.
func (d *DRBDVolume) fill(from, to string, names []string, vs map[string]volume) (plan.Phase, error) {
	v := vs[from]
	switch {
	case d.replaced != to:
		return plan.Phase{}, fmt.Errorf("%[1]s holds data and the disk of %[2]s is blank, as after it was replaced. To have it filled from %[1]s: haprov replace %[2]s\n%[3]s", from, to, table(names, vs))
	case !v.Up && v.managed:
		return d.waiting("Pacemaker starts the volume on "+from, 3*time.Minute, names, vs), nil
	case v.Disk != "UpToDate":
		return plan.Phase{}, fmt.Errorf("the disk of %[2]s is not filled from %[1]s, which is not up to date itself (%[3]s): what was acknowledged may have been on the old disk of %[2]s alone. Bring that one back if it can be had. "+
			"If it is lost for good, and what %[1]s holds is to be all there is, on %[1]s: drbdadm primary --force %[4]s && drbdadm secondary %[4]s; then run this again\n%[5]s", from, to, v.Status, d.Name, table(names, vs))
	}
	ph := d.phase("fill the disk of "+to+" from "+from, to, "write DRBD's metadata to "+d.Backing[to]+" and have it filled from "+from,
		"drbdadm create-md --force "+d.Name+"\n"+hushed("drbdadm up "+d.Name), d.stillBlank(to))
	ph.Then = []string{"wait until the volume is synchronised"}
	return ph, nil
}

// synchronising waits an hour, and as long as what is still to be copied takes at 4 MiB/s.
func (d *DRBDVolume) synchronising(names []string, vs map[string]volume) plan.Phase {
	left := 0
	for _, n := range names {
		if kib, err := strconv.Atoi(vs[n].outOfSync); err == nil {
			left = max(left, kib)
		}
	}
	ph := d.waiting("the volume is synchronised", time.Hour+time.Duration(left/4096)*time.Second, names, vs)
	if left > 0 {
		ph.Wait.Progress = fmt.Sprintf("%d MiB left", left>>10)
	}
	return ph
}

// stillBlank looks again, in the same shell, at what the decision rests on.
func (d *DRBDVolume) stillBlank(host string) string {
	return kind.BlankGuard(d.Backing[host]) + " && w=$(wipefs -n --noheadings \"$d\") && [ -z \"$w\" ]"
}

func (d *DRBDVolume) up(names []string, vs map[string]volume) plan.Phase {
	ph := plan.Phase{Name: "connect", Changes: map[string]plan.Change{}}
	for _, n := range names {
		if !vs[n].Up {
			one := d.phase("", n, "bring "+d.Name+" up", hushed("drbdadm up "+d.Name), "")
			ph.Changes[n] = one.Changes[n]
		}
	}
	return ph
}

// hush takes the shared secret out of what drbdadm prints: when a command that it runs fails, it shows
// the whole of it (seen with drbd-utils 9.22).
const hush = `sed "s/\(--shared-secret=\)[^[:space:]]*/\1(sensitive)/g"`

func hushed(command string) string {
	return "said=$(" + command + " 2>&1) || { rc=$?; printf '%s\\n' \"$said\" | " + hush + "; exit $rc; }"
}

// stillFresh looks again whether both sides are connected and neither ever held anything.
func (d *DRBDVolume) stillFresh(host string) string {
	return fmt.Sprintf("grep -q '^ *%d: cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent ' /proc/drbd && drbdadm get-gi %s | grep -q '^%s' && { %s; [ \"$magic $head\" = '%s 0' ]; }",
		d.Minor, shell.Quote(d.Name), justCreated, d.superblock(host), d.fs().zeros())
}

// takeUp lets the running volume follow its resource file. Options change while it runs; what
// would take a side down first is refused.
func (d *DRBDVolume) takeUp(names []string, vs map[string]volume) (plan.Phase, error) {
	ph := plan.Phase{Name: "apply the changed resource file", Changes: map[string]plan.Change{}}
	for _, n := range names {
		for _, c := range vs[n].pending {
			if !strings.HasSuffix(c, "-options") {
				return ph, fmt.Errorf("%s: the resource file has %q, which cannot be applied to the running volume: take the hosts into maintenance one after the other (haprov maintenance %s on)", n, c, n)
			}
		}
		if len(vs[n].pending) > 0 {
			one := d.phase("", n, "adjust "+d.Name+" ("+strings.Join(vs[n].pending, ", ")+")", hushed("drbdadm adjust "+d.Name),
				"p=$("+d.pending()+") && ! printf '%s\\n' \"$p\" | grep -qv -e '-options$'")
			ph.Changes[n] = one.Changes[n]
		}
	}
	return ph, nil
}

// format makes and fills the file system. The final label is set last: a run that was cut short
// leaves one that is not finished, and it is made again; nobody has ever used it.
func (d *DRBDVolume) format(host string) plan.Phase {
	dev := d.device()
	// There may be no cluster yet that could answer a fence handler: while the file system is made,
	// which nobody uses, a lost peer must not freeze it. The resource file's word holds again after.
	do := fmt.Sprintf("m=$(mktemp -d)\ntrap 'umount \"$m\" 2>/dev/null || :; rmdir \"$m\"; drbdadm secondary %[1]s || :; %[3]s' EXIT\ndrbdsetup disk-options %[2]d --fencing=dont-care\ndrbdadm primary %[1]s\n", d.Name, d.Minor, "drbdadm adjust "+d.Name+" 2>&1 | "+hush) +
		d.makeFS() + "\n"
	if d.Seed != "" {
		do += "mount " + dev + " \"$m\"\nsh -e -c " + shell.Quote(d.Seed) + " seed \"$m\"\nsync -f \"$m\"\numount \"$m\"\n"
	}
	do += d.finishFS()
	guard := "! grep -q '^" + dev + " ' /proc/mounts || exit 1; " + d.superblock(host) + fmt.Sprintf("\n[ \"$magic $head\" = '%s 0' ] || [ \"$magic $label\" = '%s %s' ]", d.fs().zeros(), d.fs().magic, d.unfinished())
	return d.phase("create the file system", host, "create "+d.fsName()+" on "+dev, do, guard)
}

func (d *DRBDVolume) phase(name, host, title, do, guard string) plan.Phase {
	return plan.Phase{Name: name, Changes: map[string]plan.Change{host: {
		Diffs:   []plan.Diff{{Attribute: "volume " + d.Name, Have: "not yet", Want: title}},
		Actions: []act.Action{{Title: title, Shell: do, Guard: guard, Touches: d.subjects(host)}},
	}}}
}

// waiting waits with each side's word as evidence.
func (d *DRBDVolume) waiting(reason string, deadline time.Duration, names []string, vs map[string]volume) plan.Phase {
	ph := kind.Wait(reason, deadline)
	ph.Wait.Evidence = table(names, vs)
	return ph
}
