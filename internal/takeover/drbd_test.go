package takeover

import (
	"strings"
	"testing"
)

// byHand is a two-node cluster as an administrator makes one with drbdadm and crm: names of its own, two
// links, a service processor each, MariaDB's files as Debian ships them with a few values changed.
func byHand() files {
	const ring = `# Please read the corosync.conf.5 manual page
totem {
	version: 2
	cluster_name: lamp
	transport: knet
	crypto_cipher: aes256
	crypto_hash: sha256
	token: 5000
	join: 60
	interface {
		linknumber: 0
		knet_ping_interval: 500
	}
}
logging {
	to_syslog: yes
	debug: off
}
quorum {
	provider: corosync_votequorum
	two_node: 1
}
nodelist {
	node {
		name: alpha
		nodeid: 1
		ring0_addr: 10.1.0.21
		ring1_addr: 10.2.0.21
	}
	node {
		name: beta
		nodeid: 2
		ring0_addr: 10.1.0.22
		ring1_addr: 10.2.0.22
	}
}
`
	const res = `resource r0 {
	device    /dev/drbd1;
	disk      /dev/vg0/mysql;
	meta-disk internal;
	net {
		shared-secret "hunter2hunter2";
		cram-hmac-alg sha1;
		max-buffers 8000;
		timeout 70;
	}
	on alpha { address 10.2.0.21:7790; }
	on beta  { address 10.2.0.22:7790; }
}
`
	const common = `global { usage-count no; }
common {
	net { protocol C; }
	disk { resync-rate 60M; on-io-error detach; }
	handlers { fence-peer "/usr/lib/drbd/crm-fence-peer.9.sh --timeout 200"; }
}
`
	const cib = `<cib epoch="42" validate-with="pacemaker-3.9"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="o1" name="stonith-enabled" value="true"/>
<nvpair id="o2" name="no-quorum-policy" value="ignore"/>
<nvpair id="o3" name="dc-version" value="2.1.5"/>
<nvpair id="o4" name="cluster-name" value="lamp"/>
<nvpair id="o5" name="priority-fencing-delay" value="20s"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="alpha"/><node id="2" uname="beta"><instance_attributes id="n2"><nvpair id="n2s" name="standby" value="on"/></instance_attributes></node></nodes>
<resources>
<clone id="ms_r0"><meta_attributes id="m"><nvpair id="m1" name="promotable" value="true"/><nvpair id="m2" name="clone-max" value="2"/><nvpair id="m3" name="notify" value="true"/></meta_attributes>
<primitive id="p_drbd" class="ocf" provider="linbit" type="drbd"><instance_attributes id="d"><nvpair id="d1" name="drbd_resource" value="r0"/></instance_attributes>
<operations><op id="d2" name="monitor" interval="15s" role="Master"/></operations></primitive></clone>
<group id="g_mysql">
<primitive id="p_fs" class="ocf" provider="heartbeat" type="Filesystem"><instance_attributes id="f"><nvpair id="f1" name="device" value="/dev/drbd1"/><nvpair id="f2" name="directory" value="/var/lib/mysql"/><nvpair id="f3" name="fstype" value="xfs"/></instance_attributes></primitive>
<primitive id="p_ip" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="i"><nvpair id="i1" name="ip" value="10.1.0.20"/></instance_attributes><operations><op id="i3" name="monitor" interval="10s"/></operations></primitive>
<primitive id="p_mysql" class="systemd" type="mariadb"><operations><op id="s1" name="stop" interval="0" timeout="180"/></operations></primitive>
</group>
<primitive id="p_mail" class="ocf" provider="heartbeat" type="MailTo"><instance_attributes id="ml"><nvpair id="ml1" name="email" value="ops@example.org"/></instance_attributes></primitive>
<primitive id="p_other_ip" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="oi"><nvpair id="oi1" name="ip" value="10.1.0.99"/></instance_attributes></primitive>
<primitive id="st_alpha" class="stonith" type="fence_ipmilan"><instance_attributes id="sa"><nvpair id="sa1" name="ip" value="10.9.0.21"/><nvpair id="sa2" name="username" value="fencer"/><nvpair id="sa3" name="password" value="correcthorse"/><nvpair id="sa4" name="lanplus" value="1"/><nvpair id="sa5" name="pcmk_host_list" value="alpha"/><nvpair id="sa6" name="pcmk_reboot_timeout" value="90s"/></instance_attributes></primitive>
<primitive id="st_beta" class="stonith" type="fence_ipmilan"><instance_attributes id="sb"><nvpair id="sb1" name="ip" value="10.9.0.22"/><nvpair id="sb2" name="username" value="fencer"/><nvpair id="sb3" name="passwd" value="correcthorse"/><nvpair id="sb4" name="pcmk_host_map" value="beta:7"/></instance_attributes></primitive>
</resources>
<constraints>
<rsc_colocation id="c1" rsc="g_mysql" with-rsc="ms_r0" with-rsc-role="Master" score="INFINITY"/>
<rsc_order id="o_1" first="ms_r0" first-action="promote" then="g_mysql"/>
<rsc_location id="l1" rsc="st_alpha" node="alpha" score="-INFINITY"/>
<rsc_location id="cli-prefer-g_mysql" rsc="g_mysql" node="alpha" score="INFINITY"/>
</constraints>
<rsc_defaults><meta_attributes id="rd"><nvpair id="rd1" name="resource-stickiness" value="200"/></meta_attributes></rsc_defaults>
</configuration></cib>`
	f := files{"alpha/cib.xml": cib}
	for host, last := range map[string]string{"alpha": "21", "beta": "22"} {
		f[host+"/etc/corosync/corosync.conf"] = ring
		f[host+"/etc/drbd.d/r0.res"], f[host+"/etc/drbd.d/global_common.conf"] = res, common
		f[host+"/etc/mysql/mariadb.conf.d/50-server.cnf"] = "[mysqld]\nuser = mysql\ndatadir = /var/lib/mysql\nlog_bin = binlog\nexpire_logs_days = 14\nserver-id = " + last + "\nmax_connections = 400\ninnodb_flush_log_at_trx_commit = 2\nreport_password = letmeinplease\n"
		f[host+"/hostname"] = host + "\n"
		f[host+"/addresses.txt"] = "1: lo    inet 127.0.0.1/8 scope host lo\n2: eno1    inet 10.1.0." + last + "/23 brd 10.1.1.255 scope global eno1\n3: eno2    inet 10.2.0." + last + "/24 scope global eno2\n"
	}
	f["alpha/schema.tsv"] = "shop\t12\t25520000000\n"
	return f
}

// TestATwoNodeClusterMadeByHandIsSaid: hosts, addresses, disks, fence devices and inputs are those of its
// files; what the recipe has no place for is listed by what would become of it; no password is written.
func TestATwoNodeClusterMadeByHandIsSaid(t *testing.T) {
	r, p := valid(t, byHand())
	contains(t, r,
		`network "service" { cidr = "10.1.0.0/23" carries = ["ssh", "ring", "service"] }`,
		`network "replication" { cidr = "10.2.0.0/24" carries = ["ring", "replication"] }`,
		`host "alpha" { network "service" { address = "10.1.0.21" } network "replication" { address = "10.2.0.21" } disk "data" { device = "/dev/vg0/mysql" }`,
		`options = { ip = "10.9.0.22" username = "fencer" plug = "7" password = secret("fence-beta") }`,
		`cluster "lamp" { recipe = "mysql-drbd" role "db" { hosts = ["alpha", "beta"] }`,
		`inputs = { vip = "10.1.0.20/23" database = "shop" token = 5000 fencing_delay = 20 handler_timeout = 200 stop_timeout = 180 resync_rate = "60M" peer_timeout = 70 binlog_days = 14 }`,
		"haprov secret adopt fence-alpha; haprov secret adopt fence-beta",
	)
	parts := strings.Split(plain(r.Text), "# The recipe has names and places")
	in := func(from, to string, wants ...string) {
		t.Helper()
		_, rest, _ := strings.Cut(parts[len(parts)-1], from)
		rest, _, _ = strings.Cut(rest, to)
		for _, w := range wants {
			if !strings.Contains(rest, w) {
				t.Errorf("no %q in %q", w, rest)
			}
		}
	}
	in("", "# haprov up would write other", "drbd device: /dev/drbd1, the recipe's is /dev/drbd0", "drbd resource: r0, the recipe's is mysql", "pacemaker server id: p_mysql, the recipe's is mysql-server", "file system parameter directory: /var/lib/mysql")
	in("# haprov up would write other", "# These stand in files", "net cram-hmac-alg: sha1, the recipe writes sha256 (alpha, beta etc/drbd.d/r0.res:7)", "no-quorum-policy: ignore, the recipe writes stop", "innodb_flush_log_at_trx_commit: 2, the recipe writes 1", "drbd net shared-secret: a secret")
	in("# These stand in files", "# These stay", "drbd net max-buffers = 8000", "totem join = 60")
	in("# These stay", "never", "mysqld max_connections = 400", "standby = on", "p_mail (ocf:heartbeat:MailTo)", "p_other_ip", "cli-prefer-g_mysql", "report_password = (a secret)")
	lacks(t, r, "hunter2", "correcthorse", "letmein", "constraint rsc_colocation", "constraint rsc_order", "dc-version")
	if p.Clusters[0].Recipe != "mysql-drbd" {
		t.Error(p.Clusters[0].Recipe)
	}
}

// TestOneHostTellsOfItsPeer: the other's files are not needed for a whole inventory.
func TestOneHostTellsOfItsPeer(t *testing.T) {
	f := byHand()
	for n := range f {
		if strings.HasPrefix(n, "beta/") {
			delete(f, n)
		}
	}
	r, _ := valid(t, f)
	contains(t, r, `# not looked at: known from the other hosts' files alone host "beta" { network "service" { address = "10.1.0.22" }`, `vip = "10.1.0.20/23"`)
}

// TestVersionNinesFormsAreRead: volumes, addresses in a connection, names instead of addresses in
// corosync.conf, one fence device for both hosts.
func TestVersionNinesFormsAreRead(t *testing.T) {
	f := byHand()
	for n, text := range f {
		switch {
		case strings.HasSuffix(n, ".res"):
			f[n] = `resource "r0" {
	volume 0 { device minor 3; disk "/dev/sdb1"; meta-disk internal; }
	on alpha { node-id 0; }
	on beta { node-id 1; }
	connection {
		host alpha address ipv4 10.2.0.21:7790;
		host beta address ipv4 10.2.0.22:7790;
	}
}
`
		case strings.HasSuffix(n, "corosync.conf"):
			f[n] = strings.NewReplacer("ring0_addr: 10.1.0.21", "ring0_addr: alpha", "ring0_addr: 10.1.0.22", "ring0_addr: beta").Replace(text)
		case strings.HasSuffix(n, "cib.xml"):
			i, j := strings.Index(text, `<primitive id="st_alpha"`), strings.Index(text, "</resources>")
			f[n] = strings.Replace(text[:i]+`<primitive id="st" class="stonith" type="fence_apc"><instance_attributes id="sa"><nvpair id="sa1" name="ip" value="10.9.0.5"/><nvpair id="sa5" name="pcmk_host_map" value="alpha:3;beta:4"/></instance_attributes></primitive>`+text[j:], "/dev/drbd1", "/dev/drbd3", 1)
		}
	}
	f["alpha/corosync-cmapctl.txt"] = "runtime.members.1.ip (str) = r(0) ip(10.1.0.21) r(1) ip(10.2.0.21)\nruntime.members.2.ip (str) = r(0) ip(10.1.0.22)\n"
	r, _ := valid(t, f)
	contains(t, r, `network "service" { address = "10.1.0.22" } network "replication" { address = "10.2.0.22" } disk "data" { device = "/dev/sdb1" }`,
		`fence "fence_apc" { options = { ip = "10.9.0.5" plug = "4" } }`, "drbd device: /dev/drbd3", "may be another disk's after the next start")
}

// TestWhatIsMissingIsToldAndToBeFilledIn: an inventory without fencing or virtual IP is written, and not
// valid.
func TestWhatIsMissingIsToldAndToBeFilledIn(t *testing.T) {
	f := byHand()
	cib := f["alpha/cib.xml"]
	cib = strings.ReplaceAll(cib, `type="fence_ipmilan"`, `type="external/ipmi"`)
	f["alpha/cib.xml"] = strings.ReplaceAll(cib, `type="IPaddr2"`, `type="IPsrcaddr"`)
	r, err := taken(t, f)
	if err != nil || !r.Problems.Failed() {
		t.Fatalf("%v %v", err, r.Problems)
	}
	contains(t, r, "Fence device st_alpha is of the agent stonith:external/ipmi", "No fence device of host beta was found", "give the input vip", "Host has no fencing", "token = 5000", "no-quorum-policy: ignore, the recipe writes stop")
}

// TestAnArbiterIsSaid: the quorum device's host gets the role of its own.
func TestAnArbiterIsSaid(t *testing.T) {
	f := byHand()
	for _, h := range []string{"alpha", "beta"} {
		f[h+"/etc/corosync/corosync.conf"] += "quorum {\n device {\n  model: net\n  net {\n   host: 10.1.0.40\n  }\n }\n}\n"
	}
	r, p := valid(t, f)
	contains(t, r, `role "arbiter" { hosts = ["arbiter"] }`)
	if h, ok := p.Inventory.Host("arbiter"); !ok || h.Addresses[0].IP != "10.1.0.40" {
		t.Errorf("%+v", h)
	}
}

// TestWhatCannotBeReadIsNamed with its file, and the rest is said.
func TestWhatCannotBeReadIsNamed(t *testing.T) {
	f := byHand()
	f["beta/etc/corosync/corosync.conf"] = "totem {"
	r, _ := valid(t, f)
	contains(t, r, "etc/corosync/corosync.conf cannot be read: the block of line 1 is not closed")
}

// TestTheServersMakeIsSaid by the version that it tells.
func TestTheServersMakeIsSaid(t *testing.T) {
	for version, mysql := range map[string]bool{"10.11.6-MariaDB-0+deb12u1": false, "8.0.36-0ubuntu1": true} {
		f := byHand()
		f["alpha/variables.tsv"] = "version\t" + version + "\n"
		r, _ := valid(t, f)
		if got := strings.Contains(plain(r.Text), `server = "mysql"`); got != mysql {
			t.Errorf("%s: %s", version, r.Text)
		}
	}
}
