package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"haprov/internal/inventory"
	"haprov/internal/lab/archive"
)

var (
	always = []inventory.Tool{{Name: "mmdebstrap", Package: "mmdebstrap"}, {Name: "mke2fs", Package: "e2fsprogs"},
		{Name: "apt-ftparchive", Package: "apt-utils"}, {Name: archive.Keyring, Package: "debian-archive-keyring"}}
	user = inventory.Tool{Name: "newuidmap", Package: "uidmap"}
)

// Needs lists the Debian packages that this machine lacks to build images and run machines with
// a driver of inventory.Drivers. Sorted, empty when all is there.
func Needs(driver string) []string {
	wanted := append(slices.Clone(always), inventory.DriverOf(driver).Tools...)
	if os.Geteuid() != 0 {
		wanted = append(wanted, user)
	}
	var missing []string
	for _, t := range wanted {
		if !present(t.Name) {
			missing = append(missing, t.Package)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// present looks also where an ordinary user's PATH does not.
func present(name string) bool {
	if filepath.IsAbs(name) {
		_, err := os.Stat(name)
		return err == nil
	}
	if _, err := exec.LookPath(name); err == nil {
		return true
	}
	for _, dir := range sbin {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// sbin is missing in an ordinary user's PATH, and has mke2fs.
var sbin = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}
