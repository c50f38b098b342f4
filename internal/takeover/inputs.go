package takeover

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/config"
	"haprov/internal/config/draft"
	"haprov/internal/config/source"
	"haprov/internal/lint"
	"haprov/internal/recipe"
)

// rule says which input of a recipe a setting is.
type rule struct {
	setting, input string
	value          func(found string) (value any, ok bool)
}

// rules are in the order in which inputs are tried: one that bounds another comes before it.
var rules = map[string][]rule{
	"mysql-drbd": {
		{"corosync.conf totem token", "token", number},
		{"pacemaker property priority-fencing-delay", "fencing_delay", span},
		{"drbd handlers fence-peer", "coordinator_timeout", argument("dc-timeout")},
		{"drbd handlers fence-peer", "handler_timeout", argument("timeout")},
		{"pacemaker server stop timeout", "stop_timeout", span},
		{"drbd disk resync-rate", "resync_rate", text},
		{"drbd net ping-timeout", "ping_timeout", number},
		{"drbd net timeout", "peer_timeout", number},
		{"mysqld expire_logs_days", "binlog_days", number},
		{"mysqld binlog_expire_logs_seconds", "binlog_days", days},
		{"mysqld require_secure_transport", "require_tls", boolean},
	},
	"galera": {
		{"mysqld wsrep_provider_options evs.suspect_timeout", "speed", speed},
		{"mysqld wsrep_provider_options gcache.size", "gcache", size},
		{"mysqld innodb_buffer_pool_size", "buffer_pool", size},
		{"mysqld innodb_flush_log_at_trx_commit", "durability", durability},
		{"mysqld expire_logs_days", "binlog_days", number},
		{"mysqld binlog_expire_logs_seconds", "binlog_days", days},
		{"mysqld require_secure_transport", "require_tls", boolean},
		{"haproxy readers bind", "reader_port", port},
		{"keepalived vrrp_instance virtual_router_id", "virtual_router", number},
	},
}

// inputs finds the recipe's inputs: settings that differ from what it writes without them. What it does not
// take stays a difference. The problems are those of the inventory as it is then.
func (t *taking) inputs() config.Problems {
	if p, _ := load(filled(t.inv), t.Shipped); p == nil {
		t.note("What the recipe would write was not compared with what was found, because the inventory has mistakes.")
	} else {
		if t.spare(); t.inv.Cluster.Recipe == "mysql-drbd" {
			p, _ = load(filled(t.inv), t.Shipped)
		}
		differs := t.compare(t.rendered(p))
		t.tried(differs)
		if p, _ = load(filled(t.inv), t.Shipped); p != nil {
			for _, x := range t.compare(t.rendered(p)) {
				t.leave(x)
			}
		}
	}
	_, problems := load(t.inv, t.Shipped)
	return problems
}

// tried gives the recipe the inputs that differences say: all at once, else those that it takes.
func (t *taking) tried(differs []left) {
	all, n := t.inv, len(t.inv.Cluster.Inputs)
	for _, r := range rules[t.inv.Cluster.Recipe] {
		if value, _, ok := r.in(differs); ok && !has(all.Cluster, r.input) {
			all = all.With(draft.Input{Name: r.input, Value: value})
		}
	}
	if len(all.Cluster.Inputs) == n {
		return
	}
	if _, problems := load(filled(all), t.Shipped); !problems.Failed() {
		t.inv = all
		return
	}
	for _, last := range []bool{false, true} { // one input may be refused until another is given
		for _, r := range rules[t.inv.Cluster.Recipe] {
			t.input(r, differs, last)
		}
	}
}

// in is the value that the differences say, and of which setting.
func (r rule) in(differs []left) (value any, of left, ok bool) {
	for _, x := range differs {
		if x.name == r.setting {
			if value, ok = r.value(x.found); ok {
				return value, x, true
			}
		}
	}
	return nil, left{}, false
}

// spare takes the options of fence devices out that the recipe gives them by itself.
func (t *taking) spare() {
	without := t.inv
	without.Hosts = slices.Clone(t.inv.Hosts)
	ours := func(o draft.Option) bool { return strings.HasPrefix(o.Name, "pcmk_") }
	each := func(v draft.Inventory, drop func(host int, f draft.Fence, o draft.Option) bool) {
		for i, h := range v.Hosts {
			fences := slices.Clone(h.Fences)
			for k, f := range fences {
				fences[k].Options = slices.DeleteFunc(slices.Clone(f.Options), func(o draft.Option) bool { return drop(i, f, o) })
			}
			v.Hosts[i].Fences = fences
		}
	}
	each(without, func(_ int, _ draft.Fence, o draft.Option) bool { return ours(o) })
	p, _ := load(filled(without), t.Shipped)
	if p == nil {
		return
	}
	w := render(p)
	if w.cib == nil {
		return
	}
	given := map[string]map[string]string{}
	for _, r := range w.cib.Resources() {
		given[r.ID] = r.Params
	}
	each(t.inv, func(host int, _ draft.Fence, o draft.Option) bool {
		return ours(o) && given["fence-"+t.inv.Hosts[host].Name][o.Name] == o.Value
	})
}

// input gives one input, when a setting says it and the recipe takes it.
func (t *taking) input(r rule, differs []left, last bool) {
	value, x, ok := r.in(differs)
	if !ok || has(t.inv.Cluster, r.input) {
		return
	}
	with := t.inv.With(draft.Input{Name: r.input, Value: value})
	if _, bad := load(filled(with), t.Shipped); !bad.Failed() {
		t.inv = with
	} else if last {
		t.note("The input %s does not take %v, the value of %s: %s", r.input, value, x.name, told(bad))
	}
}

// rendered is render with what the recipe calls the virtual IP's place.
func (t *taking) rendered(p *recipe.Program) written {
	w := render(p)
	w.names.vip = t.names.vip
	return w
}

// told are problems in a line.
func told(all config.Problems) string {
	var out []string
	for _, p := range all {
		if p.Severity == source.Error && len(out) < 3 {
			out = append(out, strings.TrimSpace(p.Summary+". "+p.Detail))
		}
	}
	return strings.Join(out, " ")
}

func number(s string) (any, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0
}

// span is whole seconds.
func span(s string) (any, bool) {
	d, ok := lint.Span(s)
	return int(d / time.Second), ok && d%time.Second == 0
}

func text(s string) (any, bool) { return s, s != "" }

func boolean(s string) (any, bool) {
	on, ok := truth(s)
	return on, ok
}

func days(s string) (any, bool) {
	n, err := strconv.Atoi(s)
	return n / 86400, err == nil && n > 0 && n%86400 == 0
}

// argument is a number behind an option of the fence handler.
func argument(name string) func(string) (any, bool) {
	find := regexp.MustCompile(`(?:^| )--` + name + `[ =]([0-9]{1,6})(?:$| )`)
	return func(s string) (any, bool) {
		m := find.FindStringSubmatch(s)
		if m == nil {
			return nil, false
		}
		return number(m[1])
	}
}

// size is a number of bytes as G or M, when it is a whole one.
func size(s string) (any, bool) {
	n, ok := lint.Size(s)
	switch b := int64(n); {
	case !ok || b <= 0 || b%(1<<20) != 0:
		return nil, false
	case b%(1<<30) == 0:
		return fmt.Sprintf("%dG", b>>30), true
	default:
		return fmt.Sprintf("%dM", b>>20), true
	}
}

// speed is what the recipe calls a time until a member is suspected.
func speed(s string) (any, bool) {
	v, ok := map[string]string{"PT2S": "fast", "PT5S": "normal", "PT10S": "patient"}[s]
	return v, ok
}

func durability(s string) (any, bool) { return "fast", s == "2" }

func port(s string) (any, bool) {
	bind, _, _ := strings.Cut(s, " ")
	return number(portOf(bind))
}
