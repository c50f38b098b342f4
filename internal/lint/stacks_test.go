package lint_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/inventory"
	"haprov/internal/kind"
	"haprov/internal/kind/host"
	"haprov/internal/kind/pacemaker"
	"haprov/internal/lint"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

// now is when all test data was read.
var now = time.Date(2026, 11, 28, 1, 0, 0, 0, time.UTC)

type secrets struct{}

const drawn = "drawn-secret"

func (secrets) Get(string, string, int) (secret.Text, bool) { return secret.Sensitive(drawn), false }

var made sync.Map

func (secrets) Former(string, string) (secret.Text, bool) { return secret.Text{}, false }

func (secrets) Renew(cluster, name string, make func(string) (string, error)) error {
	old, ok := made.Load(cluster + "/" + name)
	if !ok {
		return nil
	}
	s, err := make(old.(secret.Text).Reveal())
	if err == nil && s != "" {
		made.Store(cluster+"/"+name, secret.Sensitive(s))
	}
	return err
}

func (secrets) Make(cluster, name string, make func() (string, error)) (secret.Text, bool, error) {
	if t, ok := made.Load(cluster + "/" + name); ok {
		return t.(secret.Text), false, nil
	}
	s, err := make()
	made.Store(cluster+"/"+name, secret.Sensitive(s))
	return secret.Sensitive(s), false, err
}

// files is a collected folder: texts by HOST/NAME.
type files map[string]string

// rendered is what the shipped recipe of an inventory would put on its hosts, and into the CIB.
func rendered(t *testing.T, path string) files {
	t.Helper()
	text, err := haprov.Shipped.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return renderedText(t, path, string(text), "uml")
}

func renderedText(t *testing.T, path, text, driver string) files {
	t.Helper()
	t.Chdir(t.TempDir())
	p, problems := config.Load(path, config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}, Machines: func(*inventory.Inventory) config.Machines { return config.Machines{Driver: driver} }})
	if problems.Failed() {
		t.Fatal(problems.Render(100, false))
	}
	out := files{}
	for _, ch := range p.Clusters[0].Chains {
		for _, it := range ch.Items {
			if f, ok := it.Step.(*host.File); ok {
				out[ch.Host+f.Path] = f.Content.Reveal()
			} else if path, ok := strings.CutPrefix(it.Address, ch.Host+":file./etc/"); ok {
				h, _ := p.Inventory.Host(ch.Host)
				out[ch.Host+"/etc/"+path] = late(t, it.Step, "2: eth0    inet "+h.Addresses[0].IP+"/24 scope global eth0")
			}
			if c, ok := it.Cluster.(*pacemaker.Pacemaker); ok {
				out[ch.Host+"/cib.xml"] = `<cib epoch="1">` + c.Wanted().Text() + `</cib>`
			}
		}
	}
	return out
}

// late is the file of a step that is made of facts, as it would be written to a host where there is none.
func late(t *testing.T, s kind.Step, interfaces string) string {
	t.Helper()
	seen := probe.Seen{}
	for range 3 {
		for _, q := range s.Probe(seen) {
			a := probe.Answer{State: probe.Answered}
			if q.Kind == probe.Command {
				a.Out = interfaces
			}
			seen = seen.With(map[probe.Key]probe.Answer{q.Key(): a})
		}
	}
	c, err := s.Decide(seen)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Actions {
		if a.Write != nil {
			return a.Write.Content.Reveal()
		}
	}
	t.Fatalf("nothing is written: %+v", c)
	return ""
}

// healthy adds to a stack's files what its tools would say of hosts that are well.
func healthy(t *testing.T, inventory string) files {
	t.Helper()
	f := rendered(t, inventory)
	for i, h := range f.hosts() {
		put := func(name, text string) { f[h+"/"+name] = text }
		put("hostname", h+"\n")
		put("machine.txt", "kernel 6.1.0-41-amd64\nmemory 1000000\ncpus 2\n")
		put("clock.txt", "NTPSynchronized=yes\n")
		put("df.txt", "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 1000 400 600 40% /\n")
		put("fstab", "/dev/vda1 / ext4 defaults 0 1\n")
		put("sysctl.txt", "net.ipv4.ip_nonlocal_bind = 1\n")
		if _, ok := f[h+"/etc/corosync/corosync.conf"]; ok {
			put("corosync-cmapctl.txt", "quorum.two_node (u8) = 1\nruntime.config.totem.consensus (u32) = 1000\nruntime.config.totem.token (u32) = 5000\ntotem.crypto_cipher (str) = aes256\ntotem.transport (str) = knet\n")
			put("crm_mon.xml", captured(t))
			put("crm_verify.txt", "exit 0\n")
			if i == 0 {
				put("accounts.tsv", "")
			}
			put("fence-history.xml", `<pacemaker-result><list><fence_event action="reboot" target="db1" client="x" origin="db2" status="success" delegate="db2" completed="2026-11-21 06:16:58Z"/><fence_event action="reboot" target="db2" client="x" origin="db1" status="success" delegate="db1" completed="2026-11-22 06:16:58Z"/></list></pacemaker-result>`)
			put("drbd-proc.txt", "version: 8.4.11 (api:1/proto:86-101)\n 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0\n")
			put("drbd-module.txt", "loaded 8.4.11\nfile 8.4.11\n")
			put("drbd-verified.txt", map[bool]string{false: "now 1795900000\nsince 1790000000\n", true: "now 1795900000\nsince 1790000000\n0 1795860000\n"}[i == 0])
			put("modes.txt", "400 root root "+strings.Repeat("ab", 32)+" /etc/corosync/authkey\n600 root root - /etc/drbd.d/mysql.res\n")
			put("units.txt", "corosync enabled\npacemaker enabled\ndrbd disabled\nmariadb disabled\n")
			put("packages.txt", "corosync 3.1.7-1\npacemaker 2.1.5-1\nmariadb-server 1:10.11.19-0\n")
			put("links.txt", "eth0 1000\neth1 10000\n")
			put("addresses.txt", fmt.Sprintf("1: lo inet 127.0.0.1/8\n2: eth0 inet 192.168.56.%d/24 scope global eth0\n3: eth1 inet 192.168.57.%d/24 scope global eth1\n", 11+i, 11+i))
			continue
		}
		put("packages.txt", "mariadb-server 1:10.11.19-0\n")
		if _, ok := f[h+"/etc/haproxy/haproxy.cfg"]; ok {
			put("haproxy-stat.csv", "# pxname,svname,status,bck,scur,sid,type,check_status,last_chk,\nwriter,db1,UP,0,3,1,2,L7OK,Synced,\nwriter,db2,UP,1,0,2,2,L7OK,Synced,\nreader,db1,UP,0,3,1,2,,via writer/db1,\n")
		}
		put("units.txt", "mariadb enabled\nhaproxy enabled\nkeepalived enabled\n")
		put("addresses.txt", fmt.Sprintf("2: eth0 inet 192.168.58.%d/24 scope global eth0\n", 11+i))
		if strings.HasPrefix(h, "db") {
			put("modes.txt", "600 mysql mysql - /etc/mysql/tls/key.pem\n")
			put("certificates.txt", "/etc/mysql/tls/cert.pem|notBefore=Nov 21 06:00:00 2026 GMT|notAfter=Nov 19 06:00:00 2036 GMT|\n")
			put("accounts.tsv", "")
			put("schema.tsv", "app\t12\t25520000000\n")
			put("tables.tsv", "app\torders\tInnoDB\t1\n")
			put("status.tsv", "wsrep_cluster_status\tPrimary\nwsrep_local_state_comment\tSynced\nwsrep_ready\tON\nwsrep_cluster_size\t3\nwsrep_cluster_conf_id\t7\nwsrep_cluster_state_uuid\t0a5cc8a4-c6a5-11f0-8d3b-5f0d7e5c1a2b\nwsrep_last_committed\t44\nUptime\t86400\nwsrep_received_bytes\t1000000\nwsrep_replicated_bytes\t1000000\n")
		}
	}
	return f
}

func captured(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(source, "../cluster/pacemaker/testdata/crm_mon-2.1.5-healthy.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// source is this package's folder: tests change theirs.
var source = func() string {
	d, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return d
}()

// judged lints the files as the hosts' answers would have them.
func judged(t *testing.T, f files, except ...string) lint.Report {
	t.Helper()
	return lint.Judge(lint.FromAnswers("shop", f.hosts(), f.bundles(), nil, now), except)
}

func (f files) hosts() (out []string) {
	for name := range f {
		h, _, _ := strings.Cut(name, "/")
		out = append(out, h)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// bundles are the files as the collector prints them.
func (f files) bundles() map[string]string {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(f)) {
		h, rest, _ := strings.Cut(name, "/")
		if out[h] == "" {
			out[h] = "haprov-facts 1\n"
		}
		out[h] += fmt.Sprintf("@ read %d %s\n%s\n", len(f[name]), rest, f[name])
	}
	for h := range out {
		out[h] += "end\n"
	}
	return out
}

// folder writes the files.
func (f files) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func find(t *testing.T, r lint.Report, id string) lint.Result {
	t.Helper()
	for _, x := range r.Results {
		if x.ID == id {
			return x
		}
	}
	t.Fatalf("no check %s", id)
	return lint.Result{}
}

const (
	twoNodes = "inventory/mysql-drbd.hcl"
	members  = "inventory/galera.hcl"
)

// TestTheShippedStacksAreClean lints what the recipes render: no check finds anything, and those whose
// files are there are ok.
func TestTheShippedStacksAreClean(t *testing.T) {
	for _, inventory := range []string{twoNodes, members, "inventory/galera-3.hcl"} {
		t.Run(filepath.Base(inventory), func(t *testing.T) {
			for what, f := range map[string]files{"rendered": rendered(t, inventory), "healthy": healthy(t, inventory)} {
				r := judged(t, f)
				for _, x := range r.Results {
					bad := x.Word == lint.Bad || x.Word == lint.Unreadable || what == "healthy" && x.Word == lint.Unknown
					if bad && !(inventory == "inventory/galera-3.hcl" && x.Word == lint.Unknown) {
						t.Errorf("%s: %s is %s: %+v", what, x.ID, x.Word, x.Findings)
					}
				}
				if n := r.Count[lint.OK]; n < 20 || r.Failed() {
					t.Errorf("%s: %d checks ok, %v", what, n, r.Count)
				}
			}
		})
	}
}

// realMachines is the two-node stack on machines with service processors.
const realMachines = `
network "a" { cidr = "10.0.0.0/24" }
network "b" {
  cidr    = "10.0.1.0/24"
  carries = ["ring", "replication"]
}
host "db1" {
  network "a" { address = "10.0.0.11" }
  network "b" { address = "10.0.1.11" }
  disk "data" { device = "/dev/vdb" }
  fence "fence_ipmilan" { options = { ip = "10.0.9.1", username = "admin", password = secret("ipmi1") } }
}
host "db2" {
  network "a" { address = "10.0.0.12" }
  network "b" { address = "10.0.1.12" }
  disk "data" { device = "/dev/vdb" }
  fence "fence_ipmilan" { options = { ip = "10.0.9.2", username = "admin", password = secret("ipmi2") } }
}
cluster "shop" {
  recipe = "mysql-drbd"
  role "db" { hosts = [host.db1, host.db2] }
  inputs = { vip = "10.0.0.100/24" }
}
`

// TestTheShippedStacksAreCleanAtEachSpeed renders them for each sort of machine and each speed.
func TestTheShippedStacksAreCleanAtEachSpeed(t *testing.T) {
	texts := map[string]string{"real machines": realMachines}
	for _, inventory := range []string{twoNodes, members} {
		text, err := haprov.Shipped.ReadFile(inventory)
		if err != nil {
			t.Fatal(err)
		}
		texts[inventory] = string(text)
	}
	for name, text := range texts {
		for _, driver := range []string{"uml", "kvm", "tcg"} {
			for _, speed := range []string{"fast", "normal", "patient"} {
				if driver == "tcg" && speed == "patient" {
					continue // the recipe takes no token of 45 s
				}
				with := strings.Replace(text, "vip ", "speed = \""+speed+"\"\n    vip ", 1)
				if strings.Contains(text, "{ vip") {
					with = strings.Replace(text, "{ vip", "{ speed = \""+speed+"\", vip", 1)
				}
				if with == text {
					t.Fatal(name)
				}
				for _, x := range judged(t, renderedText(t, "inventory.hcl", with, driver)).Results {
					if x.Word == lint.Bad || x.Word == lint.Unreadable {
						t.Errorf("%s, %s, %s: %s is %s: %+v", name, driver, speed, x.ID, x.Word, x.Findings)
					}
				}
			}
		}
	}
}
