package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/probe"
)

// What is too little and too far apart.
const (
	skewWarn, skewFail = 3, 60 // seconds between two hosts' clocks
	freeWarn, freeFail = 1 << 30, 200 << 20
)

// answer is what one host said, as far as it could be read. What is missing was not said: only
// disks, addresses, modules and tools conclude from that.
type answer struct {
	Host
	clock                     int64
	free                      []space // of / first
	asked                     Span
	id, like, major, codename string
	other                     bool // the login is not root's
	addresses                 []string
	disks                     map[string]int64
	modules                   map[string]string // those that are there, with the version of one that is loaded
	tools                     map[string]bool
	drill                     string // a drill's fault that is armed there
	called                    string // what uname -n says
}

// space is the room on a file system.
type space struct {
	path, id string
	bytes    int64
}

// Span is when a host answered, by the asking machine's clock.
type Span struct{ From, To time.Time }

// Judge compares the hosts' answers with what was promised. A host that could not be asked is passed
// over: that is told elsewhere. Findings come in the order of the hosts, those that hung first.
func Judge(hosts []Host, seen map[string]probe.Seen, asked map[string]Span) (out []Finding) {
	var all []answer
	for _, h := range hosts {
		switch a := seen[h.Name].Get(h.Query()); a.State {
		case probe.Unanswered:
			out = append(out, Finding{h.Name, "preflight", "no answer in time: disks, addresses, clock and modules were not checked", "find out what blocks the host", false})
		case probe.Answered:
			all = append(all, read(h, a.Out))
			all[len(all)-1].asked = asked[h.Name]
		}
	}
	for _, a := range all {
		out = append(out, a.alone()...)
		out = append(out, a.beside(all[0])...)
	}
	return out
}

func read(h Host, text string) answer {
	a := answer{Host: h, disks: map[string]int64{}, modules: map[string]string{}, tools: map[string]bool{}}
	for _, l := range strings.Split(text, "\n") {
		f := strings.SplitN(l, " ", 3)
		if len(f) < 2 {
			continue
		}
		v := strings.Trim(f[1], `"'`)
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch {
		case f[0] == "login":
			a.other = v == "other"
		case f[0] == "clock":
			a.clock = n
		case f[0] == "free" && len(f) == 3:
			rest := strings.SplitN(f[2], " ", 3)
			k, err := strconv.ParseInt(rest[0], 10, 64)
			if err == nil && len(rest) == 3 && n > 0 && n <= 1<<20 && k >= 0 && k < 1<<42 {
				if s := (space{rest[2], rest[1], n * k}); !slices.ContainsFunc(a.free, func(o space) bool { return o.id == s.id }) {
					a.free = append(a.free, s)
				}
			}
		case f[0] == "ID":
			a.id = v
		case f[0] == "ID_LIKE":
			a.like = strings.Trim(strings.TrimPrefix(l, "ID_LIKE "), `"'`)
		case f[0] == "VERSION_CODENAME":
			a.codename = v
		case f[0] == "VERSION_ID":
			a.major, _, _ = strings.Cut(v, ".")
		case f[0] == "address":
			a.addresses = append(a.addresses, v)
		case f[0] == "disk" && len(f) == 3:
			a.disks[f[2]] = n
		case f[0] == "module":
			a.modules[v] = ""
			if len(f) == 3 {
				a.modules[v] = f[2]
			}
		case f[0] == "tool":
			a.tools[v] = true
		case f[0] == "drill":
			a.drill = strings.TrimSuffix(v, ".heal")
		case f[0] == "name":
			a.called = v
		}
	}
	return a
}

// alone judges a host by itself.
func (a answer) alone() (out []Finding) {
	add := func(fail bool, name, repair, text string, args ...any) {
		out = append(out, Finding{a.Name, name, fmt.Sprintf(text, args...), repair, fail})
	}
	major, _ := strconv.Atoi(a.major)
	if a.other {
		add(true, "login", "log in as root, or write sudo = true in the ssh block", "it is not root's")
	}
	if a.drill != "" {
		add(true, "drill", "wait for its end, or take its fault back: haprov drill heal", "%.80q is at work", a.drill)
	}
	switch {
	case a.id == "":
	case a.id != "debian" && a.id != "ubuntu" && !slices.Contains(strings.Fields(a.like), "debian"):
		add(true, "release", "use a machine with Debian 12 or later", "found %.40q: packages are installed by apt-get", a.id)
	case a.id != "debian":
		add(!a.Untried, "release", "use a machine with Debian 12 or 13; to try this one (docs/real-machines.md): --untried", "found %.40q, which was never tried", a.release())
	case major > 0 && (major < 12 || major > 13):
		add(false, "release", "only Debian 12 and 13 were tested", "found Debian %d", major)
	}
	for _, s := range a.free {
		if s.bytes < freeWarn {
			add(s.bytes < freeFail, "free space", fmt.Sprintf("free some space on %.200q", s.path), "%d MiB free on %.200s", s.bytes>>20, s.path)
		}
	}
	for _, ip := range a.Addresses {
		if len(a.addresses) > 0 && !slices.Contains(a.addresses, ip) {
			add(true, "address", "correct the inventory or the host's network", "none of its interfaces has %s", ip)
		}
	}
	for _, d := range a.Disks {
		size, there := a.disks[d.Device]
		switch {
		case !there:
			add(true, "disk "+d.Name, "attach it, or correct device in the inventory", "%s is not a block device there", d.Device)
		case d.Size > 0 && size < d.Size:
			add(true, "disk "+d.Name, "enlarge it, or correct size in the inventory", "%s has %d MiB, the inventory says %d", d.Device, size>>20, d.Size>>20)
		}
	}
	a.needs(add)
	return out
}

// needs judges what the steps need. The host's name is told of once, by the step that insists on it.
func (a answer) needs(add func(fail bool, name, repair, text string, args ...any)) {
	why := slices.IndexFunc(a.Needs, func(n Need) bool { return n.Called != "" && !n.Warn })
	if why < 0 {
		why = slices.IndexFunc(a.Needs, func(n Need) bool { return n.Called != "" })
	}
	if why >= 0 && a.called != "" && a.called != a.Name {
		n := a.Needs[why]
		add(!n.Warn, "host name", "use that name in the inventory, or change it on the host: hostnamectl set-hostname "+a.Name, "its host name is %.64q, and %s", a.called, n.Called)
	}
	for _, n := range a.Needs {
		version, there := a.modules[n.Module]
		switch {
		case n.Tool != "" && !a.tools[n.Tool]:
			add(true, "tool "+n.Tool, "install it: apt-get install "+n.Package, "it is not there")
		case n.Module == "":
		case !there:
			add(true, "kernel module "+n.Module, "install the kernel package that has it (on Debian linux-image-amd64, not the cloud one) and boot it", "the running kernel has none")
		case version != "" && !strings.HasPrefix(version, n.Version):
			add(true, "kernel module "+n.Module, "use the kernel's own module", "version %.20q is loaded, %s is expected", version, n.Version)
		}
	}
}

// release is what a host runs, in two words; empty when it did not say. Debian sid has no number, and
// the name of the release that it will be.
func (a answer) release() string {
	which := cmp.Or(a.major, a.codename)
	if a.id == "" || which == "" {
		return ""
	}
	return a.id + " " + which
}

// beside judges a host by the first one. Members of one cluster that run other releases have other
// versions of its software: Pacemaker, Corosync and Galera take such a cluster only while it is
// upgraded, in the order that docs/upgrade.md tells.
func (a answer) beside(first answer) (out []Finding) {
	if mine, other := a.release(), first.release(); mine != "" && other != "" && mine != other {
		out = append(out, Finding{a.Name, "release", fmt.Sprintf("it runs %.40q, %s %.40q", mine, first.Name, other), "let all hosts of a cluster run one release; while they are upgraded one after the other: --mixed-releases", !a.Mixed})
	}
	if skew := a.skew(first); skew > skewWarn {
		out = append(out, Finding{a.Name, "clock", fmt.Sprintf("at least %d s apart from %s", skew, first.Name), "let both follow a time server: apt-get install chrony", skew > skewFail})
	}
	for _, d := range a.Disks {
		for _, e := range first.Disks {
			x, y := a.disks[d.Device], first.disks[e.Device]
			if d.Name == e.Name && x > 0 && y > 0 && x != y {
				out = append(out, Finding{a.Name, "disk " + d.Name, fmt.Sprintf("%d MiB, on %s %d", x>>20, first.Name, y>>20), "a replicated volume is as small as the smaller one", false})
			}
		}
	}
	return out
}

// skew is how many seconds two clocks are apart at the least. Each host read its own at some time
// while it was asked, so a slow answer says little: only a gap between what both may be off counts.
func (a answer) skew(b answer) int64 {
	if a.clock <= 0 || b.clock <= 0 {
		return 0
	}
	off := func(x answer) (least, most int64) { return x.clock - x.asked.To.Unix(), x.clock - x.asked.From.Unix() }
	a0, a1 := off(a)
	b0, b1 := off(b)
	return max(a0-b1, b0-a1, 0)
}
