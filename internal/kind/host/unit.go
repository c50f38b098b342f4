package host

import (
	"path"
	"strings"

	"haprov/internal/act"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// inUnitDir reports whether systemd reads unit files from the path's folder.
func inUnitDir(p string) bool {
	for _, d := range []string{"/etc/systemd/system/", "/lib/systemd/system/", "/usr/lib/systemd/system/", "/usr/local/lib/systemd/system/"} {
		if strings.HasPrefix(p, d) {
			return true
		}
	}
	return false
}

// unitOfPath is the unit that a unit file or drop-in defines; empty for other files and for
// templates, which are no units themselves.
func unitOfPath(p string) string {
	if !inUnitDir(p) {
		return ""
	}
	n := path.Base(p)
	if d := path.Base(path.Dir(p)); strings.HasSuffix(d, ".d") && strings.HasSuffix(n, ".conf") {
		n = strings.TrimSuffix(d, ".d")
	}
	if !unitName.MatchString(n) || strings.Contains(n, "@.") {
		return ""
	}
	return n
}

// daemonReload lets systemd read its files again, unless it knows the unit as it is on the disk:
// one that was not loaded before is read when it is first asked for. A drop-in in a folder that is
// new may be overlooked: systemd remembers for a while which folders there are.
func daemonReload(unit, file string) act.Action {
	known := `[ "$(systemctl show --value -p NeedDaemonReload -- ` + shell.Quote(unit) + `)" = no ]`
	if strings.HasSuffix(path.Dir(file), ".d") {
		known += ` && systemctl show --value -p DropInPaths -- ` + shell.Quote(unit) + ` | grep -qF -- ` + shell.Quote(file)
	}
	return act.Action{
		Title:   "reload systemd for " + unit,
		Unless:  `[ ! -d /run/systemd/system ] || { ` + known + `; }`,
		Shell:   "systemctl daemon-reload",
		Touches: []probe.Subject{probe.Of(probe.Unit, unit)},
	}
}

// templateReload lets systemd read a template again, unless no unit was made of it yet: the first one that
// is asked for reads the file.
func templateReload(file string) act.Action {
	a := act.Action{Title: "reload systemd", Shell: "[ ! -d /run/systemd/system ] || systemctl daemon-reload"}
	if n := path.Base(file); strings.Contains(n, "@.") && !strings.HasSuffix(path.Dir(file), ".d") {
		a.Unless = `[ ! -d /run/systemd/system ] || [ -z "$(systemctl list-units --all --plain --no-legend -- ` + shell.Quote(strings.Replace(n, "@.", "@*.", 1)) + `)" ]`
	}
	return a
}
