package config

import (
	"fmt"
	"reflect"

	"haprov/internal/config/source"
	"haprov/internal/kind"
	"haprov/internal/recipe"
)

// owned is who owns a thing.
type owned struct {
	item   *recipe.Item
	shared bool
}

// owners reports steps of one host that own the same thing: the same address, file, disk and so on;
// and what only one host of the inventory may own.
func (b *builder) owners(ch recipe.Chain) {
	steps, things := map[string]*recipe.Item{}, map[string]owned{}
	for _, it := range ch.Items {
		if o := steps[it.Address]; o != nil && o != it {
			b.rep.At(b.made[it], fmt.Sprintf("Step %s is defined twice", source.Bounded(it.Address)), "The first one is at %s:%d; two steps must not manage the same thing.", o.File, o.Line)
			continue
		}
		steps[it.Address] = it
		step, ok := it.Step.(kind.Owner)
		if it.Cluster != nil {
			step, ok = it.Cluster.(kind.Owner)
		}
		if !ok {
			continue
		}
		for _, x := range step.Owns(ch.Host) {
			in := things
			if x.Wide {
				in = b.wide
			}
			o, had := in[x.What]
			if had && o.item != it && !(o.shared && x.Shared) {
				b.rep.At(b.made[it], fmt.Sprintf("Two steps own %s", source.Bounded(x.What)), "The other one is %s, at %s:%d: each would undo what the other does.", o.item.Address, o.item.File, o.item.Line)
			}
			if !had {
				in[x.What] = owned{it, x.Shared}
			}
		}
	}
}

// Owns is what the step owns as far as its name tells: its arguments wait for facts.
func (d *deferred) Owns(host string) []kind.Thing {
	v := d.def.spec.New()
	o, ok := v.(kind.Owner)
	if !ok {
		return nil
	}
	for _, f := range d.def.layout.Labels {
		if d.def.block.Body.Attributes[f.Name] != nil {
			return nil
		}
		reflect.ValueOf(v).Elem().FieldByIndex(f.Index).SetString(d.where.Label)
	}
	return o.Owns(host)
}
