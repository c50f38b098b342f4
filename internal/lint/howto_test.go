package lint_test

import (
	"slices"
	"strings"
	"testing"

	"haprov/internal/lint"
)

// howTo is a two-node cluster as guides on the web have it made: one ring on the clients' network, no
// keys, fencing off, quorum ignored, automatic split-brain policies, a server that flushes once a second,
// and what the last failover left. Written from what they say, not taken from one.
func howTo() files {
	const ring = `totem {
    version: 2
    cluster_name: lamp
    transport: udpu
}
nodelist {
    node {
        ring0_addr: node1
        name: node1
        nodeid: 1
    }
    node {
        ring0_addr: node2
        name: node2
        nodeid: 2
    }
}
quorum {
    provider: corosync_votequorum
    expected_votes: 2
    wait_for_all: 0
    two_node: 1
}
`
	const res = `resource wwwdata {
  protocol B;
  meta-disk internal;
  device /dev/drbd0;
  net {
    allow-two-primaries;
    after-sb-0pri discard-younger-primary;
    after-sb-1pri discard-secondary;
    after-sb-2pri call-pri-lost-after-sb;
  }
  disk {
    fencing resource-only;
    no-disk-flushes;
  }
  handlers {
    fence-peer "/usr/lib/drbd/crm-fence-peer.sh";
  }
  on node1 { disk /dev/sdb1; address 192.168.1.11:7788; }
  on node2 { disk /dev/sdb1; address 192.168.1.12:7788; }
}
`
	const cib = `<cib epoch="42" validate-with="pacemaker-3.9"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="o1" name="stonith-enabled" value="false"/>
<nvpair id="o2" name="no-quorum-policy" value="ignore"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="node1"/><node id="2" uname="node2"><instance_attributes id="nodes-2"><nvpair id="nodes-2-standby" name="standby" value="on"/></instance_attributes></node></nodes>
<resources>
<master id="ms_drbd"><meta_attributes id="m"><nvpair id="m1" name="master-max" value="1"/><nvpair id="m2" name="clone-max" value="2"/></meta_attributes>
<primitive id="p_drbd" class="ocf" provider="linbit" type="drbd"><instance_attributes id="d"><nvpair id="d1" name="drbd_resource" value="wwwdata"/></instance_attributes>
<operations><op id="d2" name="monitor" interval="30s"/></operations></primitive></master>
<primitive id="p_fs" class="ocf" provider="heartbeat" type="Filesystem"><instance_attributes id="f"><nvpair id="f1" name="device" value="/dev/drbd0"/><nvpair id="f2" name="directory" value="/data"/><nvpair id="f3" name="fstype" value="ext4"/><nvpair id="f4" name="options" value="nobarrier"/></instance_attributes></primitive>
<primitive id="p_mysql" class="ocf" provider="heartbeat" type="mysql"/>
<primitive id="p_ip" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="i"><nvpair id="i1" name="ip" value="192.168.1.100"/><nvpair id="i2" name="cidr_netmask" value="24"/></instance_attributes><operations><op id="i3" name="monitor" interval="10s"/></operations></primitive>
</resources>
<constraints>
<rsc_colocation id="c1" rsc="p_fs" with-rsc="ms_drbd" with-rsc-role="Master" score="INFINITY"/>
<rsc_location id="drbd-fence-by-handler-wwwdata-ms_drbd" rsc="ms_drbd"><rule role="Master" score="-INFINITY" id="r"><expression attribute="#uname" operation="ne" value="node1" id="e"/></rule></rsc_location>
<rsc_location id="cli-prefer-p_ip" rsc="p_ip" node="node1" score="INFINITY"/>
</constraints></configuration></cib>`
	f := files{}
	for _, h := range []string{"node1", "node2"} {
		f[h+"/corosync.conf"], f[h+"/drbd.d/wwwdata.res"] = ring, res
		f[h+"/drbd.d/global_common.conf"] = "global { usage-count no; }\ncommon { }\n"
		f[h+"/mariadb.conf.d/50-server.cnf"] = "[mysqld]\nuser = mysql\ndatadir = /var/lib/mysql\nlog_bin = /var/log/mysql/bin\ninnodb_flush_log_at_trx_commit = 2\nserver-id = 1\n"
		f[h+"/fstab"] = "/dev/sda1 / ext4 defaults 0 1\n/dev/drbd0 /data ext4 defaults 0 0\n"
		f[h+"/units.txt"] = "corosync enabled\npacemaker enabled\nmysql enabled\ndrbd enabled\n"
		f[h+"/hostname"] = h + ".example.org\n"
	}
	f["cib.xml"] = cib
	return f
}

// TestAClusterOfAHowToIsToldAllItsFaults names every one of them, and nothing that is right.
func TestAClusterOfAHowToIsToldAllItsFaults(t *testing.T) {
	facts, err := lint.FromFolder(howTo().folder(t), now)
	if err != nil {
		t.Fatal(err)
	}
	r := lint.Judge(facts, nil)
	want := strings.Fields(`corosync-two-node-consensus corosync-links corosync-crypto corosync-quorum corosync-names
		fencing-on quorum-policy fencing-devices
		left-constraints left-maintenance resource-defaults start-failure drbd-clone drbd-constraints service-together monitors server-timeouts datadir-replicated
		drbd-protocol drbd-fencing drbd-handlers drbd-handler-timeout drbd-split-brain drbd-two-primaries drbd-io-error drbd-flushes drbd-verify-alg drbd-auth
		durability binlog-durability server-id barriers boot fstab`)
	var got []string
	for _, x := range r.Results {
		if x.Word == lint.Bad {
			got = append(got, x.ID)
		}
	}
	if !slices.Equal(got, want) {
		for _, id := range want {
			if !slices.Contains(got, id) {
				t.Errorf("%s is not found: %+v", id, find(t, r, id))
			}
		}
		for _, id := range got {
			if !slices.Contains(want, id) {
				t.Errorf("%s is found: %+v", id, find(t, r, id))
			}
		}
	}
	for id, found := range map[string]string{"left-constraints": "drbd-fence-by-handler-wwwdata-ms_drbd is left of DRBD's fence handler", "corosync-crypto": "transport udpu", "service-together": "nothing keeps p_ip where the file system is", "drbd-handler-timeout": "--dc-timeout is 20 s"} {
		if x := find(t, r, id); !slices.ContainsFunc(x.Findings, func(f lint.Finding) bool { return strings.Contains(f.Found, found) }) {
			t.Errorf("%s does not say %q: %+v", id, found, x.Findings)
		}
	}
	for _, id := range []string{"corosync-same", "corosync-token"} {
		if x := find(t, r, id); x.Word != lint.OK {
			t.Errorf("%s is %s: %+v", id, x.Word, x.Findings)
		}
	}
}
