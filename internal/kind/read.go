package kind

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Unread keeps the questions that nobody has asked yet.
func Unread(seen probe.Seen, qs ...probe.Query) (out []probe.Query) {
	for _, q := range qs {
		if seen.Get(q).State == probe.Unasked {
			out = append(out, q)
		}
	}
	return probe.Unique(out)
}

// Unknown is the change of a step whose question was not answered.
func Unknown(what string) plan.Change {
	return plan.Change{Later: "the host gave no answer about " + what}
}

// FileQuery asks for type, owner, mode and digest of a path.
func FileQuery(path string) probe.Query { return probe.Query{Kind: probe.File, Name: path} }

// TextQuery asks for the text of a file.
func TextQuery(path string) probe.Query { return probe.Query{Kind: probe.Text, Name: path} }

// UnitQuery asks systemd for the state of a unit.
func UnitQuery(name string) probe.Query { return probe.Query{Kind: probe.Unit, Name: name} }

// FileSubject is what a question about a file reads and an action on it touches.
func FileSubject(path string) probe.Subject { return probe.Of(probe.File, path) }

// Digest is the SHA-256 of a text, in hex, as hosts tell it of their files.
func Digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// DiffOf is a diff of one value, none when it is as wanted or nothing is wanted of it.
func DiffOf(attribute, have, want string) []plan.Diff {
	if want == "" || have == want {
		return nil
	}
	return []plan.Diff{{Attribute: attribute, Have: have, Want: want}}
}

// ByteCount writes a size for a diff.
func ByteCount(n int64) string { return fmt.Sprintf("%d bytes", n) }

// Wait is a phase that changes nothing: the step is decided again until the reason is gone. progress says
// how far it is. It may change from look to look; the reason may not, or its time would begin anew.
func Wait(reason string, deadline time.Duration, progress ...string) plan.Phase {
	return plan.Phase{Wait: &plan.Wait{Reason: reason, Progress: strings.Join(progress, ", "), Deadline: deadline}}
}

// Loud is a command that starts a unit, with the end of the unit's journal when it fails.
func Loud(unit, start string) string {
	return start + " || { journalctl -q -u " + shell.Quote(unit) + " -n 30 --no-pager -o cat >&2; exit 1; }"
}
