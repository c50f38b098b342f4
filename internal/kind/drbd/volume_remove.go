package drbd

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/drbd"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// volumeRemoval takes a volume down, when nobody uses it any more. The disk keeps its metadata and its
// data, unless they are to be destroyed.
type volumeRemoval struct {
	DRBDVolume
	destroy bool
}

// Remove gives the step that takes the volume off its hosts.
func (d *DRBDVolume) Remove(destroy bool) kind.Cluster { return &volumeRemoval{*d, destroy} }

// Holds is the volume's data.
func (d *DRBDVolume) Holds(host string) string {
	return fmt.Sprintf("volume %s on %s", d.Name, d.Backing[host])
}

// Probe asks for the volume's state, its disk, and whether it is mounted.
func (r *volumeRemoval) Probe(host string, seen probe.Hosts) []probe.Query {
	return kind.Unread(seen[host].Seen, drbd.ProcQuery(), r.block(host), r.mounted())
}

// Decide takes the volume down on both hosts.
func (r *volumeRemoval) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	ph := plan.Phase{Name: "take the volume down", Changes: map[string]plan.Change{}}
	if r.destroy {
		ph.Name = "destroy the volume"
	}
	for _, n := range r.Nodes {
		s := seen[n.Name]
		if s.Lost != "" {
			return plan.Phase{}, fmt.Errorf("%s is not reachable (%s): the volume is not removed while one side is missing", n.Name, s.Lost)
		}
		b, ok := s.Block(r.Backing[n.Name])
		proc := s.Get(drbd.ProcQuery())
		if !ok || proc.State != probe.Answered {
			return plan.Phase{}, fmt.Errorf("%s: no answer about the volume", n.Name)
		}
		v := drbd.ParseProc(proc.Out, fmt.Sprint(r.Minor))
		if m := s.Get(r.mounted()).Out; v.Role == "Primary" || m != "" {
			// what stops it has just been told to, or will be
			ph := kind.Wait(fmt.Sprintf("nothing uses %s on %s", r.Name, n.Name), time.Minute)
			ph.Wait.Evidence = fmt.Sprintf("  %s: %s, mounted on %s", n.Name, v, cmp.Or(strings.TrimSpace(m), "nothing"))
			return ph, nil
		}
		destroy := r.destroy && b.Exists && (!b.Blank || b.Holds != "" || v.Up)
		if !v.Up && !destroy {
			continue
		}
		name := shell.Quote(r.Name)
		a := act.Action{Title: "take " + r.Name + " down", Shell: hushed("drbdadm down " + name), Guard: r.unused(), Touches: r.subjects(n.Name)}
		d := plan.Diff{Attribute: "volume " + r.Name, Have: v.String(), Want: "down"}
		if destroy {
			disk := r.Backing[n.Name]
			d.Want, d.Danger = "down, the disk blank", "all data of volume "+r.Name+" on "+disk
			a.Title = "destroy what " + disk + " holds"
			a.Shell = "drbdadm down " + name + " 2>/dev/null || :\n" + erase(disk)
		}
		ph.Changes[n.Name] = plan.Change{Diffs: []plan.Diff{d}, Actions: []act.Action{a}}
	}
	if len(ph.Changes) == 0 {
		return plan.Phase{}, nil
	}
	return ph, nil
}

// unused holds while the volume is neither primary nor mounted.
func (d *DRBDVolume) unused() string {
	return fmt.Sprintf("! grep -q '^ *%d: cs:[^ ]* ro:Primary/' /proc/drbd 2>/dev/null && ! grep -q '^%s ' /proc/mounts", d.Minor, d.device())
}

// erase makes a disk blank: no signature, and zero bytes at both ends.
func erase(disk string) string {
	return "d=" + shell.Quote(disk) + `
wipefs -q -a "$d"
s=$(($(blockdev --getsize64 "$d") / 1048576))
dd if=/dev/zero of="$d" bs=1M count=2 conv=fsync 2>/dev/null
dd if=/dev/zero of="$d" bs=1M seek=$((s > 2 ? s - 2 : 0)) count=3 2>/dev/null || :
sync "$d"
blockdev --flushbufs "$d"`
}
