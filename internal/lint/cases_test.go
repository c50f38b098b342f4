package lint_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"haprov/internal/lint"
)

// edit changes files: in those whose name ends with file, on a host or on all (*), from becomes to. With
// an empty from the file is written anew; with an empty to it is taken away.
type edit struct{ host, file, from, to string }

func (e edit) apply(t *testing.T, f files) {
	t.Helper()
	if e.from == "" && e.host != "*" {
		delete(f, e.host+"/"+e.file)
		if e.to != "" {
			f[e.host+"/"+e.file] = e.to
		}
		return
	}
	changed := false
	for name, text := range maps.Clone(f) {
		h, _, _ := strings.Cut(name, "/")
		if e.host != "*" && h != e.host || !strings.HasSuffix(name, "/"+e.file) {
			continue
		}
		switch {
		case e.from == "" && e.to == "":
			delete(f, name)
			changed = true
		case strings.Contains(text, e.from):
			f[name] = strings.ReplaceAll(text, e.from, e.to)
			changed = true
		}
	}
	if !changed {
		t.Fatalf("nothing to change for %+v", e)
	}
}

// device gives both stacks' cluster a quorum device.
var device = []edit{
	{"*", "corosync.conf", "  two_node: 1\n", "  device {\n    model: net\n    votes: 1\n    net {\n      host: 192.168.56.30\n      algorithm: ffsplit\n      tls: required\n    }\n  }\n"},
	{"*", "corosync-cmapctl.txt", "quorum.two_node (u8) = 1\n", ""},
	{"*", "cib.xml", `name="priority-fencing-delay" value="6s"`, `name="priority-fencing-delay" value="0s"`},
	{"*", "cib.xml", `name="pcmk_delay_base" value="db1:1s"`, `name="pcmk_delay_base" value="db1:0s"`},
	{"db1", "corosync-qdevice-tool.txt", "", "Qdevice information\nModel: Net\nState:                  Connected\n"},
	{"db2", "corosync-qdevice-tool.txt", "", "Qdevice information\nModel: Net\nState:                  Connected\n"},
}

// ipmi makes the lab's fence devices service processors.
var ipmi = []edit{
	{"*", "cib.xml", `type="fence_haprov"`, `type="fence_ipmilan"`},
	{"*", "cib.xml", `<nvpair id="fence-db1-attributes-pcmk_host_list"`, `<nvpair id="a" name="ip" value="192.0.2.1"/><nvpair id="fence-db1-attributes-pcmk_host_list"`},
	{"*", "cib.xml", `<nvpair id="fence-db2-attributes-pcmk_host_list"`, `<nvpair id="b" name="ip" value="192.0.2.2"/><nvpair id="fence-db2-attributes-pcmk_host_list"`},
	{"db1", "logind.conf", "", "[Login]\nHandlePowerKey=ignore\n"},
	{"db2", "logind.conf", "", "[Login]\nHandlePowerKey=ignore\n"},
}

// diskSBD is fencing by a shared disk.
var diskSBD = []edit{
	{"db1", "sbd", "", "SBD_DEVICE=\"/dev/sdc\"\nSBD_DELAY_START=yes\nSBD_WATCHDOG_TIMEOUT=5\n"},
	{"db2", "sbd", "", "SBD_DEVICE=\"/dev/sdc\"\nSBD_DELAY_START=yes\nSBD_WATCHDOG_TIMEOUT=5\n"},
}

// cases has for each check at least one that fails it. base is the stack that it changes, with what was
// done to it before; there the check is ok.
var cases = []struct {
	check string
	base  string
	with  []edit
	edits []edit
	found string // in what the check says
}{
	{"corosync-same", twoNodes, nil, []edit{{"db2", "corosync.conf", "token: 5000", "token: 4000"}}, "totem.token"},
	{"corosync-same", twoNodes, nil, []edit{{"db2", "corosync.conf", "  to_syslog: yes\n", ""}}, "logging.to_syslog"},
	{"corosync-running", twoNodes, nil, []edit{{"db1", "corosync-cmapctl.txt", "token (u32) = 5000", "token (u32) = 1000"}}, "runs with runtime.config.totem.token = 1000"},
	{"corosync-token", twoNodes, nil, []edit{{"*", "corosync.conf", "token: 5000", "token: 500"}}, "token is 500 ms"},
	{"corosync-token", twoNodes, nil, []edit{{"*", "corosync.conf", "token: 5000", "token: 5s"}}, "token is 5s"},
	{"corosync-consensus", twoNodes, nil, []edit{{"*", "corosync.conf", "consensus: 1000", "consensus: 40"}}, "40 ms"},
	{"corosync-consensus", twoNodes, nil, []edit{{"*", "corosync.conf", "nodelist {", "nodelist {\n  node {\n    name: db3\n    nodeid: 3\n    ring0_addr: 192.168.56.13\n  }"}}, "1000 ms, of 3 nodes"},
	{"corosync-two-node-consensus", twoNodes, nil, []edit{{"*", "corosync.conf", "  consensus: 1000\n", ""}}, "consensus is 6000 ms"},
	{"corosync-links", twoNodes, nil, []edit{{"*", "corosync.conf", "    ring1_addr", "    #"}}, "the clients' network, that of the virtual IP 192.168.56.100"},
	{"corosync-links", twoNodes, nil, []edit{{"*", "corosync.conf", "ring1_addr: 192.168.57.", "ring1_addr: 192.168.56.1"}}, "two links of node db1 are in one network"},
	{"corosync-crypto", twoNodes, nil, []edit{{"db1", "corosync.conf", "crypto_cipher: aes256", "crypto_cipher: none"}}, "crypto_cipher is none"},
	{"corosync-crypto", twoNodes, nil, []edit{{"db1", "corosync.conf", "  crypto_hash: sha256\n", ""}}, "crypto_hash is none"},
	{"corosync-crypto", twoNodes, nil, []edit{{"db1", "corosync.conf", "transport: knet", "transport: udpu"}}, "udpu neither"},
	{"corosync-key", twoNodes, nil, []edit{{"db1", "modes.txt", "400 root", "644 root"}}, "mode 644"},
	{"corosync-key", twoNodes, nil, []edit{{"db2", "modes.txt", "abab", "abcd"}}, "another key than on db1"},
	{"corosync-quorum", twoNodes, nil, []edit{{"*", "corosync.conf", "  two_node: 1\n", ""}}, "two nodes without two_node"},
	{"corosync-quorum", twoNodes, nil, []edit{{"*", "corosync.conf", "  two_node: 1\n", "  two_node: 1\n  wait_for_all: 0\n"}}, "wait_for_all is 0"},
	{"corosync-quorum", twoNodes, nil, []edit{{"*", "corosync.conf", "  two_node: 1\n", "  two_node: 1\n  expected_votes: 1\n"}}, "expected_votes is 1"},
	{"corosync-quorum", twoNodes, device, []edit{{"*", "corosync.conf", "  device {", "  two_node: 1\n  device {"}}, "beside a quorum device"},
	{"corosync-quorum", twoNodes, nil, []edit{{"*", "corosync.conf", "  provider: corosync_votequorum\n", ""}}, "no quorum provider"},
	{"corosync-names", twoNodes, nil, []edit{{"db2", "hostname", "db2", "db2.example"}}, "calls itself db2.example"},
	{"corosync-names", twoNodes, nil, []edit{{"*", "corosync.conf", "ring0_addr: 192.168.56.11", "ring0_addr: db1-ring"}}, "is a name, db1-ring"},
	{"corosync-names", twoNodes, nil, []edit{{"*", "corosync.conf", "nodeid: 2", "nodeid: 1"}}, "another node's"},
	{"corosync-names", twoNodes, nil, []edit{{"*", "cib.xml", "<configuration>", `<configuration><nodes><node id="1" uname="other"/></nodes>`}}, "Pacemaker knows a node other"},
	{"qdevice-settings", twoNodes, device, []edit{{"*", "corosync.conf", "tls: required", "tls: off"}}, "tls is off"},
	{"qdevice-settings", twoNodes, device, []edit{{"*", "corosync.conf", "host: 192.168.56.30", "host: 192.168.56.12"}}, "the device is on 192.168.56.12"},
	{"qdevice-settings", twoNodes, device, []edit{{"*", "corosync.conf", "    votes: 1\n", ""}}, "no number of votes"},
	{"qdevice-connected", twoNodes, device, []edit{{"db2", "corosync-qdevice-tool.txt", "Connected", "Connect failed"}}, "not connected"},

	{"fencing-on", twoNodes, nil, []edit{{"*", "cib.xml", `name="stonith-enabled" value="true"`, `name="stonith-enabled" value="false"`}}, "stonith-enabled is false"},
	{"quorum-policy", twoNodes, nil, []edit{{"*", "cib.xml", `name="no-quorum-policy" value="stop"`, `name="no-quorum-policy" value="ignore"`}}, "ignore"},
	{"fencing-devices", twoNodes, nil, []edit{{"*", "cib.xml", `name="pcmk_host_list" value="db2"`, `name="pcmk_host_list" value="db9"`}}, "no fence device for node db2"},
	{"fencing-distinct", twoNodes, ipmi, []edit{{"*", "cib.xml", "192.0.2.2", "192.0.2.1"}}, "fence-db1 and fence-db2 are the same device"},
	{"fencing-fired", twoNodes, nil, []edit{{"*", "fence-history.xml", `target="db2"`, `target="db3"`}}, "no successful fencing of db2"},
	{"fencing-fired", twoNodes, nil, []edit{{"*", "fence-history.xml", "2026-11-21", "2026-05-21"}}, "db1 was last fenced 190 days ago"},
	{"fencing-delay", twoNodes, nil, []edit{{"*", "cib.xml", `name="priority-fencing-delay" value="6s"`, `name="priority-fencing-delay" value="0s"`}, {"*", "cib.xml", `name="pcmk_delay_base" value="db1:1s"`, `name="pcmk_delay_base" value="db1:0s"`}}, "no delay"},
	{"fencing-delay", twoNodes, nil, []edit{{"*", "cib.xml", `name="priority-fencing-delay" value="6s"`, `name="priority-fencing-delay" value="0s"`}, {"*", "cib.xml", `name="pcmk_delay_base" value="db1:1s"`, `name="pcmk_delay_base" value="5s"`}, {"*", "cib.xml", `<nvpair id="fence-db2-attributes-pcmk_host_list"`, `<nvpair id="dl" name="pcmk_delay_base" value="5s"/><nvpair id="fence-db2-attributes-pcmk_host_list"`}}, "pcmk_delay_base is 5s on both"},
	{"fencing-delay", twoNodes, nil, []edit{{"*", "cib.xml", `name="priority" value="1"`, `name="priority" value="0"`}}, "without any priority"},
	{"fencing-delay-needless", twoNodes, device, []edit{{"*", "cib.xml", `name="priority-fencing-delay" value="0s"`, `name="priority-fencing-delay" value="6s"`}}, "fencing waits"},
	{"fencing-ipmi", twoNodes, ipmi, []edit{{"*", "cib.xml", `<nvpair id="a"`, `<nvpair id="m" name="method" value="cycle"/><nvpair id="a"`}}, "fence-db1 has the method cycle"},
	{"fencing-power-key", twoNodes, ipmi, []edit{{"db1", "logind.conf", "HandlePowerKey", "#HandlePowerKey"}}, "not set"},
	{"sbd", twoNodes, diskSBD, []edit{{"db1", "sbd", "SBD_DEVICE=\"/dev/sdc\"\n", ""}}, "without a third vote"},
	{"sbd", twoNodes, diskSBD, []edit{{"db1", "sbd", "SBD_DELAY_START=yes", "SBD_DELAY_START=no"}}, "SBD_DELAY_START is no"},
	{"sbd", twoNodes, diskSBD, []edit{{"*", "cib.xml", `name="no-quorum-policy" value="stop"/>`, `name="no-quorum-policy" value="stop"/><nvpair id="w" name="stonith-watchdog-timeout" value="6s"/>`}}, "stonith-watchdog-timeout is 6s"},

	{"left-constraints", twoNodes, nil, []edit{{"*", "cib.xml", "<constraints>", `<constraints><rsc_location id="cli-ban-mysql-on-db2" rsc="mysql" node="db2" score="-INFINITY"/>`}}, "cli-ban-mysql-on-db2 is left of a ban"},
	{"left-constraints", twoNodes, nil, []edit{{"*", "cib.xml", "<constraints>", `<constraints><rsc_location id="drbd-fence-by-handler-mysql-drbd-mysql-clone" rsc="drbd-mysql-clone"/>`}}, "DRBD's fence handler"},
	{"left-maintenance", twoNodes, nil, []edit{{"*", "cib.xml", `name="no-quorum-policy" value="stop"/>`, `name="no-quorum-policy" value="stop"/><nvpair id="w" name="maintenance-mode" value="true"/>`}}, "maintenance-mode is true"},
	{"left-maintenance", twoNodes, nil, []edit{{"*", "cib.xml", "<configuration>", `<configuration><nodes><node id="1" uname="db1"><instance_attributes id="x"><nvpair id="y" name="standby" value="on"/></instance_attributes></node><node id="2" uname="db2"/></nodes>`}}, "node db1 has standby on"},
	{"left-maintenance", twoNodes, nil, []edit{{"*", "cib.xml", `type="IPaddr2">`, `type="IPaddr2"><meta_attributes id="u"><nvpair id="v" name="is-managed" value="false"/></meta_attributes>`}}, "mysql-vip is not managed"},
	{"resource-defaults", twoNodes, nil, []edit{{"*", "cib.xml", `name="resource-stickiness"`, `name="stickiness"`}}, "no resource-stickiness"},
	{"start-failure", twoNodes, nil, []edit{{"*", "cib.xml", `name="start-failure-is-fatal" value="false"`, `name="start-failure-is-fatal" value="true"`}}, "is true"},
	{"drbd-clone", twoNodes, nil, []edit{{"*", "cib.xml", `name="notify" value="true"`, `name="notify" value="false"`}}, "no notifications"},
	{"drbd-clone", twoNodes, nil, []edit{{"*", "cib.xml", `name="promoted-max" value="1"`, `name="promoted-max" value="2"`}}, "promoted-max=2"},
	{"drbd-constraints", twoNodes, nil, []edit{{"*", "cib.xml", `with-rsc-role="Promoted"`, ""}}, "nothing keeps mysql-fs where DRBD is promoted"},
	{"drbd-constraints", twoNodes, nil, []edit{{"*", "cib.xml", `first-action="promote"`, `first-action="start"`}}, "nothing makes mysql-fs wait"},
	{"service-together", twoNodes, nil, []edit{{"*", "cib.xml", `<group id="mysql">`, `<group id="mysql"></group><group id="other">`}, {"*", "cib.xml", `rsc="mysql"`, `rsc="mysql-fs"`}, {"*", "cib.xml", `then="mysql"`, `then="mysql-fs"`},
		{"*", "cib.xml", `<primitive class="ocf" id="mysql-server"`, `</group><group id="free"><primitive class="ocf" id="mysql-server"`}}, "nothing keeps mysql-server where the file system is"},
	{"monitors", twoNodes, nil, []edit{{"*", "cib.xml", `interval="31s"`, `interval="29s"`}}, "two monitors of drbd-mysql have one interval"},
	{"monitors", twoNodes, nil, []edit{{"*", "cib.xml", `<op id="mysql-fs-monitor"`, `<op enabled="false" id="mysql-fs-monitor"`}}, "mysql-fs is not monitored"},
	{"server-timeouts", twoNodes, nil, []edit{{"*", "cib.xml", `name="start" timeout="300s"`, `name="start"`}}, "mysql-server has 20 s to start"},
	{"datadir-replicated", twoNodes, nil, []edit{{"*", "cib.xml", `name="datadir" value="/srv/mysql/data"`, `name="datadir" value="/srv/mysql2"`}}, "datadir is /srv/mysql2"},
	{"crm-verify", twoNodes, nil, []edit{{"db1", "crm_verify.txt", "exit 0", "(unpack_config) warning: x\nexit 78"}}, "exit status 78: (unpack_config) warning: x"},
	{"failed-actions", twoNodes, nil, []edit{{"db1", "crm_mon.xml", "<node_history>", `<node_history><node name="db2"><resource_history id="mysql-fs" migration-threshold="3" fail-count="INFINITY"/></node>`}}, "mysql-fs may not run on db2"},

	{"drbd-protocol", twoNodes, nil, []edit{{"db1", "mysql.res", "protocol C;", "protocol A;"}}, "protocol A"},
	{"drbd-fencing", twoNodes, nil, []edit{{"db1", "mysql.res", "    fencing resource-and-stonith;\n", ""}}, "dont-care"},
	{"drbd-fencing", twoNodes, nil, []edit{{"db1", "mysql.res", "resource-and-stonith", "resource-only"}}, "resource-only"},
	{"drbd-handlers", twoNodes, nil, []edit{{"db1", "mysql.res", "crm-fence-peer.sh", "crm-fence-peer.9.sh"}}, "handlers of DRBD 9 with version 8.4"},
	{"drbd-handlers", twoNodes, nil, []edit{{"*", "drbd-proc.txt", "8.4.11", "9.1.7"}}, "handlers of DRBD 8.4 with version 9"},
	{"drbd-handlers", twoNodes, nil, []edit{{"db1", "mysql.res", "    fence-peer ", "    #"}}, "no handler that fences"},
	{"drbd-handlers", twoNodes, nil, []edit{{"db1", "mysql.res", "    unfence-peer ", "    #"}, {"db1", "mysql.res", "    after-resync-target ", "    #"}}, "takes the fence constraint back"},
	{"drbd-unfence", twoNodes, nil, []edit{{"db1", "mysql.res", "    unfence-peer ", "    #"}}, "only one of the two"},
	{"drbd-handler-timeout", twoNodes, nil, []edit{{"db1", "mysql.res", "--timeout 90", "--timeout 30"}}, "--timeout is 30 s"},
	{"drbd-handler-timeout", twoNodes, nil, []edit{{"db1", "mysql.res", " --timeout 90 --dc-timeout 120", ""}}, "--dc-timeout is 20 s, --timeout 90 s"},
	{"drbd-split-brain", twoNodes, nil, []edit{{"db1", "mysql.res", "after-sb-1pri disconnect", "after-sb-1pri discard-secondary"}}, "after-sb-1pri discard-secondary"},
	{"drbd-two-primaries", twoNodes, nil, []edit{{"db1", "mysql.res", "  net {", "  net {\n    allow-two-primaries yes;"}}, "two primaries"},
	{"drbd-io-error", twoNodes, nil, []edit{{"db1", "mysql.res", "    on-io-error detach;\n", ""}}, "pass_on"},
	{"drbd-flushes", twoNodes, nil, []edit{{"db1", "mysql.res", "  disk {", "  disk {\n    disk-flushes no;"}}, "disk-flushes no"},
	{"drbd-resync-rate", twoNodes, nil, []edit{{"db1", "links.txt", "eth1 10000", "eth1 1000"}}, "resynchronises at 100M on a link of 1000 Mbit/s"},
	{"drbd-verify-alg", twoNodes, nil, []edit{{"db1", "mysql.res", "    verify-alg crc32c;\n", ""}}, "no verify-alg"},
	{"drbd-verified", twoNodes, nil, []edit{{"db1", "drbd-verified.txt", "0 1795860000", "0 1793000000"}}, "volume 0 was compared"},
	{"drbd-auth", twoNodes, nil, []edit{{"db1", "mysql.res", "    cram-hmac-alg sha256;\n", ""}}, "takes any peer"},
	{"drbd-module", twoNodes, nil, []edit{{"db1", "drbd-module.txt", "file 8.4.11", "file 9.2.1"}}, "8.4.11 is loaded, 9.2.1 is on the disk"},
	{"drbd-in-sync", twoNodes, nil, []edit{{"db1", "drbd-proc.txt", "oos:0", "oos:44"}}, "44 KiB differ"},
	{"drbd-in-sync", twoNodes, nil, []edit{{"db1", "drbd-proc.txt", "cs:Connected", "cs:StandAlone"}}, "StandAlone"},

	{"durability", twoNodes, nil, []edit{{"*", "90-haprov.cnf", "innodb_flush_log_at_trx_commit = 1", "innodb-flush-log-at-trx-commit=2"}}, "innodb_flush_log_at_trx_commit is 2"},
	{"durability", twoNodes, nil, []edit{{"db1", "variables.tsv", "", "innodb_flush_log_at_trx_commit\t0\ninnodb_doublewrite\tON\n"}}, "innodb_flush_log_at_trx_commit is 0"},
	{"durability", twoNodes, nil, []edit{{"*", "90-haprov.cnf", "innodb_doublewrite = ON", "skip-innodb-doublewrite"}}, "innodb_doublewrite is off"},
	{"server-version", twoNodes, nil, []edit{{"db1", "packages.txt", "10.11.19", "10.11.6"}}, "version 1:10.11.6-0"},
	{"server-version", members, nil, []edit{{"db1", "variables.tsv", "", "version\t11.2.9-MariaDB-log\nwsrep_on\tON\n"}}, "version 11.2.9-MariaDB-log"},
	{"binlog-durability", twoNodes, nil, []edit{{"*", "90-haprov.cnf", "sync_binlog = 1\n", ""}}, "sync_binlog is 0"},
	{"binlog-on", twoNodes, nil, []edit{{"*", "90-haprov.cnf", "log_bin = binlog\n", ""}}, "no binary log"},
	{"server-id", twoNodes, nil, []edit{{"*", "90-haprov.cnf", "server_id = 2", "server_id = 1"}}, "server_id is 1, as on db1"},
	{"grants-on", twoNodes, nil, []edit{{"*", "90-haprov.cnf", "local_infile = OFF", "skip-grant-tables"}}, "skip_grant_tables is set"},
	{"accounts", twoNodes, nil, []edit{{"db1", "accounts.tsv", "", "root\t%\n\tlocalhost\n"}}, "account root@% has none"},
	{"barriers", twoNodes, nil, []edit{{"*", "cib.xml", `value="noatime"`, `value="noatime,nobarrier"`}}, "mysql-fs is mounted without barriers"},

	{"galera-required", members, nil, []edit{{"db1", "90-haprov.cnf", "innodb_autoinc_lock_mode = 2\n", ""}}, "innodb_autoinc_lock_mode is 1"},
	{"galera-required", members, nil, []edit{{"db1", "90-haprov.cnf", "binlog_format = ROW", "binlog_format = STATEMENT"}}, "STATEMENT"},
	{"galera-odd", members, nil, []edit{{"*", "91-haprov-members.cnf", "192.168.58.13", "192.168.58.13,192.168.58.14"}}, "4 members"},
	{"galera-weight", members, nil, []edit{{"db1", "90-haprov.cnf", "socket.ssl=yes", "pc.weight=0;socket.ssl=yes"}}, "pc.weight is 0"},
	{"galera-weight", members, nil, []edit{{"db1", "90-haprov.cnf", "socket.ssl=yes", "pc.weight=3;socket.ssl=yes"}}, "db1 has weight 3 of 5"},
	{"galera-members", members, nil, []edit{{"db1", "91-haprov-members.cnf", "192.168.58.11,192.168.58.12,192.168.58.13", ""}}, "names 0 members"},
	{"galera-forced", members, nil, []edit{{"db1", "90-haprov.cnf", "socket.ssl=yes", "pc.ignore_sb=true;socket.ssl=yes"}}, "pc.ignore_sb is set"},
	{"galera-forced", members, nil, []edit{{"db1", "90-haprov.cnf", "wsrep_on = ON", "wsrep_on = ON\nwsrep-new-cluster"}}, "wsrep_new_cluster"},
	{"galera-one", members, nil, []edit{{"db2", "status.tsv", "Primary", "non-Primary"}}, "the member is non-Primary"},
	{"galera-one", members, nil, []edit{{"db2", "status.tsv", "0a5cc8a4", "0b5cc8a4"}}, "another cluster than on db1"},
	{"galera-one", members, nil, []edit{{"*", "status.tsv", "wsrep_cluster_size\t3", "wsrep_cluster_size\t2"}}, "2 members are there"},
	{"galera-timeouts", members, nil, []edit{{"db1", "90-haprov.cnf", "socket.ssl=yes", "evs.inactive_timeout=PT2S;evs.suspect_timeout=PT3S;socket.ssl=yes"}}, "evs.inactive_timeout is 2s"},
	{"galera-timeouts", members, nil, []edit{{"db1", "90-haprov.cnf", "socket.ssl=yes", "evs.suspect_timeout=PT1S;evs.keepalive_period=PT1S;socket.ssl=yes"}}, "evs.suspect_timeout is 1s"},
	{"galera-sst", members, nil, []edit{{"*", "90-haprov.cnf", "wsrep_sst_method = mariabackup", "wsrep_sst_method = rsync"}}, "is rsync"},
	{"galera-sst", members, nil, []edit{{"*", "90-haprov.cnf", "wsrep_sst_auth = \"mysql:\"\n", ""}}, "no account"},
	{"galera-donor", members, []edit{{"*", "90-haprov.cnf", "wsrep_on = ON", "wsrep_on = ON\nwsrep_sst_donor=db2,"}}, []edit{{"*", "90-haprov.cnf", "wsrep_sst_donor=db2,", "wsrep_sst_donor=db2"}}, "no other member may be the donor than db2"},
	{"galera-donor", members, []edit{{"*", "90-haprov.cnf", "wsrep_on = ON", "wsrep_on = ON\nwsrep_sst_donor=db2,"}}, []edit{{"*", "90-haprov.cnf", "wsrep_sst_donor=db2,", "wsrep_sst_donor=db7,"}}, "donor db7 is no member"},
	{"galera-gcache-recover", members, nil, []edit{{"db1", "90-haprov.cnf", "gcache.recover=yes", "gcache.recover=no"}}, "gcache.recover is no"},
	{"galera-gcache-window", members, nil, []edit{{"db1", "status.tsv", "wsrep_received_bytes\t1000000", "wsrep_received_bytes\t100000000000"}}, "gcache.size is 64M"},
	{"galera-alike", members, nil, []edit{{"db3", "90-haprov.cnf", "sync_binlog = 1", "sync_binlog = 100"}}, "sync_binlog is 100"},
	{"galera-serving", members, nil, []edit{{"db1", "variables.tsv", "", "wsrep_on\tON\nwsrep_desync\tON\n"}}, "wsrep_desync is ON"},
	{"galera-tls", members, nil, []edit{{"db1", "90-haprov.cnf", "socket.ssl=yes", "socket.ssl=no"}}, "members talk in clear"},
	{"galera-tls", members, nil, []edit{{"db1", "90-haprov.cnf", "encrypt = 4", "encrypt = 0"}}, "full copies go in clear"},
	{"galera-notify", members, nil, []edit{{"db1", "90-haprov.cnf", "wsrep_on = ON", "wsrep_on = ON\nwsrep_notify_cmd=/usr/local/bin/told"}}, "wsrep_notify_cmd is set"},
	{"galera-tables", members, nil, []edit{{"db1", "tables.tsv", "InnoDB\t1", "InnoDB\t0"}}, "app.orders has no primary key"},
	{"galera-tables", members, nil, []edit{{"db1", "tables.tsv", "InnoDB", "MyISAM"}}, "app.orders is of MyISAM"},

	{"galera-schema", members, nil, []edit{{"db3", "schema.tsv", "12\t255", "13\t256"}}, "other tables in database app than on db1"},
	{"galera-schema", members, nil, []edit{{"db3", "schema.tsv", "", "app\t12\t25520000000\nold\t1\t7\n"}}, "other tables in database old than on db1"},

	{"proxy-health", members, nil, []edit{{"proxy1", "haprov-members.cfg", "\toption httpchk\n", ""}}, "checked by its port alone"},
	{"proxy-health", members, nil, []edit{{"proxy1", "haprov-members.cfg", "option httpchk", "option mysql-check user x"}}, "by a login alone"},
	{"proxy-health", members, nil, []edit{{"proxy1", "haprov-members.cfg", "default-server check port", "default-server port"}}, "is not checked"},
	{"proxy-one-writer", members, nil, []edit{{"proxy1", "haprov-members.cfg", " backup", ""}}, "no back end has a single active server"},
	{"proxy-sessions", members, nil, []edit{{"proxy1", "haprov-members.cfg", " on-marked-down shutdown-sessions", ""}}, "outlive it"},
	{"proxy-alike", members, nil, []edit{{"proxy2", "haprov-members.cfg", "server db1", "server dbx"}}, "than on proxy1"},
	{"proxy-members", members, nil, []edit{{"proxy1", "haprov-members.cfg", "\tserver db3", "\t#"}}, "member db3 is no server"},
	{"proxy-servers", members, nil, []edit{{"proxy1", "haproxy-stat.csv", "writer,db2,UP,1,0,2,2,L7OK,Synced", "writer,db2,DOWN,1,0,2,2,L7STS,donor"}}, "server db2 of writer is DOWN: donor"},
	{"proxy-bind", members, nil, []edit{{"proxy1", "sysctl.txt", "= 1", "= 0"}}, "ip_nonlocal_bind is 0"},
	{"vrrp-same", members, nil, []edit{{"proxy2", "keepalived.conf", "virtual_router_id 51", "virtual_router_id 52"}}, "virtual_router_id is 52, on proxy1 51"},
	{"vrrp-same", members, nil, []edit{{"proxy2", "keepalived.conf", "192.168.58.100", "192.168.58.101"}}, "other addresses"},
	{"vrrp-same", members, nil, []edit{{"proxy2", "keepalived.conf", "advert_int 1", "advert_int 3"}}, "advert_int is 3, on proxy1 1"},
	{"vrrp-stays", members, nil, []edit{{"proxy1", "keepalived.conf", "state BACKUP", "state MASTER"}}, "the state is MASTER"},
	{"vrrp-stays", members, nil, []edit{{"proxy1", "keepalived.conf", "\tnopreempt\n", ""}}, "no nopreempt"},
	{"vrrp-tracks", members, nil, []edit{{"proxy1", "keepalived.conf", "track_script", "# {"}, {"proxy1", "keepalived.conf", "\t\tproxy\n\t}", ""}}, "nothing is tracked"},
	{"vip-subnet", members, nil, []edit{{"proxy2", "addresses.txt", "192.168.58.", "192.168.59."}}, "192.168.58.100 is in no network of proxy2"},
	{"vip-subnet", twoNodes, nil, []edit{{"*", "cib.xml", `name="cidr_netmask" value="24"`, `name="cidr_netmask" value="16"`}}, "has the prefix length 16"},

	{"versions", twoNodes, nil, []edit{{"db2", "packages.txt", "2.1.5-1", "2.1.6-1"}}, "pacemaker is 2.1.6-1"},
	{"machines", twoNodes, nil, []edit{{"db2", "machine.txt", "memory 1000000", "memory 500000"}}, "memory is 488 MiB"},
	{"machines", members, nil, []edit{{"db2", "machine.txt", "6.1.0-41", "6.1.0-40"}}, "kernel is 6.1.0-40-amd64"},
	{"boot", twoNodes, nil, []edit{{"db2", "units.txt", "mariadb disabled", "mariadb enabled"}}, "mariadb starts at boot, and Pacemaker starts it too"},
	{"boot", twoNodes, nil, []edit{{"db2", "units.txt", "pacemaker enabled", "pacemaker disabled"}}, "pacemaker does not start at boot"},
	{"boot", members, nil, []edit{{"db2", "units.txt", "mariadb enabled", "mariadb disabled"}}, "mariadb does not start at boot"},
	{"fstab", twoNodes, nil, []edit{{"db1", "fstab", "0 1\n", "0 1\n/dev/drbd0 /srv/mysql ext4 defaults 0 0\n"}}, "/srv/mysql is mounted at boot"},
	{"clock", twoNodes, nil, []edit{{"db1", "clock.txt", "yes", "no"}}, "NTPSynchronized is no"},
	{"disk-space", twoNodes, nil, []edit{{"db1", "df.txt", "40%", "97%"}}, "/ is 97 % full"},
	{"secret-modes", twoNodes, nil, []edit{{"db1", "modes.txt", "600 root root - /etc/drbd.d", "644 root root - /etc/drbd.d"}}, "/etc/drbd.d/mysql.res has mode 644"},
	{"certificates", members, nil, []edit{{"db1", "certificates.txt", "2036 GMT", "2026 GMT"}, {"db1", "certificates.txt", "Nov 21 06:00:00 2026", "Jan 21 06:00:00 2026"}}, "days"},
}

// TestEachCheckFindsItsFault changes a clean stack in one thing, and looks that the check was ok before
// and says it then.
func TestEachCheckFindsItsFault(t *testing.T) {
	bases := map[string]files{twoNodes: healthy(t, twoNodes), members: healthy(t, members)}
	clean := map[string]lint.Report{twoNodes: judged(t, bases[twoNodes]), members: judged(t, bases[members])}
	failed := map[string]bool{"reached": true} // by TestAHostThatWasNotReachedIsNoPass
	for _, c := range cases {
		f := maps.Clone(bases[c.base])
		for _, e := range c.with {
			e.apply(t, f)
		}
		before := clean[c.base]
		if len(c.with) > 0 {
			before = judged(t, f)
		}
		if x := find(t, before, c.check); x.Word != lint.OK {
			t.Errorf("%s is %s before anything is wrong: %+v", c.check, x.Word, x.Findings)
		}
		for _, e := range c.edits {
			e.apply(t, f)
		}
		x := find(t, judged(t, f), c.check)
		said := slices.ContainsFunc(x.Findings, func(y lint.Finding) bool { return y.Word == lint.Bad && strings.Contains(y.Found, c.found) })
		if x.Word != lint.Bad || !said {
			t.Errorf("%s is %s, want it to say %q: %+v", c.check, x.Word, c.found, x.Findings)
		}
		failed[c.check] = true
	}
	for _, c := range lint.Table {
		if !failed[c.ID] {
			t.Errorf("no case fails %s", c.ID)
		}
	}
}

// TestEachCheckIsWhole says what a check must have to be shown.
func TestEachCheckIsWhole(t *testing.T) {
	had := map[string]bool{}
	var names []string
	for _, s := range lint.Sources {
		names = append(names, s.Name)
	}
	for _, c := range lint.Table {
		if had[c.ID] || c.ID == "" || c.Title == "" || c.Why == "" || c.Source == "" || c.Remedy == "" || c.Command == "" || c.Excluded == "" || !slices.Contains(lint.Groups, c.Group) {
			t.Errorf("%s is twice there, or lacks something: %+v", c.ID, c)
		}
		had[c.ID] = true
		for _, r := range c.Reads {
			if !slices.Contains(names, r) {
				t.Errorf("%s reads %s, which is no source", c.ID, r)
			}
		}
		if strings.HasSuffix(c.Title, ".") || !strings.HasSuffix(c.Why, ".") {
			t.Errorf("%s: a title is no sentence, a reason is one", c.ID)
		}
	}
}
