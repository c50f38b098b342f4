package cli

import (
	"io"

	"github.com/spf13/cobra"

	"haprov/internal/recipe"
	"haprov/internal/view"
)

func (a *app) graphCmd() *cobra.Command {
	var mermaid, machines bool
	c := &cobra.Command{
		Use:     "graph",
		Short:   "Draw the order of all steps, or the machines",
		Long:    "Prints a graph in the DOT language, or in the Mermaid language, which many sites draw\nby themselves. No host is asked.",
		Example: "  haprov graph | dot -Tsvg >graph.svg\n  haprov graph --mermaid\n  haprov graph --machines",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			j, err := a.loadFiles()
			if err != nil {
				return err
			}
			draw := map[bool]func(io.Writer, *recipe.Program) error{false: view.Graph, true: view.Mermaid}[mermaid]
			if machines {
				draw = view.Machines
			}
			return draw(a.out, j.program)
		},
	}
	c.Flags().BoolVar(&mermaid, "mermaid", false, "write Mermaid instead of DOT")
	c.Flags().BoolVar(&machines, "machines", false, "machines, disks and networks instead of steps, as Mermaid")
	return c
}
