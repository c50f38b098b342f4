package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/lab"
)

// link is the way between two machines of a lab that a fault is put on.
type link struct {
	from, to, network string
	oneWay            bool
}

// linkFault is a command that puts a fault between two machines.
type linkFault struct {
	use, short, long, example string
	// read understands the third argument, which is "" for a fault that takes none.
	read func(amount string) (func(context.Context, *lab.Client, link) error, error)
}

var faults = []linkFault{
	{
		use: "cut HOST HOST", short: "Cut the link between two machines",
		long:    "Drops all frames between two machines, until haprov lab heal. Their way to the lab's gateway stays:\nSSH and the fence device answer.",
		example: "  haprov lab cut db1 db2\n  haprov lab cut db1 db2 --network replication --one-way",
		read: func(string) (func(context.Context, *lab.Client, link) error, error) {
			return func(ctx context.Context, l *lab.Client, w link) error {
				return l.Cut(ctx, w.from, w.to, w.network, w.oneWay)
			}, nil
		},
	}, {
		use: "delay HOST HOST TIME", short: "Delay the frames between two machines",
		long:    "Holds each frame between two machines up for TIME, such as 50ms, in each direction: a round trip takes\ntwice as much longer. It replaces an earlier delay, adds to a loss, and ends with haprov lab heal.",
		example: "  haprov lab delay db1 db2 50ms\n  haprov lab delay db1 db2 2s --network replication --one-way",
		read: func(amount string) (func(context.Context, *lab.Client, link) error, error) {
			by, err := time.ParseDuration(amount)
			if err != nil || by <= 0 || by > longestDelay {
				return nil, errInput{fmt.Sprintf("found %.60q, expected a time above 0 and up to %s, such as 50ms", amount, longestDelay)}
			}
			return func(ctx context.Context, l *lab.Client, w link) error {
				return l.Delay(ctx, w.from, w.to, w.network, w.oneWay, by)
			}, nil
		},
	}, {
		use: "loss HOST HOST SHARE", short: "Drop a share of the frames between two machines",
		long:    "Drops each frame between two machines with the probability SHARE, such as 10%, in each direction.\nIt replaces an earlier loss, adds to a delay, and ends with haprov lab heal.",
		example: "  haprov lab loss db1 db2 10%\n  haprov lab loss db1 db2 0.5% --network replication --one-way",
		read: func(amount string) (func(context.Context, *lab.Client, link) error, error) {
			number, percent := strings.CutSuffix(amount, "%")
			share, err := strconv.ParseFloat(number, 64)
			if err != nil || !percent || !(share > 0 && share <= 100) {
				return nil, errInput{fmt.Sprintf("found %.60q, expected a share above 0%% and up to 100%%, such as 10%%", amount)}
			}
			return func(ctx context.Context, l *lab.Client, w link) error {
				return l.Loss(ctx, w.from, w.to, w.network, w.oneWay, share/100)
			}, nil
		},
	},
}

// longestDelay is more than any cluster waits for a sign of life.
const longestDelay = time.Minute

func (a *app) faultCmd(f linkFault) *cobra.Command {
	var w link
	n := len(strings.Fields(f.use)) - 1
	c := &cobra.Command{Use: f.use, Short: f.short, Long: f.long, Example: f.example, Args: cobra.ExactArgs(n), RunE: func(c *cobra.Command, args []string) error {
		inject, err := f.read(strings.Join(args[2:], ""))
		if err != nil {
			return err
		}
		l, err := a.labOpen()
		if err != nil {
			return err
		}
		w.from, w.to = args[0], args[1]
		if err := w.check(l); err != nil {
			return err
		}
		return inject(c.Context(), l, w)
	}}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 1 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		hosts, how := a.hostNames(c, args, begun)
		return slices.DeleteFunc(hosts, func(h string) bool { return slices.Contains(args, h) }), how
	}
	c.Flags().StringVar(&w.network, "network", "", "only in this network (default: all)")
	c.Flags().BoolVar(&w.oneWay, "one-way", false, "only traffic from the first to the second")
	return c
}

// check finds out whether the lab has such a link.
func (w link) check(l *lab.Client) error {
	if err := machines(l, []string{w.from, w.to}); err != nil {
		return err
	}
	var there []string
	for _, n := range l.Spec().Networks {
		there = append(there, n.Name)
	}
	switch {
	case w.from == w.to:
		return errInput{"a link connects two machines; found " + w.from + " twice"}
	case w.network != "" && !slices.Contains(there, w.network):
		return errInput{fmt.Sprintf("no network %.60q in lab %s; there is %s", w.network, l.Spec().Name, strings.Join(there, ", "))}
	}
	return nil
}

// faultText is a fault in force as lab status shows it.
func faultText(f lab.Fault) string {
	var what []string
	if f.Cut {
		what = append(what, "cut")
	}
	if f.Delay > 0 {
		what = append(what, "delay "+f.Delay.String())
	}
	if f.Loss > 0 {
		what = append(what, "loss "+strconv.FormatFloat(f.Loss*100, 'g', 4, 64)+"%")
	}
	return fmt.Sprintf("%s to %s, network %s: %s", f.From, f.To, f.Network, strings.Join(what, ", "))
}
