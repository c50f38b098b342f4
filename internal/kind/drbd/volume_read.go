package drbd

import (
	"fmt"
	"slices"
	"strings"

	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

func (d *DRBDVolume) subjects(host string) []probe.Subject {
	return []probe.Subject{drbd.Volumes, probe.Of(probe.Package, "drbd-utils"), probe.Of(probe.Module, "drbd"), probe.Of(probe.Block, d.Backing[host])}
}

// superblock sets magic and label as the volume's file system has them, and head: 0 when the first MiB is
// zero bytes, looked at only when there is no such file system. What cannot be read is neither: magic
// then is "unread". It reads past the page cache: DRBD writes below it, and a buffered read of the disk
// under a volume may be an old one.
func (d *DRBDVolume) superblock(host string) string {
	f := d.fs()
	read := "dd if=" + shell.Quote(d.Backing[host]) + " iflag=direct bs="
	first := read + "4096 count=1 2>/dev/null | dd bs=1 "
	return fmt.Sprintf("magic=$(%sskip=%d count=%d 2>/dev/null | od -An -tx1 | tr -d ' '); label=$(%[1]sskip=%[4]d count=%[5]d 2>/dev/null | tr -d '\\000')\n", first, f.magicAt, len(f.magic)/2, f.labelAt, f.labelMax) +
		"head=0; case $magic in " + f.magic + ") ;; " + strings.Repeat("?", len(f.magic)) + ") head=$({ " + read + "1M count=1 2>/dev/null || echo unread; } | tr -d '\\000' | head -c 1 | wc -c);; *) magic=unread;; esac"
}

func (d *DRBDVolume) disk(host string) probe.Query {
	return probe.Cmd("disk "+d.Name, "echo signatures: \"$(wipefs -n --noheadings -O TYPE "+shell.Quote(d.Backing[host])+" | tr '\\n' ' ')\"; "+d.superblock(host)+
		"\necho \"magic: $magic\"; echo \"head: $head\"; echo \"label: $label\"; echo \"identifiers: $(drbdadm get-gi "+shell.Quote(d.Name)+" 2>/dev/null)\"", d.subjects(host)...)
}

func (d *DRBDVolume) block(host string) probe.Query {
	return probe.Query{Kind: probe.Block, Name: d.Backing[host]}
}

// pending names the commands by which drbdadm would make the running volume what the resource file
// says. Their arguments stay on the host: the shared secret may be among them.
func (d *DRBDVolume) pending() string {
	return "o=$(drbdadm --dry-run adjust " + shell.Quote(d.Name) + ") && printf '%s\\n' \"$o\" | awk '{print $2}'"
}

func (d *DRBDVolume) adjust(host string) probe.Query {
	return probe.Cmd("drbd adjust "+d.Name, d.pending(), append(d.subjects(host), kind.FileSubject("/etc/drbd.d/"+d.Name+".res"))...)
}

// Probe asks for the module's view, for what is on the disk, and what Pacemaker was told.
func (d *DRBDVolume) Probe(host string, seen probe.Hosts) []probe.Query {
	qs := []probe.Query{drbd.ProcQuery(), d.disk(host), d.block(host), d.adjust(host), d.sizes(host), pacemaker.CIBQuery(), pacemaker.MonQuery(), kind.UnitQuery("pacemaker.service")}
	for _, h := range seen {
		if drbd.ParseProc(h.Get(drbd.ProcQuery()).Out, fmt.Sprint(d.Minor)).Connection == "StandAlone" {
			qs = append(qs, d.past(host))
			break
		}
	}
	return kind.Unread(seen[host].Seen, qs...)
}

// volume is one host's part.
type volume struct {
	drbd.Status
	metadata  bool
	unused    bool   // its data generation is the one that metadata is created with
	gi        string // the identifiers as drbdadm prints them; empty when they are none
	data      drbd.Generation
	outOfSync string   // KiB that differ from the peer, as far as this side knows
	past      string   // what the kernel's log says of roles and refusals; read only when the side is alone
	pending   []string // what drbdadm would do to make it as the file says
	standby   bool     // Pacemaker was told to run nothing there
	managed   bool     // Pacemaker takes it up there, sooner or later
	blank     bool
	formatted bool
	otherData bool // it begins with something that is no such file system
	label     string
	size      int64 // of the disk
	device    int64 // what DRBD makes of it; 0 while it is down
	known     int64 // of the disk, when the volume was up last
	extent    int64 // what the file system uses of that; 0 where it is not mounted
	onDisk    int64 // the same by its superblock, where it is mounted on neither side
	holds     string
}

// used reports whether the metadata tells of data that were up to date once.
func (v volume) used() bool { return v.gi != "" && !v.unused }

func (d *DRBDVolume) read(host string, s probe.Seen) (v volume, err error) {
	b, ok := s.Block(d.Backing[host])
	disk := s.Get(d.disk(host))
	if !ok || disk.State != probe.Answered || s.Get(drbd.ProcQuery()).State != probe.Answered {
		return v, fmt.Errorf("no answer about the disk")
	}
	if !b.Exists {
		return v, fmt.Errorf("%s is not there", d.Backing[host])
	}
	v.Status = drbd.ParseProc(s.Get(drbd.ProcQuery()).Out, fmt.Sprint(d.Minor))
	v.blank, v.size, v.holds = b.Blank && b.Holds == "", b.Size, b.Holds
	for _, l := range strings.Split(disk.Out, "\n") {
		k, t, _ := strings.Cut(l, ":")
		t = strings.TrimSpace(t)
		switch k {
		case "signatures":
			v.metadata = strings.Contains(" "+t+" ", " drbd ")
			v.blank = v.blank && t == ""
		case "magic":
			if !d.fs().isMagic(t) {
				return v, fmt.Errorf("the beginning of %s cannot be read", d.Backing[host])
			}
			v.formatted = t == d.fs().magic
		case "head":
			v.otherData = t != "0"
		case "label":
			v.label = t
		case "identifiers":
			v.unused = strings.HasPrefix(t, justCreated)
			var ok bool
			if v.data, ok = drbd.ParseGeneration(t); ok {
				v.gi = t
			}
		}
	}
	v.outOfSync = drbd.OutOfSync(s.Get(drbd.ProcQuery()).Out)[fmt.Sprint(d.Minor)]
	d.measure(&v, s.Get(d.sizes(host)).Out)
	if p := s.Get(d.past(host)); p.State == probe.Answered && p.Exit == 0 {
		v.past = p.Out
	}
	if a := s.Get(d.adjust(host)); v.Up && a.State == probe.Answered {
		if a.Exit != 0 {
			return v, fmt.Errorf("drbdadm does not understand the resource file: %s", a.Out)
		}
		v.pending = strings.Fields(a.Out)
	}
	return v, nil
}

// caredFor reports whether Pacemaker on the node will take the volume up by itself: it has just been
// started and does not answer yet, or it knows the resource and has not failed with it.
func (d *DRBDVolume) caredFor(s probe.Seen, node string) bool {
	if u, ok := s.Unit("pacemaker.service"); !ok || u.Active != "active" && u.Active != "activating" && !u.Job {
		return false
	}
	root, err := pacemaker.Parse(s.Get(pacemaker.CIBQuery()).Out)
	if err != nil || s.Get(pacemaker.CIBQuery()).Exit != 0 {
		return true
	}
	id := ""
	root.All(func(n *pacemaker.Node) {
		if n.Name != "primitive" {
			return
		}
		n.All(func(v *pacemaker.Node) {
			if v.Name == "nvpair" && v.Attrs["name"] == "drbd_resource" && v.Attrs["value"] == d.Name {
				id = n.Attrs["id"]
			}
		})
	})
	trouble, err := pacemaker.ParseTrouble(s.Get(pacemaker.MonQuery()).Out)
	switch {
	case id == "" || trouble.Unmanaged || slices.Contains(trouble.Unwatched, node):
		return false
	case err != nil:
		return true
	}
	return !slices.ContainsFunc(trouble.Failures, func(f pacemaker.Failure) bool { return f.Node == node && f.Resource() == id })
}

// table is the evidence: what each host said.
func table(names []string, vs map[string]volume) string {
	var b strings.Builder
	for _, n := range names {
		v := vs[n]
		fmt.Fprintf(&b, "  %s: %s, metadata %v, blank %v, file system %v %q\n", n, v.Status, v.metadata, v.blank, v.formatted, v.label)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
