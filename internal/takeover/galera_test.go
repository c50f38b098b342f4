package takeover

import (
	"fmt"
	"strings"
	"testing"
)

// threeMembers is a Galera cluster as guides have it: MariaDB's files, two machines with HAProxy (one
// section for writers, one for readers, a page with statistics) and keepalived.
func threeMembers() files {
	const proxy = `global
	log /dev/log local0
	maxconn 4096
defaults
	mode tcp
	log global
	option tcplog
	timeout connect 10s
	timeout client 1h
	timeout server 1h
listen mysql-write
	bind 172.16.5.10:3306
	option mysql-check user haproxy
	server sql-a 172.16.5.11:3306 check
	server sql-b 172.16.5.12:3306 check backup
	server sql-c 172.16.5.13:3306 check backup
listen mysql-read
	bind 172.16.5.10:3308
	balance leastconn
	server sql-a 172.16.5.11:3306 check
	server sql-b 172.16.5.12:3306 check
	server sql-c 172.16.5.13:3306 check
listen stats
	bind :8080
	mode http
	stats enable
	stats auth admin:sesamesesame
`
	f := files{}
	for i, name := range []string{"sql-a", "sql-b", "sql-c"} {
		at := fmt.Sprintf("172.16.5.%d", 11+i)
		f[name+"/etc/mysql/mariadb.conf.d/60-galera.cnf"] = `[galera]
wsrep_on = ON
wsrep_provider = /usr/lib/galera/libgalera_smm.so
wsrep_cluster_name = "Sales_DB"
wsrep_cluster_address = gcomm://172.16.5.11,172.16.5.12,172.16.5.13
wsrep_node_address = ` + at + `
wsrep_sst_method = rsync
wsrep_sst_auth = sst:opensesame1
wsrep_provider_options = "gcache.size=2147483648; pc.weight=2; evs.suspect_timeout=PT10S"
binlog_format = row
innodb_buffer_pool_size = 8G
bind-address = 0.0.0.0
`
		f[name+"/hostname"] = name + "\n"
		f[name+"/addresses.txt"] = "2: ens3    inet " + at + "/24 brd 172.16.5.255 scope global ens3\n"
	}
	for i, name := range []string{"lb1", "lb2"} {
		at := fmt.Sprintf("172.16.5.%d", 31+i)
		f[name+"/etc/haproxy/haproxy.cfg"] = proxy
		f[name+"/etc/keepalived/keepalived.conf"] = fmt.Sprintf(`vrrp_script chk { script "pidof haproxy"
	interval 2
}
vrrp_instance VI_1 {
	state %s
	interface ens3
	virtual_router_id 77
	priority %d
	authentication {
		auth_type PASS
		auth_pass s3cr3tvr
	}
	virtual_ipaddress {
		172.16.5.10
	}
	track_script { chk }
}
`, []string{"MASTER", "BACKUP"}[i], 101-i)
		f[name+"/hostname"] = name + "\n"
		f[name+"/addresses.txt"] = "2: ens3    inet " + at + "/24 brd 172.16.5.255 scope global ens3\n"
	}
	return f
}

// TestAGaleraClusterOfAGuideIsSaid: members, proxies, the virtual IP and inputs are those of its files; what
// the proxies have besides is listed; no password is written.
func TestAGaleraClusterOfAGuideIsSaid(t *testing.T) {
	r, _ := valid(t, threeMembers())
	contains(t, r,
		`network "cluster" { cidr = "172.16.5.0/24" }`, `host "sql-b" { address = "172.16.5.12" }`, `host "lb2" { address = "172.16.5.32" }`,
		`cluster "sales-db" { recipe = "galera" role "db" { hosts = ["sql-a", "sql-b", "sql-c"] } role "proxy" { hosts = ["lb1", "lb2"] }`,
		`inputs = { vip = "172.16.5.10/24" speed = "patient" gcache = "2G" buffer_pool = "8G" reader_port = 3308 virtual_router = 77 }`,
		"mysqld wsrep_cluster_name: Sales_DB, the recipe's is sales-db", "mysqld wsrep_sst_method: rsync, the recipe writes mariabackup",
		"haproxy listen stats = bind :8080 (lb1, lb2", "haproxy defaults timeout client: 1h, the recipe writes 8h", "wsrep_provider_options pc.weight = 2", "keepalived vrrp_instance state: MASTER, the recipe writes BACKUP (lb1",
	)
	lacks(t, r, "opensesame", "sesamesesame", "s3cr3tvr")
}

// TestARunningServerCountsBeforeItsFiles: what was set since the start is what a plan meets.
func TestARunningServerCountsBeforeItsFiles(t *testing.T) {
	f := threeMembers()
	for _, h := range []string{"sql-a", "sql-b", "sql-c"} {
		f[h+"/variables.tsv"] = "wsrep_on\tON\nwsrep_provider_options\tgcache.size = 512M; evs.suspect_timeout = PT5S; gcs.fc_limit = 16\ninnodb_buffer_pool_size\t8589934592\nmax_connections\t151\n"
	}
	r, _ := valid(t, f)
	contains(t, r, `gcache = "512M"`)
	lacks(t, r, "gcs.fc_limit", "speed =", "max_connections")
}

// TestMembersAndProxiesThatWereNotLookedAtAreNamed from what the others say of them.
func TestMembersAndProxiesThatWereNotLookedAtAreNamed(t *testing.T) {
	f := threeMembers()
	for n := range f {
		if strings.HasPrefix(n, "sql-c/") || strings.HasPrefix(n, "lb2/") {
			delete(f, n)
		}
	}
	f["lb1/etc/keepalived/keepalived.conf"] = strings.Replace(f["lb1/etc/keepalived/keepalived.conf"], "priority", "unicast_peer { 172.16.5.32 }\n priority", 1)
	r, _ := valid(t, f)
	contains(t, r, `host "sql-c" { address = "172.16.5.13" }`, "Member 172.16.5.13 was not looked at", "Proxy 172.16.5.32 was not looked at", `role "proxy" { hosts = ["lb1"] }`)
}

// TestMembersMayReplicateOnANetworkOfTheirOwn, where the proxies are not.
func TestMembersMayReplicateOnANetworkOfTheirOwn(t *testing.T) {
	f := threeMembers()
	for i, h := range []string{"sql-a", "sql-b", "sql-c"} {
		own := fmt.Sprintf("172.16.5.%d", 11+i)
		cnf := f[h+"/etc/mysql/mariadb.conf.d/60-galera.cnf"]
		f[h+"/etc/mysql/mariadb.conf.d/60-galera.cnf"] = strings.ReplaceAll(cnf, "172.16.5.", "10.7.7.")
		f[h+"/addresses.txt"] += "3: ens4    inet " + strings.Replace(own, "172.16.5", "10.7.7", 1) + "/24 scope global ens4\n"
	}
	r, p := valid(t, f)
	h, _ := p.Inventory.Host("sql-b")
	if a, s := p.Inventory.Address(h, "replication"), p.Inventory.Address(h, "service"); a != "10.7.7.12" || s != "172.16.5.12" {
		t.Errorf("replication %s, service %s\n%s", a, s, r.Text)
	}
}

// TestWithoutProxiesTheRoleIsToBeFilledIn and the rest is compared all the same.
func TestWithoutProxiesTheRoleIsToBeFilledIn(t *testing.T) {
	f := threeMembers()
	for n := range f {
		if strings.HasPrefix(n, "lb") {
			delete(f, n)
		}
	}
	r, err := taken(t, f)
	if err != nil || !r.Problems.Failed() {
		t.Fatalf("%v %v", err, r.Problems)
	}
	contains(t, r, "No HAProxy with servers of the cluster was found", "give the input vip", `gcache = "2G"`, "wsrep_sst_method: rsync")
}
