package pacemaker

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
)

// The blocks of a pacemaker step, and how they become elements of the CIB. An element's id is the
// block's label; those inside it are called by it and by what they are.

// Primitive is one resource.
type Primitive struct {
	ID     string            `hcl:"id,label" about:"The resource's id"`
	Agent  string            `hcl:"agent" about:"Its agent, as in ocf:heartbeat:IPaddr2 or systemd:haproxy"`
	Params map[string]string `hcl:"params,optional" about:"The agent's parameters"`
	Meta   map[string]string `hcl:"meta,optional" about:"Options of the resource for Pacemaker"`
	Ops    []Operation       `hcl:"op,block" about:"An operation; each once, or once a role"`
}

// Operation is what Pacemaker does with a resource: start, stop, monitor and so on.
type Operation struct {
	Name     string            `hcl:"name,label" about:"start, stop, monitor, promote, demote or notify"`
	Interval time.Duration     `hcl:"interval,optional" about:"How often; omitted: when needed"`
	Timeout  time.Duration     `hcl:"timeout" about:"How long it may take"`
	Role     string            `hcl:"role,optional" oneof:"Started,Promoted,Unpromoted" about:"The role that it applies to"`
	Params   map[string]string `hcl:"params,optional" about:"Parameters of this operation"`
}

// ResourceClone runs a resource on several nodes.
type ResourceClone struct {
	ID   string            `hcl:"id,label" about:"The clone's id"`
	Of   string            `hcl:"of" about:"The primitive, or the group"`
	Meta map[string]string `hcl:"meta,optional" about:"Options of the clone, such as promotable"`
}

// ResourceGroup keeps resources together, started in the order written.
type ResourceGroup struct {
	ID   string            `hcl:"id,label" about:"The group's id"`
	Of   []string          `hcl:"of" about:"The primitives, in order"`
	Meta map[string]string `hcl:"meta,optional" about:"Options of the group"`
}

// Colocation puts a resource where another one is, or the resources of sets.
type Colocation struct {
	ID     string `hcl:"id,label" about:"The constraint's id"`
	Of     string `hcl:"of,optional" about:"The resource that follows"`
	With   string `hcl:"with,optional" about:"The resource that it follows"`
	OfRole string `hcl:"of_role,optional" oneof:"Started,Promoted,Unpromoted" about:"The role of the follower that follows"`
	Role   string `hcl:"role,optional" oneof:"Started,Promoted,Unpromoted" about:"The role that the other one must have there"`
	Score  string `hcl:"score,optional" default:"INFINITY" about:"Score"`
	Sets   []Set  `hcl:"set,block" about:"Resources that are put together, instead of of and with: those of a set follow those of the next one, and within a set, while it is sequential, each the one before it"`
}

// Set is a resource set of a constraint (Pacemaker Explained, Resource Sets).
type Set struct {
	Of         []string `hcl:"of" about:"The resources"`
	Sequential bool     `hcl:"sequential,optional" default:"true" about:"Each depends on the one before it; false: they do not depend on each other"`
	RequireAll bool     `hcl:"require_all,optional" default:"true" about:"In an order, the next set waits for all of them; false: for one of them, which a set that is not sequential can have"`
	Action     string   `hcl:"action,optional" oneof:"start,promote,demote,stop" about:"In an order, what is done with them; omitted: start"`
	Role       string   `hcl:"role,optional" oneof:"Started,Promoted,Unpromoted" about:"In a colocation, the role that they must have there"`
}

// Order does one thing before another, or what is to be done with sets of resources one set after the other.
type Order struct {
	ID         string `hcl:"id,label" about:"The constraint's id"`
	First      string `hcl:"first,optional" about:"The resource that comes first"`
	Action     string `hcl:"action,optional" default:"start" oneof:"start,promote,demote,stop" about:"What is done with it"`
	Then       string `hcl:"then,optional" about:"The resource that comes after it"`
	ThenAction string `hcl:"then_action,optional" default:"start" oneof:"start,promote,demote,stop" about:"What is done with that one"`
	Kind       string `hcl:"kind,optional" default:"Mandatory" oneof:"Mandatory,Optional,Serialize" about:"How strictly the order is kept"`
	Sets       []Set  `hcl:"set,block" about:"Sets of resources, one after the other, instead of first and then"`
}

// Location ties a resource to a node, or to nodes by what is true of them, or keeps it away.
type Location struct {
	ID    string `hcl:"id,label" about:"The constraint's id"`
	Of    string `hcl:"of" about:"The resource"`
	Node  string `hcl:"node,optional" about:"The host; or rule"`
	Rule  string `hcl:"rule,optional" about:"What is true of the host, as in size eq big, defined size and #uname ne db3, or date lt 2027-01-31; or node"`
	Role  string `hcl:"role,optional" oneof:"Started,Promoted,Unpromoted" about:"The role that the rule is for; only with rule"`
	Score string `hcl:"score,optional" default:"INFINITY" about:"Score; -INFINITY: never there"`
}

// Level is one try at fencing a host: all its devices act; when one fails, the next level is tried.
type Level struct {
	ID      string   `hcl:"id,label" about:"The level's id"`
	Host    string   `hcl:"host" about:"The host that is fenced"`
	Index   int      `hcl:"index" about:"Its turn, from 1 to 9"`
	Devices []string `hcl:"devices" about:"Fence devices of the inventory, all of which act"`
}

// Alert runs a program of the administrator's at each event of the cluster.
type Alert struct {
	ID         string            `hcl:"id,label" about:"The alert's id"`
	Path       string            `hcl:"path" about:"The program; on every host"`
	Options    map[string]string `hcl:"options,optional" about:"Its environment"`
	Recipients []string          `hcl:"recipients,optional" about:"Whom it is run for, one after the other"`
}

// Fences are devices of the hosts, as the inventory has them: none runs on the host that it fences.
type Fences struct {
	Reboot    time.Duration `hcl:"reboot_timeout,optional" default:"60s" about:"How long a device may take, unless it has pcmk_reboot_timeout itself"`
	Delay     time.Duration `hcl:"delay,optional" default:"1s" about:"Delay before the first host is fenced, so that two hosts do not fence each other at the same time"`
	ThirdVote bool          `hcl:"third_vote,optional" about:"Nothing is delayed: two hosts that lose each other are told by an arbiter which of them goes on"`
	Passwords string        `hcl:"passwords,optional" default:"/etc/haprov" about:"The folder with a script ID.password for each device that has a password"`
}

// element makes a node of name, id and further attributes in pairs; empty ones are left out.
func element(name, id string, attrs ...string) *pacemaker.Node {
	n := &pacemaker.Node{Name: name, Attrs: map[string]string{}}
	if id != "" {
		n.Attrs["id"] = id
	}
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			n.Attrs[attrs[i]] = attrs[i+1]
		}
	}
	return n
}

// withSets puts resource sets into a constraint. A set's id is made of what all of them say: a set that
// is there is never changed, so that its members and the sets' order are always as written.
func withSets(constraint *pacemaker.Node, sets []Set) *pacemaker.Node {
	digest := sha256.Sum256(fmt.Appendf(nil, "%+v", sets))
	for i, x := range sets {
		n := element("resource_set", fmt.Sprintf("%s-set-%d-%x", constraint.Attrs["id"], i+1, digest[:4]), "action", x.Action, "role", x.Role)
		if !x.Sequential {
			n.Attrs["sequential"] = "false"
		}
		if !x.RequireAll {
			n.Attrs["require-all"] = "false"
		}
		for _, m := range x.Of {
			n.Children = append(n.Children, element("resource_ref", m))
		}
		constraint.Children = append(constraint.Children, n)
	}
	return constraint
}

// pairs is a set of nvpairs; none when it is empty.
func pairs(name, id string, values map[string]string) []*pacemaker.Node {
	if len(values) == 0 {
		return nil
	}
	set := element(name, id)
	for _, k := range slices.Sorted(maps.Keys(values)) {
		set.Children = append(set.Children, element("nvpair", id+"-"+k, "name", k, "value", values[k]))
	}
	return []*pacemaker.Node{set}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int(d/time.Second)) }

func (p Primitive) node() *pacemaker.Node {
	class, rest, _ := strings.Cut(p.Agent, ":")
	provider, typ, ok := strings.Cut(rest, ":")
	if !ok {
		provider, typ = "", rest
	}
	n := element("primitive", p.ID, "class", class, "provider", provider, "type", typ)
	n.Children = append(n.Children, pairs("meta_attributes", p.ID+"-meta", p.Meta)...)
	n.Children = append(n.Children, pairs("instance_attributes", p.ID+"-attributes", p.Params)...)
	ops := element("operations", "")
	for _, o := range p.Ops {
		op := element("op", p.opID(o), "name", o.Name, "interval", seconds(o.Interval), "timeout", seconds(o.Timeout), "role", o.Role)
		op.Children = pairs("instance_attributes", p.opID(o)+"-attributes", o.Params)
		ops.Children = append(ops.Children, op)
	}
	if len(p.Ops) > 0 {
		n.Children = append(n.Children, ops)
	}
	return n
}

func (p Primitive) opID(o Operation) string {
	id := p.ID + "-" + o.Name
	if o.Role != "" {
		id += "-" + strings.ToLower(o.Role)
	}
	return id
}

// devices are the hosts' fence devices as primitives, and what keeps each away from its own host.
func (p *Pacemaker) devices() (all []Primitive, away []Location) {
	if p.Fence == nil {
		return nil, nil
	}
	// Pacemaker starts and monitors a device by logging in to it, which a slow one takes its time for,
	// too: 20 s is Pacemaker's own time-out.
	look := max(20*time.Second, p.Fence.Reboot*2/3)
	ops := []Operation{{Name: "monitor", Interval: time.Minute, Timeout: look}}
	if look > 20*time.Second {
		ops = append(ops, Operation{Name: "start", Timeout: look})
	}
	for i, h := range p.Nodes {
		for _, f := range h.Fence {
			params := map[string]string{"pcmk_reboot_timeout": seconds(p.Fence.Reboot)}
			if i == 0 && !p.Fence.ThirdVote {
				// for this host by name: Pacemaker 3.0 logs an error for a delay without one, and takes it all the same
				params["pcmk_delay_base"] = h.Name + ":" + seconds(p.Fence.Delay)
			}
			maps.Copy(params, f.Options)
			params["pcmk_host_list"], params["pcmk_host_check"] = h.Name, "static-list"
			if f.Secret {
				params["password_script"] = p.Fence.Passwords + "/" + f.ID + ".password"
			}
			all = append(all, Primitive{ID: f.ID, Agent: "stonith:" + f.Agent, Params: params, Ops: ops})
			away = append(away, Location{ID: f.ID + "-not-itself", Of: f.ID, Node: h.Name, Score: "-INFINITY"})
		}
	}
	return all, away
}

// Wanted is the configuration that the blocks come to, with the record of its ids.
func (p *Pacemaker) Wanted() *pacemaker.Node {
	config, resources, constraints, defaults := element("crm_config", ""), element("resources", ""), element("constraints", ""), element("rsc_defaults", "")
	config.Children = pairs("cluster_property_set", "haprov-options", p.Properties)
	if len(p.Serves) > 0 {
		config.Children = append(config.Children, pairs("cluster_property_set", "haprov-serving", map[string]string{servesProperty: strings.Join(p.Serves, " ")})...)
	}
	defaults.Children = pairs("meta_attributes", "haprov-defaults", p.Defaults)
	devices, away := p.devices()
	free := map[string]*pacemaker.Node{}
	for _, x := range p.Primitives {
		free[x.ID] = x.node()
	}
	groups := map[string]*pacemaker.Node{}
	for _, x := range p.Groups {
		n := element("group", x.ID)
		n.Children = pairs("meta_attributes", x.ID+"-meta", x.Meta)
		for _, id := range x.Of {
			if m := free[id]; m != nil {
				n.Children = append(n.Children, m)
				delete(free, id)
			}
		}
		groups[x.ID] = n
	}
	for _, x := range p.Clones {
		n := element("clone", x.ID)
		n.Children = pairs("meta_attributes", x.ID+"-meta", x.Meta)
		for _, from := range []map[string]*pacemaker.Node{free, groups} {
			if m := from[x.Of]; m != nil {
				n.Children = append(n.Children, m)
				delete(from, x.Of)
			}
		}
		resources.Children = append(resources.Children, n)
	}
	for _, x := range p.Groups {
		if n := groups[x.ID]; n != nil {
			resources.Children = append(resources.Children, n)
		}
	}
	for _, x := range p.Primitives {
		if n := free[x.ID]; n != nil {
			resources.Children = append(resources.Children, n)
		}
	}
	for _, x := range devices {
		resources.Children = append(resources.Children, x.node())
	}
	for _, x := range p.Colocations {
		if len(x.Sets) > 0 {
			constraints.Children = append(constraints.Children, withSets(element("rsc_colocation", x.ID, "score", x.Score), x.Sets))
			continue
		}
		constraints.Children = append(constraints.Children, element("rsc_colocation", x.ID, "rsc", x.Of, "rsc-role", x.OfRole, "with-rsc", x.With, "with-rsc-role", x.Role, "score", x.Score))
	}
	for _, x := range p.Orders {
		if len(x.Sets) > 0 {
			constraints.Children = append(constraints.Children, withSets(element("rsc_order", x.ID, "kind", x.Kind), x.Sets))
			continue
		}
		constraints.Children = append(constraints.Children, element("rsc_order", x.ID, "first", x.First, "first-action", x.Action, "then", x.Then, "then-action", cmp.Or(x.ThenAction, "start"), "kind", x.Kind))
	}
	for _, x := range append(slices.Clone(p.Locations), away...) {
		n := element("rsc_location", x.ID, "rsc", x.Of)
		if rule, err := ruleNode(x.ID, x.Rule, x.Score, x.Role); x.Rule != "" && err == nil { // Check tells of others
			n.Children = append(n.Children, rule)
		} else {
			n = element("rsc_location", x.ID, "rsc", x.Of, "node", x.Node, "score", x.Score)
		}
		constraints.Children = append(constraints.Children, n)
	}
	root := element("configuration", "")
	root.Children = append([]*pacemaker.Node{config, resources, constraints, defaults}, p.rare()...)
	return pacemaker.WithRecord(root)
}

// rare are the sections that few clusters have; none when there is nothing for them.
func (p *Pacemaker) rare() (out []*pacemaker.Node) {
	if len(p.OpDefaults) > 0 {
		n := element("op_defaults", "")
		n.Children = pairs("meta_attributes", "haprov-op-defaults", p.OpDefaults)
		out = append(out, n)
	}
	if len(p.Levels) > 0 {
		n := element("fencing-topology", "")
		for _, x := range p.Levels {
			n.Children = append(n.Children, element("fencing-level", x.ID, "target", x.Host, "index", strconv.Itoa(x.Index), "devices", strings.Join(x.Devices, ",")))
		}
		out = append(out, n)
	}
	if len(p.Alerts) > 0 {
		n := element("alerts", "")
		for _, x := range p.Alerts {
			a := element("alert", x.ID, "path", x.Path)
			a.Children = pairs("instance_attributes", x.ID+"-options", x.Options)
			for i, r := range x.Recipients {
				a.Children = append(a.Children, element("recipient", fmt.Sprintf("%s-recipient-%d", x.ID, i+1), "value", r))
			}
			n.Children = append(n.Children, a)
		}
		out = append(out, n)
	}
	return out
}

// checkRare finds what is wrong in levels and alerts.
func (p *Pacemaker) checkRare(out *kind.Problems, id func(block, id string)) {
	devices, _ := p.devices()
	turns := map[string]bool{}
	for _, x := range p.Levels {
		id("level", x.ID)
		if !slices.ContainsFunc(p.Nodes, func(n kind.Node) bool { return n.Name == x.Host }) {
			out.Add("level", "Unknown host", "Found "+kind.Quoted(x.Host)+"; it is none of the role.")
		}
		if x.Index < 1 || x.Index > 9 {
			out.Add("level", "Invalid index", fmt.Sprintf("Found %d; expected 1 to 9.", x.Index))
		}
		if turn := fmt.Sprint(x.Host, " ", x.Index); turns[turn] {
			out.Add("level", "Duplicate level", fmt.Sprintf("Found index %d of %s again.", x.Index, x.Host))
		} else {
			turns[turn] = true
		}
		if len(x.Devices) == 0 {
			out.Add("level", "Level without a device", "Found no device in "+kind.Quoted(x.ID)+"; expected one or more.")
		}
		for _, d := range x.Devices {
			if !slices.ContainsFunc(devices, func(have Primitive) bool {
				return have.ID == d && have.Params["pcmk_host_list"] == x.Host
			}) {
				out.Add("level", "Unknown fence device", "Found "+kind.Quoted(d)+"; it is none that the inventory gives "+x.Host+", or the block fence is missing.")
			}
		}
	}
	for _, x := range p.Alerts {
		id("alert", x.ID)
		out.Path("alert", x.Path)
		for _, k := range slices.Sorted(maps.Keys(x.Options)) {
			out.Name("alert", k, crmKey, "name of an option")
		}
	}
}

var (
	crmID    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]*$`)
	crmAgent = regexp.MustCompile(`^(ocf:[A-Za-z0-9._-]+|systemd|lsb|stonith|service):[A-Za-z0-9@._-]+$`)
	crmKey   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]*$`)
	crmScore = regexp.MustCompile(`^[+-]?(INFINITY|[0-9]{1,7})$`)
	crmOps   = []string{"demote", "migrate_from", "migrate_to", "monitor", "notify", "promote", "reload", "reload-agent", "start", "stop"}
)

// Owns is the configuration, the virtual addresses in it, and the units that Pacemaker starts and stops.
func (p *Pacemaker) Owns(_ string) []kind.Thing {
	out := []kind.Thing{{What: "Pacemaker configuration"}}
	for _, x := range p.Primitives {
		if ip := x.Params["ip"]; ip != "" && strings.HasPrefix(x.Agent, "ocf:heartbeat:IPaddr") {
			out = append(out, kind.Thing{What: "address " + ip, Wide: true})
		}
		if unit, ok := strings.CutPrefix(x.Agent, "systemd:"); ok {
			out = append(out, kind.Runs(unit+".service", false))
		}
	}
	return out
}

var crmSeconds = regexp.MustCompile(`^([0-9]{1,6})(s|sec)?$`)

// checkDelays looks for what keeps two nodes that lose each other from fencing each other, unless
// a third vote tells which of them is to go on (Pacemaker Explained, priority-fencing-delay).
func (p *Pacemaker) checkDelays(out *kind.Problems) {
	head := time.Duration(0)
	if text := p.Properties["priority-fencing-delay"]; text != "" {
		m := crmSeconds.FindStringSubmatch(text)
		if m == nil {
			return // in another unit
		}
		n, _ := strconv.Atoi(m[1])
		head = time.Duration(n) * time.Second
	}
	switch {
	case len(p.Nodes) != 2 || p.Fence.ThirdVote:
	case head == 0 && p.Fence.Delay == 0:
		out.Add("fence", "Nothing delays the fencing of either", "Two nodes that lose each other would fence each other at once, and nobody serves: give the property priority-fencing-delay, or delay here.")
	case head <= p.Fence.Delay:
		out.Risk("properties", "Active node may lose the fencing race", fmt.Sprintf("priority-fencing-delay is %s and the first host's own delay %s: when two nodes lose each other, the one that serves can be the one that is fenced. Give it more than the first host's delay.", head, p.Fence.Delay))
	}
}

// Check finds ids that stand twice or nowhere, agents and scores that are none.
func (p *Pacemaker) Check() []kind.Problem {
	var out kind.Problems
	seen, resources := map[string]bool{}, []string{}
	id := func(block, id string) {
		out.Name(block, id, crmID, "identifier")
		if seen[id] {
			out.Add(block, "Duplicate identifier", "Found "+kind.Quoted(id)+" again; all of them are of one cluster.")
		}
		seen[id] = true
	}
	refer := func(block, name string, known []string) {
		if !slices.Contains(known, name) {
			out.Add(block, "Unknown resource", "Found "+kind.Quoted(name)+"; there is "+strings.Join(known, ", ")+".")
		}
	}
	options := func(block string, values map[string]string) {
		for _, k := range slices.Sorted(maps.Keys(values)) {
			out.Name(block, k, crmKey, "name of an option")
		}
	}
	options("properties", p.Properties)
	options("defaults", p.Defaults)
	options("op_defaults", p.OpDefaults)
	var primitives []string
	held := map[string]bool{}
	hold := func(block, name string) {
		refer(block, name, primitives)
		if held[name] {
			out.Add(block, "Resource has two places", "Found "+kind.Quoted(name)+" in a clone or group already.")
		}
		held[name] = true
	}
	for _, x := range p.Primitives {
		id("primitive", x.ID)
		out.Name("primitive", x.Agent, crmAgent, "resource agent")
		primitives = append(primitives, x.ID)
		options("primitive", x.Params)
		options("primitive", x.Meta)
		ops := map[string]bool{}
		for _, o := range x.Ops {
			options("primitive", o.Params)
			if !slices.Contains(crmOps, o.Name) || ops[x.opID(o)] {
				out.Add("primitive", "Invalid operation", "Found "+kind.Quoted(o.Name)+" of "+x.ID+"; expected each of "+strings.Join(crmOps, ", ")+" once, or once a role.")
			}
			ops[x.opID(o)] = true
		}
	}
	resources = append(resources, primitives...)
	var groups []string
	for _, x := range p.Groups {
		id("group", x.ID)
		options("group", x.Meta)
		for _, m := range x.Of {
			hold("group", m)
		}
		groups = append(groups, x.ID)
	}
	resources = append(resources, groups...)
	primitives = append(primitives, groups...) // a clone may be of either
	for _, x := range p.Clones {
		id("clone", x.ID)
		hold("clone", x.Of)
		options("clone", x.Meta)
		resources = append(resources, x.ID)
	}
	primitives = primitives[:len(p.Primitives)]
	// sets tells whether a constraint is of two resources, and not of sets
	sets := func(block, id string, all []Set, two, names string) bool {
		if len(all) > 0 && two != "" {
			out.Add(block, "Both sets and two resources", "Found set beside "+names+" in "+kind.Quoted(id)+"; expected one of them.")
		}
		for _, s := range all {
			for _, m := range s.Of {
				refer(block, m, resources)
			}
			switch {
			case len(s.Of) == 0:
				out.Add(block, "Empty set", "Found a set of "+kind.Quoted(id)+" without resources.")
			case block == "order" && s.Role != "", block == "colocation" && (s.Action != "" || !s.RequireAll):
				out.Add(block, "Invalid set", "Found in "+kind.Quoted(id)+" what is not for this constraint; action and require_all are for an order, role is for a colocation.")
			case !s.RequireAll && s.Sequential:
				out.Add(block, "Invalid set", "Found require_all = false in "+kind.Quoted(id)+"; it needs sequential = false beside it.")
			}
		}
		return len(all) == 0
	}
	for _, x := range p.Colocations {
		id("colocation", x.ID)
		if sets("colocation", x.ID, x.Sets, x.Of+x.With+x.OfRole+x.Role, "of and with") {
			refer("colocation", x.Of, resources)
			refer("colocation", x.With, resources)
		}
		out.Matches("colocation", x.Score, crmScore, "score")
	}
	for _, x := range p.Orders {
		id("order", x.ID)
		if sets("order", x.ID, x.Sets, x.First+x.Then, "first and then") {
			refer("order", x.First, resources)
			refer("order", x.Then, resources)
		}
	}
	for _, x := range p.Locations {
		id("location", x.ID)
		refer("location", x.Of, resources)
		out.Matches("location", x.Score, crmScore, "score")
		_, err := ruleNode(x.ID, x.Rule, x.Score, x.Role)
		switch {
		case (x.Node == "") == (x.Rule == ""):
			out.Add("location", "Location needs node or rule", "Found "+map[bool]string{true: "neither", false: "both"}[x.Node == ""]+" in "+kind.Quoted(x.ID)+"; expected one of them.")
		case x.Rule != "" && err != nil:
			out.Add("location", "Invalid rule", strings.ToUpper(err.Error()[:1])+err.Error()[1:]+".")
		case x.Role != "" && x.Rule == "":
			out.Add("location", "Role without a rule", "Found role in "+kind.Quoted(x.ID)+"; expected it only beside rule.")
		case x.Node != "" && !slices.ContainsFunc(p.Nodes, func(n kind.Node) bool { return n.Name == x.Node }):
			out.Add("location", "Unknown host", "Found "+kind.Quoted(x.Node)+"; it is none of the role.")
		}
	}
	p.checkRare(&out, id)
	p.checkAttributes(&out)
	for _, x := range p.Serves {
		if held[x] {
			out.Add("serves", "Resource is part of another", "Found "+kind.Quoted(x)+", which is in a clone or a group; expected that one.")
		}
		refer("serves", x, resources)
	}
	for _, x := range p.Servers {
		refer("servers", x, primitives)
	}
	if p.Fence != nil {
		p.checkDelays(&out)
		out.Path("fence", p.Fence.Passwords)
	}
	return out
}
