// Package config reads inventories and recipes: HCL in, typed values out.
//
// Load is the only way in. It finds all mistakes at once, before any connection, and gives them as
// plain Problems. Nothing of HCL leaves this package. It must not know SSH, the engine, or how the
// steps that it decodes are carried out. Below it, package source reads files and reports mistakes, and
// package decode turns blocks into structs; here stands what the blocks mean.
package config

import (
	"io/fs"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/inventory"
	"haprov/internal/recipe"
	"haprov/internal/secret/store"
)

// What a caller of Load meets of the packages below.
type (
	// Problems are all mistakes of one Load.
	Problems = source.Problems
	// Attribute is an argument, a label or a block, as the reference shows it.
	Attribute = decode.Attribute
)

// Options of a Load.
type Options struct {
	// Shipped holds the folders recipes, templates and files that come with the program. Folders
	// of the same names beside the inventory come first. May be nil.
	Shipped fs.FS
	// Default is the inventory in Shipped that is read when Load is given no path.
	Default string
	// Text is read instead of the file at the path, which then only names it; for an inventory
	// that is shipped.
	Text []byte
	// Secrets gives what secret("...") names when the inventory does not say where its secrets are; nil
	// makes its use a mistake.
	Secrets Secrets
	// Source opens what the inventory's secrets block names, once everything was found to be right with
	// secrets drawn for the purpose: what is wrong is told before a program is run or a server asked. nil:
	// the program has such drawn secrets, which stand nowhere.
	Source func(inventory.SecretSource) (Secrets, error)
	// Machines tells what the machines of an inventory run on. It is asked once, after the inventory's
	// own blocks are read and before any recipe is. nil: the driver that the lab block names, and 1.
	Machines func(*inventory.Inventory) Machines
	// Fences gives the devices of a host whose blocks name none; nil: there are no others.
	Fences func(*inventory.Inventory, inventory.Host) []inventory.Fence
	// Vagrant tells that Vagrant runs the machines that a lab block describes: recipes see no lab, and
	// the driver of its machines all the same, when one is known.
	Vagrant bool
}

// Machines are what a recipe may depend on of the machines, beside what the inventory says.
type Machines struct {
	Driver string  // "" is what the lab block names
	Speed  float64 // how much slower than a real machine they are; 0 is 1
}

// Load reads an inventory and the recipes that its clusters name; an empty path is the Default of what
// is shipped, with the folders of the working directory beside it. It finds all mistakes at once
// and connects to nothing. The program is nil when any problem is an error; an inventory without
// clusters makes a program without any. The same files give the same program.
func Load(path string, o Options) (*recipe.Program, source.Problems) {
	var err error
	if path == "" && o.Text == nil && o.Shipped != nil {
		path = "(shipped)/" + o.Default
		if o.Text, err = fs.ReadFile(o.Shipped, o.Default); err != nil {
			return nil, source.Problems{{Severity: source.Error, Summary: "No inventory", Detail: "There is no haprov.hcl here and none was named with -i."}}
		}
	}
	text, err := o.read(path)
	if err != nil {
		b := start(path, &o)
		b.rep.Add(source.Problem{Summary: "Inventory cannot be read", Detail: source.Sentence(err.Error()), File: path})
		return nil, b.rep.Sorted(path)
	}
	b, p, problems := load(path, text, o, store.Scratch())
	if p == nil || p.Inventory.Secrets == nil || o.Source == nil {
		return p, problems
	}
	from, err := o.Source(*p.Inventory.Secrets)
	if err != nil {
		b.rep.At(b.world.file.Secrets.Range, "Secrets cannot be opened", "%s", source.Sentence(err.Error()))
		return nil, b.rep.Sorted(path)
	}
	_, p, problems = load(path, text, o, from)
	return p, problems
}

// load reads an inventory's text. shared takes the place of the secrets of o when the inventory says where
// its secrets are.
func load(path string, text []byte, o Options, shared Secrets) (*builder, *recipe.Program, source.Problems) {
	b := start(path, &o)
	body := b.files.Parse(b.rep, path, text)
	if body == nil {
		return b, nil, b.rep.Sorted(path)
	}
	if hasSecrets(body) {
		b.opts.Secrets = shared
		b.world.ctx.Functions = reach(b.files, "inventory", shared, b.asked)
	}
	b.world.read(body, o)
	if len(b.inv.Hosts) == 0 && b.rep.Failed() == 0 && len(b.world.file.Recipes) == 0 {
		b.rep.At(hcl.Range{Filename: path}, "Inventory has no hosts", "Write host \"db1\" { address = \"...\" } for each machine.")
	}
	for _, r := range b.world.file.Recipes {
		b.recipes[r.Name] = nil
		if b.world.once("recipe", r.Name, r.Range) {
			b.recipes[r.Name] = b.define(r)
		}
	}
	p := &recipe.Program{Inventory: b.inv, Secrets: b.asked.sorted()}
	for _, blk := range b.world.file.Clusters {
		if c, ok := b.cluster(blk); ok {
			p.Clusters = append(p.Clusters, c)
		}
	}
	problems := b.rep.Sorted(path)
	if problems.Failed() {
		return b, nil, problems
	}
	return b, p, problems
}

func start(path string, o *Options) *builder {
	dir := "."
	if o.Text == nil {
		dir = filepath.Dir(path)
	}
	f := source.New(dir, o.Shipped)
	r := source.NewReport(f)
	w := &world{rep: r, dec: decode.Decoder{Report: r}, inv: &inventory.Inventory{Path: path}, dir: dir, speed: 1, vagrant: o.Vagrant, places: map[string]hcl.Range{}}
	asked := &names{former: &names{}}
	w.ctx = &hcl.EvalContext{Functions: reach(f, "inventory", o.Secrets, asked)}
	return &builder{rep: r, dec: w.dec, files: f, inv: w.inv, world: w, asked: asked, opts: *o, recipes: map[string]*recipeDef{}, made: map[*recipe.Item]hcl.Range{}, wide: map[string]owned{}, serves: map[string]string{}, faults: map[string]*recipe.Fault{}}
}

// read gives the inventory's text.
func (o Options) read(path string) ([]byte, error) {
	if o.Text != nil {
		return o.Text, nil
	}
	return source.Read(path)
}
