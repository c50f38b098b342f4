package cli

import (
	"github.com/spf13/cobra"

	"haprov/internal/view"
)

func (a *app) graphCmd() *cobra.Command {
	return &cobra.Command{Use: "graph", Short: "Print the order of all steps as a DOT graph", Example: "  haprov graph | dot -Tsvg >graph.svg", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		j, err := a.load()
		if err != nil {
			return err
		}
		return view.Graph(a.out, j.program)
	}}
}
