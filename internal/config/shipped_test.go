package config_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/kind"
	"haprov/internal/kind/drbd"
	"haprov/internal/kind/host"
	"haprov/internal/kind/pacemaker"
	"haprov/internal/kinds"
	"haprov/internal/recipe"
)

// TestTheShippedInventoryLoads is the first thing a new user does: nothing named, an empty folder.
func TestTheShippedInventoryLoads(t *testing.T) {
	t.Chdir(t.TempDir())
	p, problems := config.Load("", config.Options{Shipped: haprov.Shipped, Default: haprov.Default, Secrets: secrets{}})
	if len(problems) > 0 {
		t.Fatal(problems.Render(100, false))
	}
	if p.Inventory.Lab == nil || len(p.Clusters) != 1 || len(p.Clusters[0].Chains) != 2 || len(p.Clusters[0].Endpoints) != 1 || len(p.Clusters[0].Active) != 2 {
		t.Errorf("%+v", p.Clusters)
	}
}

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
  fence "fence_ipmilan" { options = { ip = "10.0.9.1", username = "a&b", password = secret("ipmi") } }
}
host "db2" {
  network "a" { address = "10.0.0.12" }
  network "b" { address = "10.0.1.12" }
  disk "data" { device = "/dev/disk/by-id/scsi-2" }
  fence "fence_virsh" { options = { ip = "10.0.9.2", plug = "db2", identity_file = "/root/.ssh/id", pcmk_reboot_timeout = "45s" } }
}
cluster "shop" {
  recipe = "mysql-drbd"
  role "db" { hosts = [host.db1, host.db2] }
  inputs = { vip = "10.0.0.100/24" }
  backup { repository = "sftp:backup@10.0.0.9:/srv/shop" }
}
`

// TestFenceDevicesOfRealMachines says that each host's devices come into the cluster, and a
// password only into a file that root alone reads, on both hosts.
func TestFenceDevicesOfRealMachines(t *testing.T) {
	p, problems := config.Load("testdata/real.hcl", config.Options{Text: []byte(realMachines), Shipped: haprov.Shipped, Secrets: secrets{}})
	if len(problems) > 0 {
		t.Fatal(problems.Render(100, false))
	}
	files := 0
	for _, ch := range p.Clusters[0].Chains {
		for _, it := range ch.Items {
			switch s := it.Step.(type) {
			case *host.File:
				if s.Path == "/etc/haprov/fence-db1.password" && s.Mode == "0700" && s.Content.IsSensitive() && strings.Contains(s.Content.Reveal(), "ipmi") {
					files++
				}
			}
			c, ok := it.Cluster.(*pacemaker.Pacemaker)
			if !ok {
				continue
			}
			want := [][]kind.Device{
				{{ID: "fence-db1", Agent: "fence_ipmilan", Secret: true, Options: map[string]string{"ip": "10.0.9.1", "username": "a&b"}}},
				{{ID: "fence-db2", Agent: "fence_virsh", Options: map[string]string{"ip": "10.0.9.2", "plug": "db2", "identity_file": "/root/.ssh/id", "pcmk_reboot_timeout": "45s"}}},
			}
			if d := cmp.Diff(want, [][]kind.Device{c.Nodes[0].Fence, c.Nodes[1].Fence}); d != "" {
				t.Error(d)
			}
		}
	}
	if files != 2 {
		t.Errorf("%d files with the password", files)
	}
}

// TestAPasswordInTheOpenIsToldOf says what to write instead.
func TestAPasswordInTheOpenIsToldOf(t *testing.T) {
	text := strings.ReplaceAll(realMachines, `secret("ipmi")`, `"calvin"`)
	p, problems := config.Load("testdata/real.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
	if p == nil || len(problems) != 1 || problems[0].Summary != "Password in plain text in the inventory" {
		t.Error(problems.Render(100, false))
	}
	if strings.Contains(problems.Render(100, false), "calvin") {
		t.Error("it is shown once more")
	}
}

// TestEveryShippedInventoryLoads reads what a user copies, as it stands.
func TestEveryShippedInventoryLoads(t *testing.T) {
	files, err := fs.Glob(haprov.Shipped, "inventory/*.hcl")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := haprov.Shipped.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, driver := range []string{"", "uml", "tcg"} {
			p, problems := config.Load(f, config.Options{Text: text, Shipped: haprov.Shipped, Secrets: secrets{}, Machines: runs(driver, 1)})
			if len(problems) > 0 {
				t.Fatalf("%s: %s", f, problems.Render(100, false))
			}
			for _, c := range p.Clusters {
				if len(c.Endpoints) == 0 || len(c.Active) == 0 || len(c.Checks) == 0 {
					t.Errorf("%s: cluster %s has no endpoint, active side or checks", f, c.Name)
				}
			}
		}
	}
}

// TestEveryExampleDecodes reads the example of each kind as a user would copy it.
func TestEveryExampleDecodes(t *testing.T) {
	for _, s := range kinds.Table {
		t.Run(s.Name, func(t *testing.T) {
			hosts := "[host.db1, host.db2]"
			if strings.Contains(s.Example, "arb1") {
				hosts = "[host.db1, host.db2, host.arb1]"
			}
			text := `
network "a" { cidr = "10.0.0.0/24" }
host "db1" {
  address = "10.0.0.1"
  disk "data" { device = "/dev/vdb" }
}
host "db2" {
  address = "10.0.0.2"
  disk "data" { device = "/dev/vdb" }
}
host "arb1" { address = "10.0.0.3" }
cluster "c" {
  recipe = "r"
  role "db" { hosts = ` + hosts + ` }
}
recipe "r" {
  on "db" {
` + s.Example + `
  }
}
`
			p, problems := config.Load("testdata/example.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
			if problems.Failed() { // two hosts with one network are warned of
				t.Fatal(problems.Render(100, false))
			}
			if it := p.Clusters[0].Chains[0].Items; len(it) == 0 || !strings.Contains(it[0].Address, ":"+s.Name+".") {
				t.Errorf("%v", it)
			}
		})
	}
}

// TestAFenceAgentsProgramsAreInstalled: fence-agents holds most agents, not those of fence_virtd, and
// only recommends what others run.
func TestAFenceAgentsProgramsAreInstalled(t *testing.T) {
	for device, want := range map[string][]string{
		`fence "fence_ipmilan" { options = { ip = "10.0.9.1", username = "ha" } }`:              {"ipmitool"},
		`fence "fence_virt" { options = { ipaddr = "10.0.9.1", plug = "x" } }`:                  {"fence-virt"},
		`fence "fence_virsh" { options = { ip = "10.0.9.1", plug = "x", username = "fence" } }`: nil,
	} {
		text := regexp.MustCompile(`(?m)^  fence .*$`).ReplaceAllString(realMachines, "")
		for i, host := range []string{"db1", "db2"} {
			text = strings.Replace(text, `host "`+host+`" {`, `host "`+host+"\" {\n  "+strings.NewReplacer("9.1", fmt.Sprintf("9.%d", i+1), `"x"`, `"`+host+`"`).Replace(device), 1)
		}
		p, problems := config.Load("testdata/real.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
		if len(problems) > 0 {
			t.Fatal(problems.Render(100, false))
		}
		var got []string
		for _, name := range p.Packages() {
			if name == "ipmitool" || name == "fence-virt" {
				got = append(got, name)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", device, d)
		}
	}
}

// TestAHostMoreInTheInventoryRenumbersNobody: a running Corosync does not survive another nodeid, nor
// a server's replicas another server_id.
func TestAHostMoreInTheInventoryRenumbersNobody(t *testing.T) {
	files := func(text string) map[string]string {
		p, problems := config.Load("testdata/real.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
		if len(problems) > 0 {
			t.Fatal(problems.Render(100, false))
		}
		out := map[string]string{}
		for _, ch := range p.Clusters[0].Chains {
			for _, it := range ch.Items {
				if s, ok := it.Step.(*host.File); ok && (s.Path == "/etc/corosync/corosync.conf" || strings.HasSuffix(s.Path, "/90-haprov.cnf")) {
					out[ch.Host+s.Path] = s.Content.Reveal()
				}
			}
		}
		return out
	}
	want := files(realMachines)
	more := strings.Replace(realMachines, `host "db1" {`, "host \"a\" {\n  network \"a\" { address = \"10.0.0.9\" }\n  network \"b\" { address = \"10.0.1.9\" }\n}\nhost \"db1\" {", 1)
	other := strings.Replace(more, "[host.db1, host.db2]", "[host.db2, host.db1]", 1)
	for _, text := range []string{more, other} {
		if d := cmp.Diff(want, files(text)); d != "" || len(want) != 4 || !strings.Contains(want["db1/etc/corosync/corosync.conf"], "nodeid: 1\n    ring0_addr: 10.0.0.11\n    ring1_addr: 10.0.1.11\n") {
			t.Error(want, d)
		}
	}
}

// TestDRBDsHandlerOutlastsTheFenceDevice: one that gives up first leaves the survivor's writes frozen
// (crm-fence-peer.sh: --timeout longer than the time to fence, --dc-timeout longer than that).
func TestDRBDsHandlerOutlastsTheFenceDevice(t *testing.T) {
	p, problems := config.Load("testdata/real.hcl", config.Options{Text: []byte(realMachines), Shipped: haprov.Shipped, Secrets: secrets{}})
	if len(problems) > 0 {
		t.Fatal(problems.Render(100, false))
	}
	var handler, coordinator, reboot, promote int
	for _, it := range p.Clusters[0].Chains[0].Items {
		if s, ok := it.Step.(*host.File); ok && s.Path == "/etc/drbd.d/mysql.res" {
			_, rest, _ := strings.Cut(s.Content.Reveal(), "crm-fence-peer.sh ")
			if _, err := fmt.Sscanf(rest, "--timeout %d --dc-timeout %d", &handler, &coordinator); err != nil {
				t.Fatal(err)
			}
		}
		if c, ok := it.Cluster.(*pacemaker.Pacemaker); ok {
			reboot = int(c.Fence.Reboot.Seconds())
			for _, o := range c.Primitives[0].Ops {
				if o.Name == "promote" {
					promote = int(o.Timeout.Seconds())
				}
			}
			// a service processor needs seconds to cut the power: with less both sides are cut
			if c.Properties["priority-fencing-delay"] != "15s" {
				t.Errorf("the active side is ahead by %s", c.Properties["priority-fencing-delay"])
			}
		}
	}
	if promote <= coordinator {
		t.Errorf("Pacemaker gives up a promotion after %d s, DRBD's handler waits %d s", promote, coordinator)
	}
	if reboot == 0 || handler < reboot+30 || coordinator <= handler {
		t.Errorf("reboot %d s, handler %d s, coordinator %d s", reboot, handler, coordinator)
	}
}

// TestTimeoutsInTheWrongOrderAreRefused: each of these leaves a survivor frozen, or nobody alive.
func TestTimeoutsInTheWrongOrderAreRefused(t *testing.T) {
	for inputs, want := range map[string]string{
		"handler_timeout = 5":                              `Invalid value for input "handler_timeout"`,
		"handler_timeout = 108":                            `Invalid value for input "handler_timeout"`, // 3.6 s, 15 s and 90 s
		"handler_timeout = 109":                            "",
		"token = 30000":                                    "", // 36 s, 15 s and 90 s
		"token = 30000, fencing_delay = 60":                `Invalid value for input "handler_timeout"`,
		"coordinator_timeout = 180":                        `Invalid value for input "coordinator_timeout"`,
		"handler_timeout = 240, coordinator_timeout = 241": "",
		"fencing_delay = 0":                                `Active node may lose the fencing race`,
		"fencing_delay = -1":                               `Invalid value for input "fencing_delay"`,
		`speed = "fast"`:                                   "",
		`speed = "patient"`:                                "",
		`speed = "slow"`:                                   `Invalid value for input "speed"`, // and nothing of what it would set
		`speed = "patient", handler_timeout = 115`:         `Invalid value for input "handler_timeout"`,
	} {
		text := strings.Replace(realMachines, `100/24" }`, `100/24", `+inputs+" }", 1)
		if !strings.Contains(text, inputs) {
			t.Fatal(text)
		}
		_, problems := config.Load("testdata/real.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
		var got []string
		for _, p := range problems {
			got = append(got, p.Summary)
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %q, want %q\n%s", inputs, got, want, problems.Render(100, false))
		}
	}
}

// With server = "mysql" nothing of MariaDB is installed, asked or started; what reads MariaDB alone is refused.
func TestTheTwoNodeStackRunsMySQL(t *testing.T) {
	const copies = "  backup { repository = \"sftp:backup@10.0.0.9:/srv/shop\" }\n"
	load := func(with string) (*recipe.Program, config.Problems) {
		text := strings.Replace(strings.Replace(realMachines, copies, with, 1), `100/24" }`, `100/24", server = "mysql" }`, 1)
		return config.Load("testdata/real.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
	}
	p, problems := load("")
	if problems.Failed() {
		t.Fatal(problems.Render(100, false))
	}
	if all := strings.Join(p.Packages(), " "); !strings.Contains(all, "mysql-server") || strings.Contains(all, "mariadb") {
		t.Errorf("packages: %s", all)
	}
	said := ""
	for _, it := range p.Clusters[0].Chains[0].Items {
		switch s := it.Step.(type) {
		case *host.File:
			if s.Path == "/etc/mysql/haprov.cnf" {
				said += s.Content.Reveal()
			}
		case *host.Service:
			said += "service " + s.Name + "\n"
		}
		if d, ok := it.Cluster.(*drbd.DRBDVolume); ok {
			said += d.Seed
		}
		if c, ok := it.Cluster.(*pacemaker.Pacemaker); ok {
			for _, x := range c.Primitives {
				said += fmt.Sprintln(x.ID, x.Params)
			}
		}
	}
	for _, c := range p.Clusters[0].Checks {
		for _, r := range c.Runs {
			said += r.Shell.Reveal() + "\n"
		}
	}
	for _, want := range []string{"binlog_expire_logs_seconds = 604800", "mysqlx = OFF", "service mysql\n", "mysqld --no-defaults --initialize-insecure", "binary:/usr/sbin/mysqld client:mysql", "timeout 10 mysql -N"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said", want)
		}
	}
	for _, foreign := range []string{"expire_logs_days", "symbolic_links", "mariadb"} {
		if strings.Contains(said, foreign) {
			t.Errorf("%q is said", foreign)
		}
	}
	if _, problems = load(copies); !strings.Contains(problems.Render(100, false), "mariadb-backup") {
		t.Error(problems.Render(100, false))
	}
}

// One word sets all times of a stack, so that none is forgotten: members, proxies and the address.
func TestSpeedSetsAllTimes(t *testing.T) {
	times := func(inventory, inputs string, of ...string) (out []string) {
		text, err := haprov.Shipped.ReadFile(inventory)
		if err != nil {
			t.Fatal(err)
		}
		t.Chdir(t.TempDir())
		p, problems := config.Load(inventory, config.Options{Text: []byte(strings.Replace(string(text), "inputs = {", "inputs = { "+inputs+", ", 1)), Shipped: haprov.Shipped, Secrets: secrets{}})
		if problems.Failed() {
			t.Fatalf("%s\n%s", inputs, problems.Render(100, false))
		}
		files := ""
		for _, ch := range p.Clusters[0].Chains {
			for _, it := range ch.Items {
				if f, ok := it.Step.(*host.File); ok {
					files += f.Content.Reveal()
				}
			}
		}
		for _, x := range of {
			m := regexp.MustCompile(x + `[ =]*([^ ;\n]+)`).FindStringSubmatch(files)
			if m == nil {
				t.Fatalf("%s: no %s", inventory, x)
			}
			out = append(out, m[1])
		}
		return out
	}
	for _, x := range []struct{ inventory, speed, want string }{
		{"inventory/galera.hcl", "fast", "PT2S PT6S 1s 300ms"},
		{"inventory/galera.hcl", "normal", "PT5S PT15S 2s 1s"},
		{"inventory/galera.hcl", "patient", "PT10S PT30S 4s 2s"},
	} {
		got := times(x.inventory, "speed = \""+x.speed+"\"", "evs.suspect_timeout", "evs.inactive_timeout", "check port 9200 inter", "fastinter")
		if strings.Join(got, " ") != x.want {
			t.Errorf("%s %s: %s, want %s", x.inventory, x.speed, got, x.want)
		}
	}
	for speed, want := range map[string]string{"fast": "2000 400 30", "normal": "3000 600 60", "patient": "9000 1800 60"} {
		got := times("inventory/mysql-drbd.hcl", "speed = \""+speed+"\"", `token:`, `consensus:`, `\n    timeout`)
		if strings.Join(got, " ") != want {
			t.Errorf("mysql-drbd %s: %s, want %s", speed, got, want)
		}
	}
}

// What status judges of a host is what the recipe's own steps say of it.
func TestTheGaleraRecipeShowsItsMembersAndItsWriter(t *testing.T) {
	t.Chdir(t.TempDir())
	text, err := haprov.Shipped.ReadFile("inventory/galera.hcl")
	if err != nil {
		t.Fatal(err)
	}
	p, problems := config.Load("inventory/galera.hcl", config.Options{Text: text, Shipped: haprov.Shipped, Secrets: secrets{}})
	if problems.Failed() {
		t.Fatal(problems.Render(100, false))
	}
	c := p.Clusters[0]
	var got []string
	for _, x := range c.Parts() {
		if x.Kind != "service" {
			got = append(got, fmt.Sprintf("%s.%s %d", x.Kind, x.Name, len(x.Sensors)))
		}
	}
	if want := []string{"galera.db 3", "mysql_database.app 3", "mysql_database.drill 3", "haproxy.writer 2"}; !slices.Equal(got, want) {
		t.Errorf("parts: %v, want %v", got, want)
	}
	ch, _ := c.Chain("db1")
	for _, it := range ch.Items {
		if f, ok := it.Step.(*host.File); ok && f.Path == "/etc/systemd/system/haprov-health.service" && !strings.Contains(f.Content.Reveal(), " 9200 2 /etc/haprov/maintenance\n") {
			t.Errorf("the health responder reads another file:\n%s", f.Content.Reveal())
		}
	}
}

// TestTheServerOfTwoNodesIsOneOfTwo: what MariaDB has is what it had before there was a choice, since
// another byte of its file or another parameter of its agent restarts it; MySQL gets no option that
// only MariaDB knows, and a file that Debian's own server does not read.
func TestTheServerOfTwoNodesIsOneOfTwo(t *testing.T) {
	load := func(server, more string) (*recipe.Program, string) {
		text := strings.Replace(realMachines, `inputs = {`, `inputs = { server = "`+server+`", `, 1)
		text = strings.Replace(text, `  backup { repository = "sftp:backup@10.0.0.9:/srv/shop" }`, more, 1)
		p, problems := config.Load("testdata/real.hcl", config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
		return p, problems.Render(100, false)
	}
	find := func(p *recipe.Program) (files map[string]string, params map[string]string) {
		files = map[string]string{}
		for _, ch := range p.Clusters[0].Chains {
			for _, it := range ch.Items {
				if s, ok := it.Step.(*host.File); ok && ch.Host == "db1" && strings.Contains(s.Path, "mysql") && strings.HasSuffix(s.Path, ".cnf") {
					files[s.Path] = s.Content.Reveal()
				}
				if c, ok := it.Cluster.(*pacemaker.Pacemaker); ok {
					for _, x := range c.Primitives {
						if x.ID == "mysql-server" {
							params = x.Params
						}
					}
				}
			}
		}
		return files, params
	}
	p, said := load("mariadb", "")
	if said != "" {
		t.Fatal(said)
	}
	files, params := find(p)
	if d := cmp.Diff(map[string]string{"datadir": "/srv/mysql/data", "answer_timeout": "8"}, params); d != "" {
		t.Error(d)
	}
	const mariadb = "/etc/mysql/mariadb.conf.d/90-haprov.cnf"
	options := regexp.MustCompile(`(?m)^[a-z!\[].*`).FindAllString(files[mariadb], -1)
	if d := cmp.Diff([]string{"[mysqld]", "server_id = 1", "datadir = /srv/mysql/data", "bind_address = 0.0.0.0", "skip_name_resolve", "innodb_flush_log_at_trx_commit = 1", "innodb_doublewrite = ON",
		"log_bin = binlog", "binlog_format = ROW", "sync_binlog = 1", "expire_logs_days = 7", "local_infile = OFF",
		"ssl_ca = /etc/mysql/haprov-ca.pem", "ssl_cert = /etc/mysql/haprov-cert.pem", "ssl_key = /etc/mysql/haprov-key.pem", "tls_version = TLSv1.2,TLSv1.3", "symbolic_links = 0"}, options); d != "" || len(files) != 1 {
		t.Error(d, files)
	}

	if p, said = load("mysql", ""); said != "" {
		t.Fatal(said)
	}
	files, params = find(p)
	const mysql = "/etc/mysql/haprov.cnf"
	if d := cmp.Diff(map[string]string{"datadir": "/srv/mysql/data", "answer_timeout": "8", "binary": "/usr/sbin/mysqld", "client": "mysql", "config": mysql}, params); d != "" {
		t.Error(d)
	}
	options = regexp.MustCompile(`(?m)^[a-z!\[].*`).FindAllString(files[mysql], -1)
	if d := cmp.Diff([]string{"!include /etc/mysql/my.cnf", "[mysqld]", "server_id = 1", "datadir = /srv/mysql/data", "bind_address = 0.0.0.0", "skip_name_resolve", "innodb_flush_log_at_trx_commit = 1", "innodb_doublewrite = ON",
		"log_bin = binlog", "sync_binlog = 1", "binlog_expire_logs_seconds = 604800", "local_infile = OFF",
		"ssl_ca = /etc/mysql/haprov-ca.pem", "ssl_cert = /etc/mysql/haprov-cert.pem", "ssl_key = /etc/mysql/haprov-key.pem", "tls_version = TLSv1.2,TLSv1.3", "mysqlx = OFF"}, options); d != "" || len(files) != 1 {
		t.Error(d, files)
	}

	for server, want := range map[string]string{"mysql": "mariadb-backup", "postgres": "expected mariadb or mysql"} {
		if _, said := load(server, `  backup { repository = "sftp:backup@10.0.0.9:/srv/shop" }`); !strings.Contains(strings.ToLower(said), want) {
			t.Errorf("%s with a backup block: %s", server, said)
		}
	}
}

// TestMySQLIsRefusedWhereItCannotRun before any host is asked, with the reason.
func TestMySQLIsRefusedWhereItCannotRun(t *testing.T) {
	for _, x := range []struct{ stack, image, want string }{
		{"mysql-drbd", "debian-sid", ""},
		{"mysql-drbd", "debian-13", `image = "debian-sid"`},
		{"galera", "debian-sid", "provider of MariaDB"},
	} {
		text, err := haprov.Shipped.ReadFile("inventory/" + x.stack + ".hcl")
		if err != nil {
			t.Fatal(err)
		}
		with := strings.Replace(strings.Replace(string(text), "debian-12", x.image, 1), "inputs = {", "inputs = {\n server = \"mysql\"\n", 1)
		_, problems := config.Load("x.hcl", config.Options{Text: []byte(with), Shipped: haprov.Shipped, Secrets: secrets{}})
		if said := problems.Render(400, false); !strings.Contains(said, x.want) || problems.Failed() != (x.want != "") {
			t.Errorf("%s on %s: %s", x.stack, x.image, said)
		}
	}
}
