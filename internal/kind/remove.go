package kind

import (
	"path"
	"regexp"
	"strings"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Remover is a cluster step that is taken off its hosts in an order of its own, or that keeps data there.
type Remover interface {
	Cluster
	// Remove gives the step that takes it off. What the step keeps for its users stays, unless destroy
	// is set.
	Remove(destroy bool) Cluster
	// Holds says in words what data the step keeps on a host; empty: none.
	Holds(host string) string
}

// Removal takes off a host what a step of it owns: units are stopped, and not started at boot; files and
// links go, and so do directories in which nothing is left. What a package brought stays, and so does
// what the way in to the host may need: nothing tells what was there before.
type Removal struct{ Things []Thing }

// spared are files and units without which nobody may be able to log in any more.
var (
	sparedPath = regexp.MustCompile(`^/(etc/)?[^/]*$|^/etc/(ssh|sudoers\.d|network|netplan|systemd/network|pam\.d|security|cloud|apt)/|^/(boot|root|home)/`)
	ours       = regexp.MustCompile(`^/etc/haprov$|^/etc/apt/(.*/)?[^/]*haprov[^/]*$`)
	sparedUnit = regexp.MustCompile(`^(ssh|sshd|systemd-.*|networking|NetworkManager|dbus|cron|chrony|ntp|ntpsec|rsyslog|getty@.*)\.`)
)

// made are the paths that are removed.
func (r *Removal) made() (out []string) {
	for _, x := range r.Things {
		if x.Path != "" && !x.Shared && (!sparedPath.MatchString(x.Path) || ours.MatchString(x.Path)) {
			out = append(out, x.Path)
		}
	}
	return out
}

func (r *Removal) units() (out []string) {
	for _, x := range r.Things {
		if x.Unit != "" && !sparedUnit.MatchString(x.Unit) {
			out = append(out, x.Unit)
		}
	}
	return out
}

// Spared are the owned things that stay on the host.
func (r *Removal) Spared() (out []string) {
	gone := map[string]bool{}
	for _, p := range append(r.made(), r.units()...) {
		gone[p] = true
	}
	for _, x := range r.Things {
		if !gone[x.Path] && !gone[x.Unit] {
			out = append(out, x.What)
		}
	}
	return out
}

// there asks what is at a path: file, empty, full (a directory), package, or nothing.
func there(p string) probe.Query {
	return probe.Cmd("there "+p, "p="+shell.Quote(p)+`
if [ -L "$p" ] || [ -f "$p" ]; then t="file"
elif [ -d "$p" ] && [ -z "$(find "$p" -mindepth 1 -maxdepth 1 -print -quit)" ]; then t=empty
elif [ -d "$p" ]; then t=full
else echo nothing; exit; fi
if dpkg-query -S "$p" >/dev/null 2>&1 || cut -d " " -f 3 /var/lib/ucf/hashfile 2>/dev/null | grep -qxF "$p"; then t=package; fi
echo $t`, FileSubject(p))
}

// Probe asks for the units and the paths.
func (r *Removal) Probe(seen probe.Seen) []probe.Query {
	var qs []probe.Query
	for _, u := range r.units() {
		qs = append(qs, UnitQuery(u))
	}
	for _, p := range r.made() {
		qs = append(qs, there(p))
	}
	return Unread(seen, qs...)
}

// Decide stops first, and removes then.
func (r *Removal) Decide(seen probe.Seen) (c plan.Change, err error) {
	for _, u := range r.units() {
		info, ok := seen.Unit(u)
		if !ok {
			return Unknown("unit " + u), nil
		}
		on := info.File == "enabled" || info.File == "enabled-runtime"
		runs := info.Active != "inactive" && info.Active != "failed" && info.Active != ""
		if info.Load == "not-found" || !on && !runs {
			continue
		}
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: u, Have: strings.TrimSpace(info.Active + " " + info.File), Want: "stopped, not started at boot"})
		q := shell.Quote(u)
		c.Actions = append(c.Actions, act.Action{Title: "stop " + u, Shell: "systemctl stop -- " + q + "\n! systemctl -q is-enabled -- " + q + " || systemctl -q disable -- " + q,
			Touches: []probe.Subject{probe.Of(probe.Unit, u)}, Pays: []string{u}})
	}
	for _, p := range r.made() {
		a := seen.Get(there(p))
		if a.State != probe.Answered {
			return Unknown("file " + p), nil
		}
		q := shell.Quote(p)
		remove := ""
		switch strings.TrimSpace(a.Out) {
		case "file":
			remove = "rm -f -- " + q
			if strings.HasPrefix(p, "/etc/systemd/system/") {
				remove += "\nsystemctl daemon-reload"
			}
		case "empty":
			remove = "rmdir -- " + q
		default:
			continue
		}
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: p, Have: "there", Want: "removed"})
		c.Actions = append(c.Actions, act.Action{Title: "remove " + p, Shell: remove, Touches: above(p)})
	}
	return c, nil
}

// above are the path and the directories that it is in: one that becomes empty may go, too.
func above(p string) (out []probe.Subject) {
	for ; p != "/" && p != "."; p = path.Dir(p) {
		out = append(out, FileSubject(p))
	}
	return out
}
