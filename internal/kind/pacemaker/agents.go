package pacemaker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agext/levenshtein"

	"haprov/internal/kind"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Pacemaker hands an agent whatever parameters it is given, and an agent ignores those that it does
// not know: a misspelt one does nothing, without a word. What an agent knows stands in its metadata
// (OCF Resource Agent API 1.1, "Metadata"), which only a host that has the agent can be asked for.

// agents are the OCF agents in use; systemd units have no parameters, and fence agents take more
// than their metadata says, under Pacemaker's own names.
func (p *Pacemaker) agents() (out []string) {
	for _, x := range p.Primitives {
		if strings.HasPrefix(x.Agent, "ocf:") && len(x.Params) > 0 {
			out = append(out, x.Agent)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// metadata asks for the names of all parameters: a line for each agent that tells some.
func (p *Pacemaker) metadata() (qs []probe.Query) {
	if all := p.agents(); len(all) > 0 {
		q := probe.Cmd("agents' parameters", "for a in "+shell.Join(all...)+"; do echo \"$a\" \"$(crm_resource --show-metadata \"$a\" 2>/dev/null | sed -n 's/.*<parameter [^>]*name=\"\\([A-Za-z0-9_.-]*\\)\".*/\\1/p' | tr '\\n' ' ')\"; done")
		q.Timeout = time.Minute // each agent is run
		qs = append(qs, q)
	}
	return qs
}

// misnamed finds parameters that their agents do not know. An agent that tells nothing about its
// parameters is taken at its word.
func (p *Pacemaker) misnamed(s probe.Seen) error {
	known := map[string][]string{}
	for _, q := range p.metadata() {
		for _, l := range strings.Split(s.Get(q).Out, "\n") {
			if f := strings.Fields(l); len(f) > 1 {
				known[f[0]] = f[1:]
			}
		}
	}
	var wrong []error
	for _, x := range p.Primitives {
		for _, name := range slices.Sorted(maps.Keys(x.Params)) {
			if names := known[x.Agent]; len(names) > 0 && !slices.Contains(names, name) {
				nearest := slices.MinFunc(names, func(a, b string) int {
					return levenshtein.Distance(name, a, nil) - levenshtein.Distance(name, b, nil)
				})
				wrong = append(wrong, fmt.Errorf("primitive %s: %s has no parameter %s; the nearest is %s", x.ID, x.Agent, kind.Quoted(name), nearest))
			}
		}
	}
	return errors.Join(wrong...)
}
