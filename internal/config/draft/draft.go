// Package draft writes an inventory that nobody has typed: values in, HCL out.
//
// Every text may come from a host: values are escaped as HCL writes them, comments lose what could end
// them. It must not know where the values come from, nor whether config takes them.
package draft

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Inventory is one file. Its names must be names of an inventory: lower case, digits and hyphens.
type Inventory struct {
	Head     []string // comment lines before everything
	Login    Login
	Networks []Network
	Hosts    []Host
	Cluster  Cluster
	Tail     []string // comment lines after everything
}

// Login is the ssh block; none is written when it is empty.
type Login struct {
	User string
	Port int
	Sudo bool
}

// Network is one subnet. Without purposes it carries all.
type Network struct {
	Name, CIDR string
	Carries    []string
}

// Host is one machine.
type Host struct {
	Name      string
	About     string    // a comment before it
	Addresses []Address // in the order of the networks
	Disk      string    // the device of the disk "data"; empty: none
	Fences    []Fence
	Port      int // of sshd; 0: the login's own
}

// Address is where a host stands in a network.
type Address struct{ Network, IP string }

// Fence is a fence device. Secret names the password, which is never written.
type Fence struct {
	Agent   string
	Options []Option
	Secret  string
}

// Option is one parameter of a fence device.
type Option struct{ Name, Value string }

// Cluster is the wanted stack.
type Cluster struct {
	Name, Recipe string
	Roles        []Role
	Inputs       []Input
}

// Role is the part that some hosts play.
type Role struct {
	Name  string
	Hosts []string
}

// Input is one value for the recipe: a string, a bool or an int.
type Input struct {
	Name  string
	Value any
}

// With is the inventory with one input more, or with another value for it.
func (v Inventory) With(in Input) Inventory {
	var all []Input
	for _, x := range v.Cluster.Inputs {
		if x.Name != in.Name {
			all = append(all, x)
		}
	}
	v.Cluster.Inputs = append(all, in)
	return v
}

// Text is the file. The same values give the same text.
func (v Inventory) Text() []byte {
	f := hclwrite.NewEmptyFile()
	b := f.Body()
	comment(b, v.Head)
	for _, n := range v.Networks {
		b.AppendNewline()
		x := b.AppendNewBlock("network", []string{n.Name}).Body()
		x.SetAttributeValue("cidr", cty.StringVal(n.CIDR))
		if len(n.Carries) > 0 {
			x.SetAttributeValue("carries", strs(n.Carries))
		}
	}
	if l := v.Login; l != (Login{}) {
		b.AppendNewline()
		login(b, l)
	}
	for _, h := range v.Hosts {
		b.AppendNewline()
		if h.About != "" {
			comment(b, []string{h.About})
		}
		host(b, h, len(v.Networks))
	}
	b.AppendNewline()
	cluster(b, v.Cluster)
	if len(v.Tail) > 0 {
		b.AppendNewline()
		comment(b, v.Tail)
	}
	return hclwrite.Format(f.Bytes())
}

func login(b *hclwrite.Body, l Login) {
	x := b.AppendNewBlock("ssh", nil).Body()
	if l.User != "" {
		x.SetAttributeValue("user", cty.StringVal(l.User))
	}
	if l.Port != 0 {
		x.SetAttributeValue("port", cty.NumberIntVal(int64(l.Port)))
	}
	if l.Sudo {
		x.SetAttributeValue("sudo", cty.True)
	}
}

func host(b *hclwrite.Body, h Host, networks int) {
	x := b.AppendNewBlock("host", []string{h.Name}).Body()
	for _, a := range h.Addresses {
		if networks < 2 {
			x.SetAttributeValue("address", cty.StringVal(a.IP))
			continue
		}
		x.AppendNewBlock("network", []string{a.Network}).Body().SetAttributeValue("address", cty.StringVal(a.IP))
	}
	if h.Port != 0 {
		login(x, Login{Port: h.Port})
	}
	if h.Disk != "" {
		x.AppendNewBlock("disk", []string{"data"}).Body().SetAttributeValue("device", cty.StringVal(h.Disk))
	}
	for _, f := range h.Fences {
		var all []hclwrite.ObjectAttrTokens
		for _, o := range f.Options {
			all = append(all, hclwrite.ObjectAttrTokens{Name: key(o.Name), Value: hclwrite.TokensForValue(cty.StringVal(o.Value))})
		}
		if f.Secret != "" {
			all = append(all, hclwrite.ObjectAttrTokens{Name: key("password"), Value: hclwrite.TokensForFunctionCall("secret", hclwrite.TokensForValue(cty.StringVal(f.Secret)))})
		}
		fence := x.AppendNewBlock("fence", []string{f.Agent}).Body()
		if len(all) > 0 {
			fence.SetAttributeRaw("options", hclwrite.TokensForObject(all))
		}
	}
}

// key is an object's key: a name alone where HCL reads it as one.
func key(name string) hclwrite.Tokens {
	if hclsyntax.ValidIdentifier(name) {
		return hclwrite.TokensForIdentifier(name)
	}
	return hclwrite.TokensForValue(cty.StringVal(name))
}

func cluster(b *hclwrite.Body, c Cluster) {
	x := b.AppendNewBlock("cluster", []string{c.Name}).Body()
	x.SetAttributeValue("recipe", cty.StringVal(c.Recipe))
	for _, r := range c.Roles {
		// as text, so that a name that HCL would read as a number is one, too
		x.AppendNewBlock("role", []string{r.Name}).Body().SetAttributeValue("hosts", strs(r.Hosts))
	}
	var all []hclwrite.ObjectAttrTokens
	for _, in := range c.Inputs {
		v := cty.NullVal(cty.String)
		switch x := in.Value.(type) {
		case string:
			v = cty.StringVal(x)
		case bool:
			v = cty.BoolVal(x)
		case int:
			v = cty.NumberIntVal(int64(x))
		}
		all = append(all, hclwrite.ObjectAttrTokens{Name: key(in.Name), Value: hclwrite.TokensForValue(v)})
	}
	if len(all) > 0 {
		x.SetAttributeRaw("inputs", hclwrite.TokensForObject(all))
	}
}

func strs(all []string) cty.Value {
	if len(all) == 0 {
		return cty.EmptyTupleVal
	}
	var out []cty.Value
	for _, s := range all {
		out = append(out, cty.StringVal(s))
	}
	return cty.TupleVal(out)
}

// width is how long a comment's line may be.
const width = 110

// comment writes lines, folded between words.
func comment(b *hclwrite.Body, lines []string) {
	for _, l := range lines {
		for _, part := range fold(Clean(l)) {
			b.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte(strings.TrimRight("# "+part, " ") + "\n")}})
		}
	}
}

func fold(l string) (out []string) {
	indent := l[:len(l)-len(strings.TrimLeft(l, " "))]
	if strings.HasPrefix(strings.TrimLeft(l, " "), "- ") {
		indent += "  "
	}
	for len(l) > width {
		at := strings.LastIndexByte(l[:width], ' ')
		if at <= len(indent) {
			break
		}
		out, l = append(out, l[:at]), indent+strings.TrimLeft(l[at:], " ")
	}
	return append(out, l)
}

// Clean is a text from a host as one line of a comment: what does not print becomes a question mark, and
// what is long is cut.
func Clean(s string) string {
	const most = 600
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + " ..."
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return cmp.Or(map[rune]rune{'\t': ' '}[r], '?')
		}
		return r
	}, s)
}
