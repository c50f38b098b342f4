package probe

import (
	"strconv"
	"strings"
)

// State says what became of a question.
type State int

const (
	Unasked    State = iota // nobody asked yet, or an action touched what it reads
	Answered                // the host answered
	Unanswered              // asked, but no answer within its deadline
)

// Answer is the host's raw answer: hostile data, bounded by the query's Max.
type Answer struct {
	State State
	Exit  int    // Command only
	Out   string // stdout and stderr of a command, the record of other kinds
}

// Seen is what is known of one host. The zero value knows nothing.
type Seen struct{ answers map[Key]Answer }

// NewSeen makes a Seen of answers.
func NewSeen(a map[Key]Answer) Seen { return Seen{a} }

// Get is the answer to a query.
func (s Seen) Get(q Query) Answer { return s.answers[q.Key()] }

// With is s with more answers; s itself does not change.
func (s Seen) With(more map[Key]Answer) Seen {
	n := make(map[Key]Answer, len(s.answers)+len(more))
	for k, v := range s.answers {
		n[k] = v
	}
	for k, v := range more {
		n[k] = v
	}
	return Seen{n}
}

// Without is s less the answers of the given queries.
func (s Seen) Without(qs []Query) Seen {
	n := s.With(nil)
	for _, q := range qs {
		delete(n.answers, q.Key())
	}
	return n
}

// Hosts is what is known of all hosts of a cluster step. A host that did not answer is there
// with its Lost text.
type Hosts map[string]HostSeen

// HostSeen is one host's part of Hosts.
type HostSeen struct {
	Seen
	Lost string // why the host could not be asked; empty when it answered
}

// FileInfo is the answer to a File query.
type FileInfo struct {
	Exists       bool
	Type         string // "regular file", "directory", "symbolic link", ...
	Owner, Group string
	Mode         string // octal, four digits
	Size         int64
	Target       string // of a symbolic link
	SHA256       string // of a regular file, lower-case hex; empty when it could not be read
}

// File reads the answer to File of path; ok is false until it was answered.
func (s Seen) File(path string) (f FileInfo, ok bool) {
	a := s.Get(Query{Kind: File, Name: path})
	if a.State != Answered {
		return f, false
	}
	if a.Out == "" {
		return f, true
	}
	p := strings.SplitN(a.Out, "|", 7)
	if len(p) < 7 {
		return f, false
	}
	f = FileInfo{Exists: true, Type: p[0], Owner: p[1], Group: p[2], Mode: mode4(p[3]), SHA256: p[5], Target: p[6]}
	f.Size, _ = strconv.ParseInt(p[4], 10, 64)
	if f.Type == "regular empty file" {
		f.Type = "regular file"
	}
	return f, true
}

func mode4(s string) string {
	for len(s) < 4 {
		s = "0" + s
	}
	return s
}

// TextInfo is the answer to a Text query.
type TextInfo struct {
	Exists bool
	Text   string
}

// Text reads the answer to Text of path.
func (s Seen) Text(path string) (TextInfo, bool) {
	a := s.Get(Query{Kind: Text, Name: path})
	return TextInfo{Exists: a.Exit == 0, Text: a.Out}, a.State == Answered
}

// PackageInfo is the answer to a Package query.
type PackageInfo struct {
	Installed bool
	Version   string
	Held      bool // apt neither upgrades nor removes it
}

// Package reads the answer to Package of name.
func (s Seen) Package(name string) (p PackageInfo, ok bool) {
	a := s.Get(Query{Kind: Package, Name: name})
	f := strings.Fields(a.Out)
	if len(f) >= 2 {
		p = PackageInfo{Installed: f[0] == "ii" || f[0] == "hi", Version: f[1], Held: f[0][0] == 'h'}
	}
	return p, a.State == Answered
}

// UnitInfo is the answer to a Unit query, in systemd's own words.
type UnitInfo struct {
	Load   string // loaded, not-found, masked
	Active string // active, inactive, failed, activating, ...
	Sub    string
	File   string // enabled, disabled, static, masked, ...
	Reload bool   // the unit file changed on disk: daemon-reload is due
	Job    bool   // systemd has been told to start, stop or restart it, and has not done so yet
}

// Unit reads the answer to Unit of name.
func (s Seen) Unit(name string) (u UnitInfo, ok bool) {
	a := s.Get(Query{Kind: Unit, Name: name})
	if a.State != Answered {
		return u, false
	}
	u = UnitInfo{Load: "not-found"}
	for _, l := range strings.Split(a.Out, "\n") {
		k, v, _ := strings.Cut(l, "=")
		switch k {
		case "LoadState":
			u.Load = v
		case "ActiveState":
			u.Active = v
		case "SubState":
			u.Sub = v
		case "UnitFileState":
			u.File = v
		case "NeedDaemonReload":
			u.Reload = v == "yes"
		case "Job":
			u.Job = v != "" && v != "0"
		}
	}
	return u, true
}

// Entry reads the answer to a User or Group query, split at its colons; nil when there is none.
func (s Seen) Entry(kind Kind, name string) (fields []string, ok bool) {
	a := s.Get(Query{Kind: kind, Name: name})
	if a.Out != "" {
		fields = strings.Split(a.Out, ":")
	}
	return fields, a.State == Answered
}

// Value reads the answer to a Sysctl query, white space folded.
func (s Seen) Value(key string) (v string, ok bool) {
	a := s.Get(Query{Kind: Sysctl, Name: key})
	return strings.Join(strings.Fields(a.Out), " "), a.State == Answered
}

// Loaded reads the answer to a Module query.
func (s Seen) Loaded(module string) (loaded, ok bool) {
	a := s.Get(Query{Kind: Module, Name: module})
	return a.Out != "", a.State == Answered
}

// MountInfo is the answer to a Mount query.
type MountInfo struct {
	Mounted                 bool
	Source, Fstype, Options string
}

// Mount reads the answer to Mount of a path.
func (s Seen) Mount(path string) (m MountInfo, ok bool) {
	a := s.Get(Query{Kind: Mount, Name: path})
	if f := strings.Fields(a.Out); len(f) >= 4 {
		m = MountInfo{true, f[0], f[2], f[3]}
	}
	return m, a.State == Answered
}

// BlockInfo is the answer to a Block query.
type BlockInfo struct {
	Exists bool
	Size   int64
	// Holds is what blkid found (TYPE=, PTTYPE=, ...); empty when nothing is known there.
	Holds string
	// Blank says that the device's beginning and end, 1 MiB each, hold only zero bytes.
	Blank bool
}

// Block reads the answer to Block of a device.
func (s Seen) Block(device string) (b BlockInfo, ok bool) {
	a := s.Get(Query{Kind: Block, Name: device})
	if a.State != Answered {
		return b, false
	}
	p := strings.SplitN(a.Out, "|", 3)
	if len(p) == 3 {
		b = BlockInfo{Exists: true, Blank: p[1] == "blank", Holds: p[2]}
		b.Size, _ = strconv.ParseInt(p[0], 10, 64)
	}
	return b, true
}

// OwedTo lists what is owed to a unit ("restart", "reload").
func (s Seen) OwedTo(unit string) (owed []string, ok bool) {
	a := s.Get(Query{Kind: Owed, Name: unit})
	return strings.Fields(a.Out), a.State == Answered
}
