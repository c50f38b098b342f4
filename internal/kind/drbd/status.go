package drbd

import (
	"fmt"
	"strings"

	"haprov/internal/cluster/drbd"
	"haprov/internal/probe"
	"haprov/internal/status"
)

// shown is what status shows of the volume on one host.
type shown struct {
	drbd.Status
	Minor  int    `json:"minor"`
	Synced string `json:"synced_percent,omitempty"` // of a resynchronisation under way
	// Comparison is the last one of both sides that this host made.
	Comparison *comparison `json:"comparison,omitempty"`
	behind     string      // KiB known to differ from the peer
}

// Sense shows the volume's role, its disk and how far a resynchronisation is.
func (d *DRBDVolume) Sense() status.Sensor {
	return status.Sense[shown]{
		Layer: status.Storage,
		Ask: func(string) []probe.Query {
			if d.Verify == "" {
				return []probe.Query{drbd.ProcQuery()}
			}
			return []probe.Query{drbd.ProcQuery(), d.record()}
		},
		Read: func(_ string, s probe.Seen) (*shown, error) { return d.shown(s) },
		Columns: []status.Column[shown]{
			{Head: "ROLE", Cell: func(x shown) string { return x.Role }},
			{Head: "DISK", Cell: shown.disk},
		},
		Line: d.line,
		Judge: func(v *status.Verdict, all []status.Said[shown]) {
			for _, h := range all {
				switch x := h.Value; {
				case x == nil:
				case x.Healthy() && x.behind != "" && x.behind != "0":
					v.Bad("volume %s: %s KiB differ between the two sides, as a comparison found, and are not repaired by themselves (docs/mysql-drbd.md, Copies that differ)", d.Name, x.behind)
				case x.Healthy():
				case x.Connection == "StandAlone": // no side in this state tries again by itself
					v.Bad("%s: volume %s is StandAlone %s/%s (disconnected: haprov up)", h.Host, d.Name, x.Disk, x.PeerDisk)
				default:
					v.Bad("%s: volume %s is %s %s/%s%s", h.Host, d.Name, x.Connection, x.Disk, x.PeerDisk, percent(x.Synced))
				}
			}
		},
	}
}

// shown reads the volume; nothing where the module is not loaded or the volume is down.
func (d *DRBDVolume) shown(s probe.Seen) (*shown, error) {
	a := s.Get(drbd.ProcQuery())
	if a.State == probe.Answered && a.Exit != 0 && !strings.Contains(a.Out, "version:") {
		return nil, nil // no such file: no module
	}
	text, ok, err := status.Answer(s, drbd.ProcQuery())
	if !ok {
		return nil, status.Named("drbd", err)
	}
	var c *comparison
	if d.Verify != "" {
		if text, answered, err := status.Answer(s, d.record()); answered {
			c, err = readComparison(text)
			if err != nil {
				return nil, status.Named("drbd", err)
			}
		} else if err != nil {
			return nil, status.Named("drbd", err)
		}
	}
	minor := fmt.Sprint(d.Minor)
	volumes, synced := drbd.ParseAll(text), drbd.Progress(text)
	if _, list, ok := strings.Cut(text, "\n["); ok {
		if volumes, synced, err = drbd.ParseSetup("[" + list); err != nil {
			return nil, status.Named("drbd", err)
		}
	}
	if _, up := volumes[minor]; !up {
		return nil, nil
	}
	return &shown{volumes[minor], d.Minor, synced[minor], c, drbd.OutOfSync(text)[minor]}, nil
}

// line tells what the last comparison of both sides came to, whichever host made it.
func (d *DRBDVolume) line(all []status.Said[shown]) (string, string) {
	var last *comparison
	for _, h := range all {
		if h.Value != nil && h.Value.Comparison != nil && (last == nil || h.Value.Comparison.At.After(last.At)) {
			last = h.Value.Comparison
		}
	}
	if last == nil {
		return "", ""
	}
	return "volume " + d.Name, last.String()
}

func (x shown) disk() string {
	if x.Disk == "UpToDate" { // the other side's progress is its own row's
		return x.Disk
	}
	return x.Disk + percent(x.Synced)
}

func percent(s string) string {
	if s == "" {
		return ""
	}
	return " " + s + " %"
}
