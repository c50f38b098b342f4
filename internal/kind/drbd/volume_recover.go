package drbd

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// volumeRecover ends a split brain: the changes that one side alone has are discarded, of the host that
// the user named, after a copy of all that it holds was kept there. What each side would lose is shown
// before. It begins only when the generation identifiers say that both sides have changes of their own.
//
//	split brain --standby--> the side that loses serves nothing --copy--> kept --discard--> synchronising
//	--wait--> both up to date --out of standby--> done
//
// Each state is told from what the hosts say, so a run that was cut short goes on where it was. Two more
// phases are for a fence device that lied: Pacemaker has ended on the side that it was told is off,
// which may serve all the same, and the constraint of DRBD's fence handler may hold the service where
// its data are to be discarded.
type volumeRecover struct {
	DRBDVolume
	loses  string // empty: nobody was named
	folder string
}

// keptFolder is where copies of discarded data are, if no other folder was named.
const keptFolder = "/var/lib/haprov-discarded"

// Intend gives the step that ends a split brain, or compares both sides.
func (d *DRBDVolume) Intend(in plan.Intent) (kind.Cluster, error) {
	switch {
	case in.Verb == plan.Compare && d.Verify != "":
		return &volumeCompare{*d}, nil
	case in.Verb != plan.Recover:
		return nil, kind.ErrNoIntent
	}
	if in.Discard != "" && !slices.ContainsFunc(d.Nodes, func(n kind.Node) bool { return n.Name == in.Discard }) {
		return nil, fmt.Errorf("no host %s here whose changes could be discarded", in.Discard)
	}
	r := &volumeRecover{*d, in.Discard, keptFolder}
	if in.Folder != "" {
		r.folder = in.Folder
		if !folder.MatchString(in.Folder) {
			return nil, fmt.Errorf("folder %.90q: expected an absolute path of letters, digits and ._-", in.Folder)
		}
	}
	return r, nil
}

var folder = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$`)

// Probe asks what the other step asks, and of a side that is not connected what it holds alone.
func (r *volumeRecover) Probe(host string, seen probe.Hosts) []probe.Query {
	qs := append(r.DRBDVolume.Probe(host, seen), kind.Unread(seen[host].Seen, r.mounted(), r.kept())...)
	s := seen[host].Seen
	if s.Get(drbd.ProcQuery()).State != probe.Answered {
		return qs
	}
	if v, err := r.read(host, s); err == nil && !v.Healthy() && !v.Syncing() && v.data.Bitmap != 0 {
		qs = append(qs, kind.Unread(s, r.written(host), r.room(host))...)
	}
	return qs
}

// mounted is where the volume is mounted, if it is.
func (d *DRBDVolume) mounted() probe.Query {
	return probe.Cmd("mounts of "+d.Name, "findmnt -n -o TARGET -S "+d.device()+" || true", drbd.Volumes)
}

// kept lists the copies on a host.
func (r *volumeRecover) kept() probe.Query {
	return probe.Cmd("kept copies of "+r.Name, "ls -1d "+shell.Quote(r.folder)+"/"+r.Name+"-* 2>/dev/null || true", probe.Topic("kept:"+r.Name))
}

// written asks for the last changes of the data, as the recipe's command tells them.
func (r *volumeRecover) written(host string) probe.Query {
	q := probe.Cmd("written to "+r.Name, r.look(host, r.Written), r.subjects(host)...)
	q.Timeout, q.Max = 5*time.Minute, 4<<20
	return q
}

// room are the bytes that the side's data take, and those that are free where a copy would be, of how many.
func (r *volumeRecover) room(host string) probe.Query {
	q := probe.Cmd("room for a copy of "+r.Name, r.look(host, `df -B1 --output=used "$1" | tail -n 1`)+"\np="+shell.Quote(r.folder)+`
while [ ! -d "$p" ]; do p=$(dirname "$p"); done
df -B1 --output=avail,size "$p" | tail -n 1`, r.subjects(host)...)
	q.Timeout = time.Minute
	return q
}

// look runs a command that reads, with the folder that the volume's data can be read in as $1: where it
// is mounted, or else a read-only mount of the disk under it, which nobody else sees and which ends with
// the command. DRBD holds that disk, so it is read through a loop device. The file system's journal is
// not replayed there: after a crash the last changes may be missing.
func (r *volumeRecover) look(host, command string) string {
	const alone = `l=$(losetup -r -f --show "$1")
trap 'losetup -d "$l"' EXIT
mount -t "$2" -o "$3" "$l" "$4"
sh -c "$5" look "$4"`
	return fmt.Sprintf(`( at=$(findmnt -n -f -o TARGET -S %[1]s || :)
if [ -n "$at" ]; then sh -c %[2]s look "$at"; exit; fi
t=$(mktemp -d) || exit
trap 'rmdir "$t"' EXIT
blockdev --flushbufs %[3]s
unshare -m sh -e -c %[4]s look %[3]s %[5]s %[6]s "$t" %[2]s )`,
		r.device(), shell.Quote(command), shell.Quote(r.Backing[host]), shell.Quote(alone), r.fsName(), r.fs().unreplayed)
}

// Decide gives the next phase. Nothing is begun that the identifiers do not ask for.
func (r *volumeRecover) Decide(begin, seen probe.Hosts) (plan.Phase, error) {
	if why, away := r.away(seen); away {
		if r.loses == "" {
			return plan.Phase{}, nil // the ring's step is for that
		}
		return plan.Phase{}, fmt.Errorf("%s: nothing is discarded while one side cannot be asked", why)
	}
	names, vs, err := r.sides(seen)
	if err != nil {
		return plan.Phase{}, err
	}
	relation, why := drbd.Compare(vs[names[0]].data, vs[names[1]].data)
	s := &split{r: r, names: names, vs: vs, seen: seen, why: why}
	switch {
	case r.loses == "" && relation == drbd.Diverged:
		return plan.Phase{}, fmt.Errorf("split brain: both sides of %[1]s have changes that the other lacks (%[2]s). Which to keep is yours to decide:\n%[3]s\n"+
			"haprov recover --discard HOST keeps a copy of what HOST holds, discards its changes and has it filled from the other side; with --plan it shows how\n%[4]s", r.Name, why, s.losses(), account(names, vs))
	case r.loses == "":
		return plan.Phase{}, nil
	}
	s.loses, s.keeps = r.loses, names[0]
	if s.loses == names[0] {
		s.keeps = names[1]
	}
	s.crm = map[string]bool{}
	for _, n := range names {
		u, _ := seen[n].Unit("pacemaker.service")
		s.crm[n] = u.Active == "active"
		s.ruled = s.ruled || u.Load != "not-found" && u.Load != ""
	}
	if relation == drbd.Diverged {
		return s.discard()
	}
	return s.after(begin, relation)
}

// away says which host did not answer.
func (r *volumeRecover) away(seen probe.Hosts) (string, bool) {
	for _, n := range r.Nodes {
		if s, ok := seen[n.Name]; !ok || s.Lost != "" {
			return fmt.Sprintf("%s is not reachable (%s)", n.Name, s.Lost), true
		}
	}
	return "", false
}

// sides reads both hosts.
func (r *volumeRecover) sides(seen probe.Hosts) (names []string, vs map[string]volume, err error) {
	vs = map[string]volume{}
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	if len(names) != 2 {
		return nil, nil, fmt.Errorf("a volume has two hosts, not %d", len(names))
	}
	for _, n := range names {
		v, err := r.read(n, seen[n].Seen)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", n, err)
		}
		v.managed = r.caredFor(seen[n].Seen, n)
		vs[n] = v
	}
	return names, vs, nil
}

// split is one look at a split brain, or at what is left of it.
type split struct {
	r            *volumeRecover
	names        []string
	vs           map[string]volume
	seen         probe.Hosts
	why          string
	loses, keeps string
	crm          map[string]bool // Pacemaker runs there
	ruled        bool            // it is installed at all
}

func (s *split) mounts(host string) string {
	return strings.Join(strings.Fields(s.seen[host].Get(s.r.mounted()).Out), ", ")
}

// ruler is a host whose Pacemaker can be told something: that of the side that is kept, if it runs.
func (s *split) ruler() string {
	if s.crm[s.keeps] {
		return s.keeps
	}
	return s.loses
}

func (s *split) standby(host string) bool {
	return pacemaker.Standby(s.seen[s.ruler()].Get(pacemaker.CIBQuery()), host)
}

// discard is for a split brain that is still one.
func (s *split) discard() (plan.Phase, error) {
	r, loser, keeper := s.r, s.vs[s.loses], s.vs[s.keeps]
	evidence := "\n" + s.losses() + "\n" + account(s.names, s.vs)
	if keeper.Up && keeper.Disk != "UpToDate" {
		return plan.Phase{}, fmt.Errorf("the disk of %s, which would be kept, is not up to date itself (%s): nothing is discarded%s", s.keeps, keeper.Status, evidence)
	}
	copied := s.copied()
	takes, free, err := s.fits()
	if err != nil && copied == "" {
		return plan.Phase{}, fmt.Errorf("%s: %w%s", s.loses, err, evidence)
	}
	if s.ruled {
		ph, done, err := s.aside()
		if err != nil {
			return plan.Phase{}, fmt.Errorf("%w%s", err, evidence)
		}
		if !done {
			return s.told(ph, takes, free), nil
		}
	} else if loser.Role == "Primary" || s.mounts(s.loses) != "" {
		return plan.Phase{}, fmt.Errorf("%s is primary, or mounted, on %s: end what uses it there and demote it, then run this again%s", r.Name, s.loses, evidence)
	}
	if copied == "" {
		ph := r.phase("keep a copy of what "+s.loses+" holds", s.loses, "copy what "+s.loses+" holds to "+s.target(), s.copy(takes), s.idle())
		c := ph.Changes[s.loses]
		c.Actions[0].Timeout = 10*time.Minute + time.Duration(takes>>22)*time.Second // 4 MiB/s
		c.Actions[0].Touches = append(c.Actions[0].Touches, probe.Topic("kept:"+r.Name))
		ph.Changes[s.loses] = c
		ph.Then = []string{"discard the changes of " + s.loses, "wait until the volume is synchronised", "take " + s.loses + " back into service"}
		return s.told(ph, takes, free), nil
	}
	if loser.Up && !loser.alone() && !keeper.alone() {
		ph := r.waiting("the two sides connect", time.Minute, s.names, s.vs)
		return ph, nil
	}
	title := "discard the changes of " + s.loses + " and have it filled from " + s.keeps
	ph := r.phase("discard the changes of "+s.loses, s.loses, title,
		r.attach()+"\n"+hushed("drbdadm connect --discard-my-data "+shell.Quote(r.Name)), s.idle()+" && [ -d "+shell.Quote(copied)+" ]")
	if keeper.alone() {
		ph.Changes[s.keeps] = plan.Change{
			Diffs:   []plan.Diff{{Attribute: "volume " + r.Name, Have: keeper.Connection, Want: "connected, its data kept"}},
			Actions: []act.Action{{Title: "connect", Shell: r.connect(keeper), Guard: r.stillAlone(keeper), Touches: r.subjects(s.keeps)}},
		}
	}
	ph.Then = []string{"wait until the volume is synchronised", "take " + s.loses + " back into service"}
	return s.told(ph, takes, free), nil
}

// aside takes the side that loses out of service, and has the other one serve. done: it is so.
func (s *split) aside() (ph plan.Phase, done bool, err error) {
	loser, keeper := s.vs[s.loses], s.vs[s.keeps]
	by := s.ruler()
	quoted := shell.Quote(s.loses)
	then := []string{"keep a copy of what " + s.loses + " holds", "discard the changes of " + s.loses, "wait until the volume is synchronised", "take " + s.loses + " back into service"}
	command := func(name, host, attribute, have, want, do, guard string) plan.Phase {
		return plan.Phase{Name: name, Then: then, Changes: map[string]plan.Change{host: {
			Diffs:   []plan.Diff{{Attribute: attribute, Have: have, Want: want}},
			Actions: []act.Action{{Title: name, Shell: do, Guard: guard, Touches: []probe.Subject{probe.All}}}}}}
	}
	switch constraint := s.constraint(s.loses); {
	case !s.crm[by]:
		return ph, false, fmt.Errorf("neither host runs Pacemaker: start it on %[1]s (systemctl start pacemaker), then run this again", s.keeps)
	case s.standby(s.keeps):
		return ph, false, fmt.Errorf("%[1]s, whose data would be kept, is in maintenance: haprov maintenance %[1]s off", s.keeps)
	case !s.standby(s.loses):
		return command("take "+s.loses+" out of service", by, "standby of "+s.loses, "off", "on", "crm_attribute --node "+quoted+" --name standby --update on", ""), false, nil
	case !s.crm[s.loses] && loser.Up:
		// Pacemaker ends, and stops nothing, where it hears that the node was fenced. What it left
		// running serves besides the other side: only a restart is sure to end all of it.
		// Nobody can log in until it is up again: a login before would find it as it was.
		ph = command("restart "+s.loses, s.loses, "machine", "Pacemaker has ended, what it started runs", "restarted",
			"systemctl stop ssh.socket 2>/dev/null || :\nsystemctl stop ssh.service\nsystemd-run --quiet --on-active=3 sh -c 'systemctl reboot || systemctl start ssh.service'", "! systemctl -q is-active pacemaker.service")
		ph.Away = []string{s.loses}
		return ph, false, nil
	case !s.crm[s.loses]:
		return command("start Pacemaker on "+s.loses, s.loses, "pacemaker.service", "inactive", "active", "systemctl start pacemaker.service", ""), false, nil
	case loser.Role == "Primary" || s.mounts(s.loses) != "" || s.runs(s.loses):
		ph = s.r.waiting("Pacemaker stops what runs on "+s.loses, 4*time.Minute, s.names, s.vs)
		ph.Then = then
		return ph, false, nil
	case constraint != "":
		return command("let "+s.keeps+" serve", by, "constraint of DRBD's fence handler", s.loses+" alone may be promoted", "none",
			"cibadmin --delete --xpath "+shell.Quote("/cib/configuration/constraints/rsc_location[@id='"+constraint+"']"), ""), false, nil
	case !s.crm[s.keeps]:
		return command("start Pacemaker on "+s.keeps, s.keeps, "pacemaker.service", "inactive", "active", "systemctl start pacemaker.service", ""), false, nil
	case keeper.Role != "Primary" && s.r.promotable(s.seen[by].Seen):
		ph = s.r.waiting(s.keeps+" serves", 5*time.Minute, s.names, s.vs)
		ph.Then = then
		return ph, false, nil
	}
	return ph, true, nil
}

// runs reports whether Pacemaker has anything on a host, or cannot tell.
func (s *split) runs(host string) bool {
	state, err := pacemaker.ParseMon(s.seen[s.ruler()].Get(pacemaker.MonQuery()).Out)
	return err != nil || slices.ContainsFunc(state.Resources, func(r pacemaker.Resource) bool { return r.Node == host })
}

// constraint is the id of the fence handler's constraint that lets the volume be promoted on a host alone.
func (s *split) constraint(host string) (id string) {
	root, err := pacemaker.Parse(s.seen[s.ruler()].Get(pacemaker.CIBQuery()).Out)
	if err != nil {
		return ""
	}
	root.All(func(n *pacemaker.Node) {
		if n.Name != "rsc_location" || !handlerID.MatchString(n.Attrs["id"]) || !strings.HasPrefix(n.Attrs["id"], "drbd-fence-by-handler-"+s.r.Name+"-") {
			return
		}
		n.All(func(x *pacemaker.Node) {
			if x.Name == "expression" && x.Attrs["operation"] == "ne" && x.Attrs["value"] == host {
				id = n.Attrs["id"]
			}
		})
	})
	return id
}

var handlerID = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// promotable reports whether Pacemaker promotes the volume somewhere.
func (d *DRBDVolume) promotable(s probe.Seen) bool {
	state, err := pacemaker.ParseMon(s.Get(pacemaker.MonQuery()).Out)
	return err == nil && len(state.Single()) > 0
}

// told adds to a phase what will be discarded, and where it is kept: the user named the host.
func (s *split) told(ph plan.Phase, takes, free int64) plan.Phase {
	if len(ph.Changes) == 0 {
		return ph
	}
	on := s.loses
	if _, ok := ph.Changes[on]; !ok {
		for n := range ph.Changes {
			on = n
		}
	}
	c := ph.Changes[on]
	diffs := []plan.Diff{
		{Attribute: "changes of " + s.keeps + " alone", Have: s.lone(s.keeps, s.loses), Want: "kept"},
		{Attribute: "changes of " + s.loses + " alone", Have: s.lone(s.loses, s.keeps), Want: "discarded", Danger: "what " + s.loses + " alone has is discarded, after a copy was kept there"},
	}
	room := s.target()
	if takes > 0 {
		room += fmt.Sprintf(", takes %s of %s that are free", mebibytes(takes), mebibytes(free))
	}
	c.Diffs = append(append(diffs, plan.Diff{Attribute: "copy on " + s.loses, Have: s.copied(), Want: room}), c.Diffs...)
	ph.Changes[on] = c
	return ph
}

// target is the copy's folder; the generation in its name is the one that is discarded.
func (s *split) target() string {
	return fmt.Sprintf("%s/%s-%016X", s.r.folder, s.r.Name, s.vs[s.loses].data.Current)
}

// copied is the copy of this generation, when it is there and whole.
func (s *split) copied() string {
	if slices.Contains(strings.Fields(s.seen[s.loses].Get(s.r.kept()).Out), s.target()) {
		return s.target()
	}
	return ""
}

// fits tells what the copy takes, and whether there is room: a twentieth of the file system stays free.
func (s *split) fits() (takes, free int64, err error) {
	a := s.seen[s.loses].Get(s.r.room(s.loses))
	var size int64
	if n, err := fmt.Sscan(a.Out, &takes, &free, &size); a.State != probe.Answered || n != 3 || err != nil || takes <= 0 || free < 0 || size <= 0 {
		return 0, 0, fmt.Errorf("it cannot be told how much a copy of what it holds takes: nothing is discarded without one (%.200s)", strings.TrimSpace(a.Out))
	}
	if free-takes < size/20 {
		return 0, 0, fmt.Errorf("no room for a copy in %s: what it holds takes %s, and a twentieth of the file system is to stay free; %s of %s are; name another folder with --in",
			s.r.folder, mebibytes(takes), mebibytes(free), mebibytes(size))
	}
	return takes, free, nil
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }

// idle holds while the side that loses has the generation that was decided on, and nobody uses it.
func (s *split) idle() string {
	r := s.r
	return fmt.Sprintf("%s && [ \"$(drbdadm get-gi %s)\" = %s ]", r.unused(), shell.Quote(r.Name), shell.Quote(s.vs[s.loses].gi))
}

// attach brings the volume up without connecting it.
func (r *volumeRecover) attach() string {
	n := shell.Quote(r.Name)
	return "drbdadm down " + n + " 2>/dev/null || :\ndrbdadm new-resource " + n + "\ndrbdadm new-minor " + n + "\ndrbdadm attach " + n
}

// copy copies all that the side holds, and leaves the volume down. It is read through DRBD, so that the
// journal can be replayed: those blocks count as changes of this side, and are discarded with them.
func (s *split) copy(takes int64) string {
	n, part := shell.Quote(s.r.Name), shell.Quote(s.target()+".part")
	return fmt.Sprintf(`mkdir -p -m 0700 %[1]s
rm -rf %[2]s
[ "$(df -B1 --output=avail %[1]s | tail -n 1)" -gt %[3]d ] || { echo 'no room for the copy' >&2; exit 1; }
m=$(mktemp -d)
trap 'umount "$m" 2>/dev/null || :; rmdir "$m"; drbdadm down %[4]s; rm -rf %[2]s' EXIT
%[5]s
drbdsetup disk-options %[6]d --fencing=dont-care
drbdadm primary %[4]s
mount -o ro %[7]s "$m"
mkdir -m 0700 %[2]s
cp -a --sparse=always "$m/." %[2]s
chmod 0700 %[2]s
sync -f %[2]s
mv -T %[2]s %[8]s`, shell.Quote(s.r.folder), part, takes, n, s.r.attach(), s.r.Minor, s.r.device(), shell.Quote(s.target()))
}

// after is for what is no split brain, or none any more.
func (s *split) after(begin probe.Hosts, relation drbd.Relation) (plan.Phase, error) {
	r, a, b := s.r, s.vs[s.names[0]], s.vs[s.names[1]]
	healthy := a.Healthy() && b.Healthy()
	began := s.began(begin)
	mended := began || strings.TrimSpace(s.seen[s.loses].Get(r.kept()).Out) != ""
	switch {
	case !mended || !began && healthy && !s.standby(s.loses):
		return plan.Phase{}, fmt.Errorf("no split brain: %s (%s); nothing is discarded\n%s", relation, s.why, account(s.names, s.vs))
	case a.Syncing() || b.Syncing():
		return r.synchronising(s.names, s.vs), nil
	case !healthy && !s.standby(s.loses):
		return r.waiting("both sides are up to date", 5*time.Minute, s.names, s.vs), nil
	case !healthy && (a.Connection == "StandAlone" || !a.Up || b.Connection == "StandAlone" || !b.Up):
		return plan.Phase{}, fmt.Errorf("the two sides are not connected: take %[1]s back into service (haprov maintenance %[1]s off), then haprov up\n%[2]s", s.loses, account(s.names, s.vs))
	case !healthy:
		return r.waiting("both sides are up to date", 5*time.Minute, s.names, s.vs), nil
	case s.ruled && s.standby(s.loses):
		name := "take " + s.loses + " back into service"
		return plan.Phase{Name: name, Then: []string{"wait until all is up"}, Changes: map[string]plan.Change{s.ruler(): {
			Diffs:   []plan.Diff{{Attribute: "standby of " + s.loses, Have: "on", Want: "off"}},
			Actions: []act.Action{{Title: name, Shell: "crm_attribute --node " + shell.Quote(s.loses) + " --name standby --delete", Touches: []probe.Subject{probe.All}}}}}}, nil
	}
	if s.ruled {
		state, err := pacemaker.ParseMon(s.seen[s.ruler()].Get(pacemaker.MonQuery()).Out)
		if s.constraint(s.keeps) != "" {
			return r.waiting("DRBD's fence constraint is lifted", 3*time.Minute, s.names, s.vs), nil
		}
		if late := state.Late(); err != nil || len(late) > 0 {
			ph := r.waiting("all is up", 5*time.Minute, s.names, s.vs)
			ph.Wait.Progress = strings.Join(late, ", ") + " not yet"
			return ph, nil
		}
	}
	return plan.Phase{Note: "both sides of " + r.Name + " are up to date; what " + s.loses + " held is kept there in " + strings.Join(strings.Fields(s.seen[s.loses].Get(r.kept()).Out), " ")}, nil
}

// began reports whether this run began with a split brain.
func (s *split) began(begin probe.Hosts) bool {
	names, vs, err := s.r.sides(begin)
	if err != nil {
		return false
	}
	relation, _ := drbd.Compare(vs[names[0]].data, vs[names[1]].data)
	return relation == drbd.Diverged
}

// losses says what each side would lose, one line each.
func (s *split) losses() string {
	a, b := s.names[0], s.names[1]
	return fmt.Sprintf("  %s alone has: %s\n  %s alone has: %s", a, s.lone(a, b), b, s.lone(b, a))
}

// lone says what one side has that the other lacks.
func (s *split) lone(host, other string) string {
	if s.r.Written == "" {
		return "unknown: the recipe does not tell how to read it"
	}
	mine, err := s.changes(host)
	if err != nil {
		return err.Error()
	}
	others, err := s.changes(other)
	if err != nil {
		return err.Error()
	}
	return lone(mine, others)
}

func (s *split) changes(host string) ([]string, error) {
	switch a := s.seen[host].Get(s.r.written(host)); {
	case a.State == probe.Unasked:
		return nil, errors.New("not read")
	case a.State != probe.Answered:
		return nil, fmt.Errorf("unknown: what %s has was not read in time", host)
	case a.Exit != 0:
		return nil, fmt.Errorf("unknown: what %s has cannot be read (%.200s)", host, strings.TrimSpace(a.Out))
	default:
		return strings.Split(strings.TrimSpace(a.Out), "\n"), nil
	}
}

// A change is one line: what tells it from others, its time, and how many rows of which table.
var change = regexp.MustCompile(`^[A-Za-z0-9:-]{1,80} (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)((?: [A-Za-z0-9_.$?-]{1,130}=\d{1,9})*)$`)

// mostTables are named, those with the most rows.
const mostTables = 10

// lone sums up what comes in one list after the last line that the other has, too.
func lone(mine, others []string) string {
	common := map[string]bool{}
	for _, l := range others {
		common[l] = true
	}
	from := len(mine)
	for from > 0 && !common[mine[from-1]] {
		from--
	}
	if from == 0 {
		return fmt.Sprintf("unknown: its last %d transactions and those of the other side have none in common", len(mine))
	}
	own := mine[from:]
	if len(own) == 0 {
		return "no transaction"
	}
	rows := map[string]int{}
	first, last := "", ""
	for _, l := range own {
		m := change.FindStringSubmatch(l)
		if m == nil {
			return fmt.Sprintf("%d transactions, of which one cannot be read", len(own))
		}
		if first == "" {
			first = m[1]
		}
		last = m[1]
		for _, x := range strings.Fields(m[2]) {
			name, n, _ := strings.Cut(x, "=")
			count, _ := strconv.Atoi(n) // digits
			rows[name] += count
		}
	}
	var tables []string
	for n := range rows {
		tables = append(tables, n)
	}
	sort.Slice(tables, func(i, j int) bool {
		if rows[tables[i]] != rows[tables[j]] {
			return rows[tables[i]] > rows[tables[j]]
		}
		return tables[i] < tables[j]
	})
	out := fmt.Sprintf("%d transactions from %s to %s", len(own), first, last)
	for i, n := range tables {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		if i == mostTables {
			return out + fmt.Sprintf(", and %d tables more", len(tables)-i)
		}
		out += fmt.Sprintf("%s%s %d", sep, n, rows[n])
	}
	return out
}
