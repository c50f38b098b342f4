package host

import (
	"slices"
	"strings"

	"haprov/internal/kind"
	"haprov/internal/probe"
	"haprov/internal/status"
)

// running is what status shows of a unit.
type running struct {
	Active string `json:"active"` // systemd's word: active, failed, ...
	Sub    string `json:"sub"`
}

// Sense shows whether a unit that is wanted running does run. It is drawn where the recipe has nothing
// that tells more.
func (s *Service) Sense() status.Sensor {
	return status.Sense[running]{
		Layer: status.Units,
		Plain: true,
		Ask: func(string) []probe.Query {
			if _, wanted := s.wants(); !isTrue(wanted) {
				return nil
			}
			return []probe.Query{kind.UnitQuery(s.unit())}
		},
		Read: func(_ string, seen probe.Seen) (*running, error) {
			u, ok := seen.Unit(s.unit())
			if _, wanted := s.wants(); !ok || !isTrue(wanted) || u.Load == "not-found" {
				return nil, nil
			}
			return &running{u.Active, u.Sub}, nil
		},
		Heads: []string{"SERVICE", "RUNS ON", "NOT ON"},
		Rows:  s.row,
		Judge: func(v *status.Verdict, all []status.Said[running]) {
			for _, h := range all {
				if h.Value != nil && !h.Value.runs() {
					v.Bad("%s: %s is %s", h.Host, s.unit(), h.Value.Active)
				}
			}
		},
	}
}

func (r running) runs() bool { return slices.Contains([]string{"active", "reloading"}, r.Active) }

func (s *Service) row(all []status.Said[running]) [][]string {
	var on, late []string
	for _, h := range all {
		switch {
		case h.Value == nil:
		case h.Value.runs():
			on = append(on, h.Host)
		default:
			late = append(late, h.Host+" "+h.Value.Active)
		}
	}
	if len(on)+len(late) == 0 {
		return nil
	}
	if len(on) == 0 {
		on = []string{"-"}
	}
	return [][]string{{strings.TrimSuffix(s.unit(), ".service"), strings.Join(on, ", "), strings.Join(late, ", ")}}
}
