package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/recipe"
	"haprov/internal/secret"
)

// selectors are targets that every cluster has.
var selectors = []string{"active", "standby", "holder", "all"}

// drills reads what a recipe says of drills for one cluster, and what the inventory allows.
func (b *builder) drills(d *recipeDef, c *recipe.Cluster, blk clusterBlock, p place) {
	for _, x := range d.Promises {
		c.Drills.Promises = append(c.Drills.Promises, recipe.Promise{Text: x.Text, Judge: x.Judge, Informs: x.Informs})
		if x.Judge == "session" && d.Load != nil && d.Load.Readers == "" {
			b.rep.At(x.Range, "A promise that cannot be judged", "Sessions are judged by what readers see: the load block needs readers = \"NAME\", an endpoint.")
		}
	}
	for _, x := range d.Stations {
		if _, err := regexp.Compile(x.Line); err != nil {
			b.rep.At(x.Range, "Not a regular expression", "%s", source.Sentence(err.Error()))
		}
		c.Drills.Stations = append(c.Drills.Stations, recipe.Station{Name: x.Name, Line: x.Line})
	}
	if l := d.Load; l != nil {
		c.Drills.Load = &recipe.Load{Protocol: l.Protocol, User: l.User, Database: l.Database, ScanOn: l.ScanOn, Readers: l.Readers, Members: l.Members}
		b.loadPlaces(l, c)
		if l.Scan != nil {
			if v, ok := b.dec.Value(l.Scan, p.shared); ok {
				var t secret.Text
				switch m := assignSecretTo(v, &t); {
				case m != nil:
					b.rep.At(l.Scan.Range(), "Wrong type for \"scan\"", "%s", m.Detail)
				case t.IsSensitive():
					b.rep.At(l.Scan.Range(), "Sensitive value in \"scan\"", "Its text is an argument of a process on the host, which everybody there can read.")
				default:
					c.Drills.Load.Scan = t.Reveal()
				}
			}
		}
		if _, ok := c.Endpoint(l.Protocol); !ok && b.rep.Failed() == 0 {
			b.rep.At(l.Range, "A load needs an endpoint", "Its clients connect to the first endpoint of their protocol: write endpoint \"NAME\" { ... } with protocol = %q.", l.Protocol)
		}
	}
	names := map[string]hcl.Range{}
	for _, x := range d.recipeBlock.Drills {
		b.dec.Name("drill", x.Name, x.Range)
		if first, twice := names[x.Name]; twice {
			b.rep.At(x.Range, fmt.Sprintf("Drill %s is defined twice", source.Bounded(x.Name)), "The first one is at %s:%d.", first.Filename, first.Start.Line)
		}
		names[x.Name] = x.Range
		c.Drills.Drills = append(c.Drills.Drills, b.drill(x, *c, p))
	}
	if len(d.recipeBlock.Drills) > 0 && (d.Load == nil || d.Active == nil) {
		b.rep.At(d.recipeBlock.Drills[0].Range, "A drill cannot be judged", "The recipe needs a load block and active = \"COMMAND\".")
	}
	for _, x := range d.Mutants {
		b.mutant(x, c)
	}
	if x := blk.Drills; x != nil {
		if _, err := recipe.ReadWindow(x.Window); err != nil {
			b.rep.At(x.Range, "Invalid window", "%s", source.Sentence(err.Error()))
		}
		c.Drills.Consent = &recipe.Consent{Allow: x.Allow, Window: x.Window}
	}
}

// loadPlaces looks at where a load's clients go besides its endpoint.
func (b *builder) loadPlaces(l *loadBlock, c *recipe.Cluster) {
	if l.Readers != "" && b.rep.Failed() == 0 {
		var names []string
		for _, e := range c.Endpoints {
			if e.Protocol == l.Protocol {
				names = append(names, e.Name)
			}
		}
		if !slices.Contains(names, l.Readers) {
			b.rep.At(l.Range, fmt.Sprintf("Unknown endpoint %s", source.Bounded(l.Readers)), "It must speak %s. %s", l.Protocol, b.rep.Meant(l.Readers, names))
		}
	}
	if l.Members != "" {
		var names []string
		for _, r := range c.Roles {
			names = append(names, r.Name)
		}
		if !slices.Contains(names, l.Members) {
			b.rep.At(l.Range, fmt.Sprintf("Unknown role %s", source.Bounded(l.Members)), "%s", b.rep.Meant(l.Members, names))
		}
	}
}

func (b *builder) drill(x drillBlock, c recipe.Cluster, p place) recipe.Drill {
	out := recipe.Drill{Name: x.Name, About: x.About, Suites: x.Suites}
	if len(x.Faults) == 0 {
		b.rep.At(x.Range, "A drill without a fault", "Write fault \"NAME\" { on = \"active\" }.")
	}
	for _, f := range x.Faults {
		b.selector(f.On, f.Range, c)
		made := recipe.Bound{On: f.On, After: f.After, Hold: f.Hold}
		if def := b.fault(f.Name, f.Range); def != nil {
			made.Fault = *def
		}
		out.Faults = append(out.Faults, made)
	}
	if x.Expect == nil {
		b.rep.At(x.Range, "A drill without an expectation", "Write expect { active = \"moves\", outage = \"60s\" }, one argument a line.")
		return out
	}
	for _, f := range x.Expect.Fenced {
		b.selector(f, x.Expect.Range, c)
	}
	out.Expect = recipe.Expect{Active: x.Expect.Active, Fenced: x.Expect.Fenced, Heals: "alone"}
	out.Expect.Outage = b.duration("outage", x.Expect.Outage, p)
	if out.Expect.Stall = out.Expect.Outage; x.Expect.Stall != nil {
		out.Expect.Stall = b.duration("stall", x.Expect.Stall, p)
	}
	return out
}

// mutant reads one. Whether what it replaces is there is looked at when it is made.
func (b *builder) mutant(x mutantBlock, c *recipe.Cluster) {
	b.dec.Name("mutant", x.Name, x.Range)
	out := recipe.Mutant{Name: x.Name, About: x.About, Drill: x.Drill, Breaks: x.Breaks}
	var drills, promises []string
	for _, d := range c.Drills.Drills {
		drills = append(drills, d.Name)
	}
	for _, p := range c.Drills.Promises {
		promises = append(promises, p.Text)
	}
	if !slices.Contains(drills, x.Drill) {
		b.rep.At(x.Range, fmt.Sprintf("Unknown drill %s", source.Bounded(x.Drill)), "%s", b.rep.Meant(x.Drill, drills))
	}
	if !slices.Contains(promises, x.Breaks) {
		b.rep.At(x.Range, fmt.Sprintf("Unknown promise %s", source.Bounded(x.Breaks)), "%s", b.rep.Meant(x.Breaks, promises))
	}
	if len(x.Replaces) == 0 {
		b.rep.At(x.Range, "A mutant like the recipe", "Write replace { in = \"templates/NAME\", from = \"...\", to = \"...\" }, one argument a line.")
	}
	for _, r := range x.Replaces {
		folder, _, _ := strings.Cut(r.In, "/")
		if folder != "recipes" && folder != "templates" {
			b.rep.At(r.Range, "Invalid value for \"in\"", "Found %s, expected recipes/NAME.hcl or templates/NAME.", source.Bounded(r.In))
			continue
		}
		out.Replaces = append(out.Replaces, recipe.Replace{In: r.In, From: r.From, To: r.To})
	}
	c.Drills.Mutants = append(c.Drills.Mutants, out)
}

// duration evaluates an argument that may follow the inputs or the lab's speed.
func (b *builder) duration(name string, e hclsyntax.Expression, p place) time.Duration {
	if e == nil {
		return 0 // told already
	}
	v, ok := b.dec.Value(e, p.shared)
	if !ok {
		return 0
	}
	var out time.Duration
	if m := decode.Assign(v, reflect.ValueOf(&out).Elem(), &decode.Field{Name: name, Min: "1s"}); m != nil {
		b.rep.At(e.Range(), fmt.Sprintf("Wrong type for %q", name), "%s", m.Detail)
	}
	return out
}

func (b *builder) selector(s string, rng hcl.Range, c recipe.Cluster) {
	known := slices.Clone(selectors)
	for _, r := range c.Roles {
		known = append(known, r.Name)
	}
	if !slices.Contains(known, s) {
		b.rep.At(rng, fmt.Sprintf("Unknown target %s", source.Bounded(s)), "%s", b.rep.Meant(s, known))
	}
}

// fault reads faults/NAME.hcl, once. nil: it was told what is wrong.
func (b *builder) fault(name string, rng hcl.Range) *recipe.Fault {
	if f, ok := b.faults[name]; ok {
		return f
	}
	b.faults[name] = nil
	shown, body := b.named("fault", name, rng)
	if body == nil {
		return nil
	}
	var file faultFile
	l := decode.LayoutOf(reflect.TypeOf(file))
	b.dec.Names(&hclsyntax.Block{Type: "fault file", Body: body}, l, false)
	before := b.rep.Failed()
	for _, blk := range body.Blocks {
		if f := l.Blocks[blk.Type]; f != nil && len(blk.Labels) == 1 {
			b.dec.Nested(blk, reflect.ValueOf(&file).Elem().FieldByIndex(f.Index), f, nil, nil)
		}
	}
	for _, x := range file.Faults {
		if x.Name != name {
			b.rep.At(x.Range, "Fault is in the wrong file", "Fault %s belongs in faults/%s.hcl.", source.Bounded(x.Name), x.Name)
			continue
		}
		b.faults[name] = b.faultOf(x)
	}
	if len(file.Faults) == 0 && b.rep.Failed() == before {
		b.rep.At(hcl.Range{Filename: shown}, "File holds no fault", "Expected fault %q { ... } in it.", name)
	}
	return b.faults[name]
}

// rates are what tc(8) takes for a rate, as far as anybody needs it.
var rates = regexp.MustCompile(`^[1-9][0-9]{0,5}[kmg]bit$`)

func (b *builder) faultOf(x faultBlock) *recipe.Fault {
	f := &recipe.Fault{Name: x.Name, About: x.About, Risk: x.Risk}
	if x.Lab == nil && x.Links == nil && x.Shell == nil {
		b.rep.At(x.Range, "A fault that nothing brings about", "Write a lab, a links or a shell block.")
	}
	one := func(rng hcl.Range, among string, does ...bool) {
		n := 0
		for _, d := range does {
			if d {
				n++
			}
		}
		if n != 1 {
			b.rep.At(rng, "A fault is one thing", "Found %d of %s: a drill may have several faults.", n, among)
		}
	}
	if l := x.Lab; l != nil {
		f.Lab = &recipe.LabFault{Power: l.Power, Pause: l.Pause, Fence: l.Fence}
		one(l.Range, "power, pause and fence", l.Power != "", l.Pause, l.Fence != "")
	}
	if l := x.Links; l != nil {
		f.Links = &recipe.LinkFault{Cut: l.Cut, Delay: l.Delay, Loss: l.Loss, Duplicate: l.Duplicate, Reorder: l.Reorder, Corrupt: l.Corrupt, Rate: l.Rate, To: l.To, Carry: l.Carries, OneWay: l.OneWay}
		one(l.Range, "cut, delay, loss, duplicate, reorder, corrupt and rate", l.Cut, l.Delay > 0, l.Loss > 0, l.Duplicate > 0, l.Reorder > 0, l.Corrupt > 0, l.Rate != "")
		if l.Rate != "" && !rates.MatchString(l.Rate) {
			b.rep.At(l.Range, "Wrong form of \"rate\"", "Found %s, expected a number with kbit, mbit or gbit, such as 1mbit.", source.Bounded(l.Rate))
		}
		if l.To != "peers" && !f.Links.ByLab() {
			b.rep.At(l.Range, "Wrong combination of \"to\"", "Only cut, delay and loss can be brought about on links to %s.", l.To)
		}
		if f.Lab != nil {
			b.rep.At(l.Range, "A fault is one thing", "Found a lab and a links block: a drill may have several faults.")
		}
	}
	if s := x.Shell; s != nil {
		f.Shell = &recipe.ShellFault{Inject: s.Inject, Seen: s.Seen, Heal: s.Heal, Gone: s.Gone}
	}
	return f
}
