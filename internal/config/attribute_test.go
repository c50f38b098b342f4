package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"haprov/internal/config"
	"haprov/internal/recipe"
)

// A slot is a place of a kind's block where a text can stand: an argument, an element of its list
// or object, a key of its object, or a label.
type slot struct {
	kind, name string
	text       string                    // what may stand there, as Attribute says it
	with       func(value string) string // the whole block with the value in that place
}

// blocks of kinds whose example does not show every nested block.
var fuller = map[string]string{"pacemaker": `pacemaker "cib" {
  properties = { stonith-enabled = "true" }
  primitive "vip" {
    agent = "ocf:heartbeat:IPaddr2"
    op "monitor" {
      interval = "10s"
      timeout  = "20s"
    }
  }
  primitive "a" { agent = "systemd:a" }
  primitive "b" { agent = "systemd:b" }
  clone "twice" { of = "b" }
  group "front" { of = ["vip", "a"] }
  colocation "near" {
    of   = "front"
    with = "twice"
  }
  order "first" {
    first = "twice"
    then  = "front"
  }
  location "here" {
    of   = "front"
    node = "h1"
  }
  attributes "h1" { values = { size = "big" } }
  level "power" {
    host    = "h1"
    index   = 1
    devices = ["fence-h1"]
  }
  alert "mail" { path = "/usr/local/bin/mail" }
  fence {}
}`}

// slots finds all places of all kinds, by the table of kinds.
func slots(t *testing.T) (out []slot) {
	t.Helper()
	for _, k := range config.Kinds() {
		text := k.Example
		if f := fuller[k.Name]; f != "" {
			text = f
		}
		block := func(f *hclwrite.File) *hclwrite.Block {
			for _, b := range f.Body().Blocks() {
				if b.Type() == k.Name {
					return b
				}
			}
			t.Fatalf("%s: no such block in its example", k.Name)
			return nil
		}
		out = append(out, slotsOf(t, k.Name, k.Name, text, k.Attributes, block)...)
	}
	return out
}

func slotsOf(t *testing.T, kind, path, text string, as []config.Attribute, block func(*hclwrite.File) *hclwrite.Block) (out []slot) {
	labels := 0
	for _, a := range as {
		name := path + "." + a.Name
		add := func(name string, put func(*hclwrite.Block, string)) {
			out = append(out, slot{kind, name, a.Text, func(v string) string {
				f, diags := hclwrite.ParseConfig([]byte(text), kind, hcl.InitialPos)
				if diags.HasErrors() {
					t.Fatalf("%s: %s", kind, diags)
				}
				put(block(f), v)
				return string(f.Bytes())
			}})
		}
		set := func(name string, value func(string) cty.Value) {
			add(name, func(b *hclwrite.Block, v string) { b.Body().SetAttributeValue(a.Name, value(v)) })
		}
		switch {
		case a.Label:
			at := labels
			labels++
			add(name, func(b *hclwrite.Block, v string) {
				l := b.Labels()
				l[at] = v
				b.SetLabels(l)
			})
		case a.Inner != nil:
			inner := func(f *hclwrite.File) *hclwrite.Block {
				for _, b := range block(f).Body().Blocks() {
					if b.Type() == a.Name {
						return b
					}
				}
				if a.Name != "set" {
					t.Fatalf("%s: its example has no such block", name)
				}
				// sets stand in a constraint instead of two resources
				constraint := block(f).Body()
				for _, n := range []string{"of", "with", "first", "then"} {
					constraint.RemoveAttribute(n)
				}
				set := constraint.AppendNewBlock("set", nil)
				set.Body().SetAttributeValue("of", cty.TupleVal([]cty.Value{cty.StringVal("front")}))
				return set
			}
			out = append(out, slotsOf(t, kind, name, text, a.Inner, inner)...)
		case strings.HasPrefix(a.Type, "a list of string"):
			set(name+"[]", func(v string) cty.Value { return cty.TupleVal([]cty.Value{cty.StringVal(v)}) })
		case strings.HasPrefix(a.Type, "an object of string"):
			set(name+"{}", func(v string) cty.Value { return cty.ObjectVal(map[string]cty.Value{"k": cty.StringVal(v)}) })
			set(name+"{key}", func(v string) cty.Value { return cty.ObjectVal(map[string]cty.Value{v: cty.StringVal("x")}) })
		default:
			set(name, cty.StringVal)
		}
	}
	return out
}

// around puts a step on two hosts of a lab.
func around(step string) []byte {
	return []byte(`
lab "x" {}
network "n" { cidr = "10.0.0.0/24" }
host "h1" {
  address = "10.0.0.11"
  disk "data" { size = "1GiB" }
}
host "h2" {
  address = "10.0.0.12"
  disk "data" { size = "1GiB" }
}
cluster "c" {
  recipe = "r"
  role "db" { hosts = [host.h1, host.h2] }
}
recipe "r" {
  on "db" {
` + step + `
  }
}
`)
}

func stepOf(step string) (*recipe.Program, config.Problems) {
	return config.Load("haprov.hcl", config.Options{Text: around(step), Secrets: secrets{}})
}

// placed reports whether all errors have a line and none was made up by a panic.
func placed(p config.Problems) error {
	for _, x := range p {
		if x.Line == 0 {
			return fmt.Errorf("%s has no place", x.Summary)
		}
	}
	return nil
}

// TestNoTextHoldsAControlCharacter puts a NUL byte into every place where a text can stand, and
// other control characters into those that are no free text.
func TestNoTextHoldsAControlCharacter(t *testing.T) {
	all := slots(t)
	if len(all) < 100 {
		t.Fatalf("%d places", len(all))
	}
	for _, s := range all {
		for _, bad := range []string{"x\x00y", "/x\x00y", "x\x1b[31my", "/x\u009by", "x\x7f"} {
			p, problems := stepOf(s.with(bad))
			if s.text == "any" && !strings.Contains(bad, "\x00") {
				continue
			}
			if p != nil || !problems.Failed() {
				t.Errorf("%s takes %q", s.name, bad)
			} else if err := placed(problems); err != nil {
				t.Errorf("%s %q: %v", s.name, bad, err)
			}
			if strings.ContainsAny(problems.Render(80, false), "\x00\x1b\u009b\x7f") {
				t.Errorf("%s %q: the message holds it", s.name, bad)
			}
		}
	}
}
