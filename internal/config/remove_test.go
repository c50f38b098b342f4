package config_test

import (
	"slices"
	"strings"
	"testing"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/kind"
	"haprov/internal/recipe"
)

func shippedCluster(t *testing.T, name string) recipe.Cluster {
	t.Helper()
	t.Chdir(t.TempDir())
	text, err := haprov.Shipped.ReadFile("inventory/" + name + ".hcl")
	if err != nil {
		t.Fatal(err)
	}
	p, problems := config.Load("(shipped)/"+name+".hcl", config.Options{Shipped: haprov.Shipped, Secrets: secrets{}, Text: text})
	if problems.Failed() {
		t.Fatal(problems.Render(100, false))
	}
	return p.Clusters[0]
}

// TestARecipeIsTakenOffFromItsEnd holds what haprov remove takes off each shipped stack's hosts, in which
// order, and what it leaves. None of it is listed anywhere but in what the steps own.
func TestARecipeIsTakenOffFromItsEnd(t *testing.T) {
	for _, x := range []struct {
		stack, host, data string
		order             []string // each before the next
		gone              []string // paths and units
		left              []string
	}{
		{"mysql-drbd", "db2", "mysql",
			[]string{"db:pacemaker.cib", "db2:service.pacemaker", "db2:service.corosync", "db2:file./etc/corosync/corosync.conf", "db:drbd_volume.mysql", "db2:directory./srv/mysql", "db2:file./etc/drbd.d/mysql.res", "db2:directory./usr/local/lib/haprov", "db2:directory./etc/haprov"},
			[]string{"/etc/corosync/authkey", "/etc/drbd.d/mysql.res", "/etc/haprov/app.cnf", "/etc/mysql/mariadb.conf.d/90-haprov.cnf", "/usr/lib/ocf/resource.d/haprov/mariadb", "corosync.service", "pacemaker.service"},
			[]string{"volume mysql on /dev/", "(--destroy-data mysql)", "pacemaker", "drbd-utils"}},
		{"galera", "db1", "db",
			[]string{"db:galera.db", "db1:file./etc/mysql/mariadb.conf.d/90-haprov.cnf", "db1:secret./etc/mysql/tls/key.pem", "db1:directory./etc/mysql/tls"},
			[]string{"/etc/mysql/tls/key.pem", "/etc/systemd/system/mariadb.service.d/haprov.conf", "haprov-health.service"},
			[]string{"databases in /var/lib/mysql (--destroy-data db)", "galera-4", "login clustercheck"}},
		{"galera", "proxy1", "db",
			[]string{"proxy1:service.keepalived", "proxy1:file./etc/keepalived/keepalived.conf", "proxy1:service.haproxy"},
			[]string{"/etc/keepalived/keepalived.conf", "haproxy.service", "keepalived.service"},
			[]string{"haproxy", "keepalived"}},
	} {
		c := shippedCluster(t, x.stack)
		got, left, err := c.Remove(nil)
		if err != nil {
			t.Fatal(err)
		}
		ch, ok := got.Chain(x.host)
		if !ok || len(got.Checks) != 0 || len(got.Hosts) != len(left) {
			t.Fatalf("%s: %+v", x.stack, got.Hosts)
		}
		var addresses, gone []string
		for _, it := range ch.Items {
			addresses = append(addresses, it.Address)
			switch r := it.Step.(type) {
			case *kind.Removal:
				for _, thing := range r.Things {
					gone = append(gone, thing.Path, thing.Unit)
				}
			default:
				if _, ok := it.Cluster.(kind.Remover); !ok {
					t.Errorf("%s: %s is still what it was", x.stack, it.Address)
				}
			}
		}
		at := -1
		for _, a := range x.order {
			n := slices.Index(addresses, a)
			if n <= at {
				t.Errorf("%s: %s comes at %d, after %d:\n%s", x.stack, a, n, at, strings.Join(addresses, "\n"))
			}
			at = n
		}
		for _, p := range x.gone {
			if !slices.Contains(gone, p) {
				t.Errorf("%s: %s stays on %s", x.stack, p, x.host)
			}
		}
		k := slices.IndexFunc(left, func(l recipe.Left) bool { return l.Host == x.host })
		said := strings.Join(slices.Concat(left[k].Data, left[k].Packages, left[k].Other), ", ")
		for _, want := range x.left {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not told: %s", x.stack, want, said)
			}
		}
		if _, left, err := c.Remove([]string{x.data}); err != nil || len(left[k].Data) != 0 {
			t.Errorf("%s: data that is destroyed stays: %+v %v", x.stack, left[k].Data, err)
		}
		if _, _, err := c.Remove([]string{"myqsl"}); err == nil || !strings.Contains(err.Error(), "there is "+x.data) {
			t.Errorf("%s: %v", x.stack, err)
		}
	}
}
