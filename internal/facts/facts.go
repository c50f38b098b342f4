// Package facts lists what recipes may ask of a host before a step is built.
//
// Facts are queries of the host's first batch like all others; their answers are values, and are
// never evaluated as expressions. It must not know recipes.
package facts

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"haprov/internal/probe"
)

// Fact is one thing to know about a host.
type Fact struct {
	Name  string
	About string
	Query probe.Query
	read  func(string) (any, error)
}

// Table lists all facts.
var Table = []Fact{
	{"kernel", "release of the running kernel: 6.1.0-18-amd64", ask("kernel", "uname -r"), line},
	{"arch", "machine: x86_64", ask("arch", "uname -m"), line},
	{"hostname", "what uname -n says", ask("hostname", "uname -n"), line},
	{"os", "ID of os-release: debian", ask("os", `. /etc/os-release; printf '%s\n' "$ID"`), line},
	{"os_version", "VERSION_ID of os-release: 12", ask("os_version", `. /etc/os-release; printf '%s\n' "$VERSION_ID"`), line},
	{"memory", "memory in MiB", ask("memory", `while read -r k v _; do [ "$k" = MemTotal: ] && echo $((v / 1024)) && break; done </proc/meminfo`), whole},
	{"cpus", "processors", ask("cpus", "nproc"), whole},
	{"interfaces", "the network interface of each of the host's addresses: facts.interfaces[each.host.address]", ask("interfaces", "ip -o addr show scope global"), interfaces},
}

// ask makes a query whose answer no action touches: facts hold for the whole run.
func ask(name, shell string) probe.Query {
	return probe.Cmd("fact."+name, shell, probe.Topic("fact:"+name))
}

// Lookup finds a fact by name.
func Lookup(name string) (Fact, bool) {
	for _, f := range Table {
		if f.Name == name {
			return f, true
		}
	}
	return Fact{}, false
}

// Names are all names of facts.
func Names() (out []string) {
	for _, f := range Table {
		out = append(out, f.Name)
	}
	return out
}

// Read gives the fact's value, a string, an int64 or a map of strings. ok is false until the host answered; an
// answer that is not what the fact promises is an error.
func (f Fact) Read(seen probe.Seen) (v any, ok bool, err error) {
	a := seen.Get(f.Query)
	if a.State != probe.Answered {
		return nil, false, nil
	}
	if a.Exit != 0 {
		return nil, true, fmt.Errorf("fact %s: exit %d", f.Name, a.Exit)
	}
	v, err = f.read(strings.TrimSpace(a.Out))
	if err != nil {
		err = fmt.Errorf("fact %s: %w", f.Name, err)
	}
	return v, true, err
}

func line(s string) (any, error) {
	if s == "" || len(s) > 200 || strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		return nil, fmt.Errorf("%.40q is not one line of plain text", s)
	}
	return s, nil
}

func whole(s string) (any, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return nil, fmt.Errorf("%.40q is not a number above 0", s)
	}
	return n, nil
}

// interfaces reads lines such as "2: eth0    inet 10.0.0.1/24 brd ...".
func interfaces(s string) (any, error) {
	out := map[string]string{}
	for _, l := range strings.Split(s, "\n") {
		f := strings.Fields(l)
		if len(f) < 4 || f[2] != "inet" && f[2] != "inet6" {
			continue
		}
		p, err := netip.ParsePrefix(f[3])
		name, _, _ := strings.Cut(f[1], "@")
		if err != nil || !interfaceName.MatchString(name) || len(out) > 4096 {
			return nil, fmt.Errorf("%.80q is not an address of an interface", l)
		}
		out[p.Addr().String()] = name
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%.40q names no address", s)
	}
	return out, nil
}

var interfaceName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,15}$`)
