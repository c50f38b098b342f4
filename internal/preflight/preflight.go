// Package preflight looks at hosts before anything is changed on them: time, disks, addresses,
// release, free space, and what the steps of the recipe need there.
//
// One question a host rides with the first ones; Judge is pure. It must not know recipes nor any tool of
// theirs, nor what becomes of its findings.
package preflight

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"haprov/internal/inventory"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Finding is something that is not as it should be, and what mends it.
type Finding struct {
	Host, Name   string
	Text, Repair string
	Fail         bool // nothing may be changed before it is mended; otherwise it is a warning
}

func (f Finding) String() string {
	if f.Repair == "" {
		return f.Name + ": " + f.Text
	}
	return f.Name + ": " + f.Text + "; " + f.Repair
}

// Host is what the inventory promises about one host.
type Host struct {
	Name      string
	Addresses []string         // that must stand on its interfaces
	Disks     []inventory.Disk // that must be there
	Needs     []Need           // of the steps that it has
	Mixed     bool             // it may run another release than the others, because they are being upgraded
	Untried   bool             // it may run a system of Debian's kin that was never tried
}

// Need is what a step needs of a host that no step brings about. One of Module, Called, Room and Tool
// says what; the others are empty.
type Need struct {
	// Module is a kernel module, loaded or there to be loaded. One that is loaded and tells its version
	// must tell one that begins with Version.
	Module, Version string
	// Called says why the host's own name must be the inventory's, or with Warn should be.
	Called string
	Warn   bool
	// Room is a path whose file system must have some room, there or not. That of / is looked at anyway.
	Room string
	// Tool is a command, and Package what has it in Debian.
	Tool, Package string
}

// Of takes the promises of some hosts from the inventory, with what steps need there. A network that only carries ssh may
// translate addresses, so those are not looked for.
func Of(v *inventory.Inventory, hosts []string, needs map[string][]Need) (out []Host) {
	for _, name := range hosts {
		h, ok := v.Host(name)
		if !ok {
			continue
		}
		x := Host{Name: name, Disks: h.Disks, Needs: needs[name]}
		for _, purpose := range []string{"ring", "replication", "service"} {
			for _, a := range v.AddressesFor(h, purpose) {
				if ip, err := netip.ParseAddr(a.IP); err == nil && !slices.Contains(x.Addresses, ip.String()) {
					x.Addresses = append(x.Addresses, ip.String())
				}
			}
		}
		out = append(out, x)
	}
	return out
}

// DrillDir is where a host keeps what heals a drill's fault by itself, as ID.heal. A reboot clears it.
const DrillDir = "/run/haprov/drill"

// timeout keeps a hung disk from holding up the rest.
const timeout = 20 * time.Second

// Query is the host's one question. Few processes: each costs as much as the login's smallest part.
func (h Host) Query() probe.Query {
	var b strings.Builder
	b.WriteString("[ -O /proc/1 ] || echo login other\ndate '+clock %s'\n")
	b.WriteString("for f in " + DrillDir + "/*.heal; do [ ! -e \"$f\" ] || echo \"drill ${f##*/}\"; done\n")
	b.WriteString(h.room())
	b.WriteString(`while IFS='=' read -r k v; do case $k in ID|ID_LIKE|VERSION_ID|VERSION_CODENAME) echo "$k $v";; esac; done </etc/os-release` + "\n")
	if len(h.Addresses) > 0 {
		b.WriteString("ip -o addr show | while read -r _ _ _ a _; do echo \"address ${a%/*}\"; done\n")
	}
	for _, d := range h.Disks {
		fmt.Fprintf(&b, "d=%s; if [ -b \"$d\" ]; then echo \"disk $(blockdev --getsize64 \"$d\") $d\"; fi\n", shell.Quote(d.Device))
	}
	if slices.ContainsFunc(h.Needs, func(n Need) bool { return n.Called != "" }) {
		b.WriteString("read -r n </proc/sys/kernel/hostname && echo \"name $n\"\n")
	}
	for _, n := range h.Needs {
		if n.Tool != "" {
			fmt.Fprintf(&b, "command -v %[1]s >/dev/null && echo tool %[1]s\n", shell.Quote(n.Tool))
		}
		if n.Module == "" {
			continue
		}
		fmt.Fprintf(&b, "v=; if [ -d /sys/module/%[1]s ]; then { read -r v </sys/module/%[1]s/version; } 2>/dev/null || :; echo module %[1]s \"$v\"; elif modprobe -nq %[1]s; then echo module %[1]s; fi\n", shell.Quote(n.Module))
	}
	return probe.Query{Kind: probe.Command, Name: "preflight", Shell: b.String(), Timeout: timeout, Max: 64 << 10, Reads: []probe.Subject{probe.Topic("preflight")}}
}

// room asks for the free space of / and of the paths that steps name, or of the nearest folder above
// them that is there: block size, free blocks, the file system's number, the path.
func (h Host) room() string {
	paths := []string{"/"}
	for _, n := range h.Needs {
		if n.Room != "" && !slices.Contains(paths, n.Room) {
			paths = append(paths, n.Room)
		}
	}
	return "set --; for p in " + shell.Join(paths...) + `; do while [ -n "$p" ] && [ ! -e "$p" ]; do p=${p%/*}; done; set -- "$@" "${p:-/}"; done` + "\n" +
		`stat -f -c 'free %S %a %i %n' "$@"` + "\n"
}
