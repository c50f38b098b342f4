package view

import (
	"fmt"
	"io"
	"strings"

	"haprov/internal/recipe"
)

// Graph writes the order of all steps in the DOT language: an edge from each step to the next of
// its host. A cluster step is one node in the chains of all its hosts.
func Graph(w io.Writer, p *recipe.Program) error {
	var b strings.Builder
	b.WriteString("digraph haprov {\n  rankdir=LR\n  node [shape=box]\n")
	for _, c := range p.Clusters {
		seen := map[string]bool{}
		for _, ch := range c.Chains {
			last := ch.Host
			fmt.Fprintf(&b, "  %s [shape=oval]\n", dotID(last))
			for _, it := range ch.Items {
				if it.Cluster != nil && !seen[it.Address] {
					fmt.Fprintf(&b, "  %s [style=bold]\n", dotID(it.Address))
				}
				seen[it.Address] = true
				fmt.Fprintf(&b, "  %s -> %s\n", dotID(last), dotID(it.Address))
				last = it.Address
			}
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// dotID is a text as a quoted identifier of the DOT language, on one line: in it a backslash begins
// an escape of the language's own.
func dotID(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(Clean(s)) + `"`
}
