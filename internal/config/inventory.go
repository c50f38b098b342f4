package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"haprov/internal/config/decode"
	"haprov/internal/config/source"
	"haprov/internal/inventory"
)

// world is the inventory with the values that expressions see of it.
type world struct {
	rep    *source.Report // where mistakes go
	dec    decode.Decoder
	inv    *inventory.Inventory
	dir    string // relative paths of the inventory start here
	driver string // what the machines run on, when it is known; empty: what the lab block says
	speed  float64
	// vagrant: the machines of the lab block are run by Vagrant
	vagrant bool
	file    inventoryFile
	vars    map[string]cty.Value // by host
	values  map[string]cty.Value // host objects by name
	ctx     *hcl.EvalContext     // functions, network, host, lab
	places  map[string]hcl.Range // where "host db1", "address 10.0.0.1" and so on were first said
}

// read decodes the inventory's own blocks and checks them against each other.
func (w *world) read(body *hclsyntax.Body, o Options) {
	w.outer(body)
	w.secrets()
	w.lab()
	w.networks()
	w.hosts()
	w.fences()
	w.fenced(o.Fences)
	w.groups()
	w.topology()
	w.machines(o.Machines)
	w.scope()
}

// outer fills the outermost structs; hosts may use the networks' values in theirs.
func (w *world) outer(body *hclsyntax.Body) {
	l := decode.LayoutOf(reflect.TypeOf(w.file))
	whole := &hclsyntax.Block{Type: "inventory", Body: body}
	w.dec.Names(whole, l, false)
	ctx := w.ctx
	for _, pass := range []string{"secrets", "lab", "ssh", "network", "host", "group", "cluster", "recipe"} {
		if pass == "host" {
			ctx = w.ctx.NewChild()
			ctx.Variables = map[string]cty.Value{"network": w.networkValues()}
			w.ctx = ctx
		}
		for _, b := range body.Blocks {
			if b.Type != pass {
				continue
			}
			f := l.Blocks[pass]
			if len(b.Labels) == len(decode.LayoutOf(f.StructType).Labels) {
				w.dec.Nested(b, reflect.ValueOf(&w.file).Elem().FieldByIndex(f.Index), f, ctx, nil)
			}
		}
	}
}

func (w *world) networkValues() cty.Value {
	m := map[string]cty.Value{}
	for _, n := range w.file.Networks {
		m[n.Name] = cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(n.Name), "cidr": cty.StringVal(n.CIDR)})
	}
	return cty.ObjectVal(m)
}

func (w *world) lab() {
	b := w.file.Lab
	if b == nil {
		return
	}
	w.dec.Name("lab", b.Name, b.Range)
	w.inv.Lab = &inventory.Lab{Name: b.Name, Image: b.Image, Driver: b.Driver, Memory: b.Memory, CPUs: b.CPUs}
	if inventory.IsImageFile(b.Image) {
		w.inv.Lab.Image = w.imageFile(b)
	}
}

// machines asks what the machines run on.
func (w *world) machines(of func(*inventory.Inventory) Machines) {
	if of == nil {
		return
	}
	m := of(w.inv)
	if m.Speed > 0 {
		w.speed = m.Speed
	}
	w.driver = m.Driver
}

// imageFile is the path of the lab's image.
func (w *world) imageFile(b *labBlock) string {
	if d := inventory.DriverOf(b.Driver); d.Kernel != "" && d.Kernel != "stock" {
		w.rep.At(w.file.Lab.Ranges["driver"], fmt.Sprintf("Driver %s cannot run an image file", b.Driver), "It has a kernel of its own, and the file boots its own one. Expected auto, kvm, tcg or libvirt.")
	}
	path := w.paths([]string{b.Image})[0]
	if _, err := os.Stat(path); err != nil {
		// Machines that were made need it no more.
		w.rep.Warn(w.file.Lab.Ranges["image"], "Image file is not there", fmt.Sprintf("%s: it is needed when the lab's machines are made.", err))
	}
	return path
}

// once reports a name that was there before, with both places.
func (w *world) once(what, name string, rng hcl.Range) bool {
	key := what + " " + name
	if first, ok := w.places[key]; ok {
		w.rep.At(rng, fmt.Sprintf("%s %s is defined twice", strings.ToUpper(what[:1])+what[1:], source.Bounded(name)), "The first one is at %s:%d.", first.Filename, first.Start.Line)
		return false
	}
	w.places[key] = rng
	return true
}

func (w *world) networks() {
	for _, b := range w.file.Networks {
		w.dec.Name("network", b.Name, b.Range)
		w.once("network", b.Name, b.Range)
		w.inv.Networks = append(w.inv.Networks, inventory.Network{Name: b.Name, CIDR: b.CIDR, Carries: b.Carries})
	}
}

// maxHosts bounds an inventory.
const maxHosts = 5000

func (w *world) hosts() {
	if len(w.file.Hosts) > maxHosts {
		w.rep.At(w.file.Hosts[maxHosts].Range, "Too many hosts", "At most %d hosts are allowed in one inventory.", maxHosts)
		w.file.Hosts = w.file.Hosts[:maxHosts]
	}
	for i, b := range w.file.Hosts {
		w.dec.Name("host", b.Name, b.Range)
		w.once("host", b.Name, b.Range)
		if b.Name == "gateway" && w.inv.Lab != nil {
			w.rep.At(b.Range, "Host name is reserved", "The lab's own gateway is called gateway: choose another name.")
		}
		h := inventory.Host{Name: b.Name, ID: i + 1, Memory: b.Memory, CPUs: b.CPUs, SSH: w.ssh(b.SSH)}
		for _, f := range b.Fences {
			h.Fence = append(h.Fence, w.fence(f))
		}
		for _, d := range b.Disks {
			h.Disks = append(h.Disks, w.disk(b, d))
		}
		h.Addresses = w.addresses(b)
		w.inv.Hosts = append(w.inv.Hosts, h)
	}
}

// ssh fills a host's settings from the inventory's own.
func (w *world) ssh(own *sshBlock) inventory.SSH {
	s := inventory.SSH{Agent: true}
	for _, b := range []*sshBlock{w.file.SSH, own} {
		if b == nil {
			continue
		}
		for _, f := range []struct{ to, from *string }{{&s.User, &b.User}, {&s.Jump, &b.Jump}, {&s.Alias, &b.Alias}} {
			if *f.from != "" {
				*f.to = *f.from
			}
		}
		if !b.SudoPassword.Empty() {
			if s.SudoPassword = b.SudoPassword; !s.SudoPassword.IsSensitive() {
				w.openPassword(b.Range, "sudo_password", s.SudoPassword)
			}
		}
		if b.Port != 0 {
			s.Port = b.Port
		}
		if b.Keys != nil {
			s.Keys = w.paths(b.Keys)
		}
		if b.KnownHosts != nil {
			s.KnownHosts = w.paths(b.KnownHosts)
		}
		for _, f := range []struct {
			to   *bool
			from *bool
		}{{&s.OnlyKnown, b.OnlyKnown}, {&s.Agent, b.Agent}, {&s.Sudo, b.Sudo}} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
	}
	return s
}

func (w *world) paths(in []string) (out []string) {
	for _, p := range in {
		if rest, ok := strings.CutPrefix(p, "~/"); ok {
			if home, err := os.UserHomeDir(); err == nil {
				p = filepath.Join(home, rest)
			}
		}
		if !filepath.IsAbs(p) {
			p = filepath.Join(w.dir, p)
		}
		out = append(out, p)
	}
	return out
}

func (w *world) groups() {
	own := map[string]map[string]any{}
	w.vars = map[string]cty.Value{}
	merged := map[string]map[string]cty.Value{}
	for _, h := range w.inv.Hosts {
		merged[h.Name] = map[string]cty.Value{}
	}
	index := map[string]int{}
	for i, h := range w.inv.Hosts {
		index[h.Name] = i
	}
	for _, b := range w.file.Groups {
		w.dec.Name("group", b.Name, b.Range)
		w.once("group", b.Name, b.Range)
		g := inventory.Group{Name: b.Name, Hosts: w.hostList(b.Hosts)}
		vars := w.object("vars", b.Vars)
		members := int64(len(g.Hosts))
		if !w.rep.Spend(b.Range, members*source.WorkGroup*int64(1+len(vars)), members*source.BytesGroup*int64(1+len(vars))) {
			return
		}
		for _, n := range g.Hosts {
			h := &w.inv.Hosts[index[n]]
			h.Groups = append(h.Groups, b.Name)
			for k, v := range vars {
				merged[n][k] = v
			}
		}
		w.inv.Groups = append(w.inv.Groups, g)
	}
	for i, b := range w.file.Hosts {
		for k, v := range w.object("vars", b.Vars) {
			merged[b.Name][k] = v
		}
		w.vars[b.Name] = cty.ObjectVal(merged[b.Name])
		own[b.Name], _ = plain(w.vars[b.Name]).(map[string]any)
		w.inv.Hosts[i].Vars = own[b.Name]
	}
}

// object evaluates an argument that must be an object; nil expressions are empty ones.
func (w *world) object(name string, e hclsyntax.Expression) map[string]cty.Value {
	if e == nil {
		return nil
	}
	v, ok := w.dec.Value(e, w.ctx)
	if !ok {
		return nil
	}
	if v.IsNull() || v.IsMarked() || !(v.Type().IsObjectType() || v.Type().IsMapType()) {
		w.rep.At(e.Range(), fmt.Sprintf("Wrong type for %q", name), "Found %s, expected an object: { name = value }.", decode.Describe(v))
		return nil
	}
	return v.AsValueMap()
}

// hostList reads [host.db1, group.web, "db2"] in inventory order, without repeats.
func (w *world) hostList(e hclsyntax.Expression) []string {
	if e == nil {
		return nil
	}
	items, diags := hcl.ExprList(e)
	if diags.HasErrors() {
		items = []hcl.Expression{e}
		if _, isRef := e.(*hclsyntax.ScopeTraversalExpr); !isRef {
			w.rep.At(e.Range(), "Wrong type for \"hosts\"", "Expected a list such as [host.db1, host.db2].")
			return nil
		}
	}
	in := map[string]bool{}
	for _, it := range items {
		for _, n := range w.hostRef(it) {
			if in[n] {
				w.rep.At(it.Range(), fmt.Sprintf("Host %s is listed twice", source.Bounded(n)), "Name it once.")
			}
			in[n] = true
		}
	}
	var out []string
	for _, h := range w.inv.Hosts {
		if in[h.Name] {
			out = append(out, h.Name)
		}
	}
	return out
}

func (w *world) hostRef(e hcl.Expression) []string {
	what, name, rng := "host", "", e.Range()
	if t, diags := hcl.AbsTraversalForExpr(e); !diags.HasErrors() && len(t) == 2 {
		what = t.RootName()
		name, _ = source.StepName(t[1])
		rng = t[1].SourceRange()
	} else if v, diags := e.Value(nil); !diags.HasErrors() && v.Type() == cty.String && !v.IsNull() {
		name = v.AsString()
	}
	var known []string
	switch {
	case name == "" || (what != "host" && what != "group"):
		w.rep.At(e.Range(), "Not a host", "Expected host.NAME or group.NAME.")
		return nil
	case what == "host":
		if _, ok := w.places["host "+name]; ok {
			return []string{name}
		}
		for _, h := range w.inv.Hosts {
			known = append(known, h.Name)
		}
	default:
		for _, g := range w.inv.Groups {
			if g.Name == name {
				return g.Hosts
			}
			known = append(known, g.Name)
		}
	}
	w.rep.At(rng, fmt.Sprintf("Unknown %s %s", what, source.Bounded(name)), "%s", w.rep.Meant(name, known))
	return nil
}
