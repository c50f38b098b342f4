package host

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var HostsEntrySpec = kind.Spec{
	Name:    "hosts_entry",
	Summary: "One address of /etc/hosts with its names.",
	Example: `hosts_entry "192.168.56.100" {
  names = ["db.shop.example", "db"]
}
`,
	New: func() any { return &HostsEntry{} },
}

// HostsEntry is the one line of an address in /etc/hosts (hosts(5)). A name that already stands at
// another address of the same family is an error: which of both a program gets would be chance.
type HostsEntry struct {
	Address string   `hcl:"address,label" about:"IPv4 or IPv6 address"`
	Names   []string `hcl:"names" about:"Names of the address; the first is the canonical one"`
}

const hostsFile = "/etc/hosts"

// hostNameText is a host name with or without its domain (hostname(7)).
var hostNameText = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// Owns is the address's line; the file is shared.
func (h *HostsEntry) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "file " + hostsFile, Shared: true}, {What: "address " + h.Address + " of " + hostsFile}}
}

// Check finds addresses and names that are none.
func (h *HostsEntry) Check() []kind.Problem {
	var ps kind.Problems
	if a, err := netip.ParseAddr(h.Address); err != nil || a.Zone() != "" || a.String() != h.Address {
		ps.Add("address", "Invalid IP address", "Found "+kind.Quoted(h.Address)+"; expected an IPv4 or IPv6 address in its shortest form, without a prefix length.")
	}
	if len(h.Names) == 0 {
		ps.Add("names", "Address without a name", "Expected at least one host name.")
	}
	for _, n := range h.Names {
		ps.Name("names", n, hostNameText, "host name")
	}
	return ps
}

func (h *HostsEntry) line() string { return h.Address + " " + strings.Join(h.Names, " ") }

// match finds the lines of the same address.
func (h *HostsEntry) match() string {
	return `^[[:space:]]*` + regexp.QuoteMeta(h.Address) + `[[:space:]]`
}

// Probe asks for the file.
func (h *HostsEntry) Probe(seen probe.Seen) []probe.Query {
	return kind.Unread(seen, kind.TextQuery(hostsFile))
}

// Decide sets the address's line.
func (h *HostsEntry) Decide(seen probe.Seen) (plan.Change, error) {
	t, ok := seen.Text(hostsFile)
	if !ok {
		return kind.Unknown("file " + hostsFile), nil
	}
	old, ok := oldLines(t.Text, h.line(), h.match())
	if ok {
		return plan.Change{}, nil
	}
	if err := h.elsewhere(t.Text); err != nil {
		return plan.Change{}, err
	}
	return plan.Change{
		Diffs:   []plan.Diff{{Attribute: hostsFile, Have: strings.Join(old, "\n"), Want: h.line()}},
		Actions: []act.Action{setLine(hostsFile, h.line(), h.match())},
	}, nil
}

// elsewhere looks for a name of the entry at another address of the same family.
func (h *HostsEntry) elsewhere(text string) error {
	want, err := netip.ParseAddr(h.Address)
	if err != nil {
		return err
	}
	for l := range strings.Lines(text) {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		if len(f) < 2 {
			continue
		}
		a, err := netip.ParseAddr(f[0])
		if err != nil || a == want || a.Is4() != want.Is4() {
			continue
		}
		for _, n := range f[1:] {
			if slices.ContainsFunc(h.Names, func(x string) bool { return strings.EqualFold(x, n) }) {
				return fmt.Errorf("%s stands at %s in %s already; remove it there first", n, f[0], hostsFile)
			}
		}
	}
	return nil
}
