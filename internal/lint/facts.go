package lint

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/cluster/corosync"
	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/galera"
	"haprov/internal/cluster/haproxy"
	"haprov/internal/cluster/keepalived"
	"haprov/internal/cluster/mysql"
	"haprov/internal/cluster/pacemaker"
)

// Facts is what is known of a cluster.
type Facts struct {
	From   string
	Now    time.Time // when it was read; ages are counted from it
	Hosts  []*Host
	Unused []string
}

// State says whether a fact is there.
type State int

const (
	Missing State = iota // nobody collected it, or the host has no such thing
	Given                // there, and Value holds it
	Broken               // there, and unreadable
)

// Fact is one source of one host, read. File is where it was found, Why what is wrong or why it is
// missing.
type Fact[T any] struct {
	Value     T
	State     State
	File, Why string
}

// Host is what is known of one machine.
type Host struct {
	Name string
	Lost string // why nothing is known of it

	Corosync     Fact[*corosync.Section]
	Cmap         Fact[map[string]string]
	Qdevice      Fact[string]
	CIB          Fact[*CIB]
	Trouble      Fact[pacemaker.Trouble]
	Verify       Fact[string]
	Fencings     Fact[[]pacemaker.Fencing]
	DRBD         Fact[*Replication]
	Module       Fact[string] // the text of /proc/drbd
	Modules      Fact[map[string]string]
	Verified     Fact[map[string]string]
	Options      Fact[*Options]
	Variables    Fact[map[string]string]
	Status       Fact[map[string]string]
	Tables       Fact[[]table]
	Schema       Fact[map[string]string] // by database
	Accounts     Fact[[]string]          // without a password: USER@HOST
	Grastate     Fact[galera.Grastate]
	Proxy        Fact[[]proxySection]
	Servers      Fact[[]haproxy.Server] // as HAProxy sees them
	VRRP         Fact[[]*keepalived.Line]
	SBD          Fact[map[string]string]
	Fstab        Fact[[]mount]
	Logind       Fact[map[string]string]
	Uname        Fact[string]
	Machine      Fact[map[string]string]
	Addresses    Fact[[]netip.Prefix]
	Links        Fact[map[string]string] // Mbit/s by interface
	Interfaces   map[netip.Addr]string
	Units        Fact[map[string]string]
	Packages     Fact[map[string]string]
	Sysctl       Fact[map[string]string]
	Clock        Fact[map[string]string]
	Disks        Fact[[]disk]
	Modes        Fact[[]secretFile]
	Certificates Fact[[]certificate]
}

func (f *Facts) add(h *Host) { f.Hosts = append(f.Hosts, h) }

func (f *Facts) lost(name, why string) {
	for _, h := range f.Hosts {
		if h.Name == name {
			h.Lost = why
		}
	}
}

// place is where a finding is.
type place struct {
	Host, File string
	Line       int
}

func at[T any](h *Host, f Fact[T], line int) place { return place{h.Name, f.File, line} }

// hostFrom reads a host's items.
func hostFrom(name string, items []item) *Host {
	h := &Host{Name: name}
	by := map[string][]item{}
	for _, x := range items {
		if s, ok := sourceOf(x.name); ok {
			by[s.Name] = append(by[s.Name], x)
		}
	}
	h.Corosync = one(by["corosync.conf"], corosync.ParseConf)
	h.Cmap = one(by["corosync-cmapctl.txt"], corosync.ParseCmap)
	h.Qdevice = one(by["corosync-qdevice-tool.txt"], plain)
	h.CIB = one(by["cib.xml"], parseCIB)
	h.Trouble = one(by["crm_mon.xml"], pacemaker.ParseTrouble)
	h.Verify = one(by["crm_verify.txt"], plain)
	h.Fencings = one(by["fence-history.xml"], pacemaker.ParseFencings)
	h.DRBD = all(slices.Concat(by["drbd.conf"], by["global_common.conf"], by["*.res"]), parseReplication)
	h.Module = one(by["drbd-proc.txt"], plain)
	h.Modules = one(by["drbd-module.txt"], pairsBy(" "))
	h.Verified = one(by["drbd-verified.txt"], pairsBy(" "))
	h.Options = all(optionOrder(by["*.cnf"]), parseOptions)
	h.Variables = answer(by["variables.tsv"], mysql.ParsePairs)
	h.Status = answer(by["status.tsv"], mysql.ParsePairs)
	h.Tables = answer(by["tables.tsv"], parseTables)
	h.Schema = answer(by["schema.tsv"], parseSchema)
	h.Accounts = answer(by["accounts.tsv"], parseAccounts)
	h.Grastate = one(by["grastate.dat"], galera.ParseGrastate)
	h.Proxy = all(by["haproxy*.cfg"], parseProxy)
	h.Servers = one(by["haproxy-stat.csv"], haproxy.ParseStat)
	h.VRRP = one(by["keepalived.conf"], keepalived.ParseConf)
	h.SBD = one(by["sbd"], pairsBy("="))
	h.Fstab = one(by["fstab"], parseFstab)
	h.Logind = one(by["logind.conf"], pairsBy("="))
	h.Uname = one(by["hostname"], parseUname)
	h.Machine = one(by["machine.txt"], pairsBy(" "))
	h.Addresses = one(by["addresses.txt"], parseAddresses)
	h.Links = one(by["links.txt"], pairsBy(" "))
	h.Interfaces = interfaces(by["addresses.txt"])
	h.Units = one(by["units.txt"], pairsBy(" "))
	h.Packages = one(by["packages.txt"], pairsBy(" "))
	h.Sysctl = one(by["sysctl.txt"], pairsBy("="))
	h.Clock = one(by["clock.txt"], pairsBy("="))
	h.Disks = one(by["df.txt"], parseDisks)
	h.Modes = one(by["modes.txt"], parseModes)
	h.Certificates = one(by["certificates.txt"], parseCertificates)
	if h.Name == "" {
		h.Name = "host"
		if h.Uname.State == Given {
			h.Name = h.Uname.Value
		}
	}
	return h
}

// take fills what h lacks of the sources that tell of the whole cluster.
func (h *Host) take(x *Host) {
	fill(&h.CIB, x.CIB)
	fill(&h.Trouble, x.Trouble)
	fill(&h.Fencings, x.Fencings)
	fill(&h.Verify, x.Verify)
}

func fill[T any](to *Fact[T], from Fact[T]) {
	if to.State == Missing {
		*to = from
	}
}

// one reads a source that has one file: of several the first by name.
func one[T any](items []item, parse func(string) (T, error)) (f Fact[T]) {
	for _, x := range items {
		f.File = x.name
		switch x.state {
		case absent:
			f.Why = x.text
			continue
		case failed:
			f.State, f.Why = Broken, x.text
			return f
		}
		v, err := parse(x.text)
		if err != nil {
			f.State, f.Why = Broken, err.Error()
			return f
		}
		f.Value, f.State, f.Why = v, Given, ""
		return f
	}
	return f
}

// answer is one for what a server says: that none runs here is no fault.
func answer[T any](items []item, parse func(string) (T, error)) Fact[T] {
	for i, x := range items {
		_, said, _ := strings.Cut(x.text, ": ")
		if mysql.NotRunning(x.text) || x.state == failed && mysql.NotRunning(said) {
			items[i].state, items[i].text = absent, "no server answers there"
		}
	}
	return one(items, parse)
}

// all reads a source that has several files, one after the other; any that is unreadable makes it so.
func all[T any](items []item, parse func([]item) (T, string, error)) (f Fact[T]) {
	for _, x := range items {
		if x.state == failed {
			return Fact[T]{State: Broken, File: x.name, Why: x.text}
		}
	}
	if len(items) == 0 {
		return f
	}
	v, name, err := parse(items)
	if err != nil {
		return Fact[T]{State: Broken, File: name, Why: err.Error()}
	}
	return Fact[T]{Value: v, State: Given, File: name}
}

func plain(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", errors.New("it is empty")
	}
	return text, nil
}

// maxPairs bounds the small answers.
const maxPairs = 1 << 14

// pairsBy reads lines of a name and a value. Quotes around values go.
func pairsBy(between string) func(string) (map[string]string, error) {
	return func(text string) (map[string]string, error) {
		out := map[string]string{}
		for i, l := range strings.Split(text, "\n") {
			if i > maxPairs {
				return nil, errors.New("too many lines")
			}
			k, v, ok := strings.Cut(strings.TrimSpace(l), between)
			if ok && !strings.HasPrefix(k, "#") {
				out[strings.TrimSpace(k)] = strings.Trim(strings.TrimSpace(v), `"'`)
			}
		}
		return out, nil
	}
}

func parseUname(text string) (string, error) {
	n := strings.TrimSpace(text)
	if n == "" || len(n) > 64 || strings.ContainsFunc(n, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("it is no host name")
	}
	return n, nil
}

// What else is bounded: questions go over all of one for each of another.
const (
	maxAddresses = 256
	maxMounts    = 1024
	maxResources = 64
)

// parseAddresses reads `ip -o addr`; those of loopback and of links alone are left out.
func parseAddresses(text string) (out []netip.Prefix, err error) {
	for i, l := range strings.Split(text, "\n") {
		if i > maxPairs {
			return nil, errors.New("too many lines")
		}
		if len(out) > maxAddresses {
			return nil, fmt.Errorf("more than %d addresses", maxAddresses)
		}
		f := strings.Fields(l)
		for j, w := range f[:max(0, len(f)-1)] {
			if w != "inet" && w != "inet6" {
				continue
			}
			if p, err := netip.ParsePrefix(f[j+1]); err == nil && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
				out = append(out, p)
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no address in it")
	}
	return out, nil
}

// interfaces are those of the addresses that parseAddresses gives.
func interfaces(items []item) map[netip.Addr]string {
	out := map[netip.Addr]string{}
	for _, x := range items {
		for l := range strings.Lines(x.text) {
			f := strings.Fields(l)
			for j, w := range f[:max(0, len(f)-1)] {
				if p, err := netip.ParsePrefix(f[j+1]); (w == "inet" || w == "inet6") && j > 0 && err == nil && len(out) < maxAddresses {
					name, _, _ := strings.Cut(f[1], "@")
					out[p.Addr()] = name
				}
			}
		}
	}
	return out
}

// mount is a line of fstab.
type mount struct {
	device, dir, fstype string
	options             []string
	line                int
}

func parseFstab(text string) (out []mount, err error) {
	for i, l := range strings.Split(text, "\n") {
		if i > maxPairs {
			return nil, errors.New("too many lines")
		}
		f := strings.Fields(l)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) < 3 {
			return nil, fmt.Errorf("line %d has no device, folder and type", i+1)
		}
		m := mount{device: f[0], dir: f[1], fstype: f[2], line: i + 1}
		if len(out) >= maxMounts {
			return nil, fmt.Errorf("more than %d lines", maxMounts)
		}
		if len(f) > 3 {
			m.options = strings.Split(f[3], ",")
		}
		out = append(out, m)
	}
	return out, nil
}

// disk is a line of df: percent of its blocks that are used.
type disk struct {
	dir  string
	used int
}

func parseDisks(text string) (out []disk, err error) {
	for i, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if i == 0 || len(f) < 6 || i > maxPairs || strings.HasPrefix(f[0], "/dev/loop") { // an image is always full
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(f[4], "%"))
		if err != nil { // a pseudo file system has -
			continue
		}
		out = append(out, disk{strings.Join(f[5:], " "), n})
	}
	if len(out) == 0 {
		return nil, errors.New("no file system in it")
	}
	return out, nil
}

// secretFile is a line of modes.txt.
type secretFile struct {
	mode         uint64
	owner, group string
	digest, name string
}

func parseModes(text string) (out []secretFile, err error) {
	for i, l := range strings.Split(text, "\n") {
		if strings.TrimSpace(l) == "" {
			continue
		}
		f := strings.SplitN(l, " ", 5)
		if len(f) < 5 || i > maxPairs {
			return nil, fmt.Errorf("line %d is not MODE OWNER GROUP DIGEST NAME", i+1)
		}
		m, err := strconv.ParseUint(f[0], 8, 16)
		if err != nil {
			return nil, fmt.Errorf("line %d: its mode is no octal number", i+1)
		}
		out = append(out, secretFile{m, f[1], f[2], f[3], f[4]})
	}
	return out, nil
}

// certificate is how long one is good.
type certificate struct {
	name     string
	from, to time.Time
}

func parseCertificates(text string) (out []certificate, err error) {
	const form = "Jan _2 15:04:05 2006 MST" // as openssl x509 -dates prints it
	for i, l := range strings.Split(text, "\n") {
		if strings.TrimSpace(l) == "" {
			continue
		}
		f := strings.Split(l, "|")
		if len(f) < 3 || i > maxPairs {
			return nil, fmt.Errorf("line %d has no name and two dates, parted by |", i+1)
		}
		c := certificate{name: f[0]}
		for _, x := range f[1:] {
			k, v, _ := strings.Cut(x, "=")
			t, err := time.Parse(form, strings.TrimSpace(v))
			switch {
			case k == "notBefore" && err == nil:
				c.from = t
			case k == "notAfter" && err == nil:
				c.to = t
			}
		}
		if c.to.IsZero() || c.from.IsZero() {
			return nil, fmt.Errorf("line %d: its dates are unreadable", i+1)
		}
		out = append(out, c)
	}
	return out, nil
}

// table is one of a user's.
type table struct {
	name, engine string
	key          bool
}

func parseTables(text string) (out []table, err error) {
	for i, l := range strings.Split(text, "\n") {
		if l == "" {
			continue
		}
		f := strings.Split(l, "\t")
		if len(f) != 4 || i > maxPairs {
			return nil, fmt.Errorf("line %d is not schema, name, engine and 1 or 0", i+1)
		}
		out = append(out, table{f[0] + "." + f[1], f[2], f[3] == "1"})
	}
	return out, nil
}

func parseSchema(text string) (map[string]string, error) {
	out := map[string]string{}
	for i, l := range strings.Split(text, "\n") {
		if l == "" {
			continue
		}
		name, sum, ok := strings.Cut(l, "\t")
		if !ok || i > maxPairs {
			return nil, fmt.Errorf("line %d is not a name, a tab and a sum", i+1)
		}
		out[name] = sum
	}
	return out, nil
}

func parseAccounts(text string) (out []string, err error) {
	for i, l := range strings.Split(text, "\n") {
		if l == "" {
			continue
		}
		user, host, ok := strings.Cut(l, "\t")
		if !ok || i > maxPairs {
			return nil, fmt.Errorf("line %d is not a user, a tab and a host", i+1)
		}
		out = append(out, user+"@"+host)
	}
	return out, nil
}

// Options are a server's option files, in the order in which it reads them.
type Options struct{ all []fileOption }

type fileOption struct {
	mysql.Option
	file string
}

// optionOrder puts the main files before the folders that they include, conf.d before mariadb.conf.d, as
// Debian's mariadb.cnf does.
func optionOrder(items []item) []item {
	out := slices.Clone(items)
	class := func(n string) int {
		switch b := path.Base(n); {
		case b == "my.cnf" || b == "mariadb.cnf":
			return 0
		case path.Base(path.Dir(n)) == "conf.d" || path.Base(path.Dir(n)) == "my.cnf.d":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b item) int {
		if c := class(a.name) - class(b.name); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	return out
}

func parseOptions(items []item) (*Options, string, error) {
	o := &Options{}
	for _, x := range items {
		all, err := mysql.ParseOptions(x.text)
		if err != nil {
			return nil, x.name, err
		}
		for _, y := range all {
			o.all = append(o.all, fileOption{y, x.name})
		}
	}
	return o, items[0].name, nil
}

// get is the last value that a server's groups give to an option; of another group when one is named.
func (o *Options) get(name string, group ...string) (x fileOption, ok bool) {
	for _, y := range o.all {
		if y.Name == name && (len(group) == 0 && mysql.OfServer(y.Group) || len(group) > 0 && y.Group == group[0]) {
			x, ok = y, true
		}
	}
	return x, ok
}

// server tells whether there is any group of a server.
func (o *Options) server() bool {
	return slices.ContainsFunc(o.all, func(y fileOption) bool { return mysql.OfServer(y.Group) })
}

type proxySection struct {
	haproxy.Section
	file string
}

func parseProxy(items []item) (out []proxySection, name string, err error) {
	for _, x := range items {
		all, err := haproxy.ParseConf(x.text)
		if err != nil {
			return nil, x.name, err
		}
		for _, s := range all {
			out = append(out, proxySection{s, x.name})
		}
	}
	return out, items[0].name, nil
}

// Replication is DRBD's configuration: its resources, each with what the common section adds.
type Replication struct {
	common    []*drbd.Statement
	resources []resource
}

type resource struct {
	name, file string
	line       int
	block      []*drbd.Statement
	common     []*drbd.Statement
}

func parseReplication(items []item) (*Replication, string, error) {
	r := &Replication{}
	name := items[0].name
	for _, x := range items {
		all, err := drbd.ParseConf(x.text)
		if err != nil && strings.TrimSpace(withoutComments(x.text)) == "" {
			continue // nothing but comments, as packages ship them
		}
		if err != nil {
			return nil, x.name, err
		}
		for _, s := range all {
			switch {
			case s.Is("common") && s.Braces:
				r.common = append(r.common, s.Block...)
			case s.Is("resource") && s.Braces && s.Value() != "":
				if name = x.name; len(r.resources) >= maxResources {
					return nil, x.name, fmt.Errorf("more than %d resources", maxResources)
				}
				r.resources = append(r.resources, resource{name: s.Value(), file: x.name, line: s.Line, block: s.Block})
			}
		}
	}
	for i := range r.resources {
		r.resources[i].common = r.common
	}
	return r, name, nil
}

func withoutComments(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		l, _, _ = strings.Cut(l, "#")
		b.WriteString(l)
	}
	return b.String()
}

// get is an option of a section (net, disk, handlers, options) as the resource has it, else the common
// section. Without a section it is one of the resource's own.
func (r resource) get(section, name string) (value string, line int, ok bool) {
	for i, from := range [][]*drbd.Statement{r.common, r.block} {
		in := from
		if section != "" {
			in = nil
			for _, s := range drbd.In(from, section) {
				if s.Braces {
					in = append(in, s.Block...)
				}
			}
		}
		for _, s := range drbd.In(in, name) {
			if s.Braces {
				continue
			}
			if value, line, ok = s.Value(), s.Line, true; i == 0 {
				line = r.line // of the resource: the common section may be of another file
			}
		}
	}
	return value, line, ok
}

// on tells whether a boolean option is set: by yes, or by its name alone.
func (r resource) on(section, name string) (on bool, line int) {
	v, line, ok := r.get(section, name)
	return ok && (v == "" || v == "yes"), line
}
