package vm

import (
	"bufio"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// parts are the stations of a failover of the two-node stack, as the surviving machine's journal
// has them, in the order they happen. A lab's guests share the clock of the machine they run on.
var parts = []struct {
	name string
	said *regexp.Regexp
}{
	{"detect", regexp.MustCompile(`corosync\[\d+\]:.* A new membership .* Members left`)},
	{"fence", regexp.MustCompile(`pacemaker-fenced\[\d+\]:.* Operation '(reboot|off)' targeting \S+ .*OK`)},
	{"promote", regexp.MustCompile(`pacemaker-controld\[\d+\]:.* Result of promote operation for .*: (ok|OK)`)},
	{"recover", regexp.MustCompile(`pacemaker-controld\[\d+\]:.* Result of start operation for mysql-server on .*: (ok|OK)`)},
	{"move", regexp.MustCompile(`pacemaker-controld\[\d+\]:.* Result of start operation for \S*vip\S* on .*: (ok|OK)`)},
}

// outage tells where the time went between a fault and the first row acknowledged after it:
// "detect 5.2 s, fence 1.1 s, ...". A station that the journal does not show is left out.
func (p *place) outage(survivor string, hit, back time.Time) string {
	ctx := p.t.Context()
	out, _ := p.command(ctx, "ssh", survivor, "--", fmt.Sprintf("journalctl -q -o short-unix --no-pager --since @%d", hit.Unix()-1)).Output()
	last := hit
	var told []string
	for _, part := range parts {
		at := first(string(out), part.said, last)
		if at.IsZero() || at.After(back.Add(scaled(5*time.Second))) {
			continue
		}
		told = append(told, fmt.Sprintf("%s %.1f s", part.name, at.Sub(last).Seconds()))
		last = at
	}
	if back.After(last) {
		told = append(told, fmt.Sprintf("first row %.1f s", back.Sub(last).Seconds()))
	}
	return strings.Join(told, ", ")
}

// first is when a line that matches was written, not before a moment.
func first(journal string, said *regexp.Regexp, from time.Time) time.Time {
	s := bufio.NewScanner(strings.NewReader(journal))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		stamp, _, _ := strings.Cut(s.Text(), " ")
		at, err := strconv.ParseFloat(stamp, 64)
		if err != nil {
			continue
		}
		if t := time.UnixMicro(int64(at * 1e6)); !t.Before(from) && said.MatchString(s.Text()) {
			return t
		}
	}
	return time.Time{}
}
