package lint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"haprov/internal/probe"
	"haprov/internal/shell"
)

// An answer to the collector: a first line, then for each item a line "@ STATE BYTES NAME", that many
// bytes, and a newline. STATE is read, absent (the program is not installed) or failed (the text says
// why). The last line is end: an answer that was cut off is none.
const (
	bundleHead = "haprov-facts 1"
	bundleEnd  = "end"
)

// MaxBundle bounds one host's answer, maxItem one file in it, in bytes.
const (
	MaxBundle = 8 << 20
	maxItem   = 1 << 20
	maxItems  = 4096
)

// secrets are what the collector takes out before anything leaves the host, as sed's expressions.
var secrets = []string{
	`s/((shared-secret|auth_pass|insecure-password|password)[[:space:]]+)("[^"]*"|[^[:space:];]+)/\1(removed)/g`,
	`s/^([[:space:]]*[A-Za-z_-]*([Pp]assword|sst[_-]auth)[A-Za-z_-]*[[:space:]]*=).*/\1 (removed)/`,
	`s/(stats[[:space:]]+auth[[:space:]]+).*/\1(removed)/`,
	`s/(name="[^"]*(passw|secret|community|snmp_priv|token)[^"]*"[^>]*value=")[^"]*/\1(removed)/g`,
	`s/(value=")[^"]*("[^>]*name="[^"]*(passw|secret|community|snmp_priv|token)[^"]*")/\1(removed)\2/g`,
	`s/^((init_connect|wsrep_sst_auth|report_password|ssl_passphrase|wsrep_notify_cmd_password)\t).+/\1(removed)/`,
}

// Collector is a POSIX script that prints what lint reads of the host it runs on. It only reads, keeps
// nothing there, and takes passwords and secrets out. Each command has ten seconds.
func Collector() string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# Prints what haprov lint reads of this host. It writes nothing, and takes passwords out. Run it as root.\nLC_ALL=C\nexport LC_ALL\nPATH=$PATH:/usr/sbin:/sbin\nclean() {\n\tsed -E")
	for _, s := range secrets {
		b.WriteString(" -e " + shell.Quote(s))
	}
	fmt.Fprintf(&b, `
}
put() {
	printf '@ %%s %%s %%s\n%%s\n' "$2" "${#3}" "$1" "$3"
}
files() {
	for f; do
		[ -f "$f" ] || continue
		if [ -r "$f" ]; then
			put "${f#/}" read "$(head -c %d "$f" | clean)"
		else
			put "${f#/}" failed 'permission denied: run this as root'
		fi
	done
}
ask() {
	if ! command -v "$2" >/dev/null 2>&1; then
		put "$1" absent "$2 is not installed"
		return
	fi
	said=$(timeout -k 1 10 sh -c "$3" 2>/dev/null </dev/null)
	status=$?
	if [ $status = 0 ]; then
		put "$1" read "$(printf '%%s\n' "$said" | head -c %d | clean)"
	else
		put "$1" failed "exit $status: $(printf %%s "$said" | tail -n 3 | head -c 300 | clean)"
	fi
}
echo %s
`, maxItem, maxItem, shell.Quote(bundleHead))
	for _, s := range Sources {
		if len(s.Files) > 0 {
			b.WriteString("files " + strings.Join(s.Files, " ") + "\n") // patterns of our own: the shell expands them
		} else {
			b.WriteString("ask " + shell.Join(s.Name, s.Tool, s.Shell) + "\n")
		}
	}
	b.WriteString("echo " + bundleEnd + "\n")
	return b.String()
}

// Query asks a host for all that lint reads, in one command.
func Query() probe.Query {
	q := probe.Cmd("lint", Collector())
	q.Timeout, q.Max = time.Minute, MaxBundle
	return q
}

// state is what became of an item.
type state int

const (
	read state = iota
	absent
	failed
)

// item is one file, or one command's answer.
type item struct {
	name  string
	text  string // why, when it is absent or failed
	state state
}

// parseBundle reads what the collector printed.
func parseBundle(text string) (out []item, err error) {
	if len(text) > MaxBundle {
		return nil, fmt.Errorf("more than %d bytes", MaxBundle)
	}
	rest, ok := strings.CutPrefix(text, bundleHead+"\n")
	if !ok {
		return nil, fmt.Errorf("its first line is not %q", bundleHead)
	}
	for strings.TrimSpace(rest) != bundleEnd {
		head, body, ok := strings.Cut(rest, "\n")
		f := strings.SplitN(head, " ", 4)
		if !ok || len(f) < 4 || f[0] != "@" {
			return nil, fmt.Errorf("it is cut off, or its item %d has no head line", len(out)+1)
		}
		n, err := strconv.Atoi(f[2])
		if err != nil || n < 0 || n >= len(body) || body[n] != '\n' {
			return nil, fmt.Errorf("item %d is not as long as it says", len(out)+1)
		}
		x := item{name: f[3], text: body[:n]}
		switch f[1] {
		case "read":
		case "absent":
			x.state = absent
		case "failed":
			x.state = failed
		default:
			return nil, fmt.Errorf("item %d has an unknown state", len(out)+1)
		}
		if out = append(out, x); len(out) > maxItems {
			return nil, errors.New("too many items")
		}
		rest = body[n+1:]
	}
	if len(out) == 0 {
		return nil, errors.New("no item in it")
	}
	return out, nil
}
