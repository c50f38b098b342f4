package host

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var FilesystemSpec = kind.Spec{
	Name:    "filesystem",
	Summary: "A filesystem on a device that is proved blank; overwriting anything else must be allowed.",
	Example: `filesystem "/dev/vdb" {
  type  = "ext4"
  label = "data"
}
`,
	New: func() any { return &Filesystem{} },
}

// Filesystem makes a filesystem once. One of the wanted type is left as it is, whatever its label.
type Filesystem struct {
	Device string `hcl:"device,label" about:"Block device, preferably by a stable name"`
	Type   string `hcl:"type,optional" default:"ext4" about:"ext3, ext4, xfs or btrfs"`
	Label  string `hcl:"label,optional" about:"Label of a new filesystem, up to 12 letters, digits, dots, dashes and underscores"`
}

// makers force: the guard has looked, and they still refuse a device that is in use.
var makers = map[string][]string{
	"ext3":  {"mkfs.ext3", "-q", "-F"},
	"ext4":  {"mkfs.ext4", "-q", "-F"},
	"xfs":   {"mkfs.xfs", "-q", "-f"},
	"btrfs": {"mkfs.btrfs", "-q", "-f"},
}

var fsLabel = regexp.MustCompile(`^[A-Za-z0-9._-]{1,12}$`)

// Owns is the disk.
func (f *Filesystem) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "disk " + f.Device}}
}

// Check finds paths, types and labels that cannot be.
func (f *Filesystem) Check() []kind.Problem {
	var ps kind.Problems
	ps.Path("device", f.Device)
	if _, ok := makers[f.Type]; !ok {
		ps.Add("type", "Unknown type of filesystem", "Found "+kind.Quoted(f.Type)+"; expected "+strings.Join(slices.Sorted(maps.Keys(makers)), ", ")+".")
	}
	ps.Matches("label", f.Label, fsLabel, "filesystem label")
	return ps
}

// Probe asks what the device holds.
func (f *Filesystem) Probe(seen probe.Seen) []probe.Query {
	return kind.Unread(seen, probe.Query{Kind: probe.Block, Name: f.Device})
}

// Decide goes by evidence: a blank device is an ordinary change, any other a danger.
func (f *Filesystem) Decide(seen probe.Seen) (plan.Change, error) {
	b, ok := seen.Block(f.Device)
	if !ok {
		return kind.Unknown("device " + f.Device), nil
	}
	if !b.Exists {
		return plan.Change{Later: "device " + f.Device + " is not there"}, nil
	}
	holds := tags(b.Holds)
	if holds["TYPE"] == f.Type {
		return plan.Change{}, nil
	}
	if b.Size == 0 {
		return plan.Change{}, fmt.Errorf("device %s has no size", f.Device)
	}
	d := plan.Diff{Attribute: "filesystem", Want: f.Type}
	guard := kind.BlankGuard(f.Device)
	if holds != nil || !b.Blank {
		d.Have = contents(holds)
		d.Danger = "destroys " + d.Have + " on " + f.Device
		guard = holdsGuard(f.Device, holds)
	}
	args := slices.Clone(makers[f.Type])
	if f.Label != "" {
		args = append(args, "-L", f.Label)
	}
	return plan.Change{Diffs: []plan.Diff{d}, Actions: []act.Action{{
		Title:   "create " + f.Type + " on " + f.Device,
		Shell:   shell.Join(append(args, f.Device)...),
		Guard:   guard,
		Touches: []probe.Subject{probe.All}, // the links below /dev/disk change as well
		Timeout: time.Hour,
	}}}, nil
}

// tags reads what blkid printed, KEY=value parted by spaces; nil when it found nothing.
func tags(holds string) map[string]string {
	var m map[string]string
	for _, f := range strings.Fields(holds) {
		if k, v, ok := strings.Cut(f, "="); ok {
			if m == nil {
				m = map[string]string{}
			}
			m[k] = v
		}
	}
	return m
}

// contents says in words what stands on a device.
func contents(holds map[string]string) string {
	switch {
	case holds["TYPE"] != "" && holds["UUID"] != "":
		return holds["TYPE"] + " " + holds["UUID"]
	case holds["TYPE"] != "":
		return holds["TYPE"]
	case holds["PTTYPE"] != "":
		return "a partition table (" + holds["PTTYPE"] + ")"
	}
	return "data of an unknown kind"
}

// The guards are chains: a shell heeds no set -e in a condition.

// holdsGuard holds when the device bears what it bore when its end was agreed to.
func holdsGuard(device string, holds map[string]string) string {
	g := "d=" + shell.Quote(device) + ` && [ -b "$d" ]`
	for _, k := range []string{"TYPE", "UUID", "PTTYPE", "PTUUID"} {
		g += ` && [ "$(blkid -p -o value -s ` + k + ` "$d")" = ` + shell.Quote(holds[k]) + ` ]`
	}
	return g + kind.NotMounted
}
