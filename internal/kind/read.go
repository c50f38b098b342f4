package kind

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"haprov/internal/plan"
	"haprov/internal/probe"
)

// unread keeps the questions that nobody has asked yet.
func unread(seen probe.Seen, qs ...probe.Query) (out []probe.Query) {
	for _, q := range qs {
		if seen.Get(q).State == probe.Unasked {
			out = append(out, q)
		}
	}
	return probe.Unique(out)
}

// unknown is the change of a step whose question was not answered.
func unknown(what string) plan.Change {
	return plan.Change{Later: "the host gave no answer about " + what}
}

// fileOf asks for type, owner, mode and digest of a path.
func fileOf(path string) probe.Query { return probe.Query{Kind: probe.File, Name: path} }

// textOf asks for the text of a file.
func textOf(path string) probe.Query { return probe.Query{Kind: probe.Text, Name: path} }

// unitQuery asks systemd for the state of a unit.
func unitQuery(name string) probe.Query { return probe.Query{Kind: probe.Unit, Name: name} }

func fileSubject(path string) probe.Subject { return probe.Subject("file:" + path) }

func digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// differ is a diff of one value, none when it is as wanted or nothing is wanted of it.
func differ(attribute, have, want string) []plan.Diff {
	if want == "" || have == want {
		return nil
	}
	return []plan.Diff{{Attribute: attribute, Have: have, Want: want}}
}

func bytes(n int64) string { return fmt.Sprintf("%d bytes", n) }

// wait is a phase that changes nothing: the step is decided again until the reason is gone.
func wait(reason string, deadline time.Duration) plan.Phase {
	return plan.Phase{Wait: &plan.Wait{Reason: reason, Deadline: deadline}}
}
