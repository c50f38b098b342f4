package galera

import (
	"fmt"
	"strings"
)

// Grastate is grastate.dat: what a node knew of its position when it last wrote the file. A server
// that runs, or did not end in order, leaves -1 there.
type Grastate struct {
	Position
	Safe bool // safe_to_bootstrap: the last to leave its cluster
}

// ParseGrastate reads grastate.dat. Unknown fields are passed over; a field twice, a missing
// position or anything else is an error.
func ParseGrastate(text string) (Grastate, error) {
	g := Grastate{Position: Position{Seqno: -1}}
	f, err := fields(text, "uuid", "seqno", "safe_to_bootstrap")
	if err != nil {
		return g, fmt.Errorf("grastate.dat: %w", err)
	}
	for _, n := range []string{"uuid", "seqno"} {
		if _, ok := f[n]; !ok {
			return g, fmt.Errorf("grastate.dat: no %s", n)
		}
	}
	if g.UUID, err = ParseUUID(f["uuid"]); err != nil {
		return g, fmt.Errorf("grastate.dat: %w", err)
	}
	if g.Seqno, err = parseSeqno(f["seqno"]); err != nil {
		return g, fmt.Errorf("grastate.dat: %w", err)
	}
	switch f["safe_to_bootstrap"] {
	case "1":
		g.Safe = true
	case "0", "":
	default:
		return g, fmt.Errorf("grastate.dat: safe_to_bootstrap %.20q", f["safe_to_bootstrap"])
	}
	return g, nil
}

// fields reads "name: value" lines; each name that matters may stand there once.
func fields(text string, matter ...string) (map[string]string, error) {
	out := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		k, v, ok := strings.Cut(l, ":")
		if !ok {
			return nil, fmt.Errorf("unreadable line %.60q", l)
		}
		k = strings.TrimSpace(k)
		for _, m := range matter {
			if k != m {
				continue
			}
			if _, twice := out[k]; twice {
				return nil, fmt.Errorf("%s occurs twice", k)
			}
			out[k] = strings.TrimSpace(v)
		}
	}
	return out, nil
}
