package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// tool is a program, or a file when it begins with a slash, and Debian's package of it.
type tool struct{ name, pkg string }

var (
	always = []tool{{"mmdebstrap", "mmdebstrap"}, {"mke2fs", "e2fsprogs"}, {"apt-ftparchive", "apt-utils"}, {keyring, "debian-archive-keyring"}}
	user   = []tool{{"newuidmap", "uidmap"}}
	uml    = []tool{{"patchelf", "patchelf"}}
	qemu   = []tool{{"qemu-system-x86_64", "qemu-system-x86"}, {"qemu-img", "qemu-utils"}}
)

// Needs lists the Debian packages that this machine lacks to build images and run machines with
// a driver: uml, kvm or tcg. Sorted, empty when all is there.
func Needs(driver string) []string {
	wanted := slices.Clone(always)
	if os.Geteuid() != 0 {
		wanted = append(wanted, user...)
	}
	if driver == "uml" {
		wanted = append(wanted, uml...)
	} else {
		wanted = append(wanted, qemu...)
	}
	var missing []string
	for _, t := range wanted {
		if !present(t.name) {
			missing = append(missing, t.pkg)
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
