package image

import (
	"archive/tar"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"haprov/internal/file"
)

// A box's disk: the boot record with GRUB's code, GRUB's core behind it, and from the first MiB on
// one partition with the image's root file system.
const (
	sector         = 512
	partitionStart = 1 << 20 // bytes; where partitioning tools put the first one
	bootCode       = 440     // bytes of a boot record before the disk's signature
)

// boxVagrantfile is what the box sets when the user's Vagrantfile says nothing else.
const boxVagrantfile = `Vagrant.configure("2") do |config|
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider :libvirt do |v|
    v.disk_bus = "virtio"
    v.nic_model_type = "virtio"
  end
end
`

// DefineBox is the image that a Vagrant box of a system holds: Define's for QEMU, with a boot
// loader, name resolution and a clock that is set over the network.
func DefineBox(system string, packages []string) (Definition, error) {
	d, err := Define(system, Stock, packages)
	d.Box = true
	d.Base = append(d.Base, "grub2-common", "grub-pc-bin", "systemd-timesyncd", "debian-archive-keyring", "bash-completion")
	d.Packages = slices.Compact(slices.Sorted(slices.Values(append(d.Packages, "systemd-resolved"))))
	return d, err
}

// Box writes a Vagrant box of provider libvirt to the file at path, whose folder exists: a tar of
// metadata.json, Vagrantfile and box.img
// (vagrant-libvirt, "Creating boxes"). It takes minutes when the image is not in the cache. A box
// that is there is replaced as a whole.
func Box(ctx context.Context, def Definition, cache, path string, progress func(string)) error {
	img, err := Build(ctx, def, cache, progress)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), ".box-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	raw, disk := filepath.Join(temp, "raw"), filepath.Join(temp, "box.img")
	size, err := bootable(raw, img)
	if err != nil {
		return fmt.Errorf("box's disk: %w", err)
	}
	progress("compressing the box's disk (a minute)")
	if err := run(ctx, exec.Command("qemu-img", "convert", "-c", "-O", "qcow2", "-m", "4", raw, disk), nil); err != nil {
		return err
	}
	meta := fmt.Sprintf("{\"provider\":\"libvirt\",\"format\":\"qcow2\",\"virtual_size\":%d}\n", (size+1<<30-1)>>30)
	whole := filepath.Join(temp, "whole")
	if err := pack(whole, []part{{"metadata.json", meta, ""}, {"Vagrantfile", boxVagrantfile, ""}, {"box.img", "", disk}}); err != nil {
		return err
	}
	return os.Rename(whole, path)
}

// bootable writes an image's disk to the file at path, and gives its size in bytes.
func bootable(path string, img Image) (int64, error) {
	boot, err := os.ReadFile(img.Loader.Boot)
	if err != nil {
		return 0, err
	}
	core, err := os.ReadFile(img.Loader.Core)
	if err != nil {
		return 0, err
	}
	if len(boot) < bootCode || len(core) > partitionStart-sector {
		return 0, fmt.Errorf("GRUB's boot record has %d bytes and its core %d: they have no room before the partition", len(boot), len(core))
	}
	root, err := os.Open(img.Root)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	info, err := root.Stat()
	if err != nil {
		return 0, err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	size := partitionStart + info.Size()
	if err := errors.Join(out.Truncate(size), at(out, 0, bootRecord(boot, info.Size())), at(out, sector, core), file.CopySparse(out, partitionStart, root)); err != nil {
		return 0, err
	}
	return size, out.Close()
}

func at(f *os.File, offset int64, b []byte) error {
	_, err := f.WriteAt(b, offset)
	return err
}

// bootRecord is the first sector: code, and a table with one bootable Linux partition of size bytes.
func bootRecord(code []byte, size int64) []byte {
	b := make([]byte, sector)
	copy(b, code[:bootCode])
	e := b[446:462]
	e[0], e[4] = 0x80, 0x83
	copy(e[1:4], []byte{0xfe, 0xff, 0xff}) // cylinders, heads and sectors say nothing any more
	copy(e[5:8], []byte{0xfe, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], partitionStart/sector)
	binary.LittleEndian.PutUint32(e[12:], uint32(size/sector))
	b[510], b[511] = 0x55, 0xaa
	return b
}

// part is one file of a box: a text, or the file at path.
type part struct{ name, text, path string }

func pack(path string, parts []part) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	w := tar.NewWriter(out)
	for _, p := range parts {
		if err := p.add(w); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return errors.Join(w.Close(), out.Close())
}

func (p part) add(w *tar.Writer) error {
	h := &tar.Header{Name: p.name, Mode: 0o644, Size: int64(len(p.text)), ModTime: time.Now().Truncate(time.Second)}
	if p.path == "" {
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.WriteString(w, p.text)
		return err
	}
	f, err := os.Open(p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.Size = info.Size()
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// keyFiles are where Vagrant keeps the public half of its well-known key: Debian's package, then
// HashiCorp's.
var keyFiles = []string{
	"/usr/share/rubygems-integration/all/gems/vagrant-*/keys/vagrant.pub",
	"/usr/share/rubygems-integration/all/gems/vagrant-*/keys/vagrant.pub.rsa",
	"/opt/vagrant/embedded/gems/gems/vagrant-*/keys/vagrant.pub*",
}

// wellKnownKey takes Vagrant's own key from Vagrant as it is installed here.
func wellKnownKey(to string) error {
	for _, pattern := range keyFiles {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, f := range found {
			text, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			return os.WriteFile(to, text, 0o644)
		}
	}
	return errors.New("a box holds Vagrant's well-known key, and no Vagrant is installed here that has it: apt-get install vagrant vagrant-libvirt")
}
