package cli

import (
	"io"
	"slices"

	"github.com/spf13/cobra"

	"haprov/internal/secret"
)

// complete says what may stand where, for the shell's completion. Nothing but files is read.
func (a *app) complete(root *cobra.Command) {
	hosts := a.hostNames
	flags := map[string]cobra.CompletionFunc{
		"inventory": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"hcl"}, cobra.ShellCompDirectiveFilterFileExt
		},
		"allow":          a.names(func(j *job) []string { return sortedKeys(j.places) }),
		"cluster":        a.names(func(j *job) (out []string) { return clusterNames(j) }),
		"accept-missing": hosts,
		"network": a.names(func(j *job) (out []string) {
			for _, n := range j.program.Inventory.Networks {
				out = append(out, n.Name)
			}
			return out
		}),
	}
	for _, c := range append(shown(root), root) {
		for name, f := range flags {
			if c.LocalFlags().Lookup(name) == nil && c.PersistentFlags().Lookup(name) == nil {
				continue
			}
			if _, had := c.GetFlagCompletionFunc(name); !had {
				_ = c.RegisterFlagCompletionFunc(name, f) // the flag is there: looked up above
			}
		}
		switch {
		case c.ValidArgsFunction != nil:
		case c.Name() == "switchover":
			c.ValidArgsFunction = first(hosts)
		case c.Name() == "maintenance":
			c.ValidArgsFunction = first(hosts, []string{"on", "off"})
		case c.CommandPath() == "haprov secret show", c.CommandPath() == "haprov secret adopt", c.CommandPath() == "haprov secret rotate":
			c.ValidArgsFunction = first(a.names(func(j *job) (out []string) {
				for _, n := range j.secretsAsked("") {
					out = append(out, n.name)
				}
				slices.Sort(out)
				return slices.Compact(out)
			}))
		default:
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
}

// first completes the first argument by f, and those after it from fixed words.
func first(f cobra.CompletionFunc, then ...[]string) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		switch n := len(args); {
		case n == 0:
			return f(c, args, begun)
		case n <= len(then):
			return then[n-1], cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// names completes from the inventory; one with mistakes completes nothing.
func (a *app) names(of func(*job) []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		b := *a
		b.err = secret.NewWriter(io.Discard)
		j, err := b.loadFiles()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return of(j), cobra.ShellCompDirectiveNoFileComp
	}
}

func clusterNames(j *job) (out []string) {
	for _, c := range j.program.Clusters {
		out = append(out, c.Name)
	}
	return out
}

func sortedKeys(m map[string]string) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
