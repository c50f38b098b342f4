// Package act holds actions as values and turns a batch of them into one POSIX shell script.
//
// An action mends one thing on one host. It must not know why; steps decide. Nothing here does
// I/O: Script gives the text, Read tells from its output what became of each action.
package act

import (
	"slices"
	"strings"
	"time"

	"haprov/internal/probe"
	"haprov/internal/secret"
)

// Action is one thing to do on one host. Exactly one of Shell, Install, Write and Start is set.
type Action struct {
	Title string // what a person reads: "install socat"

	// Shell is run by sh -e in a subshell of its own. Values in it must be quoted already.
	Shell string
	// Stdin, when not empty, is what Shell reads from its standard input. Secrets go this way.
	Stdin secret.Text
	// Install joins adjacent Install actions into one apt transaction; services are held back.
	Install []string
	// Write replaces a file atomically.
	Write *File
	// Start joins adjacent Start actions into one systemctl call each for enable and start.
	Start *Unit
	// starts are the units of joined Start actions; set by Join alone.
	starts []Unit

	// Unless is a shell condition checked just before: when it holds, there is nothing to do any
	// more and the action counts as unchanged.
	Unless string
	// Guard is a shell condition that must hold just before, else the action is refused. A
	// destructive action carries the answer it was decided on in it. It may take as long as the
	// action; one that hangs refuses.
	Guard string

	// Touches are the subjects whose answers this action makes stale.
	Touches []probe.Subject
	// Owes marks restarts and reloads before the action runs; what pays them clears the mark.
	Owes []Owed
	// Pays clears marks after the action succeeded: "mariadb.service" clears all owed to it.
	Pays []string

	// AfterLogin, when it is not 0, is within what time a new login to the host must work before the
	// action is done, beside the one that is open: an earlier action may have locked everybody out. Whoever
	// performs the actions makes that login; Script knows nothing of it.
	AfterLogin time.Duration

	// Timeout bounds the action; 0 is DefaultTimeout.
	Timeout time.Duration
}

// Command is what the action runs, for a person to read. No text of a file and no standard input is
// in it.
func (a Action) Command() string {
	switch {
	case a.Write != nil && a.Write.Validate != "":
		return "write " + a.Write.Path + ", checked by: " + a.Write.Validate
	case a.Write != nil:
		return "write " + a.Write.Path
	case len(a.Install) > 0:
		return "apt-get install " + strings.Join(a.Install, " ")
	case a.Start != nil:
		var names []string
		for _, u := range append([]Unit{*a.Start}, a.starts...) {
			if !slices.Contains(names, u.Name) {
				names = append(names, u.Name)
			}
		}
		return "systemctl start " + strings.Join(names, " ")
	}
	return a.Shell
}

// DefaultTimeout bounds an action that names none.
const DefaultTimeout = 10 * time.Minute

// Owed is a restart or reload that a change makes necessary. Its mark stands under /run, so a
// reboot pays it.
type Owed struct {
	Unit string // mariadb.service, or a cluster step's own name
	What string // restart or reload
}

// File is the whole wanted file.
type File struct {
	Path, Owner, Group, Mode string
	Content                  secret.Text
	// Blob is the text instead of Content when it is large. Whoever performs the action copies it
	// to the host first and puts the copy's path into Blob.There.
	Blob *Blob
	// Validate is a shell command that must succeed before the file takes its place; %s is the
	// quoted path of the new text.
	Validate string
}

// Unit is a unit to enable or start.
type Unit struct {
	Name          string
	Enable, Start bool
}

// Blob is a large text that is never held in memory: a file on the controller, and what it held
// when it was decided on. Whoever sends it compares the two.
type Blob struct {
	Path   string // on the controller
	Size   int64
	SHA256 string
	There  string // the copy on the host, once it was sent
}
