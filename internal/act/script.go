package act

import (
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Dir is where a host keeps what is owed, the lock and the job at work. It does not survive a
// reboot, and a reboot pays what was owed.
const Dir = "/run/haprov"

// Join merges adjacent Install and adjacent Start actions. The result's Covers tells which of the
// given actions each joined one stands for.
func Join(as []Action) (joined []Action, covers [][]int) {
	for i, a := range as {
		n := len(joined) - 1
		if n >= 0 && len(a.Install) > 0 && len(joined[n].Install) > 0 && a.Guard == "" && joined[n].Guard == "" {
			l := &joined[n]
			l.Install = append(append([]string{}, l.Install...), a.Install...)
			l.Title = "install " + strings.Join(l.Install, ", ")
			l.Touches = append(l.Touches, a.Touches...)
			l.Owes, l.Pays = append(l.Owes, a.Owes...), append(l.Pays, a.Pays...)
			covers[n] = append(covers[n], i)
			continue
		}
		if n >= 0 && a.Start != nil && len(joined[n].starts) > 0 && a.Guard == "" && a.Unless == "" && len(a.Owes) == 0 {
			l := &joined[n]
			l.starts = append(l.starts, *a.Start)
			l.Title += ", " + a.Title
			l.Touches = append(l.Touches, a.Touches...)
			l.Pays = append(l.Pays, a.Pays...)
			covers[n] = append(covers[n], i)
			continue
		}
		if a.Start != nil && a.Guard == "" && a.Unless == "" {
			a.starts = []Unit{*a.Start}
			a.Touches, a.Pays = append([]probe.Subject{}, a.Touches...), append([]string{}, a.Pays...)
		}
		joined = append(joined, a)
		covers = append(covers, []int{i})
	}
	return joined, covers
}

// Script turns a batch into one shell text. It runs as a job of its own session: when the
// connection is lost it runs to its end. Marks behind the nonce tell what became of each action;
// after the first failure nothing more is started. An empty line follows each mark, since the transport
// holds the last newline back until more comes. Actions run with the lock's descriptor closed,
// so that no daemon they start can hold it.
func Script(as []Action, nonce string) string {
	var j strings.Builder
	fmt.Fprintf(&j, "trap '' PIPE HUP\nd=%s/job\nsay() { printf '\\n%s %%s\\n\\n' \"$*\"; } 2>/dev/null\n", Dir, nonce)
	fmt.Fprintf(&j, "bad() { say failed $1 $2; tail -c %d $d/out 2>/dev/null; say end; rm -rf $d; exit 1; }\n", tailBytes)
	dirs := map[string]bool{}
	for i, a := range as {
		fmt.Fprintf(&j, "say begin %d\n", i)
		body := a.body()
		if a.Unless != "" {
			fmt.Fprintf(&j, "if ( eval %s ) >/dev/null 2>&1 </dev/null 8>&-; then say same %d; else\n", shell.Quote(a.Unless), i)
		}
		if a.Guard != "" {
			fmt.Fprintf(&j, "timeout -k 5 %d sh -c %s >$d/out 2>&1 </dev/null 8>&- || { say refused %d; tail -c %d $d/out; say end; rm -rf $d; exit 1; }\n", int(a.timeout()/time.Second), shell.Quote(a.Guard), i, tailBytes)
		}
		for _, o := range a.Owes {
			fmt.Fprintf(&j, ": >%s\n", shell.Quote(owedMark(o)))
		}
		fmt.Fprintf(&j, "( %s\n) >$d/out 2>&1 8>&-; rc=$?; [ $rc = 0 ] || bad %d $rc\n", body, i)
		for _, u := range a.Pays {
			fmt.Fprintf(&j, "rm -f -- %s\n", shell.Join(owedMark(Owed{u, "restart"}), owedMark(Owed{u, "reload"})))
		}
		fmt.Fprintf(&j, "say done %d\n", i)
		if a.Unless != "" {
			j.WriteString("fi\n")
		}
		if a.Write != nil {
			dirs[path.Dir(a.Write.Path)] = true
		}
	}
	if len(dirs) > 0 {
		list := make([]string, 0, len(dirs))
		for d := range dirs {
			list = append(list, d)
		}
		sort.Strings(list)
		fmt.Fprintf(&j, "sync -f -- %s 2>/dev/null\n", shell.Join(list...))
	}
	j.WriteString("say end\nrm -rf $d\n")
	eof := "JOB" + nonce
	return fmt.Sprintf("umask 077; mkdir -p %[1]s/owed && rm -rf %[1]s/job && mkdir %[1]s/job || exit 1\ncat >%[1]s/job/script <<'%[2]s'\n%[3]s%[2]s\nsetsid sh %[1]s/job/script </dev/null & wait $!\n", Dir, eof, j.String())
}

func owedMark(o Owed) string { return Dir + "/owed/" + o.Unit + "." + o.What }

// Deadline is how long the batch may take.
func Deadline(as []Action) time.Duration {
	d := slack + flush
	for _, a := range as {
		d += a.timeout()
		if a.Guard != "" {
			d += a.timeout()
		}
	}
	return d
}

// Slower gives the actions for a host that is slower by a factor: their time-outs are longer.
func Slower(as []Action, by float64) []Action {
	if by <= 1 {
		return as
	}
	out := slices.Clone(as)
	for i, a := range out {
		out[i].Timeout = time.Duration(float64(a.timeout()) * by)
	}
	return out
}

func (a Action) timeout() time.Duration {
	switch {
	case a.Timeout > 0:
		return a.Timeout
	case len(a.Install) > 0:
		return 30 * time.Minute
	}
	return DefaultTimeout
}

// body is the text of the action's own subshell.
func (a Action) body() string {
	switch {
	case a.Write != nil:
		return a.Write.body()
	case len(a.Install) > 0:
		return a.bounded(install(a.Install))
	case a.Start != nil:
		units := a.starts
		if units == nil {
			units = []Unit{*a.Start}
		}
		var enable, start []string
		for _, u := range units {
			if u.Enable {
				enable = append(enable, u.Name)
			}
			if u.Start {
				start = append(start, u.Name)
			}
		}
		t := ""
		if len(enable) > 0 {
			t += Offline("enable", enable...) + "\n"
		}
		if len(start) > 0 {
			t += "systemctl start -- " + shell.Join(start...) + "\n"
		}
		return a.bounded(t)
	}
	return a.bounded(a.Shell)
}

func (a Action) bounded(text string) string {
	in := "</dev/null"
	pre := ""
	if !a.Stdin.Empty() {
		// printf is the shell's own: the value is in no process's arguments.
		pre, in = "printf '%s' "+shell.Quote(a.Stdin.Reveal())+" | ", ""
	}
	return fmt.Sprintf("umask 022; %stimeout -k 5 %d sh -e -c %s %s", pre, int(a.timeout()/time.Second), shell.Quote(text), in)
}

// install makes one transaction with services held back: nothing starts before it is configured. So no
// package needs systemd while the transaction lasts, and it reads its units once at the end instead of
// once a package ($SYSTEMD_OFFLINE, ENVIRONMENT.md of systemd).
func install(names []string) string {
	return heldBack("--no-install-recommends install -- "+shell.Join(names...)) +
		"[ ! -d /run/systemd/system ] || export SYSTEMD_OFFLINE=1\n" +
		"get || { dpkg --configure -a; apt-get -q -o DPkg::Lock::Timeout=300 update; get; }\n" +
		"[ ! -d /run/systemd/system ] || { unset SYSTEMD_OFFLINE; systemctl daemon-reload; }"
}

// Upgrade is the text of a transaction that brings installed packages to their newest version, by the lists
// that are there; with none named, all of the host's. Services are held back: whoever runs it restarts what
// is to run the new version. Nothing is removed, and a configuration file that was changed stays.
func Upgrade(names []string) string {
	what := "--no-install-recommends --only-upgrade install -- " + shell.Join(names...)
	if len(names) == 0 {
		what = "--with-new-pkgs upgrade"
	}
	return "(\n" + heldBack(what) + "dpkg --configure -a && get\n)"
}

// Offline enables or disables units for the next boot. By itself systemctl has systemd reload, once for the
// unit and once for each init script of the same name; on a small machine a reload takes seconds, and one
// will do ($SYSTEMD_OFFLINE, ENVIRONMENT.md of systemd).
func Offline(verb string, units ...string) string {
	return "SYSTEMD_OFFLINE=1 systemctl -q " + verb + " -- " + shell.Join(units...) + "\nsystemctl daemon-reload"
}

// heldBack defines get, which is apt-get, and keeps packages from starting and stopping services until the
// shell ends.
func heldBack(what string) string {
	return `p=/usr/sbin/policy-rc.d; mine=
[ -e $p ] || [ -L $p ] || { printf '#!/bin/sh\n# haprov: packages wait for their configuration\nexit 101\n' >$p; chmod 755 $p; mine=1; }
if [ -f $p ] && grep -q '^# haprov:' $p; then mine=1; fi
trap '[ -z "$mine" ] || rm -f $p' EXIT
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
get() { apt-get -y -q --no-remove -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold ` + what + `; }
`
}

// body writes beside the target, sets owner and mode, validates, renames. The directory may
// belong to someone else: noclobber refuses whatever was put in the way.
func (f *File) body() string {
	p, t := shell.Quote(f.Path), shell.Quote(f.Path+".haprov-new")
	var b strings.Builder
	fmt.Fprintf(&b, "set -eC; umask 077; rm -f -- %s\n", t)
	text := f.Content.Reveal()
	if f.Blob != nil {
		from := shell.Quote(f.Blob.There)
		// What was sent belongs to whoever logged in, until it stands here.
		fmt.Fprintf(&b, "mv -fT -- %s %s && chown -- \"$(id -u):$(id -g)\" %s && chmod 0600 -- %s\n", from, t, t, t)
	} else if strings.IndexByte(text, 0) >= 0 {
		eof := "FILE" + strconv.Itoa(len(text))
		fmt.Fprintf(&b, "base64 -d >%s <<'%s'\n%s\n%s\n", t, eof, base64.StdEncoding.EncodeToString([]byte(text)), eof)
	} else {
		fmt.Fprintf(&b, "printf '%%s' %s >%s\n", shell.Quote(text), t)
	}
	owner := f.Owner
	if f.Group != "" {
		owner += ":" + f.Group
	}
	switch {
	case f.Owner == "" && f.Group == "":
		fmt.Fprintf(&b, "[ ! -e %s ] || chown --reference=%s -- %s\n", p, p, t)
	case owner != "root:root" && owner != "root":
		fmt.Fprintf(&b, "chown -- %s %s\n", shell.Quote(owner), t)
	}
	if f.Mode == "" {
		fmt.Fprintf(&b, "if [ -e %s ]; then chmod --reference=%s -- %s; else chmod 0644 %s; fi\n", p, p, t, t)
	} else {
		fmt.Fprintf(&b, "chmod -- %s %s\n", shell.Quote(f.Mode), t)
	}
	if f.Validate != "" {
		fmt.Fprintf(&b, "( %s ) </dev/null || { rc=$?; rm -f -- %s; exit $rc; }\n", strings.ReplaceAll(f.Validate, "%s", t), t)
	}
	fmt.Fprintf(&b, "mv -fT -- %s %s", t, p)
	return b.String()
}
