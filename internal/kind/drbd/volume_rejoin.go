package drbd

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/drbd"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// alone reports whether a side has ended its connection and does not try again by itself.
func (v volume) alone() bool { return v.Connection == "StandAlone" }

// past asks the kernel's log for the last changes of role, and why a connection was refused. It is
// asked only when a side is alone.
func (d *DRBDVolume) past(host string) probe.Query {
	return probe.Cmd("drbd past "+d.Name, d.said(), d.subjects(host)...)
}

func (d *DRBDVolume) said() string {
	const what = `role\( |Split-Brain|Unrelated data|I shall become|Authentication of peer|Aborting`
	return "journalctl -q -k --no-pager -o short-iso -n 4 -g " + shell.Quote("drbd "+regexp.QuoteMeta(d.Name)+`\b.*(`+what+")") + " | tail -n 4 | cut -c 1-200"
}

// rejoin decides for two sides of which one has ended the connection. DRBD does so when a
// handshake fails, and not only because of a split brain; the generation identifiers tell. When one
// side's data comes from the other's, connecting loses nothing: DRBD compares the identifiers again
// as it connects, and brings the side that is behind up to date. Nothing is ever discarded here.
func (d *DRBDVolume) rejoin(names []string, vs map[string]volume) (plan.Phase, error) {
	a, b := vs[names[0]], vs[names[1]]
	r, why := drbd.Compare(a.data, b.data)
	behind := map[drbd.Relation]string{drbd.Behind: names[0], drbd.Ahead: names[1]}[r]
	switch {
	case r == drbd.Diverged:
		return plan.Phase{}, fmt.Errorf("split brain: both sides of %[1]s have changes that the other lacks (%[2]s). Which to keep is yours to decide; nothing is discarded here. "+
			"haprov recover shows what each side would lose, and haprov recover --discard HOST ends it\n%[3]s", d.Name, why, account(names, vs))
	case a.gi == "" && a.managed || b.gi == "" && b.managed:
		// Pacemaker attaches first and connects after: a side looked at in between is alone for a moment
		ph := d.waiting("Pacemaker starts the volume", 3*time.Minute, names, vs)
		ph.Wait.Evidence = account(names, vs)
		return ph, nil
	case !r.Related():
		return plan.Phase{}, fmt.Errorf("the two sides of %s are disconnected, and their generation identifiers do not tell which one has all changes (%s): they are not connected by guess. "+
			"Compare what both hold before any of it is discarded\n%s", d.Name, why, account(names, vs))
	case a.Role == "Primary" && b.Role == "Primary":
		return plan.Phase{}, fmt.Errorf("the two sides of %s are disconnected, and both are primary: demote the one that no application uses, then run this again\n%s", d.Name, account(names, vs))
	case behind != "" && vs[behind].Role == "Primary":
		return plan.Phase{}, fmt.Errorf("the two sides of %[1]s are disconnected; %[2]s is primary, but lacks changes of the other side (%[3]s): take %[2]s into maintenance (haprov maintenance %[2]s on), then run this again\n%[4]s", d.Name, behind, why, account(names, vs))
	}
	title := "connect again: neither side lacks a change (" + why + ")"
	if behind != "" {
		title = fmt.Sprintf("connect again: %s has no change that the other side lacks (%s)", behind, why)
	}
	ph := plan.Phase{Name: "connect again", Changes: map[string]plan.Change{}}
	for _, n := range names {
		if v := vs[n]; v.alone() {
			ph.Changes[n] = plan.Change{
				Diffs:   []plan.Diff{{Attribute: "volume " + d.Name, Have: v.Connection + ", " + v.Disk, Want: title}},
				Actions: []act.Action{{Title: title, Shell: d.connect(v), Guard: d.stillAlone(v), Touches: d.subjects(n)}},
			}
		}
	}
	return ph, nil
}

// stillAlone looks again, in the same shell, whether the side holds the generation that the
// decision rests on, in the same role.
func (d *DRBDVolume) stillAlone(v volume) string {
	line := fmt.Sprintf("^ *%d: cs:StandAlone ro:%s/", d.Minor, v.Role)
	return fmt.Sprintf("grep -q %s /proc/drbd && [ \"$(drbdadm get-gi %s)\" = %s ]", shell.Quote(line), shell.Quote(d.Name), shell.Quote(v.gi))
}

// connect tries up to five times, because a handshake on slow machines may fail once more, and looks
// for ten seconds what became of it. A side that waits for its peer is the next look's.
func (d *DRBDVolume) connect(v volume) string {
	return fmt.Sprintf(`tries=0
while :; do
  %[1]s
  looks=0
  while [ $looks -lt 10 ]; do
    case $(grep '^ *%[2]d: cs:' /proc/drbd) in
    *cs:StandAlone*) break ;;
    *cs:Unconnected* | *cs:WFConnection* | *cs:WFReportParams*) ;;
    *) exit 0 ;;
    esac
    sleep 1
    looks=$((looks + 1))
  done
  grep -q '^ *%[2]d: cs:StandAlone' /proc/drbd || exit 0
  tries=$((tries + 1))
  if [ $tries -ge 5 ] || ! { %[3]s; }; then
    echo 'the two sides refuse each other; the kernel says:' >&2
    %[4]s >&2
    exit 1
  fi
done`, hushed("drbdadm connect "+shell.Quote(d.Name)), d.Minor, d.stillAlone(v), d.said())
}

// account is what each side has, as evidence for who must decide.
func account(names []string, vs map[string]volume) string {
	var b strings.Builder
	for _, n := range names {
		v := vs[n]
		gi, differs := "unreadable", "unknown"
		if v.gi != "" {
			gi = v.gi
		}
		if v.outOfSync != "" {
			differs = v.outOfSync + " KiB"
		}
		fmt.Fprintf(&b, "  %s: %s, out of sync: %s, generations (current:bitmap:history:flags): %s\n", n, v.Status, differs, gi)
		for _, l := range strings.Split(strings.TrimSpace(v.past), "\n") {
			if l != "" {
				fmt.Fprintf(&b, "    %s\n", l)
			}
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}
