package rolling

import (
	"strings"

	"haprov/internal/probe"
	"haprov/internal/status"
)

// shown is what status shows of one member: whether it serves, by the recipe's own command.
type shown struct {
	Active string `json:"active"` // systemd's word for the unit: active, failed, ...
	Ready  bool   `json:"ready"`
	said   string // by the command, when it does not
}

// Sense shows whether each member serves.
func (r *Rolling) Sense() status.Sensor {
	return status.Sense[shown]{
		Layer: status.Servers,
		Ask:   func(string) []probe.Query { return []probe.Query{r.state(), r.serves()} },
		Read:  func(_ string, s probe.Seen) (*shown, error) { return r.shown(s) },
		Heads: []string{"MEMBER OF", "HOST", "UNIT", "READY"},
		Rows: func(all []status.Said[shown]) (out [][]string) {
			for _, h := range all {
				if h.Value != nil {
					out = append(out, []string{strings.TrimSuffix(r.Unit, ".service"), h.Host, h.Value.Active, map[bool]string{true: "yes", false: "no"}[h.Value.Ready]})
				}
			}
			return out
		},
		Judge: func(v *status.Verdict, all []status.Said[shown]) {
			for _, h := range all {
				switch x := h.Value; {
				case x == nil || x.Ready:
				case x.Active != "active":
					v.Bad("%s: %s is %s", h.Host, r.Unit, x.Active)
				default:
					v.Bad("%s: %s is not ready: %s", h.Host, r.Unit, x.said)
				}
			}
		},
	}
}

func (r *Rolling) shown(s probe.Seen) (*shown, error) {
	u, ok := s.Unit(r.Unit)
	if !ok || u.Load == "not-found" {
		return nil, nil
	}
	_, ready, err := status.Answer(s, r.serves())
	x := shown{Active: u.Active, Ready: ready}
	if err != nil {
		x.said = err.Error()
	}
	return &x, nil
}
