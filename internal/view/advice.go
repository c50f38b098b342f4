package view

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"haprov/internal/engine"
	"haprov/internal/kind"
	"haprov/internal/lab"
	"haprov/internal/transport"
)

// known are failures that people meet often, told by what the command printed. They are shown and
// decide nothing. HOST and the first group, as $1, are put into the texts.
var known = []struct {
	said        *regexp.Regexp
	cause, next string
}{
	{regexp.MustCompile(fmt.Sprintf(`Failed to fetch http://[0-9.]+:%d/\S+\s+502 `, lab.ArchivePort)), "this machine could not fetch packages for its lab", "see why: haprov lab logs; then check this machine's own sources: apt-get update"},
	{regexp.MustCompile(`Unable to locate package (\S+)`), "no package source of the host has $1", "check its spelling and the host's sources: on HOST: apt-cache policy $1"},
	{regexp.MustCompile(`Version '([^']+)' for '[^']+' was not found`), "the package sources no longer have version $1", "remove version from the recipe, or name an available one (apt-cache policy)"},
	{regexp.MustCompile(`Could not get lock (\S+?)\.? `), "another program is installing packages", "wait until it ends, then run the command again"},
	{regexp.MustCompile(`Temporary failure resolving '([^']+)'|Could not resolve '([^']+)'`), "the host cannot resolve names", "fix DNS on the host: on HOST: cat /etc/resolv.conf"},
	{regexp.MustCompile(`No space left on device`), "a disk of the host is full", "free some space: on HOST: df -h"},
	{regexp.MustCompile(`Read-only file system`), "the file system is mounted read-only, perhaps after a disk error", "look at: on HOST: dmesg"},
	{regexp.MustCompile(`Job for (\S+) failed`), "the service did not start", "read its log: on HOST: journalctl -n 50 -u $1"},
	{regexp.MustCompile(`[Uu]nit (\S+) (?:not found|could not be found|is not there)`), "no installed package has this unit", "install the package in an earlier step, or correct the unit's name"},
	{regexp.MustCompile(`(\S+): (?:command )?not found`), "the program $1 is not installed on the host", "install its package in an earlier step"},
	{regexp.MustCompile(`Permission denied`), "the login may not do this", "log in as root, or set sudo = true in the host's ssh block"},
}

// Advice is the likely cause of a failure and what to do next. Both may be empty: errors of the
// connection say so themselves.
func Advice(host string, err error, output string) (cause, next string) {
	said := err.Error() + "\n" + output
	const again = "fix the cause, then run the command again: what is done stays done"
	switch {
	case errors.Is(err, transport.ErrHostKeyChanged):
		return "", "do not continue until you know which machine answers there"
	case errors.Is(err, transport.ErrHostKeyUnknown), errors.Is(err, transport.ErrAuth), errors.Is(err, transport.ErrUnreachable):
		return "", "" // the error says it
	case errors.Is(err, transport.ErrLost):
		return "the connection or the host was lost; actions that were started run to their end there", "run the command again: it waits for them and continues"
	case errors.Is(err, engine.ErrLocked):
		return "", "wait until that run has ended, then run the command again"
	case errors.Is(err, engine.ErrDanger):
		return "", "keep the data, or allow the step: --allow ADDRESS"
	case errors.Is(err, kind.ErrRequirement):
		return "", "no host was changed; " + again
	}
	for _, k := range known {
		if m := k.said.FindStringSubmatch(said); m != nil {
			first := strings.Join(m[1:], "")
			first = first[:min(len(first), 80)]
			fill := strings.NewReplacer("HOST", host, "$1", first)
			return fill.Replace(k.cause), fill.Replace(k.next)
		}
	}
	switch {
	case errors.Is(err, engine.ErrOverran):
		return "it ran longer than its timeout", "find out on the host what blocks it; a step may have a longer timeout"
	case errors.Is(err, engine.ErrTimedOut):
		return "", "see the state of the cluster: haprov status"
	}
	return "", again
}
