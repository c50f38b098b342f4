// Package image makes the disk that lab machines start from, the kernels they run, and the
// seeds that tell one machine from another.
//
// Everything is built once on this machine from Debian's packages, kept in a cache under the
// digest of its definition, and needs no network afterwards. What was downloaded is kept, too, so
// that another definition downloads only what is new in it. It must not know machines that run,
// networks or recipes: which packages are worth having at hand is in the Definition.
package image

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"haprov/internal/inventory"
)

// Kernel is which kernel an image is for.
type Kernel string

const (
	UML   Kernel = "uml"   // User-Mode Linux; see FetchUML
	Stock Kernel = "stock" // Debian's linux-image-amd64, for QEMU
)

// Definition is all that an image depends on, beside the scripts in guest/.
type Definition struct {
	Suite    string   // Debian's code name
	Kernel   Kernel   //
	Size     string   // of the root disk as the guest sees it, in mke2fs's notation; sparse
	Base     []string // packages that are installed
	Packages []string // packages that stand in the image's own repository, to be installed offline
	Box      bool     `json:",omitempty"` // it boots by itself and is as Vagrant wants it; see Box
}

// Define is the image of a system, as the inventory names it, with these packages at hand. Their
// order and repeats make no difference.
func Define(system string, kernel Kernel, packages []string) (Definition, error) {
	debian, known := inventory.ImageOf(system)
	if !known {
		return Definition{}, fmt.Errorf("there is no image %q", system)
	}
	return Definition{
		Suite: debian.Suite, Kernel: kernel, Size: "6G",
		// What a plain Debian server has, and the interpreters that many packages pull in with
		// hundreds of files: they take longest to install and prove nothing.
		Base: []string{"systemd", "systemd-sysv", "dbus", "udev", "openssh-server", "sudo", "iproute2", "iputils-ping",
			"kmod", "procps", "e2fsprogs", "ca-certificates", "netbase", "less", "perl", "python3", "gawk", "rsync",
			"psmisc", "lsof", "bzip2", "socat", "openssl"},
		Packages: slices.Compact(slices.Sorted(slices.Values(packages))),
	}, nil
}

// Image is what machines start from. All its files are read-only and shared.
type Image struct {
	Digest string
	Root   string // raw ext4 file, or of FromFile a disk with a boot loader
	Format string // of Root: raw, which "" is, too, or qcow2
	Kernel string // a program (UML) or a kernel file (Stock); "": Root boots by itself
	Initrd string // "" for UML
	Loader Loader // of a box, else empty
}

// Loader are the parts of GRUB that a disk begins with.
type Loader struct {
	Boot string // the boot record's code
	Core string // what it loads, from the second sector on
}

// Build returns the image of a definition, from the cache when it is there. Several may build at
// once: one does, the others wait. What is half built, or was interrupted, is never used; ctx
// ends the wait and the work. progress is told what is being done, in words for people.
func Build(ctx context.Context, def Definition, cache string, progress func(string)) (Image, error) {
	var uml Runtime
	if def.Kernel == UML {
		var err error
		if uml, err = FetchUML(ctx, cache, progress); err != nil {
			return Image{}, err
		}
	}
	digest, err := def.digest(uml.Version)
	if err != nil {
		return Image{}, err
	}
	dir := filepath.Join(cache, "images", digest)
	img := Image{Digest: digest, Root: filepath.Join(dir, "root.ext4"), Kernel: uml.Program}
	if def.Kernel == Stock {
		img.Kernel, img.Initrd = filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "initrd")
	}
	if def.Box {
		img.Loader = Loader{Boot: filepath.Join(dir, "boot.img"), Core: filepath.Join(dir, "core.img")}
	}
	err = once(ctx, dir, func(temp string) error {
		return def.rootfs(ctx, temp, cache, uml.Modules, progress)
	})
	if err != nil {
		return Image{}, fmt.Errorf("image %s for %s: %w", def.Suite, def.Kernel, err)
	}
	touch(dir)
	return img, nil
}

// digest names an image by everything that shapes it: definition, guest files and kernel.
// The mirror is not part of it, nor the day: an image stays as it is until it is asked anew.
func (d Definition) digest(kernel string) (string, error) {
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode(struct {
		Definition
		Version string
	}{d, kernel}); err != nil {
		return "", err
	}
	err := fs.WalkDir(guest, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := guest.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(data), data)
		return err
	})
	return fmt.Sprintf("%x", sum.Sum(nil))[:16], err
}

// CacheDir is where images are kept: $HAPROV_CACHE, else haprov under the user's cache folder.
func CacheDir() (string, error) {
	if dir := os.Getenv("HAPROV_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "haprov"), err
}
