package drbd

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// torn is one host of a split brain, beside what side has.
type torn struct {
	side
	mounted, kept, written, room string
	failed                       int // the exit code of what tells its changes
}

func recovering(t *testing.T, in plan.Intent) *volumeRecover {
	t.Helper()
	d := &DRBDVolume{Name: "mysql", Backing: map[string]string{"db1": "/dev/disk/by-id/a", "db2": "/dev/disk/by-id/b"}, Written: `written "$1"`,
		Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}}}}
	in.Verb = plan.Recover
	step, err := d.Intend(in)
	if err != nil {
		t.Fatal(err)
	}
	return step.(*volumeRecover)
}

func tornHosts(r *volumeRecover, sides map[string]torn) probe.Hosts {
	plain := map[string]side{}
	for n, s := range sides {
		plain[n] = s.side
	}
	out := volumes(&r.DRBDVolume, plain)
	for n, s := range sides {
		h := out[n]
		if h.Lost != "" {
			continue
		}
		answers := map[probe.Key]probe.Answer{
			r.mounted().Key():  {State: probe.Answered, Out: s.mounted},
			r.kept().Key():     {State: probe.Answered, Out: s.kept},
			r.written(n).Key(): {State: probe.Answered, Out: s.written, Exit: s.failed},
			r.room(n).Key():    {State: probe.Answered, Out: s.room},
			r.past(n).Key():    {State: probe.Answered, Out: ""},
		}
		kindtest.NoteQueries(r.mounted(), r.kept(), r.written(n), r.room(n))
		h.Seen = h.Seen.With(answers)
		out[n] = h
	}
	return out
}

const (
	before  = "0-1-7 2026-11-28T04:00:00Z app.orders=1\n0-1-8 2026-11-28T04:00:01Z app.orders=1\n"
	wroteA  = before + "0-1-9 2026-11-28T04:01:00Z app.orders=2 app.items=5\n0-1-10 2026-11-28T04:02:00Z app.orders=1\n"
	wroteB  = before + "0-2-9 2026-11-28T04:01:30Z definitions=1\n"
	roomy   = "104857600\n20000000000 40000000000\n"
	copyOfB = "/var/lib/haprov-discarded/mysql-FEA1AF2F2A7DF83C"
)

func mon(resources string) string {
	return "<pacemaker-result><summary/><nodes/><resources>" + resources + "</resources></pacemaker-result>"
}

func on(node string) string {
	return `<resource id="mysql-server" role="Started" active="true" failed="false" resource_agent="ocf:haprov:mariadb"><node name="` + node + `"/></resource>`
}

func cibWith(standby, constraint string) string {
	out := `<cib><configuration><nodes>`
	for _, n := range []string{"db1", "db2"} {
		out += `<node uname="` + n + `"><instance_attributes>`
		if n == standby {
			out += `<nvpair name="standby" value="on"/>`
		}
		out += `</instance_attributes></node>`
	}
	out += `</nodes><constraints>`
	if constraint != "" {
		out += `<rsc_location rsc="c" id="drbd-fence-by-handler-mysql-c"><rule role="Master" score="-INFINITY"><expression attribute="#uname" operation="ne" value="` + constraint + `"/></rule></rsc_location>`
	}
	return out + `</constraints><resources><primitive id="disk"><instance_attributes><nvpair name="drbd_resource" value="mysql"/></instance_attributes></primitive></resources></configuration></cib>`
}

func TestASplitBrainIsEndedByDiscardingOneSideThatTheUserNamed(t *testing.T) {
	const alonePrimary, aloneSecondary = "cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown", "cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown"
	at := func(proc, identifiers, written string) torn {
		s := torn{side: side{proc: kindtest.ProcLine(proc), signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used, identifiers: identifiers, unit: "active", cib: cibWith("", ""), mon: mon(on("db1"))}, written: written, room: roomy}
		if proc == "" {
			s.proc = "version: 8.4.11 (api:1/proto:86-101)\n"
		}
		return s
	}
	with := func(s torn, f func(*torn)) torn { f(&s); return s }
	cib := func(standby, constraint string) func(*torn) {
		return func(s *torn) { s.cib = cibWith(standby, constraint) }
	}
	off := func(s *torn) { s.unit, s.cib, s.mon = "inactive", "", "" }
	serves := at(alonePrimary, splitServes, wroteA)
	other := at(aloneSecondary, splitOther, wroteB)
	standby := with(serves, cib("db2", ""))
	down := with(at("", splitOther, wroteB), cib("db2", ""))
	copied := with(down, func(s *torn) { s.kept = copyOfB + "\n" })
	bothPrimary := at(alonePrimary, strings.Replace(splitOther, ":1:1:0:", ":1:1:1:", 1), wroteB)
	const synced = "5D1C954792C38C5C:0000000000000000:A0355F85F281D6D3:0000000000000000:1:1:0:0:0:0:0"
	healthy := func(proc string, standby string) torn { return with(at(proc, synced, wroteA), cib(standby, "")) }
	source, target := healthy("cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent", "db2"), with(healthy("cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate", "db2"), func(s *torn) { s.kept = copyOfB })
	good, filled := healthy("cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate", "db2"), with(healthy("cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate", "db2"), func(s *torn) { s.kept = copyOfB })
	back := func(s torn) torn { return with(s, cib("", "")) }

	for _, c := range []struct {
		name, discard         string
		began                 bool // the run began with a split brain
		a, b                  torn
		phase, waits, refused string
		on                    string // the hosts that do something
	}{
		{"nobody is named", "", false, serves, other, "", "", "db1 alone has: 2 transactions from 2026-11-28T04:01:00Z to 2026-11-28T04:02:00Z: app.items 5, app.orders 3\n  db2 alone has: 1 transactions from 2026-11-28T04:01:30Z to 2026-11-28T04:01:30Z: definitions 1", ""},
		{"nobody is named, and nothing is torn", "", false, back(good), back(filled), "", "", "", ""},
		{"nobody is named, and one host is away", "", false, serves, torn{}, "", "", "", ""},
		{"named, and one host is away", "db2", false, serves, torn{}, "", "", "nothing is discarded while one side", ""},
		{"no split brain", "db2", false, back(good), back(healthy("cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate", "")), "", "", "no split brain", ""},
		{"one side is only behind", "db2", false, with(at("cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated", surviving, wroteA), cib("", "")), at("cs:StandAlone ro:Secondary/Unknown ds:Outdated/DUnknown", comeBack, wroteB), "", "", "no split brain: ahead", ""},
		{"nothing in common", "db2", false, serves, at(aloneSecondary, stranger, wroteB), "", "", "no split brain: unrelated", ""},
		{"identifiers that nobody can read", "db2", false, serves, at(aloneSecondary, "", wroteB), "", "", "no split brain: unclear", ""},
		{"no room", "db2", false, serves, with(other, func(s *torn) { s.room = "104857600\n2100000000 40000000000" }), "", "", "no room for a copy in /var/lib/haprov-discarded: what it holds takes 100 MiB", ""},
		{"room that cannot be told", "db2", false, serves, with(other, func(s *torn) { s.room = "mount: failed" }), "", "", "cannot be told", ""},
		{"what would be kept is not up to date", "db2", false, at("cs:StandAlone ro:Secondary/Unknown ds:Outdated/DUnknown", splitServes, wroteA), other, "", "", "not up to date itself", ""},
		{"what would be kept is in maintenance", "db2", false, with(serves, cib("db1", "")), other, "", "", "haprov maintenance db1 off", ""},
		{"Pacemaker runs nowhere", "db2", false, with(serves, off), with(other, off), "", "", "neither host runs Pacemaker", ""},

		{"the standby's changes", "db2", true, serves, other, "take db2 out of service", "", "", "db1"},
		{"both serve, Pacemaker has ended where data are discarded", "db2", true, serves, with(bothPrimary, off), "take db2 out of service", "", "", "db1"},
		{"out of service, and it serves still", "db2", true, standby, with(bothPrimary, off), "restart db2", "", "", "db2"},
		{"restarted, without Pacemaker", "db2", true, standby, with(down, off), "start Pacemaker on db2", "", "", "db2"},
		{"it stops", "db2", true, with(standby, func(s *torn) { s.mon = mon(on("db2")) }), with(bothPrimary, cib("db2", "")), "", "Pacemaker stops what runs on db2", "", ""},
		{"both serve, Pacemaker has ended where data are kept", "db2", true, with(serves, off), bothPrimary, "take db2 out of service", "", "", "db2"},
		{"the handler's constraint holds the service where data are discarded", "db2", true, with(serves, off), with(down, func(s *torn) { cib("db2", "db2")(s); s.mon = mon("") }), "let db1 serve", "", "", "db2"},
		{"the handler's constraint is for the side that is kept", "db2", true, with(serves, cib("db2", "db1")), down, "keep a copy of what db2 holds", "", "", "db2"},
		{"the constraint is gone", "db2", true, with(serves, off), with(down, func(s *torn) { s.mon = mon("") }), "start Pacemaker on db1", "", "", "db1"},
		{"the other side takes over", "db2", true, with(at(aloneSecondary, splitServes, wroteA), cib("db2", "")), down, "", "db1 serves", "", ""},
		{"out of service", "db2", true, standby, down, "keep a copy of what db2 holds", "", "", "db2"},
		{"a copy of another generation", "db2", true, standby, with(down, func(s *torn) { s.kept = "/var/lib/haprov-discarded/mysql-1111111111111110" }), "keep a copy of what db2 holds", "", "", "db2"},
		{"copied", "db2", true, standby, copied, "discard the changes of db2", "", "", "db1 db2"},
		{"copied, and no room is left", "db2", true, standby, with(copied, func(s *torn) { s.room = "104857600\n1 2" }), "discard the changes of db2", "", "", "db1 db2"},
		{"cut short while it connects", "db2", true, with(standby, func(s *torn) {
			s.proc = kindtest.ProcLine("cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown")
		}), with(copied, func(s *torn) {
			s.proc = kindtest.ProcLine("cs:WFReportParams ro:Secondary/Unknown ds:UpToDate/DUnknown")
		}), "", "the two sides connect", "", ""},
		{"synchronising", "db2", true, source, target, "", "the volume is synchronised", "", ""},
		{"synchronising, in another run", "db2", false, source, target, "", "the volume is synchronised", "", ""},
		{"in sync", "db2", true, good, filled, "take db2 back into service", "", "", "db1"},
		{"in sync, in another run", "db2", false, good, filled, "take db2 back into service", "", "", "db1"},
		{"back in service", "db2", true, with(back(good), func(s *torn) {
			s.mon = mon(on("db1") + `<resource id="disk" role="Stopped" active="false" failed="false"/>`)
		}), back(filled), "", "all is up (disk not yet)", "", ""},
		{"the handler's constraint is still there", "db2", true, with(good, cib("", "db1")), with(filled, cib("", "db1")), "", "DRBD's fence constraint is lifted", "", ""},
		{"done", "db2", true, back(good), back(filled), "", "", "", ""},
		{"done, and asked again", "db2", false, back(good), back(filled), "", "", "no split brain", ""},
		{"the side that serves is named", "db1", true, serves, other, "take db1 out of service", "", "", "db2"},
	} {
		r := recovering(t, plan.Intent{Discard: c.discard})
		now := tornHosts(r, map[string]torn{"db1": c.a, "db2": c.b})
		begin := now
		if c.began {
			begin = tornHosts(r, map[string]torn{"db1": serves, "db2": other})
		}
		ph, err := kindtest.DecideLater(t, r, begin, now)
		kindtest.Expect(t, c.name, ph, err, c.phase, c.waits, c.refused)
		var hosts []string
		for _, n := range []string{"db1", "db2"} {
			if _, ok := ph.Changes[n]; ok {
				hosts = append(hosts, n)
			}
		}
		if strings.Join(hosts, " ") != c.on {
			t.Errorf("%s: done on %v, want %q", c.name, hosts, c.on)
		}
		for n, ch := range ph.Changes {
			danger := len(ch.Dangers()) > 0
			if strings.HasPrefix(c.phase, "discard") != strings.Contains(ch.Actions[0].Shell, "--discard-my-data") && n == c.discard {
				t.Errorf("%s: %s: %s", c.name, n, ch.Actions[0].Shell)
			}
			if n != c.discard && strings.Contains(ch.Actions[0].Shell, "discard-my-data") {
				t.Errorf("%s: discarded on %s", c.name, n)
			}
			if c.phase == "take db2 out of service" && !danger {
				t.Errorf("%s: the plan does not tell what is lost: %+v", c.name, ch.Diffs)
			}
			if (strings.HasPrefix(c.phase, "discard") || strings.HasPrefix(c.phase, "keep")) && n == "db2" && !strings.Contains(ch.Actions[0].Guard, splitOther) {
				t.Errorf("%s: guard %s", c.name, ch.Actions[0].Guard)
			}
		}
		if c.name == "done" && !strings.Contains(ph.Note, copyOfB) {
			t.Errorf("done, and where the copy is, is not told: %q", ph.Note)
		}
	}
}

func TestWhatOneSideHasAloneIsSummedUp(t *testing.T) {
	var many, none []string
	for i := range 12 {
		many = append(many, fmt.Sprintf("0-1-%d 2026-11-28T04:00:%02dZ app.t%02d=%d", i, i, i, 100-i))
		none = append(none, fmt.Sprintf("0-2-%d 2026-11-28T04:00:%02dZ", i, i))
	}
	for _, c := range []struct {
		name         string
		mine, others []string
		want         string
	}{
		{"nothing", many[:3], many, "no transaction"},
		{"some", many, many[:10], "2 transactions from 2026-11-28T04:00:10Z to 2026-11-28T04:00:11Z: app.t10 90, app.t11 89"},
		{"many tables", many, many[:1], "11 transactions from 2026-11-28T04:00:01Z to 2026-11-28T04:00:11Z: app.t01 99, app.t02 98, app.t03 97, app.t04 96, app.t05 95, app.t06 94, app.t07 93, app.t08 92, app.t09 91, app.t10 90, and 1 tables more"},
		{"no rows", append([]string{many[0]}, none...), many, "12 transactions from 2026-11-28T04:00:00Z to 2026-11-28T04:00:11Z"},
		{"none in common", none, many, "unknown: its last 12 transactions and those of the other side have none in common"},
		{"something else", append([]string{many[0]}, "\x1b[31m$(reboot)"), many, "1 transactions, of which one cannot be read"},
	} {
		if got := lone(c.mine, c.others); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAHostOrFolderThatCannotBeIsRefused(t *testing.T) {
	d := &DRBDVolume{Name: "mysql", Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}}}}
	for _, in := range []plan.Intent{{Discard: "db9"}, {Discard: "db2", Folder: "copies"}, {Discard: "db2", Folder: "/"}, {Discard: "db2", Folder: "/a b"}, {Discard: "db2", Folder: "/srv/../etc"}} {
		in.Verb = plan.Recover
		if _, err := d.Intend(in); err == nil || errors.Is(err, kind.ErrNoIntent) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if _, err := d.Intend(plan.Intent{Verb: plan.Switchover}); !errors.Is(err, kind.ErrNoIntent) {
		t.Errorf("%v", err)
	}
}

// Only a side that is not connected, and has changes of its own, is asked for them.
func TestWhatASideHasAloneIsAskedOnlyWhenItIsAlone(t *testing.T) {
	r := recovering(t, plan.Intent{})
	for name, c := range map[string]struct {
		proc, identifiers string
		want              bool
	}{
		"alone":     {"cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown", splitOther, true},
		"connected": {"cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate", comeBack, false},
		"behind":    {"cs:StandAlone ro:Secondary/Unknown ds:Outdated/DUnknown", comeBack, false},
	} {
		seen := volumes(&r.DRBDVolume, map[string]side{"db2": {proc: kindtest.ProcLine(c.proc), signatures: "drbd", magic: "53ef", label: "hv-mysql", block: used, identifiers: c.identifiers}})
		asked := false
		for _, q := range r.Probe("db2", seen) {
			asked = asked || q.Key() == r.written("db2").Key()
		}
		if asked != c.want {
			t.Errorf("%s: asked %v", name, asked)
		}
	}
}

// programs puts programs of the given texts before all others.
func programs(t *testing.T, texts map[string]string) {
	t.Helper()
	bin := t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for n, text := range texts {
		kindtest.Write(t, bin+"/"+n, "#!/bin/sh\n"+text)
		if err := os.Chmod(bin+"/"+n, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// The volume is a folder here, and mount a copy of it.
func TestACopyIsWholeOrNotThereAndTheVolumeIsDownAfterIt(t *testing.T) {
	r := recovering(t, plan.Intent{Discard: "db2", Folder: t.TempDir() + "/kept"})
	state := t.TempDir()
	t.Setenv("STATE", state)
	programs(t, map[string]string{
		"drbdadm":   `echo "drbdadm $1" >>"$STATE/did"`,
		"drbdsetup": `echo "drbdsetup $*" >>"$STATE/did"`,
		"mount":     `echo "mount $2" >>"$STATE/did"; cp -a "$STATE/volume/." "$4"`,
		"umount":    `echo umount >>"$STATE/did"; rm -rf "$1"/*`,
	})
	if err := os.MkdirAll(state+"/volume/data", 0o755); err != nil {
		t.Fatal(err)
	}
	kindtest.Write(t, state+"/volume/data/ibdata1", "rows")
	s := &split{r: r, loses: "db2", vs: map[string]volume{"db2": {}}}
	a := act.Action{Title: "copy", Shell: s.copy(1)}
	kindtest.Run(t, a)
	if b, err := os.ReadFile(s.target() + "/data/ibdata1"); err != nil || string(b) != "rows" {
		t.Errorf("%q %v", b, err)
	}
	for _, p := range []string{s.target(), r.folder} {
		if fi, err := os.Stat(p); err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", p, fi.Mode(), err)
		}
	}
	did, _ := os.ReadFile(state + "/did")
	want := "drbdadm down\ndrbdadm new-resource\ndrbdadm new-minor\ndrbdadm attach\ndrbdsetup disk-options 0 --fencing=dont-care\ndrbdadm primary\nmount ro\numount\ndrbdadm down\n"
	if string(did) != want {
		t.Errorf("did\n%s\nwant\n%s", did, want)
	}

	if err := os.RemoveAll(r.folder); err != nil {
		t.Fatal(err)
	}
	programs(t, map[string]string{"cp": `[ -n "$4" ] || exec /bin/cp "$@"; echo half >"$4/half"; echo 'No space left on device' >&2; exit 1`})
	if rs := kindtest.Try(t, a); rs[0].State != act.Failed {
		t.Errorf("a copy that broke off: %+v", rs[0])
	}
	if left, _ := os.ReadDir(r.folder); len(left) != 0 {
		t.Errorf("left of a copy that broke off: %v", left)
	}
	if rs := kindtest.Try(t, act.Action{Title: "copy", Shell: s.copy(1 << 62)}); rs[0].State != act.Failed || !strings.Contains(rs[0].Output, "no room") {
		t.Errorf("without room: %+v", rs[0])
	}
}

// A disk that is in use, as DRBD has it, is read; nothing is written to it, and nothing stays mounted.
func TestADiskIsReadWithoutWritingToIt(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("root alone mounts")
	}
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	dir := t.TempDir()
	image, mounted := dir+"/image", dir+"/mounted"
	kindtest.Write(t, image, "")
	if err := errors.Join(os.Truncate(image, 64<<20), os.Mkdir(mounted, 0o755)); err != nil {
		t.Fatal(err)
	}
	run("mkfs.ext4", "-q", "-F", image)
	out, err := exec.Command("losetup", "-f", "--show", image).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device here: %s", out)
	}
	disk := strings.TrimSpace(string(out))
	defer run("losetup", "-d", disk)
	run("mount", disk, mounted)
	kindtest.Write(t, mounted+"/said", "rows\n")
	run("sync", "-f", mounted)
	run("umount", mounted)

	r := recovering(t, plan.Intent{Discard: "db2", Folder: dir + "/kept"})
	r.Backing["db2"], r.Written = disk, `cat "$1/said"`
	before := run("sha256sum", image)
	if got := run("sh", "-c", r.written("db2").Shell); got != "rows" {
		t.Errorf("read: %q", got)
	}
	room := strings.Fields(run("sh", "-c", r.room("db2").Shell))
	if len(room) != 3 {
		t.Errorf("room: %v", room)
	}
	if after := run("sha256sum", image); after != before {
		t.Error("something was written to the disk")
	}
	run("mount", "-o", "ro", disk, mounted) // somebody else's, for itself alone
	got := run("sh", "-c", r.written("db2").Shell)
	run("umount", mounted)
	if got != "rows" {
		t.Errorf("read while it is in use: %q", got)
	}
	if left := run("sh", "-c", "losetup -n -O NAME -j "+disk+"; ls -d "+dir+"/kept 2>/dev/null || :"); left != "" {
		t.Errorf("left: %s", left)
	}
	r.Written = "false"
	if out, err := exec.Command("sh", "-c", r.written("db2").Shell).CombinedOutput(); err == nil {
		t.Errorf("a command that fails is no answer: %s", out)
	}
}
