package drbd

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

// side is what one host of a volume would answer.
type side struct{ proc, signatures, magic, head, label, block, identifiers, pending, cib, mon, unit, sizes string }

func (s side) sized(text string) side { s.sizes = text; return s }

const (
	gone  = "cat: /proc/drbd: No such file or directory"
	clean = "2147483648|blank|"
	used  = "2147483648|data|"
)

func volumes(d *DRBDVolume, sides map[string]side) probe.Hosts {
	out := probe.Hosts{}
	for n, s := range sides {
		if s == (side{}) {
			out[n] = probe.HostSeen{Lost: "no route"}
			continue
		}
		if s.magic == "" {
			s.magic = "0000"
		}
		if s.head == "" {
			s.head = "0"
		}
		out[n] = probe.HostSeen{Seen: probe.NewSeen(map[probe.Key]probe.Answer{
			drbd.ProcQuery().Key():     {State: probe.Answered, Out: s.proc},
			d.disk(n).Key():            {State: probe.Answered, Out: "signatures: " + s.signatures + "\nmagic: " + s.magic + "\nhead: " + s.head + "\nlabel: " + s.label + "\nidentifiers: " + s.identifiers},
			d.block(n).Key():           {State: probe.Answered, Out: s.block},
			d.adjust(n).Key():          {State: probe.Answered, Out: s.pending},
			d.sizes(n).Key():           {State: probe.Answered, Out: s.sizes},
			pacemaker.CIBQuery().Key(): {State: probe.Answered, Out: s.cib},
			pacemaker.MonQuery().Key(): {State: probe.Answered, Out: s.mon},

			kind.UnitQuery("pacemaker.service").Key(): {State: probe.Answered, Out: "LoadState=loaded\nActiveState=" + s.unit},
		})}
	}
	return out
}

func TestAVolumeGoesPhaseByPhaseAndNeverGuesses(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Filesystem: "ext4", Seed: "true"}
	blank := side{proc: gone, block: clean}
	down := side{proc: gone, signatures: "drbd", block: used}
	alone := side{proc: kindtest.ProcLine("cs:WFConnection ro:Secondary/Unknown ds:Inconsistent/DUnknown"), signatures: "drbd", block: used}
	fresh := side{proc: kindtest.ProcLine("cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent"), signatures: "drbd", block: used}
	equal := side{proc: kindtest.ProcLine("cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate"), signatures: "drbd", block: used}
	half := side{proc: kindtest.ProcLine("cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate"), signatures: "drbd", magic: "53ef", label: "hv-unfinished", block: used}
	ready := side{proc: kindtest.ProcLine("cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate"), signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used}
	fresh.identifiers = justCreated + "0000000000000000:0000000000000000"
	standby := `<cib><configuration><nodes><node uname="db2"><instance_attributes><nvpair name="standby" value="on"/></instance_attributes></node></nodes></configuration></cib>`
	known := `<cib><configuration><resources><primitive id="disk"><instance_attributes><nvpair name="drbd_resource" value="mysql"/></instance_attributes></primitive></resources></configuration></cib>`
	quiet := `<pacemaker-result><summary/></pacemaker-result>`
	failed := `<pacemaker-result><failures><failure op_key="disk_start_0" node="db1" exitstatus="not installed"/></failures></pacemaker-result>`
	off := func(s side, unit string) side {
		s.proc, s.signatures, s.magic, s.label, s.block, s.unit = gone, "drbd", "53ef", "hv-mysql", used, unit
		return s
	}
	waiting := side{proc: kindtest.ProcLine("cs:WFConnection ro:Secondary/Unknown ds:UpToDate/DUnknown"), signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used}
	changed := func(s side, pending string) side { s.pending = pending; return s }
	bytes := func(s side, magic, head string) side { s.magic, s.head = magic, head; return s }
	with := func(s side, proc string) side { s.proc = kindtest.ProcLine(proc); return s }

	for _, c := range []struct {
		name        string
		a, b        side
		phase, wait string
		refused     string
	}{
		{"two blank disks", blank, blank, "create metadata", "", ""},
		{"a disk with a file system", side{proc: gone, signatures: "ext4", magic: "53ef", label: "home", block: used}, blank, "", "", "not blank"},
		{"a disk with bytes that nobody knows", side{proc: gone, block: used}, blank, "", "", "not blank"},
		{"cut short between the two", down, blank, "create metadata", "", ""},
		{"a new disk beside one with data", ready, blank, "", "", "haprov replace db2"},
		{"a used disk beside one with data", ready, side{proc: gone, signatures: "xfs", block: used + "TYPE=xfs"}, "", "", "not blank (TYPE=xfs)"},
		{"a disk that cannot be read", side{proc: gone, magic: "unread", block: clean}, blank, "", "", "cannot be read"},
		{"a volume whose beginning cannot be read", bytes(equal, "unread", "0"), bytes(equal, "unread", "0"), "", "", "cannot be read"},
		{"a volume with a file system of another type", bytes(equal, "0000", "1"), bytes(equal, "0000", "1"), "", "", "holds something"},
		{"metadata put beside a file system of another type", bytes(fresh, "0000", "1"), fresh, "", "", "hold something"},
		{"metadata on both", down, down, "connect", "", ""},
		{"waiting for the peer", alone, alone, "", "connect", ""},
		{"connected and fresh", fresh, fresh, "first sync", "", ""},
		{"inconsistent on both, and one was up to date once", fresh, with(side{signatures: "drbd", block: used, identifiers: "032E5E8DBF46EEF3:0000000000000000:"}, "cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent"), "", "", "held data once"},
		{"inconsistent on both, but used", with(ready, "cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent"), fresh, "", "", "hold a file system"},
		{"in sync and empty", equal, equal, "create the file system", "", ""},
		{"a file system that was not finished", half, half, "create the file system", "", ""},
		{"somebody else's file system", with(side{signatures: "drbd", magic: "53ef", label: "home", block: used}, "cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate"), equal, "", "", `labelled "home"`},
		{"a file system without a label", with(side{signatures: "drbd", magic: "53ef", block: used}, "cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate"), equal, "", "", "not this volume's"},
		{"resynchronising", with(ready, "cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent"), with(ready, "cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate"), "", "synchronised", ""},
		{"one side is alone, and nothing is known of its data", with(ready, "cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown"), ready, "", "", "do not tell"},
		{"a host that is away", ready, side{}, "", "", "one side is missing"},
		{"the resource file changed", ready, changed(with(ready, "cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate"), "net-options\ndisk-options\n"), "apply the changed resource file", "", ""},
		{"the resource file names another address", ready, changed(ready, "net-options\ndisconnect\n"), "", "", "haprov maintenance db2 on"},
		{"one host is in maintenance", side{proc: kindtest.ProcLine("cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated"), signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used, cib: standby}, side{proc: gone, signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used, cib: standby}, "", "", ""},
		{"Pacemaker is being started", off(side{}, "activating"), off(side{cib: known, mon: quiet}, "active"), "", "Pacemaker starts", ""},
		{"Pacemaker waits for Corosync at boot", off(side{}, "inactive\nJob=212"), off(side{}, "inactive\nJob=97"), "", "Pacemaker starts", ""},
		{"Pacemaker starts on one side", off(side{cib: known, mon: quiet}, "active"), waiting, "", "Pacemaker starts", ""},
		{"Pacemaker has failed with it", off(side{cib: known, mon: failed}, "active"), off(side{cib: known, mon: quiet}, "active"), "connect", "", ""},
		{"Pacemaker does not know it", off(side{cib: "<cib/>", mon: quiet}, "active"), off(side{cib: known, mon: quiet}, "active"), "connect", "", ""},
		{"Pacemaker does not run", off(side{}, "inactive"), off(side{}, "inactive"), "connect", "", ""},
		{"all is well", ready, with(ready, "cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate"), "", "", ""},
	} {
		ph, err := kindtest.Decide(t, d, volumes(d, map[string]side{"db1": c.a, "db2": c.b}))
		switch {
		case c.refused != "":
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: want refusal %q, got %+v %v", c.name, c.refused, ph.Name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case ph.Name != c.phase:
			t.Errorf("%s: phase %q, want %q", c.name, ph.Name, c.phase)
		case (ph.Wait != nil) != (c.wait != "") || ph.Wait != nil && !strings.Contains(ph.Wait.Text(), c.wait):
			t.Errorf("%s: wait %+v, want %q", c.name, ph.Wait, c.wait)
		}
		for n, ch := range ph.Changes {
			for _, a := range ch.Actions {
				if (strings.Contains(a.Shell, "create-md") || strings.Contains(a.Shell, "mkfs") || strings.Contains(a.Shell, "new-current-uuid") || strings.Contains(a.Shell, "adjust")) && a.Guard == "" {
					t.Errorf("%s: %s: %s destroys and looks at nothing first", c.name, n, a.Title)
				}
				if strings.Contains(a.Guard, d.Backing[map[string]string{"db1": "db2", "db2": "db1"}[n]]) {
					t.Errorf("%s: %s: %s looks at the other host's disk", c.name, n, a.Title)
				}
			}
		}
	}
}

// On a volume with XFS the signature of ext4 is something else, and the other way round.
func TestAVolumeWithXFSTakesNoOtherFileSystem(t *testing.T) {
	d := &DRBDVolume{Name: "files-of-all", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Filesystem: "xfs"}
	at := func(magic, head, label string) probe.Hosts {
		s := side{proc: kindtest.ProcLine("cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate"), signatures: "drbd", block: used, magic: magic, head: head, label: label}
		return volumes(d, map[string]side{"db1": s, "db2": s})
	}
	for _, c := range []struct{ magic, head, label, phase, refused string }{
		{"00000000", "0", "", "create the file system", ""},
		{"58465342", "0", "hv-unfinishe", "create the file system", ""},
		{"58465342", "0", "hv-files-of-", "", ""},
		{"58465342", "0", "home", "", `labelled "home"`},
		{"00000000", "1", "", "", "not xfs"},
		{"53ef", "0", "hv-files-of-", "", "cannot be read"},
	} {
		ph, err := kindtest.Decide(t, d, at(c.magic, c.head, c.label))
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%+v: %q %v", c, ph.Name, err)
			}
		} else if err != nil || ph.Name != c.phase {
			t.Errorf("%+v: %q %v", c, ph.Name, err)
		}
	}
}

// Without a file system the volume is finished when it has been in sync, whatever its user put there, and
// nothing is ever written to it.
func TestAVolumeWithoutAFileSystemIsItsUsers(t *testing.T) {
	d := &DRBDVolume{Name: "lun", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Filesystem: none}
	const generation = "032E5E8DBF46EEF2:0000000000000000:0000000000000000:0000000000000000:1:1:0:0:0:0:0"
	at := func(proc, head, identifiers string) side {
		s := side{proc: gone, signatures: "drbd", block: used, magic: "00000000", head: head, identifiers: identifiers}
		if proc != "" {
			s.proc = kindtest.ProcLine(proc)
		}
		return s
	}
	both := func(s side) [2]side { return [2]side{s, s} }
	blank := side{proc: gone, block: clean, magic: "00000000"}
	const fresh, inSync = "cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent", "cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate"
	unused := justCreated + "0000000000000000:0000000000000000:0:0:0:0:0:0:0"
	for name, c := range map[string]struct {
		sides                [2]side
		phase, wait, refused string
	}{
		"two blank disks":         {both(blank), "create metadata", "", ""},
		"metadata on both":        {both(at("", "0", unused)), "connect", "", ""},
		"connected and fresh":     {both(at(fresh, "0", unused)), "first sync", "", ""},
		"fresh, on what was data": {both(at(fresh, "1", unused)), "", "", "only blank disks"},
		"in sync":                 {both(at(inSync, "0", generation)), "", "", ""},
		"in sync, and used":       {both(at(inSync, "1", generation)), "", "", ""},
		"resynchronising":         {[2]side{at("cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent", "1", generation), at("cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate", "1", generation)}, "", "synchronised", ""},
		"after a reboot":          {both(at("", "1", generation)), "connect", "", ""},
		"a replaced disk":         {[2]side{at("", "0", generation), blank}, "", "", "haprov replace db2"},
		"without identifiers":     {both(at(inSync, "0", "")), "", "", "does not tell"},
	} {
		ph, err := kindtest.Decide(t, d, volumes(d, map[string]side{"db1": c.sides[0], "db2": c.sides[1]}))
		switch {
		case c.refused != "":
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: want refusal %q, got %q %v", name, c.refused, ph.Name, err)
			}
		case err != nil || ph.Name != c.phase || (ph.Wait != nil) != (c.wait != "") || ph.Wait != nil && !strings.Contains(ph.Wait.Text(), c.wait):
			t.Errorf("%s: %q %+v %v", name, ph.Name, ph.Wait, err)
		}
	}
}

func TestOnlyZeroBytesAndUnfinishedWorkAreFormatted(t *testing.T) {
	disk := t.TempDir() + "/disk"
	zeros := strings.Repeat("\x00", 2<<20)
	kindtest.Write(t, disk, zeros)
	if err := exec.Command("dd", "if="+disk, "of=/dev/null", "iflag=direct", "bs=4096", "count=1").Run(); err != nil {
		t.Skip("no direct reads in the folder of temporary files")
	}
	ext4 := func(label string) string {
		return strings.Repeat("\x00", 1080) + "\x53\xef" + strings.Repeat("\x00", 62) + label + strings.Repeat("\x00", 1<<20)
	}
	xfs := func(label string) string {
		return "XFSB" + strings.Repeat("\x00", 104) + label + strings.Repeat("\x00", 2<<20)
	}
	btrfs := strings.Repeat("\x00", 1<<16) + "_BHRfS_M" + zeros
	for _, x := range []struct {
		filesystem, name, text string
		want                   act.State
	}{
		{"ext4", "zero bytes", zeros, act.Done},
		{"ext4", "unfinished", ext4("hv-unfinished"), act.Done},
		{"ext4", "finished", ext4("hv-mysql"), act.Refused},
		{"ext4", "without a label", ext4(""), act.Refused},
		{"ext4", "another type", xfs("hv-unfinishe"), act.Refused},
		{"ext4", "something further", btrfs, act.Refused},
		{"ext4", "too short", "", act.Refused},
		{"xfs", "zero bytes", zeros, act.Done},
		{"xfs", "unfinished", xfs("hv-unfinishe"), act.Done},
		{"xfs", "finished", xfs("hv-mysql"), act.Refused},
		{"xfs", "without a label", xfs(""), act.Refused},
		{"xfs", "another type", ext4("hv-unfinished"), act.Refused},
		{"xfs", "something further", btrfs, act.Refused},
		{"xfs", "too short", "", act.Refused},
	} {
		a := onFile(x.filesystem, disk).format("db1").Changes["db1"].Actions[0]
		a.Shell = "true"
		kindtest.Write(t, disk, x.text)
		if rs := kindtest.Run(t, a); rs[0].State != x.want {
			t.Errorf("%s, %s: %+v", x.filesystem, x.name, rs[0])
		}
	}
	if err := os.Remove(disk); err != nil {
		t.Fatal(err)
	}
	a := onFile("ext4", disk).format("db1").Changes["db1"].Actions[0]
	a.Shell = "true"
	if rs := kindtest.Run(t, a); rs[0].State != act.Refused {
		t.Errorf("not there: %+v", rs[0])
	}
}

func onFile(filesystem, disk string) *DRBDVolume {
	return &DRBDVolume{Name: "mysql", Filesystem: filesystem, Backing: map[string]string{"db1": disk}}
}

// What the making of a file system leaves on the disk is what is read from it afterwards: unfinished
// until it has its own label.
func TestAMadeFileSystemIsReadFromTheDisk(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	for _, fs := range []string{"ext4", "xfs"} {
		t.Run(fs, func(t *testing.T) {
			if _, err := exec.LookPath("mkfs." + fs); err != nil {
				t.Fatalf("%v: make deps installs it", err)
			}
			disk := t.TempDir() + "/disk"
			d := onFile(fs, disk)
			kindtest.Write(t, disk, "")
			if err := os.Truncate(disk, 400<<20); err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct{ do, label string }{{d.makeFS(), "hv-unfinished"}, {d.finishFS(), "hv-mysql"}} {
				out, err := exec.Command("sh", "-e", "-c", strings.ReplaceAll(step.do, d.device(), disk)).CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", step.do, err, out)
				}
				out, err = exec.Command("sh", "-c", "sync "+disk+"; "+d.superblock("db1")+"\necho $magic $label").Output()
				if want := d.fs().magic + " " + d.fs().cut(step.label) + "\n"; err != nil || string(out) != want {
					t.Errorf("after %s: %q, want %q (%v)", step.do, out, want, err)
				}
			}
		})
	}
}

func TestTheBeginningOfADiskWithoutAFileSystem(t *testing.T) {
	disk := t.TempDir() + "/disk"
	d := onFile(none, disk)
	for text, want := range map[string]string{
		strings.Repeat("\x00", 2<<20):                  "00000000 0 no label\n",
		"LABELONE" + strings.Repeat("\x00", 2<<20):     "4c414245 1 no label\n",
		strings.Repeat("\x00", 5000) + "LVM2 and what": "00000000 1 no label\n",
		"": "unread 0 no label\n",
	} {
		kindtest.Write(t, disk, text)
		out, err := exec.Command("sh", "-c", d.superblock("db1")+"\necho $magic $head ${label:-no label}").Output()
		if err != nil || string(out) != want {
			t.Errorf("%.8q: %q, want %q (%v)", text, out, want, err)
		}
	}
}

func TestAFailedCommandOfDRBDKeepsTheSharedSecret(t *testing.T) {
	bin := t.TempDir()
	kindtest.Write(t, bin+"/drbdadm", "#!/bin/sh\ncase $1 in primary | secondary) exit 10;; esac\necho \"Command 'drbdsetup-84 connect mysql --cram-hmac-alg=sha256 --shared-secret=TOPSECRET --verify-alg=crc32c' terminated with exit code 10\" >&2\nexit 10\n")
	if err := os.Chmod(bin+"/drbdadm", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/a", "db2": "/b"}}
	up := d.up([]string{"db1"}, map[string]volume{"db1": {}})
	ph, err := d.takeUp([]string{"db1"}, map[string]volume{"db1": {pending: []string{"net-options"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []act.Action{up.Changes["db1"].Actions[0], ph.Changes["db1"].Actions[0], d.format("db1").Changes["db1"].Actions[0]} {
		out, err := exec.Command("sh", "-e", "-c", strings.ReplaceAll(a.Shell, "drbdsetup", "true")).CombinedOutput()
		if e := (*exec.ExitError)(nil); !errors.As(err, &e) || e.ExitCode() != 10 {
			t.Errorf("%s: %v", a.Title, err)
		}
		if s := string(out); strings.Contains(s, "TOPSECRET") || !strings.Contains(s, "terminated with exit code 10") || !strings.Contains(s, "--verify-alg") {
			t.Errorf("%s: %s", a.Title, s)
		}
	}
}

// A blank disk beside data is filled for the host that the user named, and from an up-to-date side alone.
func TestABlankDiskIsFilledOnlyForTheHostThatWasReplaced(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Filesystem: "ext4"}
	blank := side{proc: gone, block: clean}
	holds := func(proc string) side {
		return side{proc: kindtest.ProcLine(proc), signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used}
	}
	good := holds("cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown")
	starts := side{proc: gone, signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used, unit: "activating"}
	for _, c := range []struct {
		name, replaced       string
		a, b                 side
		phase, wait, refused string
	}{
		{"named", "db2", good, blank, "fill the disk of db2 from db1", "", ""},
		{"the other one is named", "db1", good, blank, "", "", "haprov replace db2"},
		{"nobody is named", "", good, blank, "", "", "haprov replace db2"},
		{"what is left may lack something", "db2", holds("cs:WFConnection ro:Secondary/Unknown ds:Outdated/DUnknown"), blank, "", "", "not up to date itself"},
		{"what is left is being started", "db2", starts, blank, "", "Pacemaker starts the volume on db1", ""},
		{"the new disk is a used one", "db2", good, side{proc: gone, signatures: "xfs", block: used + "TYPE=xfs"}, "", "", "wipefs -a /dev/disk/by-id/b"},
		{"two blank disks", "db2", blank, blank, "create metadata", "", ""},
	} {
		step := d
		if c.replaced != "" {
			step = d.Replace(c.replaced).(*DRBDVolume)
		}
		ph, err := kindtest.Decide(t, step, volumes(step, map[string]side{"db1": c.a, "db2": c.b}))
		switch {
		case c.refused != "":
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: want refusal %q, got %q %v", c.name, c.refused, ph.Name, err)
			}
		case err != nil || ph.Name != c.phase || (ph.Wait != nil) != (c.wait != "") || ph.Wait != nil && ph.Wait.Text() != c.wait:
			t.Errorf("%s: %q %+v %v", c.name, ph.Name, ph.Wait, err)
		}
		if c.name == "named" {
			ch, only := ph.Changes["db2"]
			if len(ph.Changes) != 1 || !only || !strings.Contains(ch.Actions[0].Guard, "/dev/disk/by-id/b") {
				t.Errorf("more than the new disk is touched, or it is not looked at: %+v", ph.Changes)
			}
		}
	}
}

func TestASynchronisationIsGivenTheTimeThatItsSizeTakes(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Filesystem: "ext4"}
	sync := func(proc string) side {
		return side{proc: kindtest.ProcLine(proc) + "    ns:1 nr:0 dw:1 dr:1 al:1 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:1073741824\n", signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used}
	}
	ph, err := kindtest.Decide(t, d, volumes(d, map[string]side{"db1": sync("cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent"), "db2": sync("cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate")}))
	if err != nil || ph.Wait == nil || ph.Wait.Reason != "the volume is synchronised" || !strings.Contains(ph.Wait.Text(), "1048576 MiB left") || ph.Wait.Deadline < 72*time.Hour {
		t.Errorf("%+v %v", ph.Wait, err)
	}
}
