package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/shell"
	"haprov/internal/transport"
)

// lock takes the host's lock in the session's own shell, which holds it until the session ends; a
// batch holds it too, to its end. A lock held by a batch alone is waited for; one held by a living
// run is ErrLocked, with its holder.
func (h *host) lock(ctx context.Context) error {
	k, ok := h.session.(transport.Keeper)
	if !ok {
		return errors.New("lock: the session cannot keep a lock")
	}
	holder := strings.Map(printable, h.Holder)
	// 0 taken, 3 held by a run, 4 held by a batch whose run has gone. The session's shell outlives
	// its session while a batch runs; that its ancestors are no longer those it had tells them apart.
	script := fmt.Sprintf(`umask 077; mkdir -p %[1]s && exec 8>>%[1]s/lock
ancestry() ( q=$1 l=; while [ "${q:-0}" -gt 1 ]; do l=$l.$q; r=$q q=; while read -r k v; do [ "$k" != PPid: ] || q=$v; done 2>/dev/null </proc/$r/status; done; echo "$l" )
if flock -n 8; then %[3]s
printf '%%s %%s %%s\n' $$ "$(ancestry $$)" %[2]s >%[1]s/lock
else read -r p was w <%[1]s/lock; printf '%%s\n' "$w"; if [ "$(ancestry "$p")" = "$was" ]; then ( exit 3 ); else ( exit 4 ); fi; fi`, act.Dir, shell.Quote(holder), lastHolder)
	first := waits{}
	started := time.Now()
	for waited := false; ; waited = true {
		t := time.Now()
		c, cancel := h.within(ctx, time.Minute)
		res, err := k.Keep(c, script)
		cancel()
		if err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		h.event(Exchanged{h.name, "lock", time.Since(t)})
		switch res.Exit {
		case 0:
			if h.holderAtLock, _ = holderSaid(res.Out); waited {
				h.holderAtLock = atWork
			}
			return nil
		case 3, 4:
			// A run that was just killed is still seen for a moment.
			if res.Exit == 3 && time.Since(started) > h.scaled(5*time.Second) {
				return fmt.Errorf("%w: %s", ErrLocked, strings.TrimSpace(string(res.Out)))
			}
			w := &plan.Wait{Reason: "the last batch of an earlier run is still running", Deadline: 40 * time.Minute}
			if err := h.wait(ctx, first, []string{h.name}, "lock", w); err != nil {
				return err
			}
		default:
			return fmt.Errorf("lock: exit %d", res.Exit)
		}
	}
}

// atWork stands for a holder that is still there.
const atWork = "at work"

// lastHolder prints who took the lock last, in one line; the shell does it alone, without a process.
const lastHolder = `last=; { read -r last <` + act.Dir + `/lock; } 2>/dev/null; [ ! -d "/proc/${last%%" "*}/" ] || [ -z "$last" ] || last="` + atWork + `"; printf '%s\n' "$last"`

func holderSaid(out []byte) (holder string, rest []byte) {
	line, rest, _ := bytes.Cut(out, []byte("\n"))
	return string(line), rest
}

// undisturbed reports that nobody took any host's lock since the first questions were asked, just now:
// their answers hold under the lock too.
func (r *run) undisturbed() bool {
	for _, h := range r.hosts {
		if h.err == nil && (h.holderAtProbe == atWork || h.holderAtProbe != h.holderAtLock || time.Since(h.first.From) > h.scaled(10*time.Second)) {
			return false
		}
	}
	return true
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '_'
	}
	return r
}
