package image

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"haprov/internal/file"
	"haprov/internal/lab/machine"
)

// prepare holds what a disk that boots by itself is given to become a lab's machine.
//
//go:embed prepare
var prepare embed.FS

// FromFile makes an image of a file that a user names: a Vagrant box of provider libvirt (.box) or a
// disk in the format qcow2. It is copied into the cache, under the digest of its content, and booted
// once, so that it takes up what lets a lab's seed in; see machine.QEMU.Prepare. That boot has no
// network and the file itself is never written.
//
// Not every disk is fit: Debian 12 or later that boots by BIOS, with a console on ttyS0. Errors say
// what is missing. kvm is how it is booted. Several may build at once; ctx ends the work.
func FromFile(ctx context.Context, path string, kvm bool, cache string, progress func(string)) (Image, error) {
	digest, err := digestOf(ctx, path)
	if err != nil {
		return Image{}, fmt.Errorf("image %s: %w", path, err)
	}
	dir := filepath.Join(cache, "images", digest)
	err = once(ctx, dir, func(temp string) error {
		progress("unpacking " + path)
		base, disk := filepath.Join(temp, "base.qcow2"), filepath.Join(temp, "root.qcow2")
		if err := take(ctx, path, base); err != nil {
			return err
		}
		// The base is named as a neighbour: both move together.
		cmd := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-b", filepath.Base(base), "-F", "qcow2", disk)
		cmd.Dir = temp
		if err := run(ctx, cmd, nil); err != nil {
			return err
		}
		how := "a minute"
		if !kvm {
			how = "some minutes without KVM"
		}
		progress("booting it once, to prepare it for labs (" + how + "; then cached)")
		lines, err := preparation()
		if err != nil {
			return err
		}
		if err := (machine.QEMU{KVM: kvm}).Prepare(ctx, disk, lines, prepared); err != nil {
			return err
		}
		return chmodAll(0o444, base, disk)
	})
	if err != nil {
		return Image{}, fmt.Errorf("image %s: %w", path, err)
	}
	touch(dir)
	return Image{Digest: digest, Root: filepath.Join(dir, "root.qcow2"), Format: "qcow2"}, nil
}

// take writes the disk that a file holds.
func take(ctx context.Context, path, to string) error {
	f, info, err := file.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if strings.HasSuffix(path, ".box") {
		return unbox(ctx, f, to)
	}
	if err := checkQcow2(f); err != nil {
		return err
	}
	return keepDisk(&bounded{ctx: ctx, from: f, left: info.Size()}, info.Size(), to)
}

// digestOf names an image by the file's content and by what it is prepared with.
func digestOf(ctx context.Context, path string) (string, error) {
	f, info, err := file.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info.Size() > maxBoxBytes {
		return "", fmt.Errorf("%d bytes: expected at most %d", info.Size(), int64(maxBoxBytes))
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, &bounded{ctx: ctx, from: f, left: info.Size() + 1}); err != nil {
		return "", err
	}
	lines, err := preparation()
	fmt.Fprintf(sum, "%s %s", filepath.Ext(path), lines)
	return fmt.Sprintf("%x", sum.Sum(nil))[:16], err
}

func chmodAll(mode fs.FileMode, paths ...string) error {
	for _, p := range paths {
		if err := os.Chmod(p, mode); err != nil {
			return err
		}
	}
	return nil
}

// prepared is what the machine says when it has taken up all of preparation's lines.
const prepared = "haprov: prepared"

// preparation is lines of tmpfiles.d(5): the service that unpacks a lab's seed at each boot, and the
// lab's own way to configure the network in place of the disk's. Nothing in it is secret.
func preparation() (string, error) {
	var b strings.Builder
	for _, f := range []struct{ from, to, mode string }{
		{"seed", "/usr/lib/haprov/seed", "0755"},
		{"seed.service", "/etc/systemd/system/haprov-seed.service", "0644"},
		{"sshd.conf", "/etc/ssh/sshd_config.d/00-haprov.conf", "0644"},
	} {
		text, err := prepare.ReadFile("prepare/" + f.from)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "f+~ %s %s root root - %s\n", f.to, f.mode, base64.StdEncoding.EncodeToString(text))
	}
	enable := func(unit, target, file string) {
		fmt.Fprintf(&b, "L+ /etc/systemd/system/%s.wants/%s - - - - %s\n", target, unit, file)
	}
	enable("haprov-seed.service", "sysinit.target", "../haprov-seed.service")
	enable("systemd-networkd.service", "multi-user.target", "/lib/systemd/system/systemd-networkd.service")
	// ifupdown and cloud-init would configure the same interfaces; apt's timers would hold its lock.
	for _, unit := range []string{"networking.service", "systemd-networkd-wait-online.service", "apt-daily.timer", "apt-daily-upgrade.timer",
		"apt-daily.service", "apt-daily-upgrade.service", "unattended-upgrades.service"} {
		fmt.Fprintf(&b, "L+ /etc/systemd/system/%s - - - - /dev/null\n", unit)
	}
	b.WriteString("f+ /etc/cloud/cloud-init.disabled 0644 root root - by haprov\n")
	// systemd-tmpfiles applies lines of this type after all others (its man page: "w").
	b.WriteString("w /dev/ttyS0 - - - - " + strings.ReplaceAll(prepared, " ", `\x20`) + `\n` + "\n")
	return b.String(), nil
}
