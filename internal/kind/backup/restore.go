package backup

import (
	"errors"
	"fmt"
	"path"
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

// A restored server stands beside the one that runs, in a folder of its own. The host's script makes
// it from what the file restore.want says, and writes the file restored once it is there.

// Stock asks for what is in the repository; it may be on another machine.
func (b *Backup) Stock() probe.Query {
	q := probe.Cmd("copies "+b.Unit, b.List, probe.Topic("copies:"+b.Unit))
	q.Timeout, q.Max = time.Minute, 32<<20
	return q
}

// Read reads it.
func (b *Backup) Read(s probe.Seen) (kind.Stock, error) {
	copies, err := b.copies(s)
	return stock(copies), err
}

func (b *Backup) copies(s probe.Seen) ([]full, error) {
	switch a := s.Get(b.Stock()); {
	case a.State != probe.Answered:
		return nil, fmt.Errorf("the repository was not read within %s", b.Stock().Timeout)
	case a.Exit != 0:
		return nil, fmt.Errorf("%.400s", lastLine(a.Out, fmt.Sprintf("its list of copies ended with exit code %d", a.Exit)))
	default:
		return readStock(a.Out)
	}
}

// lastLine is the last line with something on it.
func lastLine(text, otherwise string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if l := strings.TrimSpace(lines[len(lines)-1]); l != "" {
		return l
	}
	return otherwise
}

// restored is what the script says of the restored server; nothing where there is none.
func (b *Backup) restored() probe.Query {
	return probe.Cmd("restored "+b.Unit, "cat "+b.file("restored")+" 2>/dev/null || true", b.subject())
}

// wanted is what a restore was asked for: more than restored where one broke off.
func (b *Backup) wanted() probe.Query {
	return probe.Cmd("to be restored "+b.Unit, "cat "+b.file("restore.want")+" 2>/dev/null || true", b.subject())
}

// room are the bytes that are free where the folder is to be, those of the whole file system, and the
// folder's first entry, if it has one.
func (b *Backup) room() probe.Query {
	return probe.Cmd("room for "+b.folder(), "p="+shell.Quote(b.folder())+`
while [ ! -d "$p" ]; do p=$(dirname "$p"); done
df -B1 --output=avail,size "$p" | tail -n 1
[ -e `+shell.Quote(b.folder()+"/.haprov-restored")+` ] || ls -A `+shell.Quote(b.folder())+` 2>/dev/null | head -n 1`)
}

func (b *Backup) folder() string {
	if b.in != nil && b.in.Folder != "" {
		return b.in.Folder
	}
	return b.Folder
}

func (b *Backup) probeRestore(s probe.Seen) []probe.Query {
	if b.in.What == "end" {
		return kind.Unread(s, b.restored(), b.wanted())
	}
	qs := kind.Unread(s, b.here(), b.done(), b.restored())
	// only where the server runs, since the other host may not reach the repository; and not when the
	// restored server is there already
	if a := s.Get(b.here()); a.State == probe.Answered && a.Exit == 0 && strings.TrimSpace(s.Get(b.restored()).Out) == "" {
		qs = append(qs, kind.Unread(s, b.Stock(), b.room())...)
	}
	return qs
}

// restore makes the restored server.
//
//	one is there, or it cannot be made: refused
//	as when the run began --unit--> done since
func (b *Backup) restore(begin, now probe.Hosts) (plan.Phase, error) {
	if host := b.wasDone(begin, now); host != "" {
		r, err := readRestored(now[host].Get(b.restored()))
		if err != nil {
			return plan.Phase{}, fmt.Errorf("%s: %w", host, err)
		}
		return plan.Phase{Note: b.told(host, r)}, nil
	}
	for _, n := range b.Nodes {
		if a := now[n.Name].Get(b.restored()); a.State == probe.Answered && strings.TrimSpace(a.Out) != "" {
			return plan.Phase{}, fmt.Errorf("%s has a restored server already; haprov restore end removes it", n.Name)
		}
	}
	host, err := b.active(now)
	if err != nil {
		return plan.Phase{}, err
	}
	copies, err := b.copies(now[host].Seen)
	if err != nil {
		return plan.Phase{}, fmt.Errorf("%s: %w", host, err)
	}
	p, err := choose(copies, b.in.At)
	if err != nil {
		return plan.Phase{}, err
	}
	takes, free, err := b.fits(p, now[host].Get(b.room()))
	if err != nil {
		return plan.Phase{}, fmt.Errorf("%s: %w", host, err)
	}
	logs := "none"
	if last := p.last(); last != "" {
		logs = fmt.Sprintf("%s from position %d", p.of.Log, p.of.Position)
		if last != p.of.Log {
			logs += ", to " + last
		}
	}
	ph := b.start(host, "restore the data beside the running server", []plan.Diff{
		{Attribute: "data as of", Want: b.asOf(p)},
		{Attribute: "copy", Want: fmt.Sprintf("%s, %s", show(p.of.From), mebibytes(p.of.Bytes))},
		{Attribute: "logs to replay", Want: logs},
		{Attribute: "folder", Want: fmt.Sprintf("%s, takes %s of %s that are free", b.folder(), mebibytes(takes), mebibytes(free))},
	}, act.Action{Title: "write down what is to be restored", Touches: []probe.Subject{b.subject()},
		Write: &act.File{Path: "/var/lib/" + b.Unit + "/restore.want", Owner: "root", Group: "root", Mode: "0600", Content: secret.Plain(b.order(p, takes))}})
	return ph, nil
}

// asOf says which second is restored: in UTC, and in the zone that it was given in.
func (b *Backup) asOf(p point) string {
	if b.in.At.IsZero() {
		return "the last saved log, which has all that was acknowledged before " + show(p.of.To)
	}
	out := show(b.in.At)
	if name, offset := b.in.At.Zone(); offset != 0 {
		out += b.in.At.Format(" (2006-01-02 15:04:05 -07:00")
		if strings.ContainsAny(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			out += " " + name
		}
		out += ")"
	}
	return out + ", without what the server logged in that second or later"
}

// order is what the script reads. Nothing in it was given by a host but what has been checked.
func (b *Backup) order(p point, takes int64) string {
	var out strings.Builder
	line := func(name string, v any) { fmt.Fprintf(&out, "%s=%v\n", name, v) }
	line("folder", b.folder())
	line("copy", p.of.ID)
	line("file", p.of.Log)
	line("position", p.of.Position)
	line("bytes", takes)
	line("last", p.last())
	if !b.in.At.IsZero() {
		line("stop", b.in.At.Unix())
	}
	for _, x := range p.parts {
		line("logs", fmt.Sprintf("%d %s %s", x.until.Unix(), x.first, x.last))
	}
	return out.String()
}

// slack is what a restored server needs beside its data: its own log and temporary tables.
const slack = 256 << 20

// fits tells what the restored data takes, and whether there is room: a twentieth of the file system
// stays free.
func (b *Backup) fits(p point, a probe.Answer) (takes, free int64, err error) {
	var size int64
	lines := strings.Split(strings.TrimSpace(a.Out), "\n")
	if n, err := fmt.Sscan(lines[0], &free, &size); a.State != probe.Answered || n != 2 || err != nil || free < 0 || size <= 0 {
		return 0, 0, fmt.Errorf("it cannot be told how much room there is for %s", b.folder())
	}
	if len(lines) > 1 {
		return 0, 0, fmt.Errorf("the folder %s is not empty, and holds no restored server: name another one with --in", b.folder())
	}
	takes = p.of.Bytes + p.bytes() + slack
	if free-takes < size/20 {
		return 0, 0, fmt.Errorf("no room in %s: the restored data takes %s, and a twentieth of the file system is to stay free; %s of %s are; name another folder with --in",
			path.Dir(b.folder()), mebibytes(takes), mebibytes(free), mebibytes(size))
	}
	return takes, free, nil
}

// mebibytes writes a size for people.
func mebibytes(n int64) string {
	if n >= 10<<30 {
		return strconv.FormatInt(n>>30, 10) + " GiB"
	}
	return strconv.FormatInt((n+(1<<20)-1)>>20, 10) + " MiB"
}

// server is a restored server as its host tells of it.
type server struct {
	folder      string
	transaction string // the last one that was replayed: its time and GTID; empty when there was none
}

var someTransaction = regexp.MustCompile(`^[0-9]{6} [ 0-9:]{8} [0-9-]{1,60}$`)

func readRestored(a probe.Answer) (r server, err error) {
	for l := range strings.Lines(a.Out) {
		name, v, _ := strings.Cut(strings.TrimSpace(l), "=")
		switch name {
		case "folder":
			r.folder = v
		case "transaction":
			r.transaction = v
		}
	}
	if a.State != probe.Answered || !folder.MatchString(r.folder) || r.transaction != "" && !someTransaction.MatchString(r.transaction) {
		return r, errors.New("it tells of no restored server")
	}
	return r, nil
}

// told is what a person should know of a restored server.
func (b *Backup) told(host string, r server) string {
	out := fmt.Sprintf("%s has the restored server in %s", host, r.folder)
	if at, gtid, ok := transaction(r.transaction); ok {
		out += fmt.Sprintf("; the last transaction in it is %s of %s", gtid, show(at))
	}
	if b.Use != "" {
		out += "; " + strings.ReplaceAll(strings.TrimSpace(b.Use), "FOLDER", r.folder)
	}
	return out + "; haprov restore end removes it"
}

// transaction reads the time and the GTID of one, as "261128  9:03:05 0-1-345" in UTC.
func transaction(s string) (at time.Time, gtid string, ok bool) {
	f := strings.Fields(s)
	if len(f) != 3 {
		return at, "", false
	}
	at, err := time.Parse("060102 15:4:5", f[0]+" "+f[1])
	return at, f[2], err == nil
}

// end ends restored servers, on whichever hosts there are some; also what a broken run has left.
func (b *Backup) end(now probe.Hosts) (plan.Phase, error) {
	ph := plan.Phase{Name: "remove the restored server", Changes: map[string]plan.Change{}}
	var away []string
	for _, n := range b.Nodes {
		if now[n.Name].Lost != "" {
			away = append(away, n.Name)
			continue
		}
		for _, q := range []probe.Query{b.restored(), b.wanted()} {
			a := now[n.Name].Get(q)
			r, err := readRestored(a)
			if err != nil {
				continue
			}
			one := b.start(n.Name, ph.Name, []plan.Diff{{Attribute: "restored server", Have: r.folder, Want: "none"}}).Changes[n.Name]
			one.Actions[0].Guard = ""
			ph.Changes[n.Name] = one
			break
		}
	}
	switch {
	case len(ph.Changes) > 0:
		return ph, nil
	case len(away) > 0:
		return plan.Phase{Note: "there is no restored server on the hosts that answer; not reachable: " + strings.Join(away, ", ")}, nil
	}
	return plan.Phase{Note: "there is no restored server"}, nil
}
