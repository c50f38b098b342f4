package view

import (
	"encoding/json"
	"io"

	"haprov/internal/engine"
	"haprov/internal/lab"
)

// JSON writes one object a line. The last one is the summary. Version changes when a field's
// meaning does; new fields may come at any time.
type JSON struct{ Out io.Writer }

const version = 1

func (v *JSON) line(typ string, m map[string]any) {
	m["type"], m["version"] = typ, version
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // only plain values are put in
	}
	v.Out.Write(append(b, '\n'))
}

// Lab writes what the lab reports.
func (v *JSON) Lab(e lab.Event) {
	v.line("lab", map[string]any{"host": e.Host, "action": e.Action, "text": e.Text, "ok": e.OK})
}

// Event writes one event.
func (v *JSON) Event(e engine.Event) {
	switch e := e.(type) {
	case engine.Connected:
		v.line("connected", map[string]any{"host": e.Host, "seconds": e.Took.Seconds()})
	case engine.Exchanged:
		v.line("exchanged", map[string]any{"host": e.Host, "what": e.What, "seconds": e.Took.Seconds()})
	case engine.Planned:
		for _, it := range e.Plan.Items {
			var ds []map[string]any
			for _, d := range it.Change.Diffs {
				ds = append(ds, map[string]any{"attribute": d.Attribute, "have": d.Have, "want": d.Want, "danger": d.Danger})
			}
			v.line("planned", map[string]any{"host": it.Host, "address": it.Address, "phase": it.Phase, "diffs": ds, "later": it.Change.Later, "provisional": it.Provisional, "then": it.Then})
		}
	case engine.Started:
		v.line("started", map[string]any{"host": e.Host, "address": e.Address, "title": e.Title})
	case engine.Done:
		v.line("done", map[string]any{"host": e.Host, "address": e.Address, "title": e.Title, "seconds": e.Took.Seconds(), "unchanged": e.Unchanged})
	case engine.Failed:
		v.line("failed", map[string]any{"host": e.Host, "address": e.Address, "error": Said(e.Err), "command": e.Command, "output": e.Output})
	case engine.Waiting:
		v.line("waiting", map[string]any{"hosts": e.Hosts, "address": e.Address, "reason": e.Reason, "left": e.Left.Seconds()})
	case engine.Phase:
		v.line("phase", map[string]any{"address": e.Address, "name": e.Name})
	case engine.Noted:
		v.line("noted", map[string]any{"address": e.Address, "text": e.Text})
	case engine.Checked:
		v.line("checked", map[string]any{"text": e.Text, "host": e.Host, "ok": e.Err == nil, "output": e.Output, "seconds": e.Took.Seconds()})
	}
}

// Summary writes the last line.
func (v *JSON) Summary(s engine.Summary, err error) {
	m := map[string]any{"changes": s.Changes, "hosts": s.Hosts, "failed": s.Failed, "seconds": s.Took.Seconds()}
	if hosts := s.Unproved(); len(hosts) > 0 {
		m["fencing_not_proved"] = hosts
	}
	if err != nil {
		m["error"] = Said(err)
	}
	if len(s.Left) > 0 {
		m["left"] = s.Left
	}
	v.line("summary", m)
}
