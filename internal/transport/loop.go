package transport

import (
	"fmt"
	"strconv"
	"strings"

	"haprov/internal/shell"
)

// maxRide is the longest exec request: Linux takes arguments of up to 128 KiB.
const maxRide = 100_000

// The loop that runs on the host, in pieces. It is sent inside single quotes through a login shell
// that may be any (bash, zsh, fish, csh), so it holds no single quote, backslash pair, newline or "!".
//
//	$1  the session's nonce: frames end with "#nonce", the greeting starts with it
//	$2  the first script, in printf's octal escapes; absent when it comes as a frame
//	h   the host's own nonce: markers of answers carry it. It is made on the host because the
//	    arguments can be read by every local user, who could then forge an end inside a file we print.
//	k   number of the exchange
const (
	loopStart = `LC_ALL=C; export LC_ALL; PATH="$PATH:/usr/sbin:/sbin"; export PATH; c="$1"; e="$2"; ` +
		`set -- $(od -An -N16 -tx1 /dev/urandom); IFS=; h="$*"; unset IFS; set --; ` +
		`[ "${#h}" = 32 ] || { echo "haprov: od cannot read /dev/urandom" >&2; exit 91; }; k=0; ` +
		`run() { (unset h; eval "$s") </dev/null; printf "\n%s %s %s\n" "$h" "$k" "$?"; }; ` +
		`keep() { eval "$s" </dev/null; printf "\n%s %s %s\n" "$h" "$k" "$?"; }; ` +
		`echo "$c $h"; `
	loopRide = `s=$(printf %b "$e"); run; `
	// A frame cut short by a lost connection lacks its end and must not run.
	loopNext = `while read -r n m; do s=$(head -c "$n"); case "$s" in *"#$c") ;; *) exit 90;; esac; ` +
		`k=$((k+1)); echo "$h $k"; case "$m" in keep) keep;; *) run;; esac; done`
)

// ride is the exec request that carries the loop and the first script; ok is false when the script
// is too long for it.
func ride(nonce, script string) (req string, ok bool) {
	if len(script) > maxRide {
		return "", false
	}
	req = "exec /bin/sh -c '" + loopStart + loopRide + loopNext + "' sh " + nonce + " '" + octal(script) + "'"
	return req, len(req) <= maxRide
}

// plain is the exec request with the loop alone; what runs it (sudo) goes before.
func plain(nonce string, before ...string) string {
	run := ""
	if len(before) > 0 {
		run = shell.Join(before...) + " "
	}
	return "exec " + run + "/bin/sh -c '" + loopStart + loopNext + "' sh " + nonce
}

// frame is a script as the loop reads it from stdin.
func frame(nonce, script, mode string) string {
	tail := "\n#" + nonce
	return strings.TrimSpace(strconv.Itoa(len(script)+len(tail))+" "+mode) + "\n" + script + tail
}

// octal writes s for printf's %b with printable ASCII only, free of what login shells treat
// differently inside single quotes.
func octal(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ' || c > '~' || c == '\'' || c == '\\' || c == '!':
			fmt.Fprintf(&b, `\0%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
