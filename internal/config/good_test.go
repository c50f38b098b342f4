package config_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"haprov/internal/config"
	"haprov/internal/config/source"
	"haprov/internal/inventory"
	"haprov/internal/kind"
	"haprov/internal/kind/host"
	"haprov/internal/kinds"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/secret"
	"haprov/internal/secret/store"
)

// TestGoodFilesMakeTheirPrograms compares the whole program with its golden form.
func TestGoodFilesMakeTheirPrograms(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.hcl")
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			p, problems := config.Load(f, config.Options{Secrets: secrets{}, Machines: runs("", 2)})
			if len(problems) > 0 {
				t.Fatal(problems.Render(100, false))
			}
			inv, err := json.MarshalIndent(p.Inventory, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.MarshalIndent(shown(p), "", " ")
			if err != nil {
				t.Fatal(err)
			}
			// Keys depend on where the test runs.
			text := string(inv) + "\n" + string(b) + "\n"
			golden(t, strings.TrimSuffix(f, ".hcl")+".json", text)
			again, _ := config.Load(f, config.Options{Secrets: secrets{}, Machines: runs("", 2)})
			if second, _ := json.MarshalIndent(shown(again), "", " "); string(second) != string(b) {
				t.Error("the same files made another program")
			}
			if strings.Contains(text, "drawn-") {
				t.Error("a secret is shown")
			}
		})
	}
}

// shown is a program without what depends on the machine, types beside values.
func shown(p *recipe.Program) any {
	type item struct {
		Address, Type string
		Hosts         []string
		Value         any
	}
	type cluster struct {
		Name, Recipe   string
		Endpoints      []recipe.Endpoint
		Hosts, Secrets []string
		Items          map[string][]item
		Checks         []recipe.Check
		Active         []recipe.Run
	}
	var out []cluster
	for _, c := range p.Clusters {
		x := cluster{c.Name, c.Recipe, c.Endpoints, c.Hosts, c.Secrets, map[string][]item{}, c.Checks, c.Active}
		for _, ch := range c.Chains {
			for _, it := range ch.Items {
				v := any(it.Step)
				if it.Cluster != nil {
					v = it.Cluster
				}
				x.Items[ch.Host] = append(x.Items[ch.Host], item{it.Address, reflect.TypeOf(v).String(), it.Hosts, said(v)})
			}
		}
		out = append(out, x)
	}
	return out
}

// said is a step's JSON without what is empty: a kind may grow without all goldens changing.
func said(v any) map[string]any {
	b, _ := json.Marshal(v)
	var m map[string]any
	_ = json.Unmarshal(b, &m)
	for k, x := range m {
		if x == nil || reflect.ValueOf(x).IsZero() {
			delete(m, k)
		}
	}
	return m
}

// meeting is a cluster step with all that the decoder offers one.
type meeting struct {
	kind.Where
	Backing map[string]string `hcl:"backing,optional" each:"host"`
	Same    string            `hcl:"same,optional"`
	Links   []link            `hcl:"link,block"`
}

type link struct {
	Name string `hcl:"name,label"`
	Cost int    `hcl:"cost,optional" default:"3" min:"1" max:"9"`
}

func (*meeting) Probe(string, probe.Hosts) []probe.Query     { return nil }
func (*meeting) Decide(_, _ probe.Hosts) (plan.Phase, error) { return plan.Phase{}, nil }

// TestAClusterStepIsOneItemOfAllItsHosts builds one with nested blocks and with values by host.
func TestAClusterStepIsOneItemOfAllItsHosts(t *testing.T) {
	kept := kinds.Table
	defer func() { kinds.Table = kept }()
	kinds.Table = append(kinds.Table[:len(kept):len(kept)], kind.Spec{Name: "meeting", New: func() any { return &meeting{} }})
	text := func(body string) []byte {
		return []byte(`
network "a" { cidr = "10.0.0.0/24" }
network "b" {
  cidr    = "10.1.0.0/24"
  carries = ["ring"]
}
host "h1" {
  address = "10.0.0.1"
  network "b" { address = "10.1.0.1" }
  disk "data" { device = "/dev/vdb" }
}
host "h2" {
  address = "10.0.0.2"
  network "b" { address = "10.1.0.2" }
  disk "data" { device = "/dev/vdc" }
}
host "h3" { address = "10.0.0.3" }
cluster "c" {
  recipe = "r"
  role "db" { hosts = [host.h2, host.h1] }
  role "proxy" { hosts = [host.h3] }
}
recipe "r" {
  on "proxy" {}
  on "db" {
    package "before" {}
    meeting "ring" {
` + body + `
    }
  }
}
`)
	}
	p, problems := config.Load("x.hcl", config.Options{Text: text(`
      backing = each.host.disk.data.device
      same    = each.host.network.ring.cidr
      link "one" {}
      link "two" { cost = 5 }`), Machines: runs("", 2)})
	if problems.Failed() {
		t.Fatal(problems.Render(80, false))
	}
	c := p.Clusters[0]
	a, b := c.Chains[0].Items, c.Chains[1].Items
	if len(a) != 2 || len(b) != 2 || a[1] != b[1] || len(c.Chains[2].Items) != 0 {
		t.Fatalf("chains %v %v %v", a, b, c.Chains[2])
	}
	want := &meeting{
		Where: kind.Where{Label: "ring", Speed: 2, Nodes: []kind.Node{
			{Name: "h1", Addresses: map[string][]string{"ssh": {"10.0.0.1"}, "ring": {"10.0.0.1", "10.1.0.1"}, "replication": {"10.0.0.1"}, "service": {"10.0.0.1"}}},
			{Name: "h2", Addresses: map[string][]string{"ssh": {"10.0.0.2"}, "ring": {"10.0.0.2", "10.1.0.2"}, "replication": {"10.0.0.2"}, "service": {"10.0.0.2"}}},
		}},
		Backing: map[string]string{"h1": "/dev/vdb", "h2": "/dev/vdc"},
		Same:    "10.0.0.0/24",
		Links:   []link{{"one", 3}, {"two", 5}},
	}
	if d := cmp.Diff(want, a[1].Cluster); d != "" || a[1].Address != "db:meeting.ring" || a[1].Step != nil || len(a[1].Hosts) != 2 {
		t.Errorf("%s: %s", a[1].Address, d)
	}
	p, problems = config.Load("x.hcl", config.Options{Text: text("      backing = \"/dev/vdb\"")})
	if len(problems) > 0 || len(p.Clusters[0].Chains[1].Items[1].Cluster.(*meeting).Backing) != 2 {
		t.Errorf("one value for all hosts: %s", problems.Render(80, false))
	}
	for body, want := range map[string]string{
		"same = each.host.name":    `"same" differs between hosts`,
		`same = facts.kernel`:      "Facts are not available here",
		"link \"x\" { cost = 10 }": `"cost" is out of range`,
		"link \"x\" { csot = 1 }":  `Unknown argument "csot"`,
		"place = \"one\"":          "\"place\" cannot be used here",
		"when = each.host.id == 1": `Unknown name "each"`,
	} {
		if _, problems := config.Load("x.hcl", config.Options{Text: text("      " + body)}); len(problems) != 1 || problems[0].Summary != want {
			t.Errorf("%s: %s", body, problems.Render(80, false))
		}
	}
}

// TestFactsAreAskedFirst follows a step whose text names facts: it asks, waits, then is a file.
func TestFactsAreAskedFirst(t *testing.T) {
	p, problems := config.Load("testdata/good/two-nodes.hcl", config.Options{Secrets: secrets{}})
	if problems.Failed() {
		t.Fatal(problems.Render(80, false))
	}
	chain, _ := p.Clusters[0].Chain("db2")
	var step *recipe.Item
	for _, it := range chain.Items {
		if it.Address == "db2:file./etc/kernel-seen" {
			step = it
		}
	}
	ask := step.Step.Probe(probe.Seen{})
	if len(ask) != 2 {
		t.Fatalf("asks %v", ask)
	}
	if c, err := step.Step.Decide(probe.Seen{}); err != nil || c.Later == "" {
		t.Errorf("decided %v, %v without facts", c, err)
	}
	answer := func(kernel, memory string) probe.Seen {
		m := map[probe.Key]probe.Answer{}
		for _, q := range ask {
			out := kernel
			if q.Name == "fact.memory" {
				out = memory
			}
			m[q.Key()] = probe.Answer{State: probe.Answered, Out: out + "\n"}
		}
		return probe.NewSeen(m)
	}
	seen := answer("6.1.0", "2048")
	qs := step.Step.Probe(seen)
	if len(qs) == 0 || qs[0].Name != "/etc/kernel-seen" {
		t.Fatalf("then asks %v", qs)
	}
	m := map[probe.Key]probe.Answer{}
	for _, q := range qs {
		m[q.Key()] = probe.Answer{State: probe.Answered}
	}
	c, err := step.Step.Decide(seen.With(m))
	if err != nil || len(c.Actions) != 1 || c.Actions[0].Write.Content.Reveal() != "6.1.0 2\n" {
		t.Errorf("decided %+v, %v", c, err)
	}
	if c, err := step.Step.Decide(answer("6.1.0", "256")); err != nil || !c.Empty() {
		t.Errorf("when says no, decided %+v, %v", c, err)
	}
	// A host that lies is refused, never evaluated.
	if _, err := step.Step.Decide(answer("${file(\"x\")}\x1b", "2048")); err == nil {
		t.Error("an escape sequence was taken for a kernel")
	}
}

// TestRecipesSeeTheDriverTheLabRunsOn: time-outs and what a kernel lacks depend on it.
func TestRecipesSeeTheDriverTheLabRunsOn(t *testing.T) {
	text := `
lab "x" {}
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
cluster "c" { recipe = "r" }
recipe "r" {
  on "all" {
    package "slow" { when = lab.driver == "tcg" }
  }
}
`
	for driver, want := range map[string]int{"": 0, "uml": 0, "tcg": 1} {
		p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Secrets: secrets{}, Machines: runs(driver, 1)})
		if len(problems) > 0 {
			t.Fatal(problems.Render(80, false))
		}
		if n := len(p.Clusters[0].Chains[0].Items); n != want || p.Inventory.Lab.Driver != "auto" {
			t.Errorf("driver %q: %d steps; the inventory says auto, found %s", driver, n, p.Inventory.Lab.Driver)
		}
	}
}

// TestAWarningIsNoRefusal: a value with a risk is taken, and told.
func TestAWarningIsNoRefusal(t *testing.T) {
	text := `
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
cluster "c" {
  recipe = "r"
  inputs = { mode = "fast" }
}
recipe "r" {
  input "mode" {
    type = string
    check "rows may be lost" {
      that = value != "fast"
      warn = true
    }
  }
  on "all" {
    package "socat" {}
  }
}
`
	p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Secrets: secrets{}})
	if p == nil || len(problems) != 1 || problems[0].Severity != source.Warning || problems[0].Line != 6 {
		t.Errorf("%v %+v", p, problems)
	}
}

// TestCertificatesAreSignedByTheClustersOwnAuthority also for every step that names them.
func TestCertificatesAreSignedByTheClustersOwnAuthority(t *testing.T) {
	text := `
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
host "db2" { address = "10.0.0.3" }
cluster "shop" { recipe = "r" }
recipe "r" {
  on "all" {
    file "/ca" { content = certificate(each.host.name).ca }
    file "/cert" { content = certificate(each.host.name).cert }
    secret "/key" { value = certificate(each.host.name).key }
  }
}
`
	p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Secrets: secrets{}})
	if len(problems) > 0 {
		t.Fatal(problems.Render(80, false))
	}
	a, b := p.Clusters[0].Chains[0].Items, p.Clusters[0].Chains[1].Items
	if a[0].Step.(*host.File).Content != b[0].Step.(*host.File).Content {
		t.Error("two authorities")
	}
	cert, key := a[1].Step.(*host.File).Content, a[2].Step.(*host.Secret).Value
	if _, err := tls.X509KeyPair([]byte(cert.Reveal()), []byte(key.Reveal())); err != nil || !key.IsSensitive() || cert.IsSensitive() {
		t.Errorf("%v", err)
	}
	if got := strings.Join(p.Clusters[0].Secrets, " "); got != "tls-ca tls-db1 tls-db2" {
		t.Errorf("secrets: %s", got)
	}
}

// TestACertificateFollowsItsAddresses: a virtual IP that changes is a certificate made anew, by the same
// authority, which is what the endpoint's clients verify by.
func TestACertificateFollowsItsAddresses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	load := func(vip string) (authority string, cert *x509.Certificate) {
		text := `
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
cluster "shop" { recipe = "r" }
recipe "r" {
  endpoint "main" {
    address  = "` + vip + `"
    port     = 3306
    protocol = "mysql"
    ca       = authority()
  }
  on "all" {
    file "/cert" { content = certificate(each.host.name, "` + vip + `", "localhost").cert }
    file "/ca" { content = certificate(each.host.name, "localhost", "` + vip + `").ca }
  }
}
`
		s, err := store.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Secrets: s})
		if len(problems) > 0 {
			t.Fatal(problems.Render(80, false))
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		c := p.Clusters[0]
		block, _ := pem.Decode([]byte(c.Chains[0].Items[0].Step.(*host.File).Content.Reveal()))
		if cert, err = x509.ParseCertificate(block.Bytes); err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(c.Endpoints[0].CA))
		if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, DNSName: vip}); err != nil {
			t.Errorf("%s: %v", vip, err)
		}
		if c.Chains[0].Items[1].Step.(*host.File).Content.Reveal() != c.Endpoints[0].CA {
			t.Error("two authorities")
		}
		return c.Endpoints[0].CA, cert
	}
	ca, first := load("10.0.0.100")
	_, same := load("10.0.0.100")
	other, moved := load("10.0.0.101")
	if !first.Equal(same) {
		t.Error("another certificate at the next run")
	}
	if ca != other || moved.VerifyHostname("10.0.0.100") == nil {
		t.Error("another authority, or still good for the former address")
	}
}

// TestAnSSHKeyIsOneForTheWholeCluster: the private half is a secret, the public one is none.
func TestAnSSHKeyIsOneForTheWholeCluster(t *testing.T) {
	text := `
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
host "db2" { address = "10.0.0.3" }
cluster "shop" { recipe = "r" }
recipe "r" {
  on "all" {
    secret "/key" { value = ssh_key("fence").private }
    file "/key.pub" { content = ssh_key("fence").public }
  }
}
`
	p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Secrets: secrets{}})
	if len(problems) > 0 {
		t.Fatal(problems.Render(80, false))
	}
	a, b := p.Clusters[0].Chains[0].Items, p.Clusters[0].Chains[1].Items
	private, public := a[0].Step.(*host.Secret).Value, a[1].Step.(*host.File).Content
	if private.Reveal() != b[0].Step.(*host.Secret).Value.Reveal() {
		t.Error("two keys")
	}
	signer, err := ssh.ParsePrivateKey([]byte(private.Reveal()))
	if err != nil || strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) != public.Reveal() || public.IsSensitive() {
		t.Errorf("%v %q", err, public.Reveal())
	}
	if got := strings.Join(p.Clusters[0].Secrets, " "); got != "ssh-fence" {
		t.Errorf("secrets: %s", got)
	}
}

// TestHostsWithoutAFenceTakeTheDevicesOfTheirMachines, as Vagrant's do; one that is written comes first.
func TestHostsWithoutAFenceTakeTheDevicesOfTheirMachines(t *testing.T) {
	text := `
lab "x" {}
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
host "db2" {
  address = "10.0.0.3"
  fence "fence_ipmilan" { options = { ip = "10.0.9.1" } }
}
cluster "shop" { recipe = "r" }
recipe "r" {
  needs = ["fencing"]
  on "all" {
    file "/device" { content = "${each.host.fence[0].agent} ${each.host.fence[0].options.ip} ${lab.enabled} ${lab.driver}" }
  }
}
`
	given := func(_ *inventory.Inventory, h inventory.Host) []inventory.Fence {
		return []inventory.Fence{{Agent: "fence_given", Options: map[string]secret.Text{"ip": secret.Plain(h.Addresses[0].IP)}}}
	}
	p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Secrets: secrets{}, Vagrant: true, Machines: runs("tcg", 1), Fences: given})
	if len(problems) > 0 {
		t.Fatal(problems.Render(80, false))
	}
	for i, want := range []string{"fence_given 10.0.0.2 false tcg", "fence_ipmilan 10.0.9.1 false tcg"} {
		if got := p.Clusters[0].Chains[i].Items[0].Step.(*host.File).Content.Reveal(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestAProgramKnowsItsPackages: a lab has them at hand before its machines can be asked anything.
func TestAProgramKnowsItsPackages(t *testing.T) {
	text := `
lab "x" {}
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
cluster "c" { recipe = "r" }
recipe "r" {
  on "all" {
    package "nginx" {}
    package "several" { names = ["wget", "curl"] }
    package "tools" { for_each = ["jq", "nginx"] }
    package "never" { when = lab.driver == "tcg" }
    package "perhaps" { when = facts.os_version == "13" }
    package "unknown" { names = ["linux-headers-${facts.kernel}"] }
    file "/etc/x" { content = facts.kernel }
  }
}
`
	p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Secrets: secrets{}})
	if len(problems) > 0 {
		t.Fatal(problems.Render(80, false))
	}
	if diff := cmp.Diff([]string{"curl", "jq", "nginx", "perhaps", "wget"}, p.Packages()); diff != "" {
		t.Error(diff)
	}
}

// TestTheLabBlockKnowsEveryDriverAndImage: one table says what there is.
func TestTheLabBlockKnowsEveryDriverAndImage(t *testing.T) {
	drivers, images := []string{"auto"}, []string{}
	for _, d := range inventory.Drivers {
		drivers = append(drivers, d.Name)
	}
	for _, i := range inventory.Images {
		images = append(images, i.Name)
	}
	for name, want := range map[string][]string{"driver": drivers, "image": images} {
		for _, known := range append(want, "x") {
			_, problems := config.Load("x.hcl", config.Options{Secrets: secrets{}, Text: []byte(`
lab "x" { ` + name + ` = "` + known + `" }
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
`)})
			if (len(problems) > 0) != (known == "x") {
				t.Errorf("%s = %q: %v", name, known, problems.Render(80, false))
			}
			if known == "x" {
				for _, v := range want {
					if !strings.Contains(problems.Render(200, false), v) {
						t.Errorf("%s: a mistake does not name %s", name, v)
					}
				}
			}
		}
	}
}

func TestAMisspeltImageIsAMistakeWithTheNearestName(t *testing.T) {
	_, problems := config.Load("x.hcl", config.Options{Secrets: secrets{}, Text: []byte(`
lab "x" { image = "debian13" }
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
`)})
	if text := problems.Render(200, false); !problems.Failed() || !strings.Contains(text, `Did you mean "debian-13"`) {
		t.Error(text)
	}
}

// TestALabsImageMayBeAFile: beside the inventory, wherever the program was started.
func TestALabsImageMayBeAFile(t *testing.T) {
	dir := t.TempDir()
	write := func(lab string) {
		t.Helper()
		text := "lab \"x\" {\n" + lab + "\n}\nnetwork \"a\" { cidr = \"10.0.0.0/24\" }\nhost \"db1\" { address = \"10.0.0.2\" }\n"
		if err := os.WriteFile(filepath.Join(dir, "haprov.hcl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a.box"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ name, lab, want string }{
		{"beside it", `image = "a.box"`, ""},
		{"in a folder above", `image = "../` + filepath.Base(dir) + `/a.box"`, ""},
		{"by QEMU", "image = \"a.box\"\ndriver = \"tcg\"", ""},
		{"with a kernel of its own", "image = \"a.box\"\ndriver = \"uml\"", "error: Driver uml cannot run an image file"},
		{"gone", `image = "b.qcow2"`, "warning: Image file is not there"},
		{"no name before the ending", `image = ".box"`, `error: "image" has an unknown value`},
	} {
		write(x.lab)
		p, problems := config.Load(filepath.Join(dir, "haprov.hcl"), config.Options{Secrets: secrets{}})
		said := ""
		for _, pr := range problems {
			said += string(pr.Severity) + ": " + pr.Summary
		}
		if said != x.want {
			t.Errorf("%s: %q, want %q", x.name, said, x.want)
		}
		if x.want == "" && (p == nil || filepath.Clean(p.Inventory.Lab.Image) != filepath.Join(dir, "a.box")) {
			t.Errorf("%s: another path", x.name)
		}
	}
}

// TestRecipesSeeWhatMachinesCan: a recipe asks for an ability, not for a driver's name.
func TestRecipesSeeWhatMachinesCan(t *testing.T) {
	text := `
lab "x" {}
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
cluster "c" { recipe = "r" }
recipe "r" {
  on "all" {
    package "nftables" { when = lab.can.filter_packets }
  }
}
`
	for driver, want := range map[string]int{"": 1, "kvm": 1, "uml": 0, "tcg": 1} {
		p, problems := config.Load("x.hcl", config.Options{Text: []byte(text), Secrets: secrets{}, Machines: runs(driver, 1)})
		if len(problems) > 0 {
			t.Fatal(problems.Render(80, false))
		}
		if n := len(p.Clusters[0].Chains[0].Items); n != want {
			t.Errorf("driver %q: %d steps", driver, n)
		}
	}
}
