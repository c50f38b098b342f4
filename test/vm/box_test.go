package vm

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAVagrantBoxBecomesALabsMachine boots a box that haprov made by its own boot loader, under
// emulation, and looks at what a lab promises of its machines: addresses, disks, keys, packages,
// power. What Vagrant's well-known key would open is closed.
func TestAVagrantBoxBecomesALabsMachine(t *testing.T) {
	suite(t, "box")
	// Its package holds the well-known key, which a box must have.
	if out, err := exec.Command("../../tools/deps.sh", "vagrant").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	p := newPlace(t)
	began := time.Now()
	built := strings.Fields(p.run(30*time.Minute, "box", "build"))
	t.Logf("box built in %.0f s", time.Since(began).Seconds())
	file := built[len(built)-1]
	if !filepath.IsAbs(file) || !strings.HasSuffix(file, ".box") {
		t.Fatalf("box build prints %q", built)
	}
	p.write("haprov.hcl", `lab "boxed" {
  image  = "`+file+`"
  driver = "tcg"
}
network "a" { cidr = "192.168.78.0/24" }
network "b" { cidr = "192.168.79.0/24" }
host "n1" {
  network "a" { address = "192.168.78.11" }
  network "b" { address = "192.168.79.11" }
  disk "data" { size = "64MiB" }
}
cluster "one" { recipe = "one" }
`)
	p.write("recipes/one.hcl", `recipe "one" {
  about = "A package from the box, one from the lab's archive, and DRBD's module"
  on "all" {
    package "drbd-utils" {}
    package "tree" {}
    kernel_module "drbd" {}
  }
}
`)
	if s := p.up(40 * time.Minute); s.Changes != 4 || s.Failed != 0 {
		t.Errorf("the first run: %+v", s)
	}
	t.Logf("ready %.0f s after the box's build began", time.Since(began).Seconds())
	if s := p.up(5 * time.Minute); s.Changes != 0 || s.Failed != 0 {
		t.Errorf("the second run: %+v", s)
	}
	look := func() {
		t.Helper()
		for command, want := range map[string]string{
			"hostname": "n1",
			"ip -4 -o address show scope global | awk '{print $4}' | sort | xargs": "192.168.78.11/24 192.168.79.11/24",
			"blockdev --getsize64 /dev/disk/by-haprov/data":                        "67108864",
			"ls /home/vagrant/.ssh":                                                "",
			"sshd -T | grep ^passwordauthentication":                               "passwordauthentication no",
			"systemctl --failed --no-legend":                                       "",
			"lsmod | grep -c ^drbd\\ ":                                             "1",
		} {
			if out := strings.TrimSpace(p.run(2*time.Minute, "ssh", "n1", "--", command+" || :")); out != want {
				t.Errorf("%s: %q, want %q", command, out, want)
			}
		}
	}
	look()
	p.run(time.Minute, "lab", "power-off", "n1")
	p.run(time.Minute, "lab", "power-on", "n1")
	until(t, "the machine answers again", 20*time.Minute, func() bool { return p.status().Healthy })
	look()
}
