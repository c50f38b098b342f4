package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/plan"
)

// mostReasons is how many reasons of a cluster are shown as metrics.
const mostReasons = 20

// longestLabel is how many bytes of a host's word a label holds.
const longestLabel = 200

// metric is one value of a family.
type metric struct {
	labels []string // name, value, name, value ...
	value  float64
}

// families are metrics by their name, each with its help, in the order in which they came.
type families struct {
	names []string
	help  map[string]string
	all   map[string][]metric
}

func (f *families) add(name, help string, value float64, labels ...string) {
	if f.help[name] == "" {
		f.names = append(f.names, name)
		f.help[name] = help
	}
	f.all[name] = append(f.all[name], metric{labels, value})
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Metrics writes what the pages say in Prometheus' text format, version 0.0.4 ("Exposition formats",
// prometheus.io): all values are gauges. A number or a truth of a step is haprov_KIND_FIELD, its words
// are the labels of haprov_KIND_info, whose value is 1; a time is haprov_KIND_FIELD_timestamp_seconds.
// Lists are left out. at is when it was looked.
func Metrics(w io.Writer, pages []Page, at time.Time) error {
	f := families{help: map[string]string{}, all: map[string][]metric{}}
	for _, p := range pages {
		p.metrics(&f, at)
	}
	var out bytes.Buffer
	for _, name := range f.names {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %[1]s gauge\n", name, f.help[name])
		for _, m := range f.all[name] {
			out.WriteString(name)
			for i := 0; i+1 < len(m.labels); i += 2 {
				fmt.Fprintf(&out, "%s%s=\"%s\"", map[bool]string{true: "{", false: ","}[i == 0], m.labels[i], label(m.labels[i+1]))
			}
			fmt.Fprintf(&out, "} %s\n", strconv.FormatFloat(m.value, 'g', -1, 64))
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// label is a value as the format has it between its quotes. What is cut off or no character is replaced.
func label(s string) string {
	s = clean(s)
	if len(s) > longestLabel {
		s = s[:longestLabel]
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

func (p Page) metrics(f *families, at time.Time) {
	of := func(more ...string) []string { return append([]string{"cluster", p.Cluster}, more...) }
	f.add("haprov_looked_timestamp_seconds", "When haprov status looked.", float64(at.Unix()), of("recipe", p.Recipe)...)
	f.add("haprov_healthy", "1 when the cluster is healthy by all that its recipe judges.", bit(p.Healthy), of()...)
	for _, r := range p.Reasons[:min(len(p.Reasons), mostReasons)] {
		f.add("haprov_reason", "Why the cluster is not healthy, 1 for each reason.", 1, of("reason", r)...)
	}
	for _, e := range p.Endpoints {
		f.add("haprov_endpoint_answers", "1 when the endpoint took a connection.", bit(e.Answers), of("endpoint", e.Name, "address", e.at())...)
	}
	for _, r := range p.Hosts {
		f.add("haprov_host_answers", "1 when the host answered.", bit(r.Answers), of("host", r.Name)...)
	}
	for _, r := range p.Hosts {
		if p.Elects {
			f.add("haprov_host_active", "1 for the host that says that it serves.", bit(r.Active), of("host", r.Name)...)
		}
	}
	for _, r := range p.Hosts {
		if x := r.Fencing; x != nil {
			f.add("haprov_fencing_proved", "1 when the host's fence device was fired as it is now.", bit(x.State == plan.Proved), of("host", r.Name)...)
			if t, err := time.Parse(time.RFC3339, x.At); err == nil {
				f.add("haprov_fencing_fired_timestamp_seconds", "When the host's fence device was fired last.", float64(t.Unix()), of("host", r.Name)...)
			}
		}
	}
	for _, x := range p.Parts {
		f.add("haprov_part_hosts", "Hosts that have the step.", float64(len(x.Sensors)), of("kind", x.Kind, "name", x.Name)...)
		for _, r := range p.Hosts {
			if v, ok := r.Parts[x.Kind][x.Name]; ok {
				f.part(x, v, of("host", r.Name, "name", x.Name))
			}
		}
	}
}

// part adds what one host said of a step, as JSON has it.
func (f *families) part(x Part, v any, of []string) {
	text, err := json.Marshal(v)
	if err != nil {
		return
	}
	var fields map[string]any
	if json.Unmarshal(text, &fields) != nil {
		return
	}
	var words []string
	f.fields(x.Kind, "", fields, of, &words)
	if len(words) > 0 {
		f.add("haprov_"+x.Kind+"_info", "What the host says of "+x.Kind+", in words.", 1, append(slices.Clone(of), words...)...)
	}
}

// fields adds numbers, and gathers words as labels. A field within another has both names.
func (f *families) fields(kind, before string, fields map[string]any, of []string, words *[]string) {
	for _, name := range sorted(fields) {
		full := before + name
		switch v := fields[name].(type) {
		case float64:
			f.add("haprov_"+kind+"_"+full, "The field "+full+" of "+kind+" in haprov status --json.", v, of...)
		case bool:
			f.add("haprov_"+kind+"_"+full, "The field "+full+" of "+kind+" in haprov status --json.", bit(v), of...)
		case string:
			if t, err := time.Parse(time.RFC3339, v); err == nil {
				f.add("haprov_"+kind+"_"+full+"_timestamp_seconds", "The time "+full+" of "+kind+" in haprov status --json.", float64(t.Unix()), of...)
				continue
			}
			if full != "cluster" && full != "host" && full != "name" { // which of says
				*words = append(*words, full, v)
			}
		case map[string]any:
			f.fields(kind, full+"_", v, of, words)
		}
	}
}
