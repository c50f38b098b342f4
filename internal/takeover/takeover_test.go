package takeover

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/inventory"
	"haprov/internal/lint"
	"haprov/internal/recipe"
)

// files is a collected folder: texts by HOST/NAME.
type files map[string]string

// taken imports the files.
func taken(t *testing.T, f files) (Result, error) {
	t.Helper()
	return Take(facts(f), Options{Shipped: haprov.Shipped})
}

func facts(f files) *lint.Facts {
	by := map[string]map[string]string{}
	for name, text := range f {
		host, rest, _ := strings.Cut(name, "/")
		if by[host] == nil {
			by[host] = map[string]string{}
		}
		by[host][rest] = text
	}
	return lint.FromFiles("found", slices.Sorted(maps.Keys(by)), by, time.Time{})
}

// valid imports the files and reads the inventory that was written as haprov validate does.
func valid(t *testing.T, f files) (Result, *recipe.Program) {
	t.Helper()
	r, err := taken(t, f)
	if err != nil {
		t.Fatal(err)
	}
	p, problems := config.Load("haprov.hcl", config.Options{Text: r.Text, Shipped: haprov.Shipped, Secrets: none{}})
	if problems.Failed() {
		t.Fatalf("%s\n%s", problems.Render(100, false), r.Text)
	}
	return r, p
}

// shipped renders what a shipped inventory's recipe puts on its hosts.
func shipped(t *testing.T, name string) (*recipe.Program, files) {
	t.Helper()
	text, err := haprov.Shipped.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return rendered(t, name, text, "kvm")
}

// rendered is what a recipe puts on the hosts of an inventory, with the addresses that they would say.
func rendered(t *testing.T, name string, text []byte, driver string) (*recipe.Program, files) {
	t.Helper()
	p, problems := config.Load(name, config.Options{Text: text, Shipped: haprov.Shipped, Secrets: none{},
		Machines: func(*inventory.Inventory) config.Machines { return config.Machines{Driver: driver} }})
	if problems.Failed() {
		t.Fatal(problems.Render(100, false))
	}
	out := files{}
	hosts, all := texts(p)
	for _, h := range hosts {
		for n, text := range all[h] {
			out[h+"/"+n] = text
		}
		x, _ := p.Inventory.Host(h)
		for i, a := range x.Addresses {
			out[h+"/addresses.txt"] += fmt.Sprintf("%d: eth%d    inet %s/24 brd 192.168.0.255 scope global eth%d\n", i+2, i, a.IP, i)
		}
		out[h+"/hostname"] = h + "\n"
	}
	return p, out
}

// TestWhatARecipeWroteIsSaidAgain: files that the recipes render, imported, give the inventory that they
// came from.
func TestWhatARecipeWroteIsSaidAgain(t *testing.T) {
	for name, inputs := range map[string][]string{
		"inventory/mysql-drbd.hcl": {`vip = "192.168.56.100/24"`, "require_tls = true"},
		"inventory/galera.hcl":     {`vip = "192.168.58.100/24"`, `gcache = "64M"`, `buffer_pool = "48M"`, "require_tls = true"},
		"inventory/galera-3.hcl":   {`vip = "192.168.58.100/24"`, `gcache = "64M"`, `buffer_pool = "48M"`, "require_tls = true"},
	} {
		t.Run(path.Base(name), func(t *testing.T) {
			want, f := shipped(t, name)
			r, got := valid(t, f)
			if diff := cmp.Diff(shape(want), shape(got)); diff != "" {
				t.Errorf("%s\n%s", diff, r.Text)
			}
			contains(t, r, inputs...)
		})
	}
}

// realMachines is the two-node stack on machines with service processors, with values of its own.
const realMachines = `
network "a" {
  cidr    = "10.0.0.0/24"
  carries = ["ssh", "ring", "service"]
}
network "b" {
  cidr    = "10.0.1.0/24"
  carries = ["ring", "replication"]
}
host "db1" {
  network "a" { address = "10.0.0.11" }
  network "b" { address = "10.0.1.11" }
  disk "data" { device = "/dev/disk/by-id/wwn-1" }
  fence "fence_ipmilan" { options = { ip = "10.0.9.1", username = "admin", pcmk_delay_base = "db1:9s", password = secret("fence-db1") } }
}
host "db2" {
  network "a" { address = "10.0.0.12" }
  network "b" { address = "10.0.1.12" }
  disk "data" { device = "/dev/disk/by-id/wwn-2" }
  fence "fence_ipmilan" { options = { ip = "10.0.9.2", username = "admin", password = secret("fence-db2") } }
}
cluster "shop" {
  recipe = "mysql-drbd"
  role "db" { hosts = [host.db1, host.db2] }
  inputs = { vip = "10.0.0.100/24", token = 4000, fencing_delay = 10, handler_timeout = 150, coordinator_timeout = 170, stop_timeout = 90, resync_rate = "50M", ping_timeout = 15, peer_timeout = 50, binlog_days = 3, require_tls = true }
}
`

// TestNothingIsLeftOfWhatARecipeWroteOnRealMachines: every input is found again, and nothing else differs.
func TestNothingIsLeftOfWhatARecipeWroteOnRealMachines(t *testing.T) {
	want, f := rendered(t, "real.hcl", []byte(realMachines), "")
	r, got := valid(t, f)
	if diff := cmp.Diff(shape(want), shape(got)); diff != "" {
		t.Error(diff)
	}
	contains(t, r, `vip = "10.0.0.100/24"`, "token = 4000", "fencing_delay = 10", "handler_timeout = 150", "coordinator_timeout = 170", "stop_timeout = 90",
		`resync_rate = "50M"`, "ping_timeout = 15", "peer_timeout = 50", "binlog_days = 3", "require_tls = true", `pcmk_delay_base = "db1:9s"`, `password = secret("fence-db2")`)
	// the fake secret of both sides is the same here
	contains(t, r, "# Not said: nothing was found that")
	lacks(t, r, "pcmk_reboot_timeout")
}

// shape is what two inventories of one cluster have in common: networks by their addresses, hosts by name and
// address in each, disks and roles.
func shape(p *recipe.Program) map[string][]string {
	out := map[string][]string{}
	for _, n := range p.Inventory.Networks {
		out["networks"] = append(out["networks"], n.CIDR+" "+strings.Join(n.Carries, ","))
	}
	for _, h := range p.Inventory.Hosts {
		for _, a := range h.Addresses {
			out["host "+h.Name] = append(out["host "+h.Name], a.IP)
		}
		for _, d := range h.Disks {
			out["host "+h.Name] = append(out["host "+h.Name], d.Name+" "+d.Device)
		}
	}
	for _, c := range p.Inventory.Clusters {
		for _, r := range c.Roles {
			out["cluster "+c.Name+" "+c.Recipe] = append(out["cluster "+c.Name+" "+c.Recipe], r.Name+": "+strings.Join(r.Hosts, ","))
		}
	}
	return out
}

// plain is a text with one blank where there are several, and comments on one line.
func plain(text []byte) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\n#  ", " ")), " ")
}

func contains(t *testing.T, r Result, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(plain(r.Text), w) {
			t.Errorf("no %q in\n%s", w, r.Text)
		}
	}
}

func lacks(t *testing.T, r Result, not ...string) {
	t.Helper()
	for _, w := range not {
		if strings.Contains(plain(r.Text), w) {
			t.Errorf("%q is in\n%s", w, r.Text)
		}
	}
}

// TestWhatIsNoStackIsRefused with what was found instead, and what would have been taken.
func TestWhatIsNoStackIsRefused(t *testing.T) {
	two := threeMembers()
	for _, n := range []string{"hostname", "addresses.txt", "etc/mysql/mariadb.conf.d/60-galera.cnf"} {
		delete(two, "sql-c/"+n)
	}
	for n, text := range two {
		two[n] = strings.NewReplacer(",172.16.5.13", "", "server sql-c 172.16.5.13:3306 check", "").Replace(text)
	}
	both := threeMembers()
	maps.Copy(both, byHand())
	bare := byHand()
	delete(bare, "alpha/cib.xml")
	third := byHand()
	for n := range third {
		third[n] = strings.Replace(third[n], "on beta  {", "on gamma { address 10.2.0.23:7790; }\n on beta {", 1)
	}
	broken := files{"db1/etc/drbd.d/r0.res": "resource r0 {"}
	for want, f := range map[string]files{
		"found HAProxy on lb1 alone":                  {"lb1/haproxy.cfg": "listen web\n bind :80\n server a 192.0.2.1:80\n"},
		"expected a resource of DRBD under Pacemaker": {"db1/hostname": "db1\n"},
		"a database server on db1 alone":              {"db1/my.cnf": "[mysqld]\nserver_id = 1\n"},
		"Galera has 2 members here":                   two,
		"name the hosts of one":                       both,
		"no host's cib.xml is there":                  bare,
		"has 3 hosts, recipe mysql-drbd two":          third,
		"etc/drbd.d/r0.res: the block of line 1":      broken,
	} {
		if _, err := taken(t, f); !errors.Is(err, ErrStack) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestTextsFromHostsStayTexts: what a host says can neither end a comment nor be evaluated.
func TestTextsFromHostsStayTexts(t *testing.T) {
	f := byHand()
	f["alpha/cib.xml"] = strings.NewReplacer(`value="fencer"`, `value="${secret(&quot;app&quot;)}"`, `name="lanplus" value="1"`, `name="lanplus" value="1&#10;}"`, `id="p_mail"`, `id="p_mail&#10;cluster &#9;{"`, `value="ops@example.org"`, `value="%{ if true }&#13;&#10;host &quot;evil&quot; {}"`).Replace(f["alpha/cib.xml"])
	f["alpha/etc/mysql/mariadb.conf.d/50-server.cnf"] += "init_connect = x\u2028\x1b[2J\xff\n"
	r, p := valid(t, f)
	h, _ := p.Inventory.Host("alpha")
	if got := h.Fence[0].Options["username"].Reveal(); got != "${secret(\"app\")}" {
		t.Errorf("the option is %q", got)
	}
	contains(t, r, "Option lanplus of fence device st_alpha is not one line of text")
	if len(p.Inventory.Hosts) != 2 || strings.ContainsAny(string(r.Text), "\x1b\r\u2028") || !utf8.Valid(r.Text) {
		t.Errorf("%q", r.Text)
	}
	for _, l := range strings.Split(string(r.Text), "\n") {
		if strings.Contains(l, "evil") && !strings.HasPrefix(l, "#") {
			t.Errorf("outside of a comment: %s", l)
		}
	}
}

// TestVeryMuchIsCut: an inventory stays one that can be read.
func TestVeryMuchIsCut(t *testing.T) {
	f := byHand()
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, `<rsc_location id="l%d" rsc="p_mail" node="alpha" score="1"/>`, i)
	}
	f["alpha/cib.xml"] = strings.Replace(f["alpha/cib.xml"], "</constraints>", b.String()+"</constraints>", 1)
	f["alpha/etc/drbd.d/wide.res"] = "resource wide { on " + strings.Repeat("x ", 50000) + "{ } }"
	r, _ := valid(t, f)
	if n := strings.Count(string(r.Text), "\n"); n > 3*most {
		t.Errorf("%d lines", n)
	}
	contains(t, r, "# - and more")
}

// A running server says ON of its binary log, the recipe names the files.
func TestTheBinaryLogOfARunningServerIsTheOneThatTheRecipeNames(t *testing.T) {
	for _, c := range []struct {
		found, wanted string
		same          bool
	}{{"ON", "binlog", true}, {"ON", "ON", true}, {"OFF", "binlog", false}, {"ON", "OFF", false}, {"mysql-bin", "binlog", false}} {
		if got := same("mysqld log_bin", c.found, c.wanted); got != c.same {
			t.Errorf("%s and %s: %v", c.found, c.wanted, got)
		}
	}
}
