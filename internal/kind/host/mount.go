package host

import (
	"fmt"
	"path"
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

var MountSpec = kind.Spec{
	Name:    "mount",
	Summary: "A mounted filesystem, now and after a reboot by its line of /etc/fstab.",
	Example: `mount "/srv/data" {
  device  = "/dev/vdb"
  type    = "ext4"
  options = ["noatime", "nofail"]
}
`,
	New: func() any { return &Mount{} },
}

// Mount is a line of /etc/fstab that is in force. What a cluster manager mounts has no step.
type Mount struct {
	Path    string   `hcl:"path,label" about:"Mount point; created when it is missing"`
	Device  string   `hcl:"device" about:"What is mounted: a device, UUID=, LABEL=, an export, or tmpfs"`
	Type    string   `hcl:"type,optional" default:"ext4" about:"Type of the filesystem"`
	Options []string `hcl:"options,optional" default:"defaults" about:"Mount options"`
	Pass    int      `hcl:"pass,optional" about:"Order of the check at boot: 0 never, 2 after the root filesystem"`
}

const fstab = "/etc/fstab"

var (
	fstabWord = regexp.MustCompile(`^[^\s#\\"'][^\s\\"']*$`)
	fsType    = regexp.MustCompile(`^[a-z0-9._-]+$`)
)

// Owns is the mount point.
func (m *Mount) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "mount point " + m.Path}}
}

// Check finds what cannot stand in a line of /etc/fstab.
func (m *Mount) Check() []kind.Problem {
	var ps kind.Problems
	ps.Path("path", m.Path)
	ps.Matches("path", m.Path, fstabWord, "mount point without spaces or quotes")
	ps.Matches("device", m.Device, fstabWord, "device without spaces or quotes")
	if m.Device == "" {
		ps.Add("device", "Device is empty", "Expected a device, UUID=, LABEL=, an export, or tmpfs.")
	}
	if m.Path == "/" {
		ps.Add("path", "Root filesystem cannot be mounted", "It is what the host runs from; leave it to the system.")
	}
	ps.Matches("type", m.Type, fsType, "filesystem type")
	for _, o := range m.Options {
		ps.Matches("options", o, fstabWord, "mount option")
	}
	if m.Pass < 0 || m.Pass > 9 {
		ps.Add("pass", "Number out of range", "Found "+strconv.Itoa(m.Pass)+"; expected 0, 1 or 2.")
	}
	return ps
}

func (m *Mount) options() string {
	if len(m.Options) == 0 {
		return "defaults"
	}
	return strings.Join(m.Options, ",")
}

func (m *Mount) line() string {
	return strings.Join([]string{m.Device, m.Path, m.Type, m.options(), "0", strconv.Itoa(m.Pass)}, " ")
}

// match finds the lines of the same mount point, comments left out.
func (m *Mount) match() string {
	return `^[[:space:]]*[^#[:space:]]+[[:space:]]+` + regexp.QuoteMeta(m.Path) + `/?[[:space:]]`
}

// Probe asks for /etc/fstab, for what is mounted there, and for what the device's name points to.
func (m *Mount) Probe(seen probe.Seen) []probe.Query {
	qs := []probe.Query{kind.TextQuery(fstab), {Kind: probe.Mount, Name: m.Path}}
	if strings.HasPrefix(m.Device, "/dev/") {
		qs = append(qs, kind.FileQuery(m.Device))
	}
	return kind.Unread(seen, qs...)
}

// Decide puts the line right and mounts. Something else that is mounted there is left alone.
func (m *Mount) Decide(seen probe.Seen) (plan.Change, error) {
	text, ok1 := seen.Text(fstab)
	have, ok2 := seen.Mount(m.Path)
	if !ok1 || !ok2 {
		return kind.Unknown("mount " + m.Path), nil
	}
	if strings.HasPrefix(m.Device, "/dev/") {
		dev, ok := seen.File(m.Device)
		switch {
		case !ok:
			return kind.Unknown("device " + m.Device), nil
		case !dev.Exists && !have.Mounted:
			return plan.Change{Later: "device " + m.Device + " is not there"}, nil
		case have.Mounted && !same(m.Device, dev, have.Source):
			return plan.Change{}, fmt.Errorf("%s is mounted on %s, not %s", have.Source, m.Path, m.Device)
		}
	}
	if remote(m.Device) && have.Mounted && strings.TrimRight(have.Source, "/") != strings.TrimRight(m.Device, "/") {
		return plan.Change{}, fmt.Errorf("%s is mounted on %s, not %s", have.Source, m.Path, m.Device)
	}
	if have.Mounted && have.Fstype != m.Type {
		return plan.Change{}, fmt.Errorf("a filesystem of type %s is mounted on %s, not %s", have.Fstype, m.Path, m.Type)
	}
	var c plan.Change
	if old, ok := oldLines(text.Text, m.line(), m.match()); !ok {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: fstab, Have: strings.Join(old, "\n"), Want: m.line()})
		c.Actions = append(c.Actions, setLine(fstab, m.line(), m.match()))
	}
	p := shell.Quote(m.Path)
	if !have.Mounted {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "mounted", Have: "no", Want: m.Device})
		c.Actions = append(c.Actions, act.Action{
			Title:   "mount " + m.Path,
			Unless:  "mountpoint -q -- " + p,
			Shell:   "mkdir -p -- " + p + "\n[ ! -d /run/systemd/system ] || systemctl daemon-reload\nmount -- " + p,
			Touches: []probe.Subject{probe.All}, // whatever lies below is another file now
		})
	} else if missing := m.missing(have.Options); len(missing) > 0 {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "options", Have: have.Options, Want: strings.Join(missing, ",")})
		c.Actions = append(c.Actions, act.Action{
			Title:   "mount " + m.Path + " again with its options",
			Shell:   "mount -o remount -- " + p,
			Touches: []probe.Subject{probe.Of(probe.Mount, m.Path)},
		})
	}
	return c, nil
}

// missing are the wanted flags that the kernel shows when they are in force, and does not.
func (m *Mount) missing(options string) (out []string) {
	in := strings.Split(options, ",")
	for _, o := range m.Options {
		if slices.Contains([]string{"ro", "rw", "noatime", "nodiratime", "nosuid", "nodev", "noexec", "sync", "dirsync"}, o) && !slices.Contains(in, o) {
			out = append(out, o)
		}
	}
	return out
}

// remote is what a server exports: SERVER:/PATH as nfs(5) writes it, //SERVER/NAME as mount.cifs(8). The
// mount table has it as it was given.
func remote(device string) bool {
	return strings.Contains(device, ":/") || strings.HasPrefix(device, "//")
}

// same reports whether the mounted source is the device or what its name points to. Device mapper
// names stand in the mount table as /dev/mapper/..., while links to them point to dm-N.
func same(device string, f probe.FileInfo, source string) bool {
	if source == device || f.Target == "" {
		return source == device
	}
	t := f.Target
	if !path.IsAbs(t) {
		t = path.Join(path.Dir(device), t)
	}
	return t == source || strings.HasPrefix(path.Base(t), "dm-") && strings.HasPrefix(source, "/dev/mapper/")
}
