package drill

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
)

// Report is the run as one page for people: readable without a script, nothing is loaded from elsewhere.
func Report(s Summary) ([]byte, error) {
	var b bytes.Buffer
	err := page.Execute(&b, s)
	return b.Bytes(), err
}

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"picture": func(r Result) template.HTML { return template.HTML(picture(r)) }, // made of numbers and escaped texts
	"seconds": func(f float64) string { return fmt.Sprintf("%.1f s", f) },
	"whole":   func(f float64) string { return fmt.Sprintf("%.0f", f) },
	"count":   s0,
	"day":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"hosts":   names,
	"bound":   bound95,
	"bar":     func(r Result) template.HTML { return template.HTML(bar(r)) },
}).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>haprov drill: {{.Cluster}}</title>
<meta name="viewport" content="width=device-width">
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1d2430;background:#fff}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .2rem;border-top:1px solid #d8dde6;padding-top:1.2rem}
.pass{color:#17703a}.fail{color:#b3261e}.unknown{color:#8a5a00}
.word{font-weight:700;text-transform:uppercase;font-size:.8em;letter-spacing:.04em;border:1px solid;border-radius:3px;padding:.05em .45em;margin-right:.4em;white-space:nowrap}
dl.facts{display:flex;flex-wrap:wrap;gap:.3rem 2rem;margin:.8rem 0}dl.facts div{min-width:7rem}dt{color:#5b6577;font-size:.85em}dd{margin:0;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;margin:.6rem 0}td{border-top:1px solid #e6eaf0;padding:.35rem .6rem .35rem 0;vertical-align:top}td:first-child{width:5.5rem}
table.spread{width:auto;font-variant-numeric:tabular-nums}table.spread th{text-align:left;font-weight:600;padding-right:1rem}table.spread td:first-child{width:auto}table.spread td{padding-right:1rem}
svg{width:100%;height:auto;display:block;margin:.6rem 0}svg text{font:11px system-ui,sans-serif;fill:#3a4354}
code{background:#f2f4f8;padding:.1em .35em;border-radius:3px}p.small,.small{color:#5b6577;font-size:.88em}
</style></head><body>
<h1>{{.Cluster}} <span class="small">{{.Recipe}}</span></h1>
<p><span class="word {{.Word}}">{{.Word}}</span>{{count .Results}}, {{day .Began}}</p>
<dl class="facts">
<div><dt>rows acknowledged</dt><dd>{{whole .Acked}}</dd></div>
<div><dt>rows lost</dt><dd>{{whole .Lost}}</dd></div>
<div><dt>longest outage</dt><dd>{{seconds .LongOutage}}</dd></div>
<div><dt>machines</dt><dd>{{.Machines}}</dd></div>
<div><dt>a power cut</dt><dd>{{.Power}}</dd></div>
<div><dt>seed</dt><dd>{{.Seed}}</dd></div>
<div><dt>haprov</dt><dd>{{.Program}}</dd></div>
</dl>
{{with bound .}}<p class="small">{{.}}</p>{{end}}
{{with .Repeated}}<table class="spread"><tr><th>drill</th><th>time</th><th>measured</th><th>min</th><th>median</th><th>p95</th><th>max</th></tr>
{{range .}}<tr><td>{{.Drill}}</td><td colspan="6">{{.Runs}} runs: {{.Pass}} pass, {{.Fail}} fail, {{.Unknown}} unknown</td></tr>
{{range .Times}}<tr><td></td><td>{{.Name}}</td><td>{{.N}}</td><td>{{seconds .Least}}</td><td>{{seconds .Median}}</td><td>{{seconds .P95}}</td><td>{{seconds .Most}}</td></tr>
{{end}}{{end}}</table>{{end}}
{{range .Results}}
<h2 id="{{.Folder}}"><span class="word {{.Word}}">{{.Word}}</span>{{.About}} <span class="small">{{.Name}}</span></h2>
{{if .Why}}<p class="{{.Word}}">{{.Why}}</p>{{end}}
<dl class="facts">
<div><dt>target</dt><dd>{{hosts .Targets}}</dd></div>
<div><dt>no new client</dt><dd>{{seconds .Outage}} of {{seconds .Limit}}</dd></div>
<div><dt>no row</dt><dd>{{seconds .Stall}}</dd></div>
<div><dt>fenced</dt><dd>{{hosts .Fenced}}</dd></div>
<div><dt>healthy after</dt><dd>{{seconds .Healed}}</dd></div>
{{if gt .Factor 1.05}}<div><dt>machine slower by</dt><dd>{{printf "%.1f" .Factor}}</dd></div>{{end}}
</dl>
{{picture .}}
{{bar .}}
<table>{{range .Verdicts}}<tr><td><span class="word {{.Word}}">{{.Word}}</span></td><td>{{.Promise}}{{if .Informs}} <span class="small">(informs only)</span>{{end}}<br><span class="small">{{.Why}}</span></td></tr>{{end}}</table>
<p class="small">Again: <code>haprov drill run {{.Name}} --seed {{if .History}}{{.History.Header.Seed}}{{else}}{{$.Seed}}{{end}}</code></p>
{{end}}
</body></html>
`))

func s0(r []Result) string {
	n := map[string]int{}
	for _, x := range r {
		n[x.Word]++
	}
	return fmt.Sprintf("%s: %d pass, %d fail, %d unknown", Drills(len(r)), n[judge.Pass], n[judge.Fail], n[judge.Unknown])
}

// Drills is a number of them in words.
func Drills(n int) string {
	if n == 1 {
		return "1 drill"
	}
	return fmt.Sprintf("%d drills", n)
}

// bound95 is how much no loss in n failovers proves: at most 3/n of them lose anything, with 95 percent
// confidence (the rule of three).
func bound95(s Summary) string {
	if s.Lost > 0 || s.Outages == 0 {
		return ""
	}
	outages := "outages"
	if s.Outages == 1 {
		outages = "outage"
	}
	text := fmt.Sprintf("No loss in %d %s. ", s.Outages, outages)
	if s.Outages <= 3 {
		return text + "That alone says little: n outages without a loss bound the share of those with one at 3/n, with 95 % confidence."
	}
	return text + fmt.Sprintf("With 95 %% confidence fewer than %.0f %% of outages lose anything.", 300/float64(s.Outages))
}

// colours of servers, in the order in which they serve.
var colours = []string{"#2f6fde", "#d9822b", "#2c9c69", "#8e57c9", "#c2486b"}

// picture draws rows acknowledged over time, by who acknowledged them, with the fault's marks.
func picture(r Result) string {
	h := r.History
	if h == nil || len(h.Ops) == 0 {
		return ""
	}
	const width, height, left, top = 960.0, 210.0, 40.0, 46.0
	end := int64(0)
	for _, o := range h.Ops {
		end = max(end, o.Return)
	}
	for _, m := range h.Marks {
		if m.Event != "fenced" {
			end = max(end, m.Time)
		}
	}
	if end == 0 {
		return ""
	}
	x := func(ns int64) float64 { return left + (width-left-8)*float64(ns)/float64(end) }
	slots := 240
	slot := end/int64(slots) + 1
	type column struct {
		n  int
		by string
	}
	bars := make([]column, slots+1)
	var servers []string
	for _, o := range h.Of("add") {
		if o.Outcome != history.OK {
			continue
		}
		c := &bars[min(int(o.Return/slot), slots)]
		c.n++
		c.by = o.Server
		if !slices.Contains(servers, o.Server) {
			servers = append(servers, o.Server)
		}
	}
	// What was held up and comes all at once would make all else small: such columns are cut.
	var heights []int
	for _, c := range bars {
		if c.n > 0 {
			heights = append(heights, c.n)
		}
	}
	slices.Sort(heights)
	most := 1
	if n := len(heights); n > 0 {
		most = max(1, heights[(n-1)/2]*2)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="rows acknowledged over time">`, width, height+top+34)
	base := top + height
	inject, hit := h.Mark("inject")
	if hit {
		for _, g := range judge.Gaps(h, "probe", inject.Time, time.Second) {
			fmt.Fprintf(&b, `<rect x="%.1f" y="%g" width="%.1f" height="%g" fill="#fbe3e1"/>`, x(max(g.From, 0)), top, x(g.To)-x(g.From), height)
		}
	}
	for i, c := range bars {
		if c.n == 0 {
			continue
		}
		tall := height * min(1, float64(c.n)/float64(most))
		colour := colours[max(0, slices.Index(servers, c.by))%len(colours)]
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x(int64(i)*slot), base-tall, max(1, x(slot)-left-0.4), tall, colour)
	}
	fmt.Fprintf(&b, `<line x1="%g" y1="%g" x2="%g" y2="%g" stroke="#8b95a7"/>`, left, base, width-8, base)
	// seconds
	step := int64(time.Second) * 5
	for end/step > 14 {
		step *= 2
	}
	for t := int64(0); t <= end; t += step {
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%g" x2="%.1f" y2="%g" stroke="#8b95a7"/><text x="%.1f" y="%g" text-anchor="middle">%d s</text>`, x(t), base, x(t), base+4, x(t), base+16, t/int64(time.Second))
	}
	fmt.Fprintf(&b, `<text x="4" y="%g">%d/s</text>`, top+9, int64(most)*int64(time.Second)/slot)
	// marks, on three lines so that near ones can be read
	row := 0
	for _, m := range h.Marks {
		if m.Event == "begin" || m.Event == "end" || m.Event == "seen" || m.Event == "gone" || m.Event == "fenced" {
			continue
		}
		text := m.Event
		if m.Event == "inject" || m.Event == "heal" {
			text = m.Fault + " " + m.Host
			if m.Event == "heal" {
				text = "end of " + m.Fault
			}
		}
		y := 12 + 14*float64(row%3)
		row++
		anchor, dx := "start", 3.0
		if x(m.Time) > width*0.8 {
			anchor, dx = "end", -3
		}
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%g" stroke="#1d2430" stroke-dasharray="3 3"/><text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`,
			x(m.Time), y-8, x(m.Time), base, x(m.Time)+dx, y, anchor, template.HTMLEscapeString(text))
	}
	for i, s := range servers {
		fmt.Fprintf(&b, `<rect x="%.1f" y="%g" width="10" height="10" fill="%s"/><text x="%.1f" y="%g">%s</text>`, left+float64(i)*150, base+23, colours[i%len(colours)], left+14+float64(i)*150, base+32, template.HTMLEscapeString("acknowledged by "+s))
	}
	b.WriteString("</svg>")
	return b.String()
}

// bar draws the parts of the longest outage.
func bar(r Result) string {
	total := 0.0
	for _, p := range r.Parts {
		total += p.Seconds
	}
	if total <= 0 {
		return ""
	}
	var b strings.Builder
	const width = 960.0
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g 44" role="img" aria-label="parts of the outage">`, width)
	at := 0.0
	for i, p := range r.Parts {
		w := width * p.Seconds / total
		fmt.Fprintf(&b, `<rect x="%.1f" y="0" width="%.1f" height="16" fill="%s" fill-opacity=".75"/>`, at, w, colours[i%len(colours)])
		text := fmt.Sprintf("%s %.1f s", p.Name, p.Seconds)
		if w > 7*float64(len(text)) || i == len(r.Parts)-1 && w > 40 {
			fmt.Fprintf(&b, `<text x="%.1f" y="32">%s</text>`, at+2, template.HTMLEscapeString(text))
		}
		at += w
	}
	b.WriteString("</svg>")
	return b.String()
}
