package vm

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// drift makes a finished two-node cluster differ from what is wanted, cheaply and without harm:
// what somebody does by hand, or what is left when something else has gone wrong.
type drift struct {
	name string
	on   string // active, standby or both
	do   string // for sh, as root
}

var drifts = []drift{
	{"a file of the server is gone", "both", "rm /etc/mysql/mariadb.conf.d/90-haprov.cnf"},
	{"the volume's file is gone", "standby", "rm /etc/drbd.d/mysql.res"},
	{"the volume's file differs", "both", "echo '# changed by hand' >>/etc/drbd.d/mysql.res"},
	{"Corosync is more patient", "both", "sed -i 's/token: .*/token: 9000/' /etc/corosync/corosync.conf && corosync-cfgtool -R >/dev/null"},
	{"Corosync's drop-in is gone", "standby", "rm -r /etc/systemd/system/corosync.service.d && systemctl daemon-reload"},
	{"the keys lie open", "both", "chmod 0644 /etc/corosync/authkey /etc/haprov/app.cnf"},
	{"what is kept for the stack is gone", "active", "find /etc/haprov -mindepth 1 ! -name fence.conf -delete"},
	{"the fence agent is gone", "both", "rm /usr/sbin/fence_haprov"},
	{"Pacemaker is stopped", "standby", "systemctl stop pacemaker"},
	{"Corosync is stopped and off at boot", "standby", "systemctl stop corosync && systemctl disable -q corosync"},
	{"the server starts at boot", "both", "systemctl enable -q mariadb drbd"},
	{"a package is gone", "both", "dpkg -r --force-depends fence-agents >/dev/null 2>&1"},
	{"quorum is ignored", "active", "crm_attribute -n no-quorum-policy -v ignore"},
	{"the virtual IP has another prefix", "active", "crm_resource -r mysql-vip -p cidr_netmask -v 25 >/dev/null"},
	{"an order is gone", "active", "cibadmin -D -X '<rsc_order id=\"drbd-before-mysql\"/>'"},
	{"the application's account is gone", "active", "mariadb -e 'DROP USER app'"},
}

// drifted lets one to three drifts happen and names them.
func (c *two) drifted(t *testing.T, random *rand.Rand) string {
	t.Helper()
	active, standby := c.sides()
	var names []string
	for _, i := range random.Perm(len(drifts))[:1+random.IntN(3)] {
		d := drifts[i]
		names = append(names, d.name)
		hosts := map[string][]string{"active": {active}, "standby": {standby}, "both": {active, standby}}
		for _, h := range hosts[d.on] {
			// What an earlier drift took away may be missed here; that is no harm.
			if out, err := c.command(t.Context(), "ssh", h, "--", d.do).CombinedOutput(); err != nil {
				t.Logf("%s, on %s: %v: %s", d.name, h, err, tail(string(out)))
			}
		}
	}
	return strings.Join(names, ", ")
}

// converges brings the cluster to what is wanted, whatever happened before, and sees that it is.
func (c *two) converges(t *testing.T) (took time.Duration) {
	t.Helper()
	s := c.up(30 * time.Minute)
	if s.Failed != 0 {
		t.Fatalf("%+v", s)
	}
	if s := c.up(3 * time.Minute); s.Failed != 0 || s.Changes != 0 {
		t.Fatalf("the run after it: %+v", s)
	}
	until(t, "the cluster is healthy and in sync", 5*time.Minute, func() bool { return c.status().Healthy && c.inSync() })
	return time.Duration(s.Seconds * float64(time.Second))
}
