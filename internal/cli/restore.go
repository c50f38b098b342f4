package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/plan"
)

func (a *app) restoreCmd() *cobra.Command {
	var f, g intentFlags
	var at string
	var latest bool
	in := plan.Intent{Verb: plan.Restore}
	c := &cobra.Command{
		Use:   "restore --at TIME | --latest",
		Short: "Restore the data as it was at a time, beside the running server",
		Long: `Makes a second server on the active host from the last copy before TIME and the logs that follow it.
It runs on a socket in its folder alone, and changes nothing of the running server: from it, what is
missed can be taken. haprov restore end removes it.

TIME is a second, as "2026-01-31T14:03:07Z", "2026-01-31T14:03:07+01:00", or "2026-01-31 14:03:07" in
this machine's time zone; the plan shows it in UTC. Replayed is what the server logged before that second
began: up to the first transaction that has its time, or a later one. A transaction has the time at
which its last statement began. A TIME that no copy and its logs reach is refused, with those that can be
had, and so is one without room for the data.`,
		Example: "  haprov restore --at 2026-01-31T14:03:07Z --plan\n  haprov restore --at '2026-01-31 14:03:07'\n  haprov restore --latest --in /srv/restored\n  haprov restore end",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (at != "") == latest {
				return errInput{"restore needs --at TIME or --latest"}
			}
			if at != "" {
				var err error
				if in.At, err = readTime(at, time.Local); err != nil {
					return errInput{"restore --at: " + err.Error()}
				}
			}
			return a.intend(c.Context(), in, f)
		},
	}
	c.Flags().StringVar(&at, "at", "", "the data as it was when this second began: `TIME`")
	c.Flags().BoolVar(&latest, "latest", false, "all that is saved")
	c.Flags().StringVar(&in.Folder, "in", "", "a `FOLDER` of the active host for the restored server, with room for all data (default: restore_in of the backup block)")
	f.on(c)
	end := &cobra.Command{
		Use:     "end",
		Short:   "End the restored server and remove its folder",
		Long:    "On whichever host it is. What a restore that broke off has left is removed, too.",
		Example: "  haprov restore end",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.intend(c.Context(), plan.Intent{Verb: plan.Restore, What: "end"}, g)
		},
	}
	c.AddCommand(g.on(end))
	return c
}

// wallClock is a time without a zone.
const wallClock = "2006-01-02 15:04:05"

// readTime reads a second. One without a zone is the given zone's; one that the clock there never
// showed, or showed twice, is refused.
func readTime(text string, zone *time.Location) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00"} {
		if t, err := time.Parse(form, text); err == nil {
			if t.Nanosecond() != 0 {
				return t, fmt.Errorf("%q has parts of a second: logs are replayed to whole ones", text)
			}
			return t, nil
		}
	}
	for _, form := range []string{wallClock, "2006-01-02T15:04:05"} {
		t, err := time.ParseInLocation(form, text, zone)
		if err != nil {
			continue
		}
		if t.Nanosecond() != 0 {
			return t, fmt.Errorf("%q has parts of a second: logs are replayed to whole ones", text)
		}
		if t.Format(form) != text {
			return t, fmt.Errorf("%q was never shown by the clocks of %s, which were put forward: add the offset, as in %s", text, t.Format("MST"), t.Format(time.RFC3339))
		}
		for _, by := range []time.Duration{-time.Hour, time.Hour} {
			if other := t.Add(by); other.Format(form) == text {
				return t, fmt.Errorf("%q was shown twice, when the clocks were put back: add the offset, %s or %s", text, t.Format("-07:00"), other.Format("-07:00"))
			}
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%.60q is no time: expected 2026-01-31T14:03:07Z, 2026-01-31T14:03:07+01:00, or \"2026-01-31 14:03:07\" in this machine's zone", text)
}
