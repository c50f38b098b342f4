package vm

import (
	"strings"
	"testing"
	"time"
)

// TestTwoNodesWithMySQL is the core of TestTwoNodes with Oracle's server, of Debian sid.
func TestTwoNodesWithMySQL(t *testing.T) {
	suite(t, "mysql")
	c := &two{place: newPlace(t)}
	text := withDriver(shipped(t, "mysql-drbd"))
	for from, to := range map[string]string{`"debian-12"`: `"debian-sid"`, `inputs = {`: `inputs = { server = "mysql",`} {
		if strings.Count(text, from) != 1 {
			t.Fatalf("the shipped inventory has no %s", from)
		}
		text = strings.Replace(text, from, to, 1)
	}
	c.write("haprov.hcl", text)
	c.passes(t, func() {
		if out := c.run(time.Minute, "sql", "-e", "select version(), @@version_comment"); strings.Contains(out, "MariaDB") || !strings.Contains(out, "Debian") {
			t.Errorf("the server is %s", out)
		}
	})
	c.step(t, "what Debian's package does to the server's configuration ends well where the volume is not", func(t *testing.T) {
		active, standby := c.sides()
		c.run(5*time.Minute, "ssh", standby, "--", "dpkg-reconfigure -f noninteractive mysql-server 2>&1")
		if now, _ := c.sides(); now != active {
			t.Errorf("%s was active, %s is", active, now)
		}
		if s := c.up(2 * time.Minute); s.Changes != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}
