package view

import (
	"errors"
	"regexp"
	"strings"

	"haprov/internal/engine"
	"haprov/internal/kind"
	"haprov/internal/transport"
)

// known are failures that people meet often, told by what the command printed. They are shown and
// decide nothing. HOST and the first group, as $1, are put into the texts.
var known = []struct {
	said        *regexp.Regexp
	cause, next string
}{
	{regexp.MustCompile(`Unable to locate package (\S+)`), "no package source of the host has $1", "check its spelling and the host's sources: on HOST: apt-cache policy $1"},
	{regexp.MustCompile(`Version '([^']+)' for '[^']+' was not found`), "the package sources do not hold version $1 any more", "take version out of the recipe, or name one that is there (apt-cache policy)"},
	{regexp.MustCompile(`Could not get lock (\S+?)\.? `), "another program is installing packages", "wait until it ends, then run the same command again"},
	{regexp.MustCompile(`Temporary failure resolving '([^']+)'|Could not resolve '([^']+)'`), "the host cannot look names up", "mend DNS on the host: on HOST: cat /etc/resolv.conf"},
	{regexp.MustCompile(`No space left on device`), "a disk of the host is full", "make room: on HOST: df -h"},
	{regexp.MustCompile(`Read-only file system`), "the file system is mounted read-only, perhaps after an error of its disk", "look at: on HOST: dmesg"},
	{regexp.MustCompile(`Job for (\S+) failed`), "the service did not start", "read its log: on HOST: journalctl -n 50 -u $1"},
	{regexp.MustCompile(`[Uu]nit (\S+) (?:not found|could not be found|is not there)`), "no installed package brings this unit", "install the package in a step before, or mend the unit's name"},
	{regexp.MustCompile(`(\S+): (?:command )?not found`), "the program $1 is not installed on the host", "install its package in a step before"},
	{regexp.MustCompile(`Permission denied`), "the login may not do this", "log in as root, or set sudo = true in the host's ssh block"},
}

// Advice is the likely cause of a failure and what to do next. Both may be empty: errors of the
// connection say so themselves.
func Advice(host string, err error, output string) (cause, next string) {
	said := err.Error() + "\n" + output
	const again = "mend it, then run the same command again: what is done stays done"
	switch {
	case errors.Is(err, transport.ErrHostKeyChanged):
		return "", "do not go on before you know who answers there"
	case errors.Is(err, transport.ErrHostKeyUnknown), errors.Is(err, transport.ErrAuth), errors.Is(err, transport.ErrUnreachable):
		return "", "" // the error says it
	case errors.Is(err, transport.ErrLost):
		return "the connection or the host went away; what was begun runs to its end there", "run the same command again: it waits for that, looks, and goes on"
	case errors.Is(err, engine.ErrLocked):
		return "", "wait until that run has ended, then run the same command again"
	case errors.Is(err, engine.ErrDanger):
		return "", "keep what is there, or name the step: --allow ADDRESS"
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
	case strings.Contains(err.Error(), ": exit 124"), strings.Contains(err.Error(), ": exit 137"):
		return "it ran longer than its time-out", "see on the host what holds it up; a step may have a longer timeout"
	case strings.HasPrefix(err.Error(), "waited "):
		return "", "see what the cluster says: haprov status"
	}
	return "", again
}
