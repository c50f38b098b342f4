package kind

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Upgrade is what the intent upgrade means on one host, whatever the cluster: what is newer there, and the
// texts that bring it about. When a host may be taken out of service, and how, is the cluster step's.
type Upgrade struct {
	plan.Intent
	Units []string // of the step: one that runs a replaced program is restarted, too
}

// Pending is what an upgrade has still to do on a host.
type Pending struct {
	Updates []Update
	Stale   []string // units whose programs were replaced since they started
	Boots   string   // why the host should be rebooted; empty: it need not
	Fresh   bool     // its package lists were read within the last hour
	Leaving bool     // it is about to reboot
	Reboot  bool     // it is to be rebooted: that was asked for, and it has not been since the run began
	boot    string   // this boot of it
}

// Update is a package of which there is a newer version.
type Update struct{ Name, Have, Want string }

// Due reports whether the host has to be taken out of service.
func (p Pending) Due() bool { return p.changed() || p.Reboot }

func (p Pending) changed() bool { return len(p.Updates)+len(p.Stale) > 0 }

func (u Update) String() string { return u.Name + " " + u.Have + " -> " + u.Want }

// Marks of this boot: when the package lists were read, and that the host was told to reboot.
const (
	listsRead = act.Dir + "/package-lists"
	rebooting = act.Dir + "/rebooting"
)

// Query asks what apt would do, by the lists that the host has, and what runs a replaced program. A kernel
// that was installed since the host booted wants a reboot; Debian has no mark for it.
func (u Upgrade) Query(host string) probe.Query {
	what := "--only-upgrade install -- " + shell.Join(u.Packages[host]...)
	if u.All {
		what = "--with-new-pkgs upgrade"
	}
	text := `printf 'fresh %s\n' "$(find ` + listsRead + ` -mmin -60 2>/dev/null | wc -l)"
printf 'leaving %s\n' "$(find ` + rebooting + ` 2>/dev/null | wc -l)"
printf 'boot %s\n' "$(cat /proc/sys/kernel/random/boot_id)"
if [ -e /run/reboot-required ]; then echo 'reboot a package asks for it'; fi
k=$(find /boot -maxdepth 1 -name 'vmlinuz-*' -newerct "@$(sed -n 's/^btime //p' /proc/stat)" -printf '%f ' 2>/dev/null)
if [ -n "$k" ]; then echo "reboot a kernel was installed since it booted: $k"; fi
for u in ` + shell.Join(u.Units...) + `; do
  m=$(systemctl show -P MainPID -- "$u")
  case $(readlink "/proc/$m/exe") in *' (deleted)') echo "stale $u" ;; esac
done
LC_ALL=C apt-get -s -q --no-install-recommends -o Debug::NoLocking=1 ` + what + ` 2>&1 || echo "failed $?"`
	q := probe.Cmd("upgrades", text)
	q.Timeout, q.Max = 5*time.Minute, 512<<10
	return q
}

var (
	instLine = regexp.MustCompile(`^Inst ([a-z0-9][a-z0-9+.:-]*) (?:\[([^][ ]+)\] )?\(([A-Za-z0-9.+:~-]+) `)
	series   = regexp.MustCompile(`^(?:[0-9]+:)?([0-9]+(?:\.[0-9]+)?)`)
)

// Read is what the host answered. What is no update within a series is an error: it may need steps of its
// own, and there may be no way back.
func (u Upgrade) Read(host string, s probe.Seen) (p Pending, err error) {
	a := s.Get(u.Query(host))
	if a.State != probe.Answered {
		return p, fmt.Errorf("%s does not tell which packages have newer versions", host)
	}
	for l := range strings.Lines(a.Out) {
		l = strings.TrimRight(l, "\n")
		word, rest, _ := strings.Cut(l, " ")
		switch word {
		case "fresh":
			p.Fresh = rest != "0"
		case "leaving":
			p.Leaving = rest != "0"
		case "boot":
			p.boot = rest
		case "reboot":
			p.Boots = strings.TrimSpace(rest)
		case "stale":
			if slices.Contains(u.Units, rest) {
				p.Stale = append(p.Stale, rest)
			}
		case "failed":
			return p, fmt.Errorf("%s: apt-get cannot tell what it would do:\n%s", host, tail(a.Out))
		case "Remv":
			return p, fmt.Errorf("%s: the upgrade would remove a package (%s): do it by hand, with haprov maintenance %s on", host, l, host)
		case "Inst":
			m := instLine.FindStringSubmatch(l)
			if m == nil {
				return p, fmt.Errorf("%s: apt-get said %.200q; expected \"Inst NAME [VERSION] (VERSION ...)\"", host, l)
			}
			p.Updates = append(p.Updates, Update{m[1], cmp.Or(m[2], "-"), m[3]})
		}
	}
	for _, x := range p.Updates {
		if slices.Contains(u.Packages[host], x.Name) && !sameSeries(x.Have, x.Want) {
			return p, fmt.Errorf("%s: %s is another series, and upgrade makes updates within a series alone: it needs a proved backup (haprov backup prove) and the order of docs/upgrade.md; apt-mark hold %s keeps it as it is", host, x, x.Name)
		}
	}
	return p, nil
}

// sameSeries compares the first two numbers of the programs' own versions: a new Debian revision, or a third
// number that is higher, is an update.
func sameSeries(have, want string) bool {
	a, b := series.FindStringSubmatch(have), series.FindStringSubmatch(want)
	return have == "-" || a != nil && b != nil && a[1] == b[1]
}

func tail(s string) string {
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-1000):]
}

// Hosts reads the named hosts' answers of when the run began and of now. A host that has been rebooted in
// this run is not rebooted again.
func (u Upgrade) Hosts(hosts []string, begin, now probe.Hosts) (map[string]Pending, error) {
	out := map[string]Pending{}
	var all []error
	for _, h := range hosts {
		p, err := u.Read(h, now[h].Seen)
		all = append(all, err)
		was, _ := u.Read(h, begin[h].Seen)
		p.Reboot = u.Reboot && p.Boots != "" && (was.boot == p.boot || was.boot == "")
		out[h] = p
	}
	return out, errors.Join(all...)
}

// Lists is the phase that has the hosts read their package lists, when those are not fresh; then is what
// follows by the lists that they have.
func (u Upgrade) Lists(pending map[string]Pending, then []string) (ph plan.Phase) {
	for h, p := range pending {
		if p.Fresh {
			continue
		}
		if ph.Changes == nil {
			ph = plan.Phase{Name: "read the package lists", Changes: map[string]plan.Change{}, Then: then}
		}
		ph.Changes[h] = plan.Change{
			Diffs: []plan.Diff{{Attribute: "package lists", Have: "older than an hour", Want: "read again: what follows is by the older ones"}},
			Actions: []act.Action{{Title: "read the package lists", Touches: []probe.Subject{probe.All},
				Shell: "apt-get -q -o DPkg::Lock::Timeout=300 update\nmkdir -p " + act.Dir + "\n: >" + listsRead}}}
	}
	return ph
}

// Says is what an upgrade would do on a host, in one line.
func (p Pending) Says(host string) string {
	var out []string
	for _, x := range p.Updates {
		out = append(out, x.String())
	}
	for _, x := range p.Stale {
		out = append(out, "restart "+x)
	}
	if p.Reboot {
		out = append(out, "reboot")
	}
	return host + ": " + strings.Join(out, ", ")
}

// Job is how a step takes a host out of service and back; its texts are run on that host.
type Job struct {
	Out, Back string // out of service, and back; after a reboot what is enabled comes back by itself
	Guard     string // the host may be taken out of service
	Limit     time.Duration
}

// Phase is what is next on a host: one job that takes it out of service, upgrades it, and takes it back
// even when apt fails; or its reboot.
func (u Upgrade) Phase(host string, p Pending, j Job, then []string) plan.Phase {
	ch := plan.Change{}
	for _, x := range p.Updates {
		ch.Diffs = append(ch.Diffs, plan.Diff{Attribute: x.Name, Have: x.Have, Want: x.Want})
	}
	for _, x := range p.Stale {
		ch.Diffs = append(ch.Diffs, plan.Diff{Attribute: x, Have: "runs a replaced program", Want: "restarted"})
	}
	a := act.Action{Title: "upgrade " + host, Guard: j.Guard, Timeout: j.Limit, Touches: []probe.Subject{probe.All}}
	ph := plan.Phase{Name: "upgrade " + host, Then: then, Tries: 1, Wait: Wait(host+" has the newest versions and runs them", time.Minute).Wait}
	switch {
	case !p.changed():
		ph.Name, a.Title, ph.Away = "reboot "+host, "reboot "+host, []string{host}
		ch.Diffs = []plan.Diff{{Attribute: "reboot", Have: p.Boots, Want: "rebooted"}}
		a.Shell = j.Out + "\nmkdir -p " + act.Dir + "\n: >" + rebooting + "\nsystemctl --no-block reboot"
	case len(p.Updates) == 0:
		a.Shell = j.Out + "\n" + j.Back
	default:
		var names []string
		if !u.All {
			names = u.Packages[host]
		}
		a.Shell = j.Out + "\nrc=0\n" + act.Upgrade(names) + " || rc=$?\n" + j.Back + "\nexit $rc"
	}
	ch.Actions = []act.Action{a}
	ph.Changes = map[string]plan.Change{host: ch}
	return ph
}

// Left is what to tell when nothing is due any more: who should be rebooted.
func Left(pending map[string]Pending) plan.Phase {
	var out []string
	for h, p := range pending {
		if p.Boots != "" {
			out = append(out, h+" ("+p.Boots+")")
		}
	}
	if len(out) == 0 {
		return plan.Phase{}
	}
	slices.Sort(out)
	return plan.Phase{Note: "should be rebooted: " + strings.Join(out, ", ") + "; haprov upgrade --reboot does it, one host after the other"}
}
