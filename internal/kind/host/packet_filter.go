package host

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

var PacketFilterSpec = kind.Spec{
	Name:    "packet_filter",
	Summary: "One table of nftables, now and after a reboot; the host takes new rules back by itself unless a new login works under them.",
	Example: `packet_filter "site" {
  rules = <<-EOT
    chain input {
      type filter hook input priority 0; policy drop;
      ct state established,related accept
      iif "lo" accept
      tcp dport { 22, 3306 } accept
    }
  EOT
}
`,
	New: func() any { return &PacketFilter{} },
}

// PacketFilter is the table haprov_NAME of the family inet (nft(8)). Other tables are left alone, and
// as everywhere in nftables a packet passes only when none of them drops it. New rules stand on trial: a timer of
// the host takes them back unless they are confirmed, which is done after another login to the host has
// worked. Only the login is proved: what a cluster's members send each other must be among the rules.
type PacketFilter struct {
	Name  string        `hcl:"name,label" about:"Name of the table, after haprov_: small letters, digits and underscores"`
	Rules string        `hcl:"rules" text:"lines" about:"What stands in the table: its chains, sets and maps, as nft(8) writes them"`
	Trial time.Duration `hcl:"trial,optional" default:"1m" about:"How long new rules stand before the host takes them back, unless a new login has worked"`
}

var filterName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// maxRules is how long the rules may be: they are a part of a question.
const maxRules = 32 << 10

// Owns are the table, its file and its unit.
func (f *PacketFilter) Owns(_ string) []kind.Thing {
	return append(kind.Paths(f.path(), f.unitFile().Path), kind.Thing{What: "table inet " + f.table()}, kind.Runs(f.unit(), false))
}

// Check finds names that no table can have, and times that no login can be tried in.
func (f *PacketFilter) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("name", f.Name, filterName, "name of a packet filter")
	if strings.TrimSpace(f.Rules) == "" {
		ps.Add("rules", "Packet filter without rules", "Expected the chains of the table, as nft(8) writes them.")
	}
	if len(f.Rules) > maxRules {
		ps.Add("rules", "Rules are too long", fmt.Sprintf("Found %d bytes; expected at most %d.", len(f.Rules), maxRules))
	}
	if f.Trial < 20*time.Second || f.Trial > time.Hour {
		ps.Add("trial", "Trial is too short or too long", "Found "+f.Trial.String()+"; expected 20s to 1h.")
	}
	return ps
}

func (f *PacketFilter) table() string { return "haprov_" + f.Name }
func (f *PacketFilter) path() string  { return "/etc/haprov/packet-filter/" + f.Name + ".nft" }
func (f *PacketFilter) unit() string  { return "haprov-packet-filter-" + f.Name + ".service" }

// text replaces the table in one transaction, whether there is one or not.
func (f *PacketFilter) text() string {
	return "# Kept by haprov\ntable inet " + f.table() + "\ndelete table inet " + f.table() + "\ntable inet " + f.table() + " {\n" + strings.TrimSuffix(f.Rules, "\n") + "\n}\n"
}

// unitFile loads the rules at boot, before the network. Debian's nftables.service removes all
// tables when it is restarted, and Debian's rules may begin with "flush ruleset".
func (f *PacketFilter) unitFile() *File {
	return unitFile(f.unit(), `[Unit]
Description=haprov: packet filter `+f.Name+`
DefaultDependencies=no
After=systemd-modules-load.service nftables.service local-fs.target
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f `+f.path()+`
ExecReload=/usr/sbin/nft -f `+f.path()+`

[Install]
WantedBy=sysinit.target
`)
}

func (f *PacketFilter) service() *Service { return &Service{Name: f.unit(), Restarts: "now"} }

func (f *PacketFilter) file() *File {
	return &File{Path: f.path(), Content: secret.Plain(f.text()), Owner: "root", Group: "root", Mode: "0600"}
}

func (f *PacketFilter) subject() probe.Subject { return probe.Topic("packet_filter:" + f.Name) }

// changing are the rules whose sets the kernel fills or empties: their elements are no drift.
var changing = regexp.MustCompile(`\b(dynamic|timeout|add @|update @|delete @)`)

// list is the command that lists the table as the kernel has it, without counters.
func (f *PacketFilter) list() string {
	terse := ""
	if changing.MatchString(f.Rules) {
		terse = " -t"
	}
	return "nft -s" + terse + " list table inet " + f.table()
}

// query asks what the rules become when they are loaded, in a network namespace that is gone
// afterwards, and what the table is now. Like the host at boot, the namespace has no interface but lo.
func (f *PacketFilter) query() probe.Query {
	return probe.Cmd("packet filter "+f.Name, `command -v nft >/dev/null || exit 127
want=$(printf %s `+shell.Quote(f.text())+` | unshare --net sh -c `+shell.Quote(`nft -f - || exit
[ "$(nft list tables)" = 'table inet `+f.table()+`' ] || { echo 'expected the rules of one table'; exit 1; }
`+f.list())+` 2>&1)
printf '%s %s\n%s' "$?" "${#want}" "$want"
`+f.list()+` 2>/dev/null || :`, f.subject())
}

// Probe asks for the running rules, for their file, and for the unit that loads them at boot.
func (f *PacketFilter) Probe(seen probe.Seen) []probe.Query {
	qs := kind.Unread(seen, f.query(), kind.FileQuery(f.path()))
	qs = append(qs, f.unitFile().Probe(seen)...)
	return probe.Unique(append(qs, f.service().Probe(seen)...))
}

// rules reads the answer: whether the wanted rules load, and the wanted and the running ones.
func rules(out string) (exit int, want, have string, err error) {
	head, rest, _ := strings.Cut(out, "\n")
	code, length, _ := strings.Cut(head, " ")
	exit, err1 := strconv.Atoi(code)
	n, err2 := strconv.Atoi(length)
	if err1 != nil || err2 != nil || n < 0 || n > len(rest) {
		return 0, "", "", fmt.Errorf("nft: an answer that cannot be read: %.80q", head)
	}
	return exit, strings.TrimSpace(rest[:n]), strings.TrimSpace(rest[n:]), nil
}

// Decide tries the rules, confirms them over a new login, and has them loaded at boot.
func (f *PacketFilter) Decide(seen probe.Seen) (plan.Change, error) {
	a := seen.Get(f.query())
	file, ok := seen.File(f.path())
	switch {
	case a.State != probe.Answered || !ok:
		return kind.Unknown("packet filter " + f.Name), nil
	case a.Exit == 127:
		return plan.Change{Later: "nft is not there: package nftables"}, nil
	}
	exit, want, have, err := rules(a.Out)
	if err != nil {
		return plan.Change{}, err
	}
	if exit != 0 {
		return plan.Change{}, fmt.Errorf("nft refuses the rules: %s\nThey are tried as at boot, where no interface is there but lo: iifname and oifname match interfaces by name, iif and oif need them to be there", want)
	}
	c, err := kept(f.unitFile(), seen)
	if err != nil || c.Later != "" {
		return c, err
	}
	for i := range c.Diffs {
		c.Diffs[i] = plan.Diff{Attribute: f.unit(), Have: c.Diffs[i].Have, Want: "loads the rules at boot"}
	}
	fresh := file.SHA256 != f.file().sum() || file.Mode != "0600" || file.Owner != "root"
	if have != want {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "rules", Have: have, Want: want, Text: true})
	} else if fresh {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "after reboot", Have: "other rules, or none", Want: f.path()})
	}
	if have != want || fresh {
		c.Actions = append(c.Actions, f.try(), f.keep())
	}
	return f.boot(c, seen)
}

// boot has systemd load the rules when the host starts.
func (f *PacketFilter) boot(c plan.Change, seen probe.Seen) (plan.Change, error) {
	u, ok := seen.Unit(f.unit())
	if !ok {
		return kind.Unknown("unit " + f.unit()), nil
	}
	if u.Load == "not-found" {
		c.Actions = append(c.Actions, act.Action{
			Title:   "enable and start " + f.unit(),
			Start:   &act.Unit{Name: f.unit(), Enable: true, Start: true},
			Touches: []probe.Subject{probe.Of(probe.Unit, f.unit())},
		})
		return c, nil
	}
	state, err := f.service().Decide(seen)
	if err != nil || state.Later != "" || state.Wait != nil && c.Empty() {
		return state, err
	}
	for _, d := range state.Diffs {
		if d.Attribute != "systemd" {
			c.Diffs = append(c.Diffs, d)
		}
	}
	for _, a := range state.Actions {
		if !strings.HasPrefix(a.Title, "reload systemd") || len(c.Actions) == 0 {
			c.Actions = append(c.Actions, a)
		}
	}
	return c, nil
}

// places sets what both halves of a trial use: d/pending is there while the rules may be taken back.
// Whoever renames it has decided.
func (f *PacketFilter) places() string {
	return "d=" + act.Dir + "/packet-filter-" + f.Name + "; u=haprov-packet-filter-" + f.Name + "-trial\n"
}

// try loads the rules after it has armed what takes them back.
func (f *PacketFilter) try() act.Action {
	return act.Action{
		Title: "load packet filter " + f.Name + " on trial, for " + f.Trial.String(),
		Shell: f.places() + "t=" + f.table() + `
umask 077
mkdir -p "$d"
[ ! -e "$d/pending" ] || sh "$d/take-back" || : # a trial that was cut short
cat >"$d/new"
{ printf 'table inet %s\ndelete table inet %s\n' "$t" "$t"; nft list table inet "$t" 2>/dev/null || :; } >"$d/old"
nft -c -f "$d/old"
nft -c -f "$d/new"
printf 'mv -- %s/pending %s/taken-back && nft -f %s/old\n' "$d" "$d" "$d" >"$d/take-back"
systemctl stop "$u.timer" 2>/dev/null || :
: >"$d/pending"
systemd-run -qG --unit="$u" --on-active=` + strconv.Itoa(int(f.Trial/time.Second)) + ` --timer-property=AccuracySec=1s sh "$d/take-back"
nft -f "$d/new"`,
		Stdin:   secret.Plain(f.text()),
		Touches: []probe.Subject{f.subject()},
	}
}

// keep ends the trial, and only then keeps the rules for the next boot.
func (f *PacketFilter) keep() act.Action {
	p := shell.Quote(f.path())
	return act.Action{
		Title: "keep packet filter " + f.Name + " (the host takes it back otherwise)",
		Shell: f.places() + `mv -- "$d/pending" "$d/kept" 2>/dev/null || { echo 'the rules were taken back: they were not confirmed in time' >&2; exit 1; }
systemctl stop "$u.timer"
umask 077
mkdir -p /etc/haprov/packet-filter
cat -- "$d/new" >` + p + `.haprov-new
sync -- ` + p + `.haprov-new
mv -fT -- ` + p + `.haprov-new ` + p + `
rm -rf -- "$d"`,
		AfterLogin: f.Trial - 10*time.Second,
		Touches:    []probe.Subject{f.subject(), kind.FileSubject(f.path())},
	}
}
