// Package probe asks a host many questions in one exchange and reads the answers.
//
// A Query says what to read and which subjects the answer depends on; Script joins queries into
// one POSIX shell text; Parse reads what that text printed. It must not know steps, recipes or
// SSH. Queries never write.
package probe

import "time"

// Subject is something that a query reads and an action touches: a file, a unit, a package, or a topic
// of a tool's. It is no text, so that a misspelt one does not build: Of and Topic make it.
type Subject struct {
	Kind Kind // of the queries that read it; "" is a topic
	Name string
}

// Of is what a query of that kind and name reads, for Text that of File.
func Of(k Kind, name string) Subject {
	if k == Text {
		k = File
	}
	return Subject{k, name}
}

// Topic is something that no kind of query reads, as a cluster's configuration. Whoever asks about it
// and whoever touches it share one variable or function, beside the question.
func Topic(name string) Subject { return Subject{Name: name} }

// All stands for every subject: what a command, an SQL statement or a package transaction touches.
var All = Topic("*")

// Kind is the sort of a query; those of one sort are answered by one process on the host.
type Kind string

const (
	File    Kind = "file"    // Name is a path: type, owner, mode, size, link target, SHA-256
	Text    Kind = "text"    // Name is a path: the content, up to Max bytes
	Package Kind = "package" // Name is a Debian package: state and version
	Unit    Kind = "unit"    // Name is a systemd unit with its suffix
	User    Kind = "user"    // Name is a login: its passwd entry
	Group   Kind = "group"   // Name is a group: its entry
	Sysctl  Kind = "sysctl"  // Name is a dotted key: the running value
	Module  Kind = "module"  // Name is a kernel module: loaded or not
	Mount   Kind = "mount"   // Name is a mount point: what is mounted there
	Block   Kind = "block"   // Name is a block device: size and what blkid finds on it
	Owed    Kind = "owed"    // Name is a unit or service name: restarts and reloads owed to it
	Command Kind = "command" // Shell is run; Name tells it from others; exit status is data
)

// Query is one question. Two queries with the same Key are asked once.
type Query struct {
	Kind    Kind
	Name    string
	Shell   string        // Command only
	Timeout time.Duration // Command: 0 is DefaultTimeout; File: what its digest may take beyond the usual
	Max     int           // bytes kept of Text and Command answers; 0 is DefaultMax
	Reads   []Subject     // Command only: what the answer depends on; none means All
}

// DefaultTimeout bounds a command query; DefaultMax its answer.
const (
	DefaultTimeout = 10 * time.Second
	DefaultMax     = 1 << 20
)

// Key identifies the question, and so its answer.
type Key string

// Key identifies the query. Commands are told apart by name and text.
func (q Query) Key() Key {
	k := string(q.Kind) + ":" + q.Name
	if q.Kind == Command {
		k += "\x00" + q.Shell
	}
	return Key(k)
}

// Subjects are what the answer depends on.
func (q Query) Subjects() []Subject {
	switch q.Kind {
	case Command:
		if len(q.Reads) == 0 {
			return []Subject{All}
		}
		return q.Reads
	default:
		return []Subject{Of(q.Kind, q.Name)}
	}
}

// Cmd is a command query.
func Cmd(name, shell string, reads ...Subject) Query {
	return Query{Kind: Command, Name: name, Shell: shell, Reads: reads}
}

// Overlap reports whether a touched subject invalidates one that was read.
func Overlap(reads, touched []Subject) bool {
	for _, t := range touched {
		for _, r := range reads {
			if r == t || r == All || t == All {
				return true
			}
		}
	}
	return false
}
